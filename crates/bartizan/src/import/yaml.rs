//! YAML as a tree that knows its lines. Bounded: size, depth, and what aliases unfold to. Read by events, so nothing recurses with the input.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Most bytes of a file.
pub const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting.
const MAX_DEPTH: usize = 64;
/// Most values, with aliases unfolded.
const MAX_NODES: usize = 100_000;

/// Why a file cannot be read as YAML.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum YamlError {
    /// Not YAML.
    #[error("line {line}: this is not YAML: {problem}")]
    Syntax {
        /// From 1.
        line: usize,
        /// The parser's words.
        problem: String,
    },
    /// Too much of something.
    #[error("line {line}: {what}; nothing so large is read")]
    TooMuch {
        /// From 1.
        line: usize,
        /// Of what.
        what: &'static str,
    },
    /// Something that a configuration has no use for.
    #[error("line {line}: {what}")]
    Odd {
        /// From 1.
        line: usize,
        /// What, and what to do.
        what: &'static str,
    },
    /// One key twice.
    #[error("line {line}: the key `{key}` stands twice in one mapping; remove one")]
    Twice {
        /// From 1.
        line: usize,
        /// Which.
        key: String,
    },
}

/// A value and the line on which it begins.
#[derive(Debug)]
pub struct Node {
    /// From 1.
    pub line: usize,
    /// Values below it and itself, with aliases unfolded.
    size: usize,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug)]
pub enum Value {
    /// A text; `plain` when it stood without quotation marks and so may mean a number, a truth value or nothing.
    Scalar {
        /// What stood there.
        text: String,
        /// Without quotation marks.
        plain: bool,
    },
    /// A list.
    List(Vec<Rc<Node>>),
    /// Keys and values, in the file's order.
    Map(Vec<Entry>),
}

/// One key with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its value.
    pub node: Rc<Node>,
}

impl Node {
    /// The text of a scalar that is not nothing.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it is nothing, as `key:` alone is.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// A truth value, as YAML 1.1 spells them: that is what LiteLLM reads.
    pub fn truth(&self) -> Option<bool> {
        let Value::Scalar { text, plain: true } = &self.value else { return None };
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// A finite number.
    pub fn number(&self) -> Option<f64> {
        self.text()?.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A whole number from 0 on.
    pub fn whole(&self) -> Option<u64> {
        self.text()?.replace('_', "").parse().ok()
    }

    /// Entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// Items of a list; none of anything else.
    pub fn items(&self) -> &[Rc<Self>] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// What stands under a key.
    pub fn get(&self, key: &str) -> Option<&Rc<Self>> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// Texts of a list, or the one text that stands in its place.
    pub fn texts(&self) -> Vec<&str> {
        match &self.value {
            Value::List(items) => items.iter().filter_map(|item| item.text()).collect(),
            _ => self.text().into_iter().collect(),
        }
    }
}

/// A list or mapping that is not closed yet.
struct Open {
    line: usize,
    anchor: usize,
    size: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Rc<Node>>),
    Map { entries: Vec<Entry>, seen: HashSet<String>, merged: Vec<Rc<Node>>, key: Option<(String, usize)> },
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    /// Nodes so far, with aliases unfolded.
    nodes: usize,
}

/// Reads one document.
///
/// # Errors
/// Names the line; never shows what stands there, which may be a secret.
pub fn read(text: &str) -> Result<Rc<Node>, YamlError> {
    if text.len() > MAX_BYTES {
        return Err(YamlError::TooMuch { line: 1, what: "the file is longer than 1 MiB" });
    }
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError::Syntax { line: error.marker().line(), problem: error.info().to_owned() })?;
        reader.event(event, &span)?;
    }
    let empty = || Rc::new(Node { line: 1, size: 1, value: Value::Map(Vec::new()) });
    Ok(reader.root.unwrap_or_else(empty))
}

impl Reader {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.as_ref().is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                if tag.is_some_and(|tag| !tag.is_yaml_core_schema()) {
                    return Err(YamlError::Odd { line, what: "a tag of its own (`!…`) is not read; write the value without it" });
                }
                let plain = style == ScalarStyle::Plain && !is_text;
                self.put(Node { line, size: 1, value: Value::Scalar { text: text.into_owned(), plain } }, anchor)
            }
            Event::Alias(anchor) => {
                let what = "an alias that stands inside what it names, or names nothing; write the value out";
                let node = self.anchors.get(&anchor).cloned().ok_or(YamlError::Odd { line, what })?;
                self.count(node.size, line)?;
                self.place(node, line)
            }
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, Kind::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let kind = Kind::Map { entries: Vec::new(), seen: HashSet::new(), merged: Vec::new(), key: None };
                self.begin(line, anchor, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(YamlError::Odd { line, what: "a second document begins here; a configuration is one" })
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, more: usize, line: usize) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES {
            return Err(YamlError::TooMuch { line, what: "there are more than 100,000 values, aliases unfolded" });
        }
        Ok(())
    }

    fn begin(&mut self, line: usize, anchor: usize, kind: Kind) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::TooMuch { line, what: "values are nested more than 64 deep" });
        }
        self.open.push(Open { line, anchor, size: 1, kind });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(Open { line, anchor, size, kind }) = self.open.pop() else { return Ok(()) };
        let value = match kind {
            Kind::List(items) => Value::List(items),
            Kind::Map { mut entries, mut seen, merged, .. } => {
                // What stands in the mapping itself comes before what is merged into it (`<<`), and an earlier merge before a later one.
                for entry in merged.iter().flat_map(|node| node.entries()) {
                    if seen.insert(entry.key.clone()) {
                        entries.push(entry.clone());
                    }
                }
                Value::Map(entries)
            }
        };
        self.put(Node { line, size, value }, anchor)
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let line = node.line;
        self.count(1, line)?;
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.place(node, line)
    }

    /// Puts a whole node where it belongs.
    fn place(&mut self, node: Rc<Node>, line: usize) -> Result<(), YamlError> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.kind {
            Kind::List(items) => items.push(Rc::clone(&node)),
            Kind::Map { entries, seen, merged, key } => match key.take() {
                None => {
                    let text = node.text().ok_or(YamlError::Odd { line, what: "a key that is not a text; write a word" })?;
                    *key = Some((text.to_owned(), line));
                }
                Some((word, _)) if word == "<<" => match &node.value {
                    Value::Map(_) => merged.push(Rc::clone(&node)),
                    Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
                        merged.extend(items.iter().cloned());
                    }
                    _ => return Err(YamlError::Odd { line, what: "only mappings can be merged by `<<`" }),
                },
                Some((word, line)) => {
                    if !seen.insert(word.clone()) {
                        return Err(YamlError::Twice { line, key: word.chars().take(60).collect() });
                    }
                    entries.push(Entry { key: word, line, node: Rc::clone(&node) });
                }
            },
        }
        open.size = open.size.saturating_add(node.size);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, YamlError, read};

    #[test]
    fn a_tree_knows_lines_and_merges() {
        let root = read("a: &x {p: 1, q: two}\nb:\n  <<: *x\n  q: \"3\"\nc: [on, ~, *x]\n").unwrap();
        let b = root.get("b").unwrap();
        assert_eq!((b.line, b.get("p").unwrap().whole(), b.get("q").unwrap().text()), (3, Some(1), Some("3")));
        assert_eq!(b.entries().len(), 2);
        let c = root.get("c").unwrap().items();
        assert_eq!((c[0].truth(), c[1].is_null(), c[2].entries().len()), (Some(true), true, 2));
        assert!(matches!(&read("").unwrap().value, Value::Map(entries) if entries.is_empty()));
    }

    #[test]
    fn bounds_hold() {
        let deep = "[".repeat(70);
        assert!(matches!(read(&deep), Err(YamlError::TooMuch { what, .. }) if what.contains("64 deep")));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let above = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{above}]\n");
        }
        assert!(matches!(read(&bomb), Err(YamlError::TooMuch { what, .. }) if what.contains("100,000")));
        let merges = format!("a: &a {{{}}}\n", (0..1_000).map(|at| format!("k{at}: 1, ")).collect::<String>());
        let many: String = (0..200).map(|at| format!("b{at}: {{<<: *a}}\n")).collect();
        assert!(matches!(read(&(merges + &many)), Err(YamlError::TooMuch { .. })));
        assert!(matches!(read(&"a".repeat((1 << 20) + 1)), Err(YamlError::TooMuch { line: 1, .. })));
    }

    #[test]
    fn what_is_refused_names_its_line_and_not_its_value() {
        let rows = [
            ("a: 1\na: 2\n", "line 2: the key `a` stands twice"),
            ("a: &x [*x]\n", "line 1: an alias that stands inside"),
            ("a: 1\n---\nb: 2\n", "line 2: a second document"),
            ("a: !secret hush\n", "line 1: a tag of its own"),
            ("[a]: 1\n", "line 1: a key that is not a text"),
            ("a: 1\nb: {<<: hush}\n", "line 2: only mappings"),
            ("a: 1\n b: [hush\n", "line 2: "),
        ];
        for (text, says) in rows {
            let said = read(text).unwrap_err().to_string();
            assert!(said.starts_with(says) && !said.contains("hush"), "{text:?}: {said}");
        }
    }

    #[test]
    fn a_large_file_takes_no_long() {
        let text: String =
            (0..9_000).map(|at| format!("- {{name: model-{at}, params: [1, 2, 3], text: 'x x x x x x x x x x'}}\n")).collect();
        assert!(text.len() > 500_000);
        assert_eq!(read(&text).unwrap().items().len(), 9_000);
    }
}
