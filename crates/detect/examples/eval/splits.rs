//! Whatever is found in a text must be found however the text arrives: every text is fed character by character.

use bartizan_detect::{Detector, Event, Hint, Scan};

use crate::report::{Report, Wanted};

/// The findings of a text that comes one character at a time.
fn in_characters(detector: &Detector, text: &str) -> Scan {
    let mut stream = detector.stream(Hint::default());
    let (mut scan, mut events): (Scan, Vec<Event>) = (Scan::default(), Vec::new());
    let mut buffer = [0; 4];
    for c in text.chars() {
        stream.push(c.encode_utf8(&mut buffer));
        stream.drain(&mut events);
        scan.absorb(events.drain(..));
    }
    stream.finish();
    stream.drain(&mut events);
    scan.absorb(events);
    scan
}

/// Compares every text with itself in characters.
pub fn run<'a>(detector: &Detector, texts: impl Iterator<Item = &'a str>, report: &mut Report) {
    let (mut tried, mut same, mut findings) = (0, 0, 0);
    for text in texts {
        let (whole, parts) = (detector.scan(text, Hint::default()), in_characters(detector, text));
        tried += 1;
        findings += whole.findings.len();
        if whole.findings == parts.findings {
            same += 1;
        } else {
            let start: String = text.chars().take(120).collect();
            report.miss("split", &format!("{start:?}"));
        }
    }
    report.bar(
        "splits_same",
        crate::score::share(same, tried),
        Wanted::AtLeast(1.0),
        format!("{same} of {tried} texts, {findings} findings, fed character by character"),
    );
}
