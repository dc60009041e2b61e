//! Log probabilities repeat a text token by token. They leave only where they say what the text says once it is edited.
//!
//! Of each token its bytes must be the text's next ones, and nothing may stand beside it that is not known. Tokens that an edit
//! touches become one, of what stands there afterwards. Alternatives, which can spell a value in pieces, are left out.

use std::collections::HashSet;
use std::ops::Range;

use bartizan_wire::Reading;
use bartizan_wire::json::{Node, NodeId, NodeKind, Splice, Tape, raw_offsets, splice, unescape};

/// A log probability has no more characters than this.
const NUMBER: usize = 32;

/// Providers write -9999 for what is as good as impossible.
const LEAST: f64 = -10_000.0;

/// The list of tokens of one text.
pub struct Tokens {
    /// The list, in bytes of the body.
    list: Range<usize>,
    /// The text between its quotes.
    text: Range<usize>,
    entries: Vec<Entry>,
    /// Without an edit of the text it may pass as it is.
    clean: bool,
}

/// One token.
struct Entry {
    /// Where it stands in the raw text.
    from: usize,
    to: usize,
    /// Its object in the list.
    object: Range<usize>,
    /// Its alternatives, if it has some.
    others: Option<Range<usize>>,
    logprob: f64,
    /// A part of a character, or written in another way than its bytes.
    odd: bool,
}

/// A list, or that there is none.
enum List {
    Null,
    Array(NodeId),
}

/// What an entry says, before it is known where it stands in the raw text.
#[derive(Default)]
struct Said {
    token: Option<NodeId>,
    logprob: Option<f64>,
    bytes: Option<List>,
    others: Option<List>,
}

/// Finds the texts that log probabilities repeat. What does not is taken out by a splice: where a list stands, clients want a list.
/// `holder` is the member of a choice that holds its texts; `is_text` says whether an edit of that string would be seen.
pub fn tokens(
    (tape, bytes, reading): (&Tape, &[u8], &Reading),
    holder: &str,
    is_text: impl Fn(&Node) -> bool,
    splices: &mut Vec<Splice>,
) -> Vec<Tokens> {
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    for id in &reading.logprobs {
        let Some(node) = tape.node(*id) else { continue };
        // The members of a choice are looked over once, however many of them have this name, with others in between.
        let first = seen.insert(node.parent);
        match first.then(|| of_choice((tape, bytes), *id, holder, &is_text)).flatten() {
            Some(found) => all.extend(found),
            None => splices.extend(without(*id, node)),
        }
    }
    all
}

/// Takes all log probabilities out.
pub fn without_logprobs<'a>(reading: &'a Reading, tape: &'a Tape) -> impl Iterator<Item = Splice> + 'a {
    reading.logprobs.iter().filter_map(|id| without(*id, tape.node(*id)?))
}

fn without(id: NodeId, node: &Node) -> Option<Splice> {
    let list = node.kind == NodeKind::Array;
    let with: &[u8] = if list { b"[]" } else { b"null" };
    // An empty list says nothing.
    (!list || has_some(id, node)).then(|| Splice { range: node.outer(), with: with.to_vec() })
}

fn has_some(id: NodeId, node: &Node) -> bool {
    node.next > id + 1
}

fn of_choice((tape, bytes): (&Tape, &[u8]), id: NodeId, holder: &str, is_text: &impl Fn(&Node) -> bool) -> Option<Vec<Tokens>> {
    let node = tape.node(id).filter(|node| node.kind == NodeKind::Object)?;
    let choices = tape.node(node.parent)?.parent;
    let top = tape.node(choices)?.parent == 0 && tape.is_named(bytes, choices, "choices");
    if !top || !tape.is_named(bytes, id, "logprobs") {
        return None;
    }
    let message = tape.member(bytes, node.parent, holder);
    let mut seen = [false; 2];
    let mut all = Vec::new();
    for (list, member) in tape.members(id) {
        let names = ["content", "refusal"];
        let at = names.iter().position(|name| tape.says(bytes, member.slot, name))?;
        if std::mem::replace(seen.get_mut(at)?, true) {
            return None;
        }
        match member.kind {
            NodeKind::Null => {}
            NodeKind::Array if !has_some(list, member) => {}
            NodeKind::Array => {
                let text = tape.member(bytes, message?, names.get(at)?)?;
                let node = tape.node(text).filter(|node| node.kind == NodeKind::String && is_text(node))?;
                all.push(of_text((tape, bytes), (list, member), &tape.text(bytes, text), node)?);
            }
            _ => return None,
        }
    }
    Some(all)
}

/// The tokens of a text, if they are all of it.
fn of_text((tape, bytes): (&Tape, &[u8]), (list, array): (NodeId, &Node), text: &str, string: &Node) -> Option<Tokens> {
    let (mut entries, mut bounds, mut at) = (Vec::new(), Vec::new(), 0_usize);
    let mut spelt = Vec::new();
    for (object, node) in tape.members(list) {
        let said = said((tape, bytes), object, node)?;
        let token = tape.text(bytes, said.token?);
        spelt.clear();
        match said.bytes {
            Some(List::Array(array)) => {
                for (id, byte) in tape.members(array) {
                    spelt.push(Some(byte).filter(|byte| byte.kind == NodeKind::Number).and_then(|_| tape.text(bytes, id).parse().ok())?);
                }
            }
            _ => spelt.extend_from_slice(token.as_bytes()),
        }
        if !text.as_bytes().get(at..)?.starts_with(&spelt) {
            return None;
        }
        // A part of a character, or nothing in the middle of one.
        let inside = !text.is_char_boundary(at);
        at += spelt.len();
        bounds.push(at);
        let others = match said.others {
            Some(List::Array(id)) => tape.node(id).filter(|others| has_some(id, others)).map(Node::outer),
            _ => None,
        };
        let odd = inside || !text.is_char_boundary(at) || token.as_bytes() != spelt;
        entries.push(Entry { from: 0, to: 0, object: node.outer(), others, logprob: said.logprob?, odd });
    }
    if at != text.len() {
        return None;
    }
    let inner = string.inner();
    let mut from = inner.start;
    for (entry, raw) in entries.iter_mut().zip(raw_offsets(bytes.get(inner.clone())?, &bounds)) {
        (entry.from, entry.to) = (from, inner.start + raw);
        from = entry.to;
    }
    let clean = entries.iter().all(|entry| !entry.odd && entry.others.is_none());
    Some(Tokens { list: array.outer(), text: inner, entries, clean })
}

fn said((tape, bytes): (&Tape, &[u8]), object: NodeId, node: &Node) -> Option<Said> {
    if node.kind != NodeKind::Object {
        return None;
    }
    let mut said = Said::default();
    for (id, member) in tape.members(object) {
        let list = || match member.kind {
            NodeKind::Null => Some(List::Null),
            NodeKind::Array => Some(List::Array(id)),
            _ => None,
        };
        let is = |name: &str| tape.says(bytes, member.slot, name);
        // What comes twice some clients read and others do not.
        let again = match member.kind {
            NodeKind::String if is("token") => said.token.replace(id).is_some(),
            NodeKind::Number if is("logprob") => said.logprob.replace(logprob(&tape.text(bytes, id))?).is_some(),
            _ if is("bytes") => said.bytes.replace(list()?).is_some(),
            _ if is("top_logprobs") => said.others.replace(list()?).is_some(),
            _ => return None,
        };
        if again {
            return None;
        }
    }
    Some(said)
}

fn logprob(text: &str) -> Option<f64> {
    let number: f64 = (text.len() <= NUMBER).then(|| text.parse().ok())??;
    (LEAST..=0.0).contains(&number).then_some(number)
}

/// Lets log probabilities follow the edits of their texts.
///
/// `None` when an edit does not fit: nothing may be sent then.
pub fn follow(all: &[Tokens], bytes: &[u8], splices: &mut Vec<Splice>) -> Option<()> {
    splices.sort_by_key(|splice| splice.range.start);
    let mut made = Vec::new();
    for tokens in all {
        let first = splices.partition_point(|splice| splice.range.end <= tokens.text.start);
        let rest = splices.get(first..)?;
        let edits = rest.get(..rest.partition_point(|splice| splice.range.start < tokens.text.end))?;
        if !(tokens.clean && edits.is_empty()) {
            made.push(Splice { range: tokens.list.clone(), with: tokens.edited(bytes, edits)? });
        }
    }
    splices.extend(made);
    Some(())
}

impl Tokens {
    /// Bytes that it takes.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.entries.capacity() * size_of::<Entry>()
    }

    /// The list as it stands beside the edited text.
    fn edited(&self, bytes: &[u8], mut edits: &[Splice]) -> Option<Vec<u8>> {
        let mut out = vec![b'['];
        let mut entries = self.entries.as_slice();
        while let Some(first) = entries.first() {
            edits = edits.get(edits.iter().take_while(|edit| edit.range.end <= first.from).count()..)?;
            let (count, touching) = together(entries, edits);
            let (group, rest) = entries.split_at_checked(count)?;
            entries = rest;
            let touching = edits.get(..touching)?;
            let length = out.len();
            if touching.is_empty() && group.len() == 1 && !first.odd {
                first.copy(bytes, &mut out)?;
            } else {
                joined(group, bytes, touching, &mut out)?;
            }
            if out.len() > length && !entries.is_empty() {
                out.push(b',');
            }
        }
        if out.last() == Some(&b',') {
            out.pop();
        }
        out.push(b']');
        Some(out)
    }
}

/// How many entries, from the first on, one edit or one character holds together, and how many edits touch them.
fn together(entries: &[Entry], edits: &[Splice]) -> (usize, usize) {
    let (mut count, mut touching) = (1, 0);
    for (before, entry) in entries.iter().zip(entries.iter().skip(1)) {
        touching += edits.iter().skip(touching).take_while(|edit| edit.range.start < before.to && edit.range.end <= before.to).count();
        let cut = edits.get(touching).is_some_and(|edit| edit.range.start < entry.from && edit.range.end > entry.from);
        if !(cut || before.odd && entry.odd) {
            break;
        }
        count += 1;
    }
    let end = entries.get(count - 1).map_or(0, |last| last.to);
    touching += edits.iter().skip(touching).take_while(|edit| edit.range.start < end).count();
    (count, touching)
}

/// One entry for several, of what stands there afterwards; none if that is nothing. What the gate has written is certain.
fn joined(group: &[Entry], bytes: &[u8], edits: &[Splice], out: &mut Vec<u8>) -> Option<()> {
    let (from, to) = (group.first()?.from, group.last()?.to);
    let moved = |edit: &Splice| {
        let range = edit.range.start.checked_sub(from)?..edit.range.end.checked_sub(from)?;
        Some(Splice { range, with: edit.with.clone() })
    };
    let moved: Vec<Splice> = edits.iter().map(moved).collect::<Option<_>>()?;
    let raw = splice(bytes.get(from..to)?, &moved)?;
    if raw.is_empty() {
        return Some(());
    }
    let logprob = if edits.is_empty() { group.iter().map(|entry| entry.logprob).sum::<f64>().max(LEAST) } else { 0.0 };
    out.extend_from_slice(b"{\"token\":\"");
    out.extend_from_slice(&raw);
    out.extend_from_slice(format!("\",\"logprob\":{logprob:?},\"bytes\":[").as_bytes());
    for (at, byte) in unescape(&raw).bytes().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(byte.to_string().as_bytes());
    }
    out.extend_from_slice(b"],\"top_logprobs\":[]}");
    Some(())
}

impl Entry {
    /// As it came, without alternatives.
    fn copy(&self, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let Some(others) = &self.others else {
            out.extend_from_slice(bytes.get(self.object.clone())?);
            return Some(());
        };
        out.extend_from_slice(bytes.get(self.object.start..others.start)?);
        out.extend_from_slice(b"[]");
        out.extend_from_slice(bytes.get(others.end..self.object.end)?);
        Some(())
    }
}
