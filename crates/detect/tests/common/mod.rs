//! Shared by the tests: the detector, and a scan in pieces.

use std::sync::OnceLock;

use bartizan_detect::{Detector, Event, Hint, Scan};

pub fn detector() -> &'static Detector {
    static DETECTOR: OnceLock<Detector> = OnceLock::new();
    DETECTOR.get_or_init(|| Detector::builtin().expect("the built-in rules load"))
}

/// Scans a text cut at the given byte offsets.
pub fn in_pieces(text: &str, cuts: &[usize], hint: Hint<'_>) -> Scan {
    in_pieces_by(detector(), text, cuts, hint)
}

/// The same by another detector. What is released is never found afterwards.
pub fn in_pieces_by(detector: &Detector, text: &str, cuts: &[usize], hint: Hint<'_>) -> Scan {
    let mut stream = detector.stream(hint);
    let (mut scan, mut events, mut from, mut released) = (Scan::default(), Vec::new(), 0, 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        stream.push(&text[from..cut]);
        stream.drain(&mut events);
        for event in &events {
            let (start, end) = match event {
                Event::Found { finding, .. } | Event::Below(finding) => (finding.start, finding.end),
                Event::Extended { start, end, .. } => (*start, *end),
                Event::Token(hit) => (hit.start, hit.end),
            };
            assert!(start >= released && end <= stream.settled(), "{event:?} after {released} bytes of {text:?} were released");
        }
        released = stream.settled();
        scan.absorb(events.drain(..));
        from = cut;
    }
    stream.finish();
    assert_eq!(stream.settled(), text.len(), "all is settled at the end of {text:?}");
    stream.drain(&mut events);
    scan.absorb(events);
    scan
}
