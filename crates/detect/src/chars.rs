//! Single characters: which are dropped, which stand for an ASCII character, which count as part of a word. No text, no state.

/// What becomes of one character in the normalised view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Stays as it is.
    Same,
    /// Invisible: left out.
    Dropped,
    /// Stands for this ASCII character.
    Ascii(u8),
}

/// Zero of every decimal digit block of Unicode that is folded to ASCII digits.
const ZEROS: [u32; 43] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040,
    0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50,
    0xABF0, 0x11066, 0x104A0, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1FBF0,
];

/// Folds one character; the same for literal characters and for results of an escape.
pub(crate) fn fold(c: char) -> Folded {
    let code = u32::from(c);
    match code {
        0..=0x7F => Folded::Same,
        0x00AD
        | 0x034F
        | 0x061C
        | 0x115F
        | 0x1160
        | 0x17B4
        | 0x17B5
        | 0x180B..=0x180E
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0x3164
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xFFA0
        | 0xE0000..=0xE007F
        | 0xE0100..=0xE01EF => Folded::Dropped,
        0x00A0 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 => Folded::Ascii(b' '),
        0x2010..=0x2015 | 0x2043 | 0x2212 | 0xFE58 | 0xFE63 => Folded::Ascii(b'-'),
        0x2024 | 0x3002 | 0xFE52 | 0xFF61 => Folded::Ascii(b'.'),
        0xFE50 => Folded::Ascii(b','),
        0xFE55 | 0x2236 => Folded::Ascii(b':'),
        0xFE59 => Folded::Ascii(b'('),
        0xFE5A => Folded::Ascii(b')'),
        0xFE62 => Folded::Ascii(b'+'),
        0xFE66 => Folded::Ascii(b'='),
        0xFE6A => Folded::Ascii(b'%'),
        0xFE6B => Folded::Ascii(b'@'),
        0x2044 | 0x2215 => Folded::Ascii(b'/'),
        0xFF01..=0xFF5E => u8::try_from(code - 0xFF01 + 0x21).map_or(Folded::Same, Folded::Ascii),
        _ => digit(code),
    }
}

/// Letters of mathematics, alphabets of 26 capitals and 26 small letters, and circled ones.
fn letter(code: u32) -> Folded {
    let letter = match code {
        0x1D400..=0x1D6A3 => (code - 0x1D400) % 52,
        0x24B6..=0x24E9 => code - 0x24B6,
        _ => return Folded::Same,
    };
    let ascii = if letter < 26 { letter + u32::from(b'A') } else { letter - 26 + u32::from(b'a') };
    u8::try_from(ascii).map_or(Folded::Same, Folded::Ascii)
}

/// The ASCII letter that a Cyrillic, Greek or other letter looks like. In words of its own script it is itself: `normal` asks only
/// where it touches an ASCII letter.
pub(crate) fn look_alike(c: char) -> Option<u8> {
    Some(match c {
        'А' | 'Α' => b'A',
        'В' | 'Β' => b'B',
        'С' | 'Ϲ' => b'C',
        'Е' | 'Ε' => b'E',
        'Н' | 'Η' => b'H',
        'І' | 'Ι' | 'Ӏ' => b'I',
        'Ј' => b'J',
        'К' | 'Κ' => b'K',
        'М' | 'Μ' => b'M',
        'Ν' => b'N',
        'О' | 'Ο' => b'O',
        'Р' | 'Ρ' => b'P',
        'Ԛ' => b'Q',
        'Ѕ' => b'S',
        'Т' | 'Τ' => b'T',
        'Ԝ' => b'W',
        'Х' | 'Χ' => b'X',
        'У' | 'Ү' | 'Υ' => b'Y',
        'Ζ' => b'Z',
        'а' | 'α' | 'ɑ' => b'a',
        'с' | 'ϲ' => b'c',
        'ԁ' => b'd',
        'е' => b'e',
        'ɡ' => b'g',
        'һ' => b'h',
        'і' | 'ι' => b'i',
        'ј' | 'ϳ' => b'j',
        'к' | 'κ' => b'k',
        'ӏ' => b'l',
        'о' | 'ο' => b'o',
        'р' | 'ρ' => b'p',
        'ԛ' => b'q',
        'ѕ' => b's',
        'υ' => b'u',
        'ν' | 'ѵ' => b'v',
        'ԝ' => b'w',
        'х' | 'χ' => b'x',
        'у' | 'ү' => b'y',
        _ => return None,
    })
}

fn digit(code: u32) -> Folded {
    // Letters of Latin, Greek and Cyrillic are no digits.
    let few = if code < 0x0660 { &[][..] } else { &ZEROS[..] };
    few.iter()
        .find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10))
        .and_then(|value| u8::try_from(value).ok())
        .map_or_else(|| letter(code), |value| Folded::Ascii(b'0' + value))
}

/// Bytes at which the normaliser must look closer: `%`, `&`, `\` and the first bytes of characters that [`fold`] may change.
const SPECIAL: [bool; 256] = table(b"%&\\\xC2\xC9\xCD\xCE\xCF\xD0\xD1\xD2\xD3\xD4\xD8\xD9\xDB\xDF\xE0\xE1\xE2\xE3\xEA\xEF\xF0\xF3");

/// A table that is true for the given bytes.
#[expect(clippy::indexing_slicing, reason = "runs at compile time; a byte is below 256")]
pub(crate) const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut index = 0;
    while index < bytes.len() {
        table[bytes[index] as usize] = true;
        index += 1;
    }
    table
}

/// The bits of bytes that are 0 or 1, the first one lowest.
#[inline]
pub(crate) fn bits(marks: &[u8; 32]) -> u32 {
    let (eights, _) = marks.as_chunks::<8>();
    eights.iter().rev().fold(0, |bits, eight| {
        // The product has the eight of them side by side in its highest byte.
        bits << 8 | (u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    })
}

/// Whether a byte starts something the normaliser must look at.
#[inline]
pub(crate) fn is_special(byte: u8) -> bool {
    SPECIAL.get(usize::from(byte)).copied().unwrap_or(true)
}

/// Whether a character glues to a neighbouring word. Scripts written without spaces (Han, kana, Hangul, Thai, Lao, Khmer,
/// Burmese) do not: a value follows their letters directly.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c.is_alphanumeric() && !is_spaceless(c)
}

/// Whether a character is a letter that glues to a neighbouring word.
pub(crate) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { c.is_alphabetic() && !is_spaceless(c) }
}

/// Whether a character is of a script that is written without spaces.
pub(crate) fn is_spaceless(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x2E80..=0x9FFF | 0xA960..=0xA97F
        | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0x1B000..=0x1B16F | 0x20000..=0x3FFFF)
}

/// ASCII characters of an e-mail's local part that matter (RFC 5322 atext without what delimits in running text).
pub(crate) const LOCAL: [bool; 256] = table(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");

/// Longest local part (RFC 5321).
pub(crate) const LOCAL_MAX: usize = 64;

/// Whether a keyword at the end of the text, not yet complete, is held by the scan (`anchors::tail_hold`).
pub(crate) fn is_held(keyword: &str) -> bool {
    keyword.len() <= LOCAL_MAX && keyword.bytes().all(|byte| LOCAL.get(usize::from(byte)).copied().unwrap_or(false))
}
