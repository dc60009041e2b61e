//! The entry of a fuzz target: any bytes as an index, and an index of which bytes are others, must be refused or be harmless.

use std::sync::Arc;

use super::{Builder, Exact, Settings};
use crate::known::{IndexKey, changed};

/// Reads `data` as an index; then as changes (place, byte) to a good one, sealed again, which is run over a text.
///
/// # Panics
/// When the machine is wrong; never in the gate, which does not call it.
#[expect(clippy::panic, reason = "a fuzz target reports by panicking")]
pub fn fuzz_exact(data: &[u8]) {
    let key = IndexKey::new([7; 32]);
    let _refused = Exact::load(Arc::new(data.to_vec()), &key);
    let Some(bytes) = good(&key) else { panic!("a good index cannot be made") };
    let bytes = changed(bytes, data, &key);
    if let Ok(exact) = Exact::load(Arc::new(bytes), &key) {
        let text = "Jane Q. Doe, 4111 1111 1111 1111, account 77-120-3 in Porto; Jane Q. Doe";
        for finding in exact.scan(text) {
            assert!(finding.start < finding.end && text.get(finding.start..finding.end).is_some(), "{finding:?}");
        }
    }
}

fn good(key: &IndexKey) -> Option<Vec<u8>> {
    let mut builder = Builder::new(key, Settings { columns: 2, need: 1, ..Settings::default() }).ok()?;
    builder.add("Jane Q. Doe", ["77-120-3", "Porto"]).ok()?;
    builder.add("4111-1111-1111-1111", ["77-120-3", ""]).ok()?;
    builder.finish().ok().map(|built| built.bytes)
}
