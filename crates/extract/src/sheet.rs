//! Workbooks: the cells of each row with the shared strings in their places, numbers in full.

use std::collections::HashMap;

use crate::model::{Limit, Reason, View};
use crate::ooxml::Part;
use crate::sink::Sink;
use crate::xml::{Attributes, Visit, walk};

/// What the parts of a workbook share.
#[derive(Default)]
pub struct Workbook {
    /// Target of a relation → name of the sheet.
    names: HashMap<String, String>,
    relations: HashMap<String, String>,
    strings: Vec<String>,
    /// Attribute values that some part had.
    pub seen: Attributes,
    used: Vec<bool>,
    /// Bytes of all cells so far, blanks too.
    cells: usize,
}

impl Workbook {
    /// Reads a part if it is one that cells need. False: it is still to be read as any other part.
    pub fn part(&mut self, place: &str, text: &str, sink: &mut Sink<'_>) -> bool {
        match root(text) {
            "sst" => {
                let seen = std::mem::take(&mut self.seen);
                let mut strings = Strings { workbook: self, current: None, rest: Part::new(seen) };
                walk(place, text, sink, &mut strings);
                let seen = strings.rest.finish(place, sink);
                self.seen = seen;
                true
            }
            "worksheet" | "dialogsheet" => {
                self.sheet(place, text, sink);
                true
            }
            "Relationships" if place.ends_with("workbook.xml.rels") => {
                self.look(text, "Relationship", &["Id", "Target"], |book, id, target| drop(book.relations.insert(id, target)), sink);
                false
            }
            "workbook" => {
                self.look(
                    text,
                    "sheet",
                    &["id", "name"],
                    |book, id, name| {
                        if let Some(target) = book.relations.get(&id) {
                            let file = target.rsplit('/').next().unwrap_or_default().to_owned();
                            book.names.insert(file, name);
                        }
                    },
                    sink,
                );
                false
            }
            _ => false,
        }
    }

    /// Takes two attributes of each element with a name.
    fn look(&mut self, text: &str, element: &str, keys: &[&str; 2], mut take: impl FnMut(&mut Self, String, String), sink: &mut Sink<'_>) {
        let mut pairs = Pairs { element, keys, found: Vec::new() };
        // Faults are recorded when the part is read as a part.
        let quiet = sink.limits;
        walk("", text, &mut Sink::new(quiet), &mut pairs);
        for (first, second) in pairs.found {
            take(self, first, second);
        }
    }

    fn sheet(&mut self, place: &str, text: &str, sink: &mut Sink<'_>) {
        let file = place.rsplit('/').next().unwrap_or_default();
        let name = self.names.get(file).cloned().unwrap_or_else(|| file.trim_end_matches(".xml").to_owned());
        let seen = std::mem::take(&mut self.seen);
        let mut sheet = Sheet {
            book: self,
            name,
            row: Row::default(),
            cell: Cell::default(),
            at: At::Elsewhere,
            formulas: Attributes::default(),
            rest: Part::new(seen),
        };
        walk(place, text, sink, &mut sheet);
        sheet.end_row(sink);
        let Sheet { mut formulas, rest, .. } = sheet;
        sink.text(&format!("{place} (formulas)"), &formulas.take());
        self.seen = rest.finish(place, sink);
    }

    /// Strings that no cell uses are in the file all the same.
    pub fn finish(&self, sink: &mut Sink<'_>) {
        let unused = self.strings.iter().zip(&self.used).filter(|it| !it.1);
        let text: String = unused.flat_map(|it| [it.0.as_str(), "\n"]).collect();
        sink.text("strings of no cell", &text);
    }
}

/// The local name of the first element.
fn root(text: &str) -> &str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        if after.starts_with(|it: char| it.is_alphabetic()) {
            let name = after.split(|it: char| it.is_whitespace() || it == '>' || it == '/').next().unwrap_or_default();
            return name.rsplit(':').next().unwrap_or_default();
        }
        rest = match after {
            it if it.starts_with("!--") => it.split_once("-->").map_or("", |it| it.1),
            it => it,
        };
    }
    ""
}

struct Pairs<'a> {
    element: &'a str,
    keys: &'a [&'a str; 2],
    found: Vec<(String, String)>,
}

impl Visit for Pairs<'_> {
    fn open(&mut self, name: &str, attributes: &mut dyn Iterator<Item = (String, String)>, _sink: &mut Sink<'_>) {
        if name != self.element {
            return;
        }
        let [first, second] = self.keys;
        let (mut one, mut two) = (None, None);
        for (key, value) in attributes {
            if key == *first {
                one = Some(value);
            } else if key == *second {
                two = Some(value);
            }
        }
        self.found.extend(one.zip(two));
    }

    fn close(&mut self, _name: &str, _sink: &mut Sink<'_>) {}
    fn text(&mut self, _text: &str) {}
    fn aside(&mut self, _text: &str) {}
}

/// The shared strings. Phonetic runs and what stands outside of strings go to the rest.
struct Strings<'a> {
    workbook: &'a mut Workbook,
    current: Option<(String, usize)>,
    rest: Part,
}

impl Visit for Strings<'_> {
    fn open(&mut self, name: &str, attributes: &mut dyn Iterator<Item = (String, String)>, _sink: &mut Sink<'_>) {
        self.rest.attributes(attributes);
        match (name, &mut self.current) {
            ("si", current) => *current = Some((String::new(), 0)),
            ("rPh", Some((_, phonetic))) => *phonetic += 1,
            _ => {}
        }
    }

    fn close(&mut self, name: &str, _sink: &mut Sink<'_>) {
        match (name, &mut self.current) {
            ("rPh", Some((_, phonetic))) => *phonetic = phonetic.saturating_sub(1),
            ("si", current) => {
                if let Some((text, _)) = current.take() {
                    self.workbook.strings.push(text);
                    self.workbook.used.push(false);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.current {
            Some((current, 0)) => current.push_str(text),
            _ if text.trim().is_empty() => {}
            _ => self.rest.aside(text),
        }
    }

    fn aside(&mut self, text: &str) {
        self.rest.aside(text);
    }
}

#[derive(Default)]
struct Row {
    text: String,
    first: String,
    last: String,
}

#[derive(Default)]
struct Cell {
    name: String,
    kind: String,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Elsewhere,
    Cell,
    Formula,
    Phonetic,
}

struct Sheet<'a> {
    book: &'a mut Workbook,
    name: String,
    row: Row,
    cell: Cell,
    at: At,
    formulas: Attributes,
    rest: Part,
}

impl Sheet<'_> {
    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        let text = match cell.kind.as_str() {
            "s" => cell.text.trim().parse::<usize>().ok().and_then(|index| {
                *self.book.used.get_mut(index)? = true;
                self.book.strings.get(index).cloned()
            }),
            "" | "n" => Some(plain_number(cell.text.trim())),
            _ => Some(cell.text),
        };
        let Some(text) = text.filter(|it| !it.is_empty()) else { return };
        if self.row.text.is_empty() {
            self.row.first.clone_from(&cell.name);
        } else {
            self.row.text.push('\t');
        }
        self.row.last = cell.name;
        self.row.text.push_str(&text);
        self.book.cells += text.len();
    }

    fn end_row(&mut self, sink: &mut Sink<'_>) {
        let Row { text, first, last } = std::mem::take(&mut self.row);
        if text.is_empty() {
            return;
        }
        let cells = if first == last { first } else { format!("{first}:{last}") };
        sink.literal(&format!("{}!{cells}", self.name), &text, None, View::Shown);
        sink.render(&self.name, &text);
    }
}

impl Visit for Sheet<'_> {
    fn open(&mut self, name: &str, attributes: &mut dyn Iterator<Item = (String, String)>, sink: &mut Sink<'_>) {
        match name {
            "row" => self.end_row(sink),
            "c" => {
                self.at = At::Cell;
                self.cell = Cell::default();
                // One long string in very many cells: the text is cut there.
                if self.row.text.len() > sink.limits.output_bytes {
                    self.end_row(sink);
                }
            }
            "f" if self.at == At::Cell => self.at = At::Formula,
            "rPh" if self.at == At::Cell => self.at = At::Phonetic,
            _ => {}
        }
        let counts = name == "c" || name == "row";
        let (cell, rest) = (&mut self.cell, &mut self.rest);
        rest.attributes(&mut attributes.filter(|(key, value)| {
            match key.as_str() {
                "r" if name == "c" => cell.name.clone_from(value),
                "t" if name == "c" => cell.kind.clone_from(value),
                _ => {}
            }
            !(counts && matches!(key.as_str(), "r" | "t" | "s" | "spans" | "ht") && value.len() < 16)
        }));
    }

    fn close(&mut self, name: &str, sink: &mut Sink<'_>) {
        match name {
            "c" => {
                // One long string may stand in very many cells, and blanks are no text and cost as much.
                if self.book.cells > sink.limits.output_bytes {
                    sink.unread(&self.name, Reason::Limit(Limit::Output));
                } else if !sink.is_full() {
                    self.end_cell();
                }
                self.at = At::Elsewhere;
            }
            "row" => self.end_row(sink),
            "f" if self.at == At::Formula => self.at = At::Cell,
            "rPh" if self.at == At::Phonetic => self.at = At::Cell,
            _ => self.rest.close(name, sink),
        }
    }

    fn text(&mut self, text: &str) {
        match self.at {
            At::Cell => self.cell.text.push_str(text),
            At::Formula => self.formulas.add(text),
            At::Phonetic => self.rest.aside(text),
            At::Elsewhere => self.rest.text(text),
        }
    }

    fn aside(&mut self, text: &str) {
        self.rest.aside(text);
    }
}

/// A number without an exponent, when it is a whole one: `4.111E+15` is what a long number is stored as.
fn plain_number(number: &str) -> String {
    let plain = || {
        let (mantissa, exponent) = number.split_once(['E', 'e'])?;
        let exponent = exponent.parse::<usize>().ok().filter(|it| *it <= 24)?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let zeros = exponent.checked_sub(fraction.len())?;
        Some(format!("{whole}{fraction}{}", "0".repeat(zeros)))
    };
    plain().unwrap_or_else(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_whole() {
        let check = |number, expected: &str| assert_eq!(plain_number(number), expected);
        check("4.111111111111E+15", "4111111111111000");
        check("4.111111111111111E15", "4111111111111111");
        check("1.5", "1.5");
        check("1.55E1", "1.55E1");
        check("1E-5", "1E-5");
        check("1E999", "1E999");
    }

    #[test]
    fn the_root_is_found_behind_comments() {
        assert_eq!(root("<?xml version='1.0'?><!-- <a> --><x:sst a='b'>"), "sst");
        assert_eq!(root("no"), "");
    }
}
