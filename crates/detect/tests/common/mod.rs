//! Shared by the tests: the detector, and a scan in pieces.

use std::sync::OnceLock;

use bartizan_detect::{Detector, Hint, Scan};

pub fn detector() -> &'static Detector {
    static DETECTOR: OnceLock<Detector> = OnceLock::new();
    DETECTOR.get_or_init(|| Detector::builtin().expect("the built-in rules load"))
}

/// Scans a text cut at the given byte offsets.
pub fn in_pieces(text: &str, cuts: &[usize], hint: Hint<'_>) -> Scan {
    let mut stream = detector().stream(hint);
    let (mut scan, mut events, mut from) = (Scan::default(), Vec::new(), 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        stream.push(&text[from..cut]);
        stream.drain(&mut events);
        for event in &events {
            if let bartizan_detect::Event::Found { finding, .. } = event {
                assert!(finding.end <= stream.settled(), "an event is settled");
            }
        }
        scan.absorb(events.drain(..));
        from = cut;
    }
    stream.finish();
    assert_eq!(stream.settled(), text.len(), "all is settled at the end of {text:?}");
    stream.drain(&mut events);
    scan.absorb(events);
    scan
}
