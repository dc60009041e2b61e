//! Every string of every dictionary: document information, annotations, values and names of fields, outlines, link targets, scripts,
//! descriptions. Which of them a reader shows is not asked.

use crate::model::{Looks, Reason};
use crate::pdf::file::File;
use crate::pdf::glyph;
use crate::pdf::object::{Dict, Object};
use crate::sink::Sink;

/// Strings that are bytes for machines: digests, signatures, tables of colours, file identifiers.
const NOT_TEXT: &[&str] = &["ID", "Lookup", "CheckSum", "Cert", "Registry", "Ordering", "Panose", "DocChecksum", "Digest", "DigestValue"];
/// Where the document says what it is: its keys belong to what they say, such as the name of a sensitivity label.
const INFORMATION: &str = "document information";
/// Keys whose names a person chose: values and states of fields.
const NAMES: &[&str] = &["V", "DV", "AS"];

pub fn read(file: &File<'_>, sink: &mut Sink<'_>) {
    let information: Vec<u32> = file
        .trailers
        .iter()
        .filter_map(|it| match it.get(b"Info".as_slice()) {
            Some(Object::Ref(number)) => Some(*number),
            _ => None,
        })
        .collect();
    for stored in &file.objects {
        let annotation = stored.is("Annot");
        let place = if information.contains(&stored.number) {
            INFORMATION.to_owned()
        } else if annotation {
            format!("annotation {}", stored.number)
        } else {
            format!("object {}", stored.number)
        };
        one(&stored.object, (&place, annotation), sink);
    }
    for trailer in &file.trailers {
        one(&Object::Dict(trailer.clone()), ("trailer", false), sink);
    }
}

fn one(object: &Object, (place, shown): (&str, bool), sink: &mut Sink<'_>) {
    let mut found = Found { named: place == INFORMATION, ..Found::default() };
    found.object(object, false);
    if shown {
        sink.shown(place, &found.text);
    } else {
        sink.text(place, &found.text);
    }
    if found.binary {
        sink.unread(place, Reason::Looks(Looks::Binary));
    }
}

#[derive(Default)]
struct Found {
    text: String,
    /// Whether keys are told beside their values.
    named: bool,
    binary: bool,
}

impl Found {
    fn object(&mut self, object: &Object, names: bool) {
        match object {
            Object::Text(bytes) => self.string(bytes),
            Object::Name(name) if names => self.string(name),
            Object::Array(array) => array.iter().for_each(|it| self.object(it, names)),
            Object::Dict(dict) => self.dict(dict),
            _ => {}
        }
    }

    fn dict(&mut self, dict: &Dict) {
        let is_signature = dict.contains_key(b"ByteRange".as_slice());
        for (key, value) in dict {
            let key = std::str::from_utf8(key).unwrap_or_default();
            let skip = NOT_TEXT.contains(&key) || is_signature && key == "Contents";
            if !skip {
                if self.named && matches!(value, Object::Text(_)) {
                    self.text.push_str(key);
                    self.text.push_str(": ");
                }
                self.object(value, NAMES.contains(&key));
            }
        }
    }

    fn string(&mut self, bytes: &[u8]) {
        let text = glyph::text_string(bytes);
        let controls = text.chars().filter(|it| it.is_control() && !it.is_whitespace() && *it != '\u{1b}').count();
        self.binary |= controls > text.len() / 8;
        self.text.push_str(&text);
        self.text.push('\n');
    }
}
