//! The macro that makes a target of a function, and the functions for rooms that bring none of their own.

use bartizan_ledger::{Bundle, Checkpoint, Frame, Frames, ProofFile, VerifierKey};
use bartizan_vocabulary::Timestamp;

#[doc(hidden)]
pub use libfuzzer_sys;

/// Makes a libFuzzer target of a function that takes `&[u8]`. It is called once before the clock runs: what is built at the first call
/// (rules, for one) takes long on a busy machine.
#[macro_export]
macro_rules! target {
    ($function:path) => {
        $crate::libfuzzer_sys::fuzz_target!(init: $function(b""), |bytes: &[u8]| {
            $function(bytes);
        });
    };
}

/// Any text: what parses prints in the one form, and that parses to the same.
pub fn timestamp(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse(), Ok(time), "`{text}` does not survive printing");
    }
}

/// Any bytes as journal, entry bundle, checkpoint, key and proof: no panic, no endless walk, nothing made up.
pub fn ledger_reader(bytes: &[u8]) {
    journal(bytes);
    let entries: usize = Bundle::new(bytes).map_while(Result::ok).map(|entry| entry.len() + 2).sum();
    assert!(entries <= bytes.len(), "a bundle gave more than it holds");
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Only that they end: most inputs are refused.
    drop(Checkpoint::parse_unverified(text));
    drop(VerifierKey::parse(text));
    if let Ok(proof) = ProofFile::parse(text) {
        drop(ProofFile::parse(&proof.to_text()).expect("a proof file that was written is read"));
        drop(proof.verify(&[]));
    }
}

/// Walks a journal the way recovery does: over records, past what is broken.
fn journal(bytes: &[u8]) {
    let mut frames = Frames::new(bytes);
    let mut payloads = 0;
    while let Some(frame) = frames.next() {
        match frame {
            Frame::Record { payload, end, .. } => {
                assert_eq!(end, frames.offset(), "the walk stands behind the record");
                payloads += payload.len();
            }
            Frame::Broken { next: Some(next) } => {
                assert!(next > frames.offset(), "the walk goes forward");
                frames.skip_to(next);
            }
            Frame::Broken { next: None } => break,
        }
    }
    assert!(payloads <= bytes.len(), "a journal gave more than it holds");
}
