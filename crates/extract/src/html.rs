//! HTML: what a reader sees where it differs from the source, which is a segment of its own. So nothing hides in comments, scripts,
//! attributes or tags, and a value broken by `<b>` is whole.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use crate::sink::Sink;

/// Elements that do not end a word.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark",
    "nobr", "q", "rb", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
];

/// Elements whose text is no text for people.
const HIDDEN: &[&str] = &["script", "style", "template"];

/// Adds the lines and the attribute values that do not stand in the source as they read.
pub fn read(text: &str, sink: &mut Sink<'_>) {
    let shown = sink.is_rendering().then(Shown::default);
    let mut page =
        Page { source: text, line: String::new(), differs: false, pieces: 0, lines: String::new(), values: String::new(), shown };
    let callback = |event: CallbackEvent<'_>, span: Span<usize>| -> Option<Infallible> {
        page.event(&event, span);
        None
    };
    let mut emitter = CallbackEmitter::<_, Infallible, usize>::new(callback);
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(text, emitter).finish();
    page.end_line(true);
    sink.text("text without tags", &page.lines);
    sink.text("attributes", &page.values);
    sink.render("text", page.shown.map(|shown| shown.text).unwrap_or_default().trim_end());
}

/// The page as one reads it.
#[derive(Default)]
struct Shown {
    text: String,
    /// The element whose text is not shown, until it ends.
    hidden: Option<Vec<u8>>,
    /// Depth of elements in which white space counts.
    kept: usize,
}

impl Shown {
    fn event(&mut self, event: &CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                if self.hidden.is_none() && HIDDEN.iter().any(|it| it.as_bytes() == *name) {
                    self.hidden = Some(name.to_vec());
                }
                self.kept += usize::from(is_kept(name));
                self.tag(name, false);
            }
            CallbackEvent::EndTag { name } => {
                if self.hidden.as_deref() == Some(*name) {
                    self.hidden = None;
                }
                self.kept = self.kept.saturating_sub(usize::from(is_kept(name)));
                self.tag(name, true);
            }
            CallbackEvent::String { value } if self.hidden.is_none() => self.words(&String::from_utf8_lossy(value)),
            _ => {}
        }
    }

    fn tag(&mut self, name: &[u8], ends: bool) {
        let is = |names: &[&str]| names.iter().any(|it| it.as_bytes() == name);
        let at_start = self.text.is_empty() || self.text.ends_with('\n');
        if is(INLINE) || at_start {
            return;
        }
        match (is(&["td", "th"]), ends) {
            (true, true) => self.text.push('\t'),
            (true, false) => {}
            _ => self.text.push('\n'),
        }
    }

    /// White space is one blank, as on a screen.
    fn words(&mut self, value: &str) {
        if self.kept > 0 {
            self.text.push_str(value);
            return;
        }
        for letter in value.chars() {
            match letter {
                ' ' | '\t' | '\n' | '\r' | '\u{c}' if self.text.is_empty() || self.text.ends_with([' ', '\t', '\n']) => {}
                ' ' | '\t' | '\n' | '\r' | '\u{c}' => self.text.push(' '),
                letter => self.text.push(letter),
            }
        }
    }
}

fn is_kept(name: &[u8]) -> bool {
    matches!(name, b"pre" | b"textarea")
}

struct Page<'a> {
    source: &'a str,
    line: String,
    pieces: usize,
    differs: bool,
    lines: String,
    values: String,
    shown: Option<Shown>,
}

impl Page<'_> {
    fn event(&mut self, event: &CallbackEvent<'_>, span: Span<usize>) {
        if let Some(shown) = &mut self.shown {
            shown.event(event);
        }
        match event {
            CallbackEvent::OpenStartTag { name } | CallbackEvent::EndTag { name } => {
                let ends_word = !INLINE.iter().any(|it| it.as_bytes() == *name);
                self.end_line(ends_word);
            }
            CallbackEvent::String { value } => {
                let value = String::from_utf8_lossy(value);
                self.differs |= self.source.get(span.start..span.end) != Some(&*value) && value.trim() != "";
                self.pieces += 1;
                self.line.push_str(&value);
            }
            CallbackEvent::AttributeValue { value } => {
                let value = String::from_utf8_lossy(value);
                if self.source.get(span.start..span.end) != Some(&*value) {
                    self.values.push_str(&value);
                    self.values.push('\n');
                }
            }
            _ => {}
        }
    }

    fn end_line(&mut self, really: bool) {
        if !really {
            return;
        }
        let line = self.line.trim();
        if (self.pieces > 1 || self.differs) && !line.is_empty() {
            self.lines.push_str(line);
            self.lines.push('\n');
        }
        self.line.clear();
        self.pieces = 0;
        self.differs = false;
    }
}
