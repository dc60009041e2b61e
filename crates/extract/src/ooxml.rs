//! The XML parts of office documents (ECMA-376): running text by paragraphs, everything else that is text or an attribute beside it.

use crate::sink::Sink;
use crate::xml::{Attributes, Visit, walk};

/// Roots whose text runs in paragraphs: there only the elements of [`BLOCKS`] end a word.
const RUNNING: &[&str] = &[
    "document",
    "glossaryDocument",
    "hdr",
    "ftr",
    "comments",
    "footnotes",
    "endnotes",
    "sld",
    "notes",
    "sldLayout",
    "sldMaster",
    "notesMaster",
    "handoutMaster",
    "sst",
    "chartSpace",
    "wsDr",
    "dataModel",
    "drawing",
];

/// Roots of what people read in a document.
const SHOWN: &[&str] =
    &["document", "hdr", "ftr", "comments", "footnotes", "endnotes", "sld", "notes", "chartSpace", "wsDr", "dataModel", "drawing"];

const BLOCKS: &[&str] = &[
    "p",
    "tr",
    "tc",
    "br",
    "cr",
    "si",
    "comment",
    "footnote",
    "endnote",
    "sp",
    "pt",
    "txbxContent",
    "Choice",
    "Fallback",
    "docPr",
    "author",
];

/// Elements whose text is not a part of the running text around it.
const ASIDE: &[&str] = &["delText", "instrText", "delInstrText", "rPh", "posOffset", "align"];

/// Reads a part. `seen` are the attribute values that other parts of the package had.
pub fn read(place: &str, text: &str, seen: &mut Attributes, sink: &mut Sink<'_>) {
    let mut part = Part::new(std::mem::take(seen));
    walk(place, text, sink, &mut part);
    let place = place_of(place);
    if part.shown {
        sink.shown(&place, &std::mem::take(&mut part.flow));
    }
    *seen = part.finish(&place, sink);
}

/// A slide has a number that people know.
fn place_of(place: &str) -> String {
    let numbered = |prefix: &str, word: &str| {
        let number = place.strip_prefix(prefix)?.strip_suffix(".xml")?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{word} {number}"))
    };
    numbered("ppt/slides/slide", "slide")
        .or_else(|| numbered("ppt/notesSlides/notesSlide", "notes of slide"))
        .unwrap_or_else(|| place.to_owned())
}

/// One part while it is read.
#[derive(Default)]
pub struct Part {
    running: Option<bool>,
    /// People read it: no layout, and no list of strings.
    shown: bool,
    flow: String,
    asides: String,
    attributes: Attributes,
    aside_depth: usize,
    opened: bool,
    closed: bool,
}

impl Part {
    pub fn new(attributes: Attributes) -> Self {
        Self { attributes, ..Self::default() }
    }

    /// Hands the text over, and gives the attributes back.
    pub fn finish(mut self, place: &str, sink: &mut Sink<'_>) -> Attributes {
        sink.text(place, &self.flow);
        sink.text(&format!("{place} (beside the text)"), &self.asides);
        sink.text(&format!("{place} (attributes)"), &self.attributes.take());
        self.attributes
    }

    fn is_running(&self) -> bool {
        self.running == Some(true)
    }

    fn end_line(&mut self) {
        if !self.flow.is_empty() && !self.flow.ends_with('\n') {
            self.flow.push('\n');
        }
    }

    /// The name of a custom property stands beside its value: it says what that is, such as the name of a sensitivity label.
    fn property(&mut self, attributes: &mut dyn Iterator<Item = (String, String)>) {
        let all: Vec<(String, String)> = attributes.collect();
        self.end_line();
        if let Some((_, name)) = all.iter().find(|(attribute, _)| attribute == "name") {
            self.flow.push_str(name);
            self.flow.push_str(": ");
            self.closed = false;
        }
        self.attributes(&mut all.into_iter());
    }

    /// A sensitivity label in `docMetadata/LabelInfo.xml` (MS-OFFCRYPTO, 2.6) has an id and no name. It is told like one in a custom property.
    fn label(&mut self, attributes: &mut dyn Iterator<Item = (String, String)>) {
        let all: Vec<(String, String)> = attributes.collect();
        let value = |name: &str| all.iter().find(|(attribute, _)| attribute == name).map(|(_, value)| value.as_str());
        let off = |name: &str, value: Option<&str>| value.is_some_and(|value| value.trim() == name);
        let id = value("id").map(|id| id.trim().trim_start_matches('{').trim_end_matches('}')).filter(|id| is_guid(id));
        if let Some(id) = id
            && !off("0", value("enabled"))
            && !off("1", value("removed"))
        {
            self.end_line();
            self.flow.extend(["MSIP_Label_Id: ", id, "\n"]);
        }
        self.attributes(&mut all.into_iter());
    }

    /// Adds values of attributes, without those that only number things.
    pub fn attributes(&mut self, attributes: &mut dyn Iterator<Item = (String, String)>) {
        for (name, value) in attributes {
            if !name.starts_with("rsid") && name != "paraId" && name != "textId" {
                self.attributes.add(&value);
            }
        }
    }
}

/// Whether a text is 32 hexadecimal digits in their five groups.
fn is_guid(text: &str) -> bool {
    let groups = text.split('-').map(|group| if group.bytes().all(|byte| byte.is_ascii_hexdigit()) { group.len() } else { 0 });
    groups.eq([8, 4, 4, 4, 12])
}

impl Visit for Part {
    fn open(&mut self, name: &str, attributes: &mut dyn Iterator<Item = (String, String)>, _sink: &mut Sink<'_>) {
        if self.running.is_none() {
            self.running = Some(RUNNING.contains(&name));
            self.shown = SHOWN.contains(&name);
        }
        if name == "property" && !self.is_running() {
            self.property(attributes);
        } else if name == "label" && !self.is_running() {
            self.label(attributes);
        } else {
            self.attributes(attributes);
        }
        if self.aside_depth > 0 || ASIDE.contains(&name) {
            self.aside_depth += 1;
            return;
        }
        self.opened = true;
        match name {
            _ if !self.is_running() => {}
            "tab" | "ptab" => self.flow.push('\t'),
            "noBreakHyphen" => self.flow.push('-'),
            name if BLOCKS.contains(&name) => self.end_line(),
            _ => {}
        }
    }

    fn close(&mut self, name: &str, _sink: &mut Sink<'_>) {
        if self.aside_depth > 0 {
            self.aside_depth -= 1;
            if self.aside_depth == 0 {
                self.asides.push('\n');
            }
            return;
        }
        self.closed = true;
        if self.is_running() && BLOCKS.contains(&name) {
            self.end_line();
        }
    }

    fn text(&mut self, text: &str) {
        if self.aside_depth > 0 {
            self.asides.push_str(text);
            return;
        }
        if self.closed && self.opened && !self.is_running() {
            self.end_line();
        }
        (self.closed, self.opened) = (false, false);
        // Line ends between elements of a pretty-printed part are no text of it.
        if text.trim().is_empty() && text.contains('\n') {
            if !self.is_running() {
                self.end_line();
            }
            return;
        }
        self.flow.push_str(text);
    }

    fn aside(&mut self, text: &str) {
        self.asides.push_str(text);
        self.asides.push('\n');
    }
}
