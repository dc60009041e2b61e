//! Writing JSON: fixed names, texts, and JSON that is moved as it stands.

use crate::json::escape_into;

/// An object that is being written.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

/// An array that is being written.
pub(super) struct List<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(text, out);
    out.push(b'"');
}

/// Writes one object. What `fill` gives back is given back.
pub(super) fn object<R>(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>) -> R) -> R {
    out.push(b'{');
    let result = fill(&mut Object { out, first: true });
    out.push(b'}');
    result
}

fn list<R>(out: &mut Vec<u8>, fill: impl FnOnce(&mut List<'_>) -> R) -> R {
    out.push(b'[');
    let result = fill(&mut List { out, first: true });
    out.push(b']');
    result
}

impl Object<'_> {
    fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        quoted(name, self.out);
        self.out.push(b':');
        self.out
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        quoted(text, self.key(name));
    }

    /// JSON as it stands. Line breaks, which can only be white space in it, would end the line of an event.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.key(name).extend(json.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.raw(name, &number.to_string());
    }

    pub(super) fn object<R>(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>) -> R) -> R {
        object(self.key(name), fill)
    }

    pub(super) fn list<R>(&mut self, name: &str, fill: impl FnOnce(&mut List<'_>) -> R) -> R {
        list(self.key(name), fill)
    }
}

impl List<'_> {
    fn next(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out
    }

    pub(super) fn text(&mut self, text: &str) {
        quoted(text, self.next());
    }

    pub(super) fn object<R>(&mut self, fill: impl FnOnce(&mut Object<'_>) -> R) -> R {
        object(self.next(), fill)
    }
}
