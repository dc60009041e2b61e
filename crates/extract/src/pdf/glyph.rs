//! Names of glyphs to characters, and the encodings of simple fonts (ISO 32000-1, annex D).

use encoding_rs::{MACINTOSH, WINDOWS_1252};

/// Names that are not a letter with an accent.
const NAMES: &[(&str, &str)] = &[
    ("space", " "),
    ("nbspace", " "),
    ("nonbreakingspace", " "),
    ("exclam", "!"),
    ("quotedbl", "\""),
    ("numbersign", "#"),
    ("dollar", "$"),
    ("percent", "%"),
    ("ampersand", "&"),
    ("quotesingle", "'"),
    ("quoteright", "’"),
    ("quoteleft", "‘"),
    ("parenleft", "("),
    ("parenright", ")"),
    ("asterisk", "*"),
    ("plus", "+"),
    ("comma", ","),
    ("hyphen", "-"),
    ("sfthyphen", "-"),
    ("minus", "-"),
    ("period", "."),
    ("slash", "/"),
    ("zero", "0"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("colon", ":"),
    ("semicolon", ";"),
    ("less", "<"),
    ("equal", "="),
    ("greater", ">"),
    ("question", "?"),
    ("at", "@"),
    ("bracketleft", "["),
    ("backslash", "\\"),
    ("bracketright", "]"),
    ("asciicircum", "^"),
    ("underscore", "_"),
    ("grave", "`"),
    ("braceleft", "{"),
    ("bar", "|"),
    ("braceright", "}"),
    ("asciitilde", "~"),
    ("exclamdown", "¡"),
    ("cent", "¢"),
    ("sterling", "£"),
    ("currency", "¤"),
    ("yen", "¥"),
    ("brokenbar", "¦"),
    ("section", "§"),
    ("dieresis", "¨"),
    ("copyright", "©"),
    ("ordfeminine", "ª"),
    ("guillemotleft", "«"),
    ("logicalnot", "¬"),
    ("registered", "®"),
    ("macron", "¯"),
    ("degree", "°"),
    ("plusminus", "±"),
    ("twosuperior", "²"),
    ("threesuperior", "³"),
    ("acute", "´"),
    ("mu", "µ"),
    ("paragraph", "¶"),
    ("periodcentered", "·"),
    ("cedilla", "¸"),
    ("onesuperior", "¹"),
    ("ordmasculine", "º"),
    ("guillemotright", "»"),
    ("onequarter", "¼"),
    ("onehalf", "½"),
    ("threequarters", "¾"),
    ("questiondown", "¿"),
    ("multiply", "×"),
    ("divide", "÷"),
    ("AE", "Æ"),
    ("ae", "æ"),
    ("Eth", "Ð"),
    ("eth", "ð"),
    ("Thorn", "Þ"),
    ("thorn", "þ"),
    ("germandbls", "ß"),
    ("OE", "Œ"),
    ("oe", "œ"),
    ("Oslash", "Ø"),
    ("oslash", "ø"),
    ("Lslash", "Ł"),
    ("lslash", "ł"),
    ("dotlessi", "ı"),
    ("florin", "ƒ"),
    ("Euro", "€"),
    ("endash", "–"),
    ("emdash", "—"),
    ("bullet", "•"),
    ("ellipsis", "…"),
    ("dagger", "†"),
    ("daggerdbl", "‡"),
    ("quotesinglbase", "‚"),
    ("quotedblbase", "„"),
    ("quotedblleft", "“"),
    ("quotedblright", "”"),
    ("guilsinglleft", "‹"),
    ("guilsinglright", "›"),
    ("perthousand", "‰"),
    ("trademark", "™"),
    ("fraction", "/"),
    ("circumflex", "ˆ"),
    ("tilde", "˜"),
    ("breve", "˘"),
    ("dotaccent", "˙"),
    ("ring", "˚"),
    ("hungarumlaut", "˝"),
    ("ogonek", "˛"),
    ("caron", "ˇ"),
    ("fi", "fi"),
    ("fl", "fl"),
    ("ff", "ff"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("Dcroat", "Đ"),
    ("dcroat", "đ"),
];

/// The accent that a name ends in, and pairs of a letter and the letter with it.
const ACCENTS: &[(&str, &str)] = &[
    ("acute", "AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzź"),
    ("grave", "AÀEÈIÌOÒUÙaàeèiìoòuù"),
    ("circumflex", "AÂEÊIÎOÔUÛaâeêiîoôuû"),
    ("dieresis", "AÄEËIÏOÖUÜYŸaäeëiïoöuüyÿ"),
    ("tilde", "AÃNÑOÕaãnñoõ"),
    ("ring", "AÅUŮaåuů"),
    ("cedilla", "CÇcçSŞsşTŢtţ"),
    ("commaaccent", "GĢgģKĶkķLĻlļNŅnņRŖrŗSȘsșTȚtț"),
    ("caron", "CČcčDĎdďEĚeěLĽlľNŇnňRŘrřSŠsšTŤtťZŽzž"),
    ("ogonek", "AĄaąEĘeęIĮiįUŲuų"),
    ("macron", "AĀaāEĒeēIĪiīOŌoōUŪuū"),
    ("breve", "AĂaăGĞgğ"),
    ("dotaccent", "EĖeėIİZŻzż"),
    ("hungarumlaut", "OŐoőUŰuű"),
];

/// The text of a glyph by its name. None: the name tells nothing.
pub fn text(name: &str) -> Option<String> {
    // A variant is written behind a dot, a ligature with underscores.
    let base = name.split('.').next().filter(|it| !it.is_empty())?;
    base.split('_').map(one).collect()
}

fn one(name: &str) -> Option<String> {
    let mut chars = name.chars();
    if let (Some(letter), None) = (chars.next(), chars.next()) {
        return letter.is_ascii_alphabetic().then(|| letter.to_string());
    }
    if let Some((_, text)) = NAMES.iter().find(|it| it.0 == name) {
        return Some((*text).to_owned());
    }
    let accented = ACCENTS.iter().find_map(|(accent, pairs)| {
        let letter = name.strip_suffix(accent)?;
        let mut pairs = pairs.chars();
        while let (Some(plain), Some(with)) = (pairs.next(), pairs.next()) {
            if letter.chars().eq([plain]) {
                return Some(with.to_string());
            }
        }
        None
    });
    accented.or_else(|| by_number(name))
}

/// `uni0041`, `uni00660069`, `u1F600`.
fn by_number(name: &str) -> Option<String> {
    if let Some(digits) = name.strip_prefix("uni").filter(|it| it.len() >= 4 && it.len().is_multiple_of(4)) {
        let units: Option<Vec<u16>> = digits
            .as_bytes()
            .chunks(4)
            .take(8)
            .map(|it| std::str::from_utf8(it).ok().and_then(|it| u16::from_str_radix(it, 16).ok()))
            .collect();
        return String::from_utf16(&units?).ok();
    }
    let digits = name.strip_prefix('u').filter(|it| (4..=6).contains(&it.len()))?;
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).map(String::from)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    Standard,
    WinAnsi,
    MacRoman,
}

/// What the 256 codes of an encoding stand for; empty where it has nothing.
pub fn table(base: Base) -> Vec<String> {
    (0..=255_u8)
        .map(|code| match (base, code) {
            (_, 0..=8 | 11 | 12 | 14..=31 | 127) => String::new(),
            (Base::WinAnsi, _) => WINDOWS_1252.decode_without_bom_handling(&[code]).0.into_owned(),
            (Base::MacRoman, _) => MACINTOSH.decode_without_bom_handling(&[code]).0.into_owned(),
            (Base::Standard, b'\'') => "’".to_owned(),
            (Base::Standard, b'`') => "‘".to_owned(),
            (Base::Standard, 0..=126) => char::from(code).to_string(),
            (Base::Standard, _) => standard_high(code).to_owned(),
        })
        .collect()
}

/// The upper half of the standard encoding.
fn standard_high(code: u8) -> &'static str {
    const FROM_A1: [&str; 94] = [
        "¡", "¢", "£", "/", "¥", "ƒ", "§", "¤", "'", "“", "«", "‹", "›", "fi", "fl", "", "–", "†", "‡", "·", "", "¶", "•", "‚", "„", "”",
        "»", "…", "‰", "", "¿", "", "`", "´", "ˆ", "˜", "¯", "˘", "˙", "¨", "", "˚", "¸", "", "˝", "˛", "ˇ", "—", "", "", "", "", "", "",
        "", "", "", "", "", "", "", "", "", "", "Æ", "", "ª", "", "", "", "", "Ł", "Ø", "Œ", "º", "", "", "", "", "", "æ", "", "", "", "ı",
        "", "", "ł", "ø", "œ", "ß", "", "", "",
    ];
    code.checked_sub(0xA1).and_then(|it| FROM_A1.get(usize::from(it))).copied().unwrap_or_default()
}

/// `PDFDocEncoding` from code 0x80 to 0xA0.
const FROM_80: &str = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\u{fffd}€";

/// A text string of a dictionary (ISO 32000-1, 7.9.2.2): UTF-16 or UTF-8 with a mark, else `PDFDocEncoding`.
pub fn text_string(bytes: &[u8]) -> String {
    if bytes.starts_with(b"\xFE\xFF")
        || bytes.starts_with(b"\xFF\xFE")
        || bytes.starts_with(b"\xEF\xBB\xBF")
        || std::str::from_utf8(bytes).is_ok()
    {
        return crate::charset::decode(bytes, None).text.into_owned();
    }
    bytes
        .iter()
        .map(|byte| match byte {
            0x80..=0xA0 => FROM_80.chars().nth(usize::from(byte - 0x80)).unwrap_or('\u{fffd}'),
            other => char::from(*other),
        })
        .collect()
}

/// The width of a glyph in thousandths of its size when the file does not say: of Helvetica and Times, roughly; of Courier.
pub fn usual_width(font: &[u8], text: &str) -> f64 {
    let has = |name: &[u8]| memchr::memmem::find(font, name).is_some();
    if has(b"Courier") || has(b"Mono") {
        return 600.0;
    }
    let narrower = if has(b"Times") || has(b"Serif") { 0.9 } else { 1.0 };
    let width = match text.chars().next().unwrap_or(' ') {
        'i' | 'l' | 'j' | '\'' => 222.0,
        ' ' | '.' | ',' | ':' | ';' | '/' | '!' | 'I' | 't' | 'f' | '|' | '[' | ']' => 278.0,
        'r' | '-' | '(' | ')' | '"' => 333.0,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J' => 500.0,
        'm' | 'M' => 833.0,
        'W' => 944.0,
        '@' => 1015.0,
        '%' => 889.0,
        'G' | 'O' | 'Q' => 778.0,
        'C' | 'D' | 'H' | 'N' | 'R' | 'U' | 'w' => 722.0,
        it if it.is_uppercase() => 667.0,
        _ => 556.0,
    };
    width * narrower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_texts() {
        let check = |name: &str, expected: Option<&str>| assert_eq!(text(name).as_deref(), expected, "{name}");
        check("A", Some("A"));
        check("at", Some("@"));
        check("eacute", Some("é"));
        check("zcaron", Some("ž"));
        check("uni00E9", Some("é"));
        check("u1F600", Some("😀"));
        check("f_i.alt", Some("fi"));
        check("a.sc", Some("a"));
        check("g12", None);
        check(".notdef", None);
        check("uniZZZZ", None);
    }

    #[test]
    fn tables_and_strings() {
        assert_eq!(table(Base::WinAnsi)[0x80], "€");
        assert_eq!(table(Base::MacRoman)[0x8E], "é");
        assert_eq!(
            (table(Base::Standard)[0xE1].as_str(), table(Base::Standard)[0xFB].as_str(), table(Base::Standard)[0xD0].as_str()),
            ("Æ", "ß", "—")
        );
        assert_eq!(text_string(b"\xFE\xFF\0h\0i"), "hi");
        assert_eq!(text_string(b"\x8dq\x8e"), "“q”");
        assert_eq!(text_string(b"\xE9t\xE9"), "été");
    }
}
