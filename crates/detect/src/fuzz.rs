//! The entry of the fuzz targets: any bytes, cut anywhere, must give what the whole gives.

use crate::detector::{Detector, Hint, Scan};
use crate::edit::{Action, Subject, TextEditor, apply};
use crate::mask::placeholder;
use crate::names::Names;

/// Reads `data` as a flag byte, cut lengths and a text; panics when a split changes what is found or written.
///
/// # Panics
/// When the machine is wrong; never in the gate, which does not call it.
#[expect(clippy::panic, reason = "a fuzz target reports by panicking")]
pub fn fuzz_stream(data: &[u8]) {
    static DETECTORS: std::sync::OnceLock<Option<[Detector; 2]>> = std::sync::OnceLock::new();
    let load = || {
        let rules = Detector::builtin().ok()?;
        Some([rules.with_names(Names::builtin().ok()?), rules])
    };
    let Some([with_names, rules]) = DETECTORS.get_or_init(load) else { panic!("the built-in rules or weights do not load") };
    let (Some(flags), Some(cuts), Some(text)) = (data.first(), data.get(1..5), data.get(5..)) else { return };
    let detector = if flags & 8 != 0 { with_names } else { rules };
    let text = String::from_utf8_lossy(text);
    let hint = Hint { key: (flags & 4 != 0).then_some("password"), tokens: flags & 1 != 0, json: flags & 2 != 0, at_once: false };
    let whole = detector.scan(&text, hint);
    let mut stream = detector.stream(hint);
    let mut editor = TextEditor::new(detector, hint);
    let mut decide = |subject: Subject<'_>, _: &str| match subject {
        Subject::Finding(finding) if finding.label.as_str() == "pii.url" => Action::Keep,
        Subject::Finding(finding) => Action::Replace(placeholder(&finding.label)),
        Subject::Token(hit) => Action::Replace(hit.token.as_str().to_ascii_lowercase()),
    };
    let (mut rest, mut scan, mut edits, mut events, mut settled) = (&*text, Scan::default(), Vec::new(), Vec::new(), 0);
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, tail) = rest.split_at(rest.ceil_char_boundary(usize::from(*cut).clamp(1, rest.len())));
        stream.push(piece);
        editor.push(piece, &mut decide);
        assert!(stream.settled() >= settled && text.is_char_boundary(stream.settled()), "settled went back or cut a character");
        settled = stream.settled();
        stream.drain(&mut events);
        scan.absorb(events.drain(..));
        edits.extend(editor.edits());
        rest = tail;
    }
    stream.finish();
    stream.drain(&mut events);
    scan.absorb(events.drain(..));
    editor.finish(&mut decide);
    edits.extend(editor.edits());
    assert!(scan == whole, "a split changed what is found: {scan:?} instead of {whole:?}");
    let mut at_once = TextEditor::new(detector, hint);
    at_once.push(&text, &mut decide);
    at_once.finish(&mut decide);
    let whole_edits: Vec<_> = at_once.edits().collect();
    assert!(apply(&text, &edits) == apply(&text, &whole_edits), "a split changed what is written");
}
