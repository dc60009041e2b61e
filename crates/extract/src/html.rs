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

/// Adds the lines and the attribute values that do not stand in the source as they read.
pub fn read(text: &str, sink: &mut Sink<'_>) {
    let mut page = Page { source: text, line: String::new(), differs: false, pieces: 0, lines: String::new(), values: String::new() };
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
}

struct Page<'a> {
    source: &'a str,
    line: String,
    pieces: usize,
    differs: bool,
    lines: String,
    values: String,
}

impl Page<'_> {
    fn event(&mut self, event: &CallbackEvent<'_>, span: Span<usize>) {
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
