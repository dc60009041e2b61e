//! The objects of a file, found without its cross-reference table: every `N G obj` that stands in the bytes and every object of every
//! object stream. So nothing is missed because a table does not list it or lists another revision.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;

use crate::model::{Limit, Reason};
use crate::pdf::filter;
use crate::pdf::object::{Dict, Lexer, Object};
use crate::sink::Sink;

/// One object as it stands in the file.
pub struct Stored {
    pub number: u32,
    /// Where it stands; for an object in a stream, where the stream stands.
    at: usize,
    pub object: Object,
    stream_at: Option<usize>,
    pub stream: Option<Range<usize>>,
}

/// Objects inside each object, on average.
const NODES: usize = 20;

pub struct File<'a> {
    data: &'a [u8],
    pub objects: Vec<Stored>,
    /// The object that a reference means: the last one with its number.
    latest: HashMap<u32, usize>,
    pub trailers: Vec<Dict>,
    /// Bytes of syntax that may still be read.
    pub work: usize,
    /// Objects inside objects that may still be made.
    nodes: usize,
}

impl<'a> File<'a> {
    pub fn read(data: &'a [u8], sink: &mut Sink<'_>) -> Self {
        let mut file = Self {
            data,
            objects: Vec::new(),
            latest: HashMap::new(),
            trailers: Vec::new(),
            work: sink.limits.pdf_work,
            nodes: sink.limits.pdf_objects.saturating_mul(NODES),
        };
        file.scan(sink);
        file.index();
        file.streams(sink);
        file.trailers(sink);
        file.object_streams(sink);
        file.index();
        file
    }

    /// Takes from the budget of work. False: there is none left, which is recorded.
    pub fn take_work(&mut self, bytes: usize, sink: &mut Sink<'_>) -> bool {
        // Even nothing costs something.
        let cost = bytes + 16;
        if self.work < cost {
            sink.unread("document", Reason::Limit(Limit::Work));
            return false;
        }
        self.work -= cost;
        true
    }

    /// Reads an object under the budgets. None: there is nothing left of them.
    fn object(&mut self, lexer: &mut Lexer<'_>, place: &str, sink: &mut Sink<'_>) -> Option<Object> {
        let start = lexer.at;
        lexer.left = self.nodes;
        let object = lexer.object().unwrap_or(Object::Null);
        self.nodes = lexer.left;
        if lexer.cut {
            sink.unread(place, Reason::Limit(if lexer.left == 0 { Limit::Objects } else { Limit::Depth }));
        }
        self.take_work(lexer.reach.saturating_sub(start), sink).then_some(object)
    }

    fn scan(&mut self, sink: &mut Sink<'_>) {
        for at in memmem::find_iter(self.data, b"obj") {
            let Some((number, start)) = number_before(self.data, at) else { continue };
            if self.objects.len() >= sink.limits.pdf_objects {
                sink.unread("document", Reason::Limit(Limit::Objects));
                return;
            }
            let mut lexer = Lexer::new(self.data, at + 3);
            let Some(object) = self.object(&mut lexer, &format!("object {number}"), sink) else { return };
            lexer.skip_space();
            let stream_at = crate::rest(self.data, lexer.at).strip_prefix(b"stream").map(|after| {
                let end_of_line =
                    if after.starts_with(b"\r\n") { 2 } else { usize::from(after.starts_with(b"\n") || after.starts_with(b"\r")) };
                lexer.at + 6 + end_of_line
            });
            self.objects.push(Stored { number, at: start, object, stream_at, stream: None });
        }
    }

    /// Which object a number means: the last, and one that stands inside a stream only when there is no other.
    fn index(&mut self) {
        let mut order: Vec<usize> = (0..self.objects.len()).collect();
        order.sort_by_key(|it| self.objects.get(*it).map(|it| it.at));
        self.latest = order.into_iter().filter_map(|it| Some((self.objects.get(it)?.number, it))).collect();
    }

    /// Finds where streams end, and drops nothing that stands inside one.
    fn streams(&mut self, sink: &mut Sink<'_>) {
        let ends: Vec<usize> = memmem::find_iter(self.data, b"endstream").collect();
        let mut covered = 0;
        let mut inside = Vec::new();
        for index in 0..self.objects.len() {
            let Some(stored) = self.objects.get(index) else { break };
            if stored.at < covered {
                inside.push(index);
            }
            let Some(start) = stored.stream_at else { continue };
            let declared = stored.object.dict().and_then(|it| self.get(it, "Length")).and_then(Object::size);
            let first_end = ends.get(ends.partition_point(|it| *it < start)).copied().unwrap_or(self.data.len());
            let declared_end = declared.and_then(|it| it.checked_add(start)).filter(|it| *it <= self.data.len());
            // When the length and the mark disagree, the longer of both, so that nothing is cut off.
            let (end, surely) = match declared_end {
                Some(end) if self.ends_stream(end) => (end, end),
                Some(end) => (end.max(first_end), first_end),
                None => (first_end, first_end),
            };
            covered = covered.max(surely);
            if let Some(stored) = self.objects.get_mut(index) {
                stored.stream = Some(start..end);
            }
        }
        for index in inside {
            self.inside_stream(index, sink);
        }
    }

    fn ends_stream(&self, at: usize) -> bool {
        let window = crate::part(self.data, at..(at + 32).min(self.data.len()));
        window.trim_ascii_start().starts_with(b"endstream")
    }

    /// An object inside a stream is bytes of that stream for most readers. It stays an object here, behind all others.
    fn inside_stream(&mut self, index: usize, sink: &mut Sink<'_>) {
        if let Some(stored) = self.objects.get_mut(index) {
            let place = format!("object {}", stored.number);
            stored.at = 0;
            sink.unread(&place, Reason::Ambiguous);
        }
    }

    fn trailers(&mut self, sink: &mut Sink<'_>) {
        for at in memmem::find_iter(self.data, b"trailer") {
            let mut lexer = Lexer::new(self.data, at + 7);
            match self.object(&mut lexer, "trailer", sink) {
                Some(Object::Dict(dict)) => self.trailers.push(dict),
                Some(_) => {}
                None => return,
            }
        }
        let tables: Vec<Dict> = self.objects.iter().filter(|it| it.is("XRef")).filter_map(|it| it.object.dict().cloned()).collect();
        self.trailers.extend(tables);
    }

    /// Whether a trailer names an encryption.
    pub fn is_encrypted(&self) -> bool {
        self.trailers.iter().any(|it| self.get(it, "Encrypt").is_some_and(|it| it.dict().is_some()))
    }

    fn object_streams(&mut self, sink: &mut Sink<'_>) {
        let containers: Vec<usize> =
            self.objects.iter().enumerate().filter(|(_, it)| it.is("ObjStm") && it.stream.is_some()).map(|(index, _)| index).collect();
        for index in containers {
            let Some(stored) = self.objects.get(index) else { continue };
            let (place, at) = (format!("object stream {}", stored.number), stored.at);
            let Some(dict) = stored.object.dict() else { continue };
            let size = |key| self.get(dict, key).and_then(Object::size).unwrap_or(0);
            let (count, first) = (size("N"), size("First"));
            let (bytes, fault) = self.decode(index, sink);
            if let Some(reason) = fault {
                sink.unread(&place, reason);
            }
            let mut table = Lexer::new(&bytes, 0);
            for _ in 0..count {
                let (Some(number), Some(offset)) =
                    (table.object().as_ref().and_then(Object::size), table.object().as_ref().and_then(Object::size))
                else {
                    break;
                };
                if self.objects.len() >= sink.limits.pdf_objects {
                    sink.unread(&place, Reason::Limit(Limit::Objects));
                    return;
                }
                let start = first.saturating_add(offset);
                let mut lexer = Lexer::new(&bytes, start);
                let Some(object) = self.object(&mut lexer, &place, sink) else { return };
                let Ok(number) = u32::try_from(number) else { continue };
                self.objects.push(Stored { number, at, object, stream_at: None, stream: None });
            }
        }
    }

    pub fn index_of(&self, number: u32) -> Option<usize> {
        self.latest.get(&number).copied()
    }

    /// Whether the object is the table of hints of a linearized file, which its first object points to.
    pub fn is_hints(&self, stored: &Stored) -> bool {
        let linearized =
            self.objects.iter().take(8).filter_map(|it| it.object.dict()).filter(|it| it.contains_key(b"Linearized".as_slice()));
        linearized.filter_map(|it| self.get(it, "H")?.array()?.first()?.size()).any(|it| it == stored.at)
    }

    /// Follows references, a few of them.
    pub fn resolve<'o>(&'o self, object: &'o Object) -> Option<&'o Object> {
        let mut object = object;
        for _ in 0..8 {
            match object {
                Object::Ref(number) => object = &self.objects.get(self.index_of(*number)?)?.object,
                Object::Null => return None,
                other => return Some(other),
            }
        }
        None
    }

    /// The value of a key, references followed.
    pub fn get<'o>(&'o self, dict: &'o Dict, key: &str) -> Option<&'o Object> {
        dict.get(key.as_bytes()).and_then(|it| self.resolve(it))
    }

    /// The bytes of a stream with its filters undone.
    pub fn decode(&self, index: usize, sink: &mut Sink<'_>) -> (Vec<u8>, Option<Reason>) {
        let Some(stored) = self.objects.get(index) else { return (Vec::new(), None) };
        let (Some(range), Some(dict)) = (&stored.stream, stored.object.dict()) else { return (Vec::new(), None) };
        let list = |keys: [&str; 2]| -> Vec<Option<&Object>> {
            match keys.iter().find_map(|key| self.get(dict, key)) {
                Some(Object::Array(array)) => array.iter().take(filter::MAX_FILTERS + 1).map(|it| self.resolve(it)).collect(),
                other => other.into_iter().map(Some).collect(),
            }
        };
        let parameters = list(["DecodeParms", "DP"]);
        let names = list(["Filter", "F"]);
        let filters: Vec<(Vec<u8>, Option<&Dict>)> = names
            .iter()
            .enumerate()
            .filter_map(|(at, name)| {
                let parameters = parameters.get(at).copied().flatten().and_then(Object::dict);
                Some((name.and_then(|it| it.name())?.to_vec(), parameters))
            })
            .collect();
        if dict.contains_key(b"F".as_slice()) && dict.contains_key(b"Length".as_slice()) && names.is_empty() {
            // The bytes are in a file outside.
            return (Vec::new(), Some(Reason::Method));
        }
        filter::decode(crate::part(self.data, range.clone()), &filters, sink)
    }
}

impl Stored {
    /// Whether the dictionary has this `Type`.
    pub fn is(&self, kind: &str) -> bool {
        self.has("Type", kind)
    }

    pub fn has(&self, key: &str, name: &str) -> bool {
        self.object.dict().and_then(|it| it.get(key.as_bytes())).and_then(Object::name) == Some(name.as_bytes())
    }
}

/// The number of `12 0 obj` in front of the word at `at`, and where it starts.
fn number_before(data: &[u8], at: usize) -> Option<(u32, usize)> {
    let window_start = at.saturating_sub(40);
    let before = crate::part(data, window_start..at).trim_ascii_end();
    let generation = before.iter().rev().take_while(|it| it.is_ascii_digit()).count();
    let before = before.get(..before.len() - generation).filter(|_| generation > 0)?;
    let trimmed = before.trim_ascii_end();
    let digits = trimmed.iter().rev().take_while(|it| it.is_ascii_digit()).count();
    if digits == 0 || trimmed.len() == before.len() {
        return None;
    }
    let start = trimmed.len() - digits;
    let number = std::str::from_utf8(crate::rest(trimmed, start)).ok()?.parse().ok()?;
    Some((number, window_start + start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_objects() {
        let check = |text: &[u8], expected| assert_eq!(number_before(text, text.len()), expected, "{text:?}");
        check(b"%x\n12 0 ", Some((12, 3)));
        check(b"endobj12 0", Some((12, 6)));
        check(b"end", None);
        check(b"12 ", None);
        check(b"99999999999 0 ", None);
    }
}
