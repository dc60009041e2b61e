//! Fonts as far as text needs them: codes to characters and widths. Glyph programs are not read.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_16BE};

use crate::pdf::cmap::{self, CMap};
use crate::pdf::file::File;
use crate::pdf::glyph::{self, Base};
use crate::pdf::object::{Dict, Object};
use crate::sink::Sink;

pub struct Font {
    to_unicode: CMap,
    codes: Codes,
    widths: Vec<(u32, u32, f64)>,
    default_width: Option<f64>,
    name: Vec<u8>,
    /// Whether widths count thousandths, or in a Type 3 font something else.
    unit: f64,
}

enum Codes {
    /// One byte a code; empty where the encoding has nothing.
    Simple(Vec<String>),
    /// Codes of a composite font that stand for glyphs. With the map that says how long they are.
    Glyphs(CMap),
    /// Codes of a composite font that are characters of a known set.
    Charset(&'static Encoding),
}

/// One code of a shown string.
pub struct Glyph {
    /// None: nobody knows.
    pub text: Option<String>,
    /// In thousandths of the size.
    pub width: f64,
    /// Whether word spacing applies.
    pub is_space: bool,
}

/// Predefined maps by a part of their name.
const CHARSETS: &[(&str, &Encoding)] = &[
    ("UTF16", UTF_16BE),
    ("UCS2", UTF_16BE),
    ("GB-", GB18030),
    ("GBK", GB18030),
    ("GBpc", GB18030),
    ("B5", BIG5),
    ("HKscs", BIG5),
    ("RKSJ", SHIFT_JIS),
    ("KSC", EUC_KR),
    ("EUC", EUC_JP),
];

impl Font {
    /// Reads a font. Also the bytes of syntax that this took.
    pub fn read(dict: &Dict, file: &File<'_>, sink: &mut Sink<'_>) -> (Self, usize) {
        // Tables cost memory for every font.
        let mut cost = 1 << 16;
        let mut map_of = |key: &str, sink: &mut Sink<'_>| {
            let index = match dict.get(key.as_bytes()) {
                Some(Object::Ref(number)) => file.index_of(*number)?,
                _ => return None,
            };
            file.objects.get(index)?.stream.as_ref()?;
            let (bytes, _) = file.decode(index, sink);
            cost += bytes.len() * 4;
            Some(CMap::read(&bytes))
        };
        let to_unicode = map_of("ToUnicode", sink).unwrap_or_default();
        let composite = file.get(dict, "Subtype").and_then(Object::name) == Some(b"Type0");
        let codes = if composite {
            let charset = file.get(dict, "Encoding").and_then(Object::name).and_then(predefined);
            charset.map_or_else(|| Codes::Glyphs(map_of("Encoding", sink).unwrap_or_default()), Codes::Charset)
        } else {
            Codes::Simple(simple(dict, file))
        };
        let mut font = Self {
            to_unicode,
            codes,
            widths: Vec::new(),
            default_width: None,
            name: file.get(dict, "BaseFont").and_then(Object::name).unwrap_or_default().to_vec(),
            unit: 1.0,
        };
        if composite {
            cost += font.composite_widths(dict, file);
        } else {
            font.simple_widths(dict, file);
        }
        (font, cost)
    }

    fn simple_widths(&mut self, dict: &Dict, file: &File<'_>) {
        if let Some(Object::Array(matrix)) = file.get(dict, "FontMatrix") {
            self.unit = matrix.first().and_then(Object::number).map_or(1.0, |it| it * 1000.0);
        }
        let first = file.get(dict, "FirstChar").and_then(Object::size).unwrap_or(0);
        let widths = file.get(dict, "Widths").and_then(Object::array).unwrap_or_default();
        for (code, width) in (first..256).zip(widths) {
            if let (Ok(code), Some(width)) = (u32::try_from(code), file.resolve(width).and_then(Object::number)) {
                self.widths.push((code, code, width));
            }
        }
    }

    /// Also what this costs.
    fn composite_widths(&mut self, dict: &Dict, file: &File<'_>) -> usize {
        let Some(inner) = file.get(dict, "DescendantFonts").and_then(Object::array).and_then(<[_]>::first) else { return 0 };
        let Some(inner) = file.resolve(inner).and_then(Object::dict) else { return 0 };
        self.default_width = Some(file.get(inner, "DW").and_then(Object::number).unwrap_or(1000.0));
        let mut rest = file.get(inner, "W").and_then(Object::array).unwrap_or_default();
        let cost = rest.len() * 16;
        while let [first, second, after @ ..] = rest {
            let Some(low) = first.size().and_then(|it| u32::try_from(it).ok()) else { break };
            rest = after;
            match (file.resolve(second), after) {
                (Some(Object::Array(each)), _) => {
                    for (code, width) in (low..u32::MAX).zip(each) {
                        self.widths.extend(width.number().map(|it| (code, code, it)));
                    }
                }
                (Some(high), [width, after @ ..]) => {
                    let high = high.size().and_then(|it| u32::try_from(it).ok()).unwrap_or(low);
                    self.widths.extend(width.number().map(|it| (low, high, it)));
                    rest = after;
                }
                _ => break,
            }
        }
        self.widths.truncate(1 << 16);
        self.widths.sort_by_key(|it| it.0);
        cost + self.widths.len() * 64
    }

    /// Takes the bytes of a shown string apart.
    pub fn glyphs(&self, bytes: &[u8], mut each: impl FnMut(Glyph)) {
        match &self.codes {
            Codes::Simple(table) => {
                for byte in bytes {
                    let code = u32::from(*byte);
                    let known = || table.get(usize::from(*byte)).filter(|it| !it.is_empty()).cloned();
                    let text = self.to_unicode.text(code).or_else(known);
                    each(self.glyph(code, text, *byte == b' '));
                }
            }
            Codes::Charset(encoding) if self.to_unicode.is_empty() => {
                let text = encoding.decode_without_bom_handling(bytes).0.into_owned();
                for letter in text.chars() {
                    let width = if letter.is_ascii() { 500.0 } else { 1000.0 };
                    each(Glyph { text: Some(letter.to_string()), width, is_space: false });
                }
            }
            Codes::Charset(_) => self.by_length(bytes, &self.to_unicode, &mut each),
            Codes::Glyphs(map) => self.by_length(bytes, if map.has_spaces() { map } else { &self.to_unicode }, &mut each),
        }
    }

    fn by_length(&self, bytes: &[u8], lengths: &CMap, each: &mut impl FnMut(Glyph)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = lengths.length(rest).unwrap_or(2).min(rest.len());
            let code = cmap::code(crate::part(rest, 0..length));
            rest = crate::rest(rest, length);
            each(self.glyph(code, self.to_unicode.text(code), length == 1 && code == 32));
        }
    }

    fn glyph(&self, code: u32, text: Option<String>, is_space: bool) -> Glyph {
        let behind = self.widths.partition_point(|it| it.0 <= code);
        let known = self.widths.get(..behind).and_then(<[_]>::last).filter(|it| code <= it.1).map(|it| it.2);
        let usual = || glyph::usual_width(&self.name, text.as_deref().unwrap_or(" "));
        let width = known.filter(|it| *it > 0.0).or(self.default_width).unwrap_or_else(usual) * self.unit;
        Glyph { text, width, is_space }
    }
}

fn predefined(name: &[u8]) -> Option<&'static Encoding> {
    let name = std::str::from_utf8(name).ok()?;
    CHARSETS.iter().find(|it| name.contains(it.0)).map(|it| it.1)
}

/// The table of a simple font: its base with the differences.
fn simple(dict: &Dict, file: &File<'_>) -> Vec<String> {
    let base = |name: Option<&[u8]>| match name {
        Some(b"MacRomanEncoding") => Base::MacRoman,
        Some(b"StandardEncoding") => Base::Standard,
        _ => Base::WinAnsi,
    };
    let encoding = match file.get(dict, "Encoding") {
        Some(Object::Dict(encoding)) => encoding,
        Some(Object::Name(name)) => return glyph::table(base(Some(name))),
        // A font with its own encoding: for most letters the same.
        _ => return glyph::table(Base::WinAnsi),
    };
    let mut table = glyph::table(base(file.get(encoding, "BaseEncoding").and_then(Object::name)));
    let mut code = 0;
    for item in file.get(encoding, "Differences").and_then(Object::array).unwrap_or_default().iter().take(4_096) {
        match item {
            Object::Int(start) => code = usize::try_from(*start).unwrap_or(256),
            Object::Name(name) => {
                if let Some(slot) = table.get_mut(code) {
                    *slot = std::str::from_utf8(name).ok().and_then(glyph::text).unwrap_or_default();
                }
                code += 1;
            }
            _ => {}
        }
    }
    table
}
