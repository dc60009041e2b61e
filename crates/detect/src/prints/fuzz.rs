//! The entry of a fuzz target: any bytes as an index, and an index of which bytes are others, must be refused or be harmless.

use std::sync::Arc;

use super::{Prints, PrintsBuilder};
use crate::known::{IndexKey, changed};

const TEXT: &str = "The keeper of the harbour shall see to it that every lamp on the northern pier is lit before the evening bell, that the \
    book of arrivals is closed with the names of all who came, and that nobody leaves by the eastern stairs while the tide runs out.";

/// Reads `data` as an index; then as changes (place, byte) to a good one, sealed again, which is run over a text.
///
/// # Panics
/// When the machine is wrong; never in the gate, which does not call it.
#[expect(clippy::panic, reason = "a fuzz target reports by panicking")]
pub fn fuzz_prints(data: &[u8]) {
    let key = IndexKey::new([7; 32]);
    let _refused = Prints::load(Arc::new(data.to_vec()), &key);
    let Some(bytes) = good(&key) else { panic!("a good index cannot be made") };
    let bytes = changed(bytes, data, &key);
    if let Ok(prints) = Prints::load(Arc::new(bytes), &key) {
        for finding in prints.scan(TEXT) {
            assert!(finding.start < finding.end && TEXT.get(finding.start..finding.end).is_some(), "{finding:?}");
        }
    }
}

fn good(key: &IndexKey) -> Option<Vec<u8>> {
    let mut builder = PrintsBuilder::new(key, "proprietary.document").ok()?;
    builder.add(Some("keeper"), [TEXT]).ok()?;
    builder.add(None, [TEXT.get(30..)?]).ok()?;
    builder.finish().ok().map(|built| built.bytes)
}
