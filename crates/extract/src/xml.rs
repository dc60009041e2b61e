//! XML as a flat run of events, and the text of XML whose vocabulary is not known. Entities that the document declares are not
//! expanded, nothing outside is fetched.

use std::borrow::Cow;
use std::collections::HashSet;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, escape};

use crate::model::{Limit, Reason};
use crate::sink::Sink;

/// Takes the events of one document. Names are local: without a prefix.
pub trait Visit {
    fn open(&mut self, name: &str, attributes: &mut dyn Iterator<Item = (String, String)>, sink: &mut Sink<'_>);
    fn close(&mut self, name: &str, sink: &mut Sink<'_>);
    fn text(&mut self, text: &str);
    /// Comments, processing instructions, declarations.
    fn aside(&mut self, text: &str);
}

/// Walks the document. What is wrong with it is recorded at `place`; text behind the fault is handed over as it stands.
pub fn walk(place: &str, text: &str, sink: &mut Sink<'_>, visit: &mut dyn Visit) {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        if depth > sink.limits.xml_depth {
            return give_up(place, Limit::Depth.into(), behind(text, at), sink, visit);
        }
        let event = match reader.read_event() {
            Ok(Event::Eof) => return,
            Ok(event) => event,
            Err(_) => return give_up(place, Reason::Damaged, behind(text, at), sink, visit),
        };
        match event {
            Event::Start(tag) => {
                depth += 1;
                open(&tag, sink, visit);
            }
            Event::Empty(tag) => {
                open(&tag, sink, visit);
                visit.close(local(tag.name().as_ref()), sink);
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                visit.close(local(tag.name().as_ref()), sink);
            }
            Event::Text(text) => visit.text(&text.xml10_content()),
            Event::CData(text) => visit.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let source = format!("&{};", &*entity);
                let known = escape::unescape(&source);
                if known.is_err() {
                    sink.unread(place, Reason::Entity);
                }
                visit.text(known.as_deref().unwrap_or(&source));
            }
            Event::DocType(text) => {
                // Values of declared entities and defaults of attributes stand in here.
                visit.aside(&text);
                if text.contains("<!ENTITY") || text.contains("<!ATTLIST") {
                    sink.unread(place, Reason::Entity);
                }
            }
            Event::Comment(text) => visit.aside(&text),
            Event::PI(text) => visit.aside(&text),
            Event::Decl(text) if is_vocabulary(&text) => {}
            Event::Decl(text) => visit.aside(&text),
            Event::Eof => return,
        }
        at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
    }
}

impl From<Limit> for Reason {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

fn give_up(place: &str, reason: Reason, behind: &str, sink: &mut Sink<'_>, visit: &mut dyn Visit) {
    sink.unread(place, reason);
    visit.aside(behind);
}

/// The text from this byte on, moved back to where a character starts.
fn behind(text: &str, at: usize) -> &str {
    text.get(text.floor_char_boundary(at)..).unwrap_or_default()
}

/// The name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |it| it.1)
}

fn open(tag: &BytesStart<'_>, sink: &mut Sink<'_>, visit: &mut dyn Visit) {
    let raw = tag.attributes_raw();
    let mut broken = false;
    let mut attributes = tag.attributes();
    attributes.with_checks(false);
    let mut each = attributes.filter_map(|attribute| {
        let Ok(attribute) = attribute else {
            broken = true;
            return None;
        };
        let value = escape::unescape(&attribute.value).unwrap_or(Cow::Borrowed(&*attribute.value)).into_owned();
        Some((local(attribute.key.as_ref()).to_owned(), value))
    });
    visit.open(local(tag.name().as_ref()), &mut each, sink);
    each.by_ref().for_each(drop);
    if broken {
        visit.aside(raw);
    }
}

/// The character set that the XML declaration names.
pub fn declared_encoding(head: &str) -> Option<&str> {
    let after = head.strip_prefix('\u{feff}').unwrap_or(head).strip_prefix("<?xml")?.split("?>").next()?.split_once("encoding")?.1;
    let quoted = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = quoted.chars().next().filter(|it| "\"'".contains(*it))?;
    quoted.split(quote).nth(1)
}

/// Names of the formats themselves, which stand in every document: they begin as only those do and hold nothing that could be a value.
fn is_vocabulary(value: &str) -> bool {
    const OPENINGS: &[&str] = &[
        "http://schemas.openxmlformats.org/",
        "http://schemas.microsoft.com/",
        "http://purl.org/dc/",
        "http://www.w3.org/",
        "http://purl.oclc.org/ooxml/",
        "urn:schemas-microsoft-com:",
        "application/vnd.openxmlformats-",
        "application/vnd.ms-",
        "xml version=",
    ];
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_uppercase() || it.is_ascii_digit() || b"/.:-+ ='\"".contains(&it);
    let long_number = value.as_bytes().windows(5).any(|it| it.iter().all(u8::is_ascii_digit));
    value.len() < 120 && OPENINGS.iter().any(|it| value.starts_with(it)) && value.bytes().all(plain) && !long_number
}

/// Values of attributes, each once, one a line.
#[derive(Default)]
pub struct Attributes {
    seen: HashSet<String>,
    text: String,
}

impl Attributes {
    /// What was added since the last time.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Too short to be or to tell anything: `1`, `on`.
    const SHORT: usize = 3;

    pub fn add(&mut self, value: &str) {
        if value.len() > Self::SHORT && !is_vocabulary(value) && !self.seen.contains(value) {
            self.seen.insert(value.to_owned());
            self.text.push_str(value);
            self.text.push('\n');
        }
    }
}

/// A whole XML document: its source is a segment already; this adds what reads differently without the tags.
pub fn read_document(text: &str, sink: &mut Sink<'_>) {
    // Without its tags and attributes nobody knows what it says.
    sink.cannot_render();
    let mut flow = Flow::default();
    walk("text", text, sink, &mut flow);
    flow.end_line();
    sink.text("text without tags", &flow.joined);
    sink.text("sensitivity labels", &flow.labels);
}

/// What elements and attributes begin with in which a sensitivity label of Microsoft Purview stands, such as those of the XMP in a PDF.
const LABEL: &str = "MSIP_Label_";

/// Text of mixed content, joined over tags. Siblings stand on their own lines.
#[derive(Default)]
pub struct Flow {
    line: String,
    pieces: usize,
    closed: bool,
    opened: bool,
    /// Lines that do not stand in the source as they are.
    joined: String,
    /// Whether a label is open.
    in_label: bool,
    /// Names of labels with their values, as in the header of a mail.
    labels: String,
}

impl Flow {
    fn end_line(&mut self) {
        if self.pieces > 1 {
            self.joined.push_str(&self.line);
            self.joined.push('\n');
        }
        self.line.clear();
        self.pieces = 0;
    }
}

fn is_label(name: &str) -> bool {
    name.get(..LABEL.len()).is_some_and(|opening| opening.eq_ignore_ascii_case(LABEL))
}

impl Visit for Flow {
    fn open(&mut self, name: &str, attributes: &mut dyn Iterator<Item = (String, String)>, _sink: &mut Sink<'_>) {
        self.opened = true;
        self.in_label = is_label(name);
        if self.in_label {
            self.labels.extend([name, ": "]);
        }
        for (name, value) in attributes.filter(|(name, _)| is_label(name)) {
            self.labels.extend([&name, ": ", &value, "\n"]);
        }
    }

    fn close(&mut self, _name: &str, _sink: &mut Sink<'_>) {
        self.closed = true;
        if std::mem::take(&mut self.in_label) {
            self.labels.push('\n');
        }
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        if self.in_label {
            self.labels.push_str(text.trim());
        }
        // `</b><i>`: two values. `</b>text` and `text<b>`: one.
        if self.closed && self.opened {
            self.end_line();
        }
        (self.closed, self.opened) = (false, false);
        while let Some((line, after)) = rest.split_once('\n') {
            self.line.push_str(line);
            self.pieces += 1;
            self.end_line();
            rest = after;
        }
        self.line.push_str(rest);
        self.pieces += usize::from(!rest.is_empty());
    }

    fn aside(&mut self, _text: &str) {}
}
