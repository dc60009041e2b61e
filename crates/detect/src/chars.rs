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

/// What the characters of a row become.
#[derive(Clone, Copy)]
enum Becomes {
    Nothing,
    /// All of them this.
    One(u8),
    /// The first one this, and so on.
    Row(u8),
}

/// Rows of characters that are folded, in their order; letters beyond the first plane are in [`letter`].
const ROWS: [(u32, u32, Becomes); 47] = {
    use Becomes::{Nothing, One, Row};
    [
        (0x00A0, 0x00A0, One(b' ')),
        (0x00AD, 0x00AD, Nothing),
        (0x034F, 0x034F, Nothing),
        (0x061C, 0x061C, Nothing),
        (0x115F, 0x1160, Nothing),
        (0x17B4, 0x17B5, Nothing),
        (0x180B, 0x180E, Nothing),
        (0x2000, 0x200A, One(b' ')),
        (0x200B, 0x200F, Nothing),
        (0x2010, 0x2015, One(b'-')),
        (0x2024, 0x2024, One(b'.')),
        (0x2028, 0x2029, One(b' ')),
        (0x202A, 0x202E, Nothing),
        (0x202F, 0x202F, One(b' ')),
        (0x2043, 0x2043, One(b'-')),
        (0x2044, 0x2044, One(b'/')),
        (0x205F, 0x205F, One(b' ')),
        (0x2060, 0x206F, Nothing),
        (0x2212, 0x2212, One(b'-')),
        (0x2215, 0x2215, One(b'/')),
        (0x2236, 0x2236, One(b':')),
        (0x24B6, 0x24CF, Row(b'A')),
        (0x24D0, 0x24E9, Row(b'a')),
        (0x3000, 0x3000, One(b' ')),
        (0x3002, 0x3002, One(b'.')),
        (0x3164, 0x3164, Nothing),
        (0xFE00, 0xFE0F, Nothing),
        (0xFE50, 0xFE50, One(b',')),
        (0xFE52, 0xFE52, One(b'.')),
        (0xFE55, 0xFE55, One(b':')),
        (0xFE58, 0xFE58, One(b'-')),
        (0xFE59, 0xFE5A, Row(b'(')),
        (0xFE62, 0xFE62, One(b'+')),
        (0xFE63, 0xFE63, One(b'-')),
        (0xFE66, 0xFE66, One(b'=')),
        (0xFE6A, 0xFE6A, One(b'%')),
        (0xFE6B, 0xFE6B, One(b'@')),
        (0xFEFF, 0xFEFF, Nothing),
        (0xFF01, 0xFF5E, Row(b'!')),
        (0xFF61, 0xFF61, One(b'.')),
        (0xFFA0, 0xFFA0, Nothing),
        (0x1D7CE, 0x1D7D7, Row(b'0')),
        (0x1D7D8, 0x1D7E1, Row(b'0')),
        (0x1D7E2, 0x1D7EB, Row(b'0')),
        (0x1D7EC, 0x1D7F5, Row(b'0')),
        (0xE0000, 0xE007F, Nothing),
        (0xE0100, 0xE01EF, Nothing),
    ]
};

/// Zero of every other block of decimal digits of Unicode, which is folded to ASCII digits.
const ZEROS: [u32; 39] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040,
    0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50,
    0xABF0, 0x11066, 0x104A0, 0x1D7F6, 0x1FBF0,
];

/// A bit for each character of the first plane that [`fold`] changes or that [`look_alike`] may.
static CHANGED: [u64; 1024] = changed();

#[expect(clippy::indexing_slicing, reason = "runs at compile time; characters beyond the first plane are left out")]
const fn changed() -> [u64; 1024] {
    let mut bits = [0; 1024];
    let mut index = 0;
    while index < ROWS.len() + ZEROS.len() {
        let (mut code, last) =
            if index < ROWS.len() { (ROWS[index].0, ROWS[index].1) } else { (ZEROS[index - ROWS.len()], ZEROS[index - ROWS.len()] + 9) };
        while code <= last && code < 0x1_0000 {
            bits[(code >> 6) as usize] |= 1 << (code & 63);
            code += 1;
        }
        index += 1;
    }
    let mut code = 0x80;
    while code < LAST_ALIKE {
        if let Some(c) = char::from_u32(code)
            && look_alike(c).is_some()
        {
            bits[(code >> 6) as usize] |= 1 << (code & 63);
        }
        code += 1;
    }
    bits
}

/// One past the last letter that looks like one of ASCII.
const LAST_ALIKE: u32 = 0x530;

/// Whether a character of the first plane stands for itself, whatever stands around it.
#[inline]
pub(crate) fn stays(code: u32) -> bool {
    CHANGED.get((code >> 6) as usize).is_some_and(|bits| bits >> (code & 63) & 1 == 0)
}

/// Folds one character; the same for literal characters and for results of an escape.
pub(crate) fn fold(c: char) -> Folded {
    let code = u32::from(c);
    if code < 0x80 || stays(code) {
        return Folded::Same;
    }
    let row = ROWS.partition_point(|(first, ..)| *first <= code).checked_sub(1).and_then(|at| ROWS.get(at));
    match row.filter(|(_, last, _)| code <= *last) {
        Some((_, _, Becomes::Nothing)) => Folded::Dropped,
        Some((_, _, Becomes::One(byte))) => Folded::Ascii(*byte),
        Some((first, _, Becomes::Row(byte))) => u8::try_from(code - first).map_or(Folded::Same, |steps| Folded::Ascii(byte + steps)),
        None => digit(code),
    }
}

/// Letters of mathematics: alphabets of 26 capitals and 26 small letters.
fn letter(code: u32) -> Folded {
    let letter = match code {
        0x1D400..=0x1D6A3 => (code - 0x1D400) % 52,
        _ => return Folded::Same,
    };
    let ascii = if letter < 26 { letter + u32::from(b'A') } else { letter - 26 + u32::from(b'a') };
    u8::try_from(ascii).map_or(Folded::Same, Folded::Ascii)
}

/// The ASCII letter that a Cyrillic, Greek or other letter looks like. In words of its own script it is itself: `normal` asks only
/// where it touches an ASCII letter.
pub(crate) const fn look_alike(c: char) -> Option<u8> {
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
    ZEROS
        .iter()
        .find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10))
        .and_then(|value| u8::try_from(value).ok())
        .map_or_else(|| letter(code), |value| Folded::Ascii(b'0' + value))
}

/// Bytes at which the normaliser must look closer: `%`, `&`, `\` and the first bytes of characters that [`fold`] or [`look_alike`]
/// may change.
const SPECIAL: [bool; 256] = special();

#[expect(clippy::indexing_slicing, reason = "runs at compile time; a byte is below 256")]
const fn special() -> [bool; 256] {
    let mut special = table(b"%&\\\xF0\xF3");
    let mut block = 2;
    while block < 1024 {
        // Characters of two bytes have their highest bits in the first one, those of three bytes their highest four.
        let first = if block < 32 { 0xC0 | block } else { 0xE0 | block >> 6 };
        special[first] |= CHANGED[block] != 0;
        block += 1;
    }
    special
}

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
    match c {
        '\0'..='\x7F' => c.is_ascii_alphabetic(),
        // Most letters of Latin, Greek and Cyrillic, without a look at the tables of Unicode.
        'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ʯ' | 'Σ'..='ώ' | 'Ѐ'..='ҁ' | 'Ҋ'..='ԯ' => true,
        _ => c.is_alphabetic() && !is_spaceless(c),
    }
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

#[cfg(test)]
mod tests {
    use super::{CHANGED, Folded, ROWS, ZEROS, fold, is_letter, is_spaceless, is_special, look_alike, stays};

    #[test]
    fn what_is_told_without_a_look_at_the_character_is_true() {
        assert!(ROWS.is_sorted_by(|(_, last, _), (first, ..)| last < first), "rows are searched");
        assert!(!ZEROS.iter().any(|zero| ROWS.iter().any(|(first, last, _)| first <= zero && zero <= last)));
        for c in '\u{80}'..=char::MAX {
            let changes = fold(c) != Folded::Same || look_alike(c).is_some();
            let first = c.encode_utf8(&mut [0; 4]).bytes().next().unwrap_or_default();
            assert!(!changes || is_special(first), "U+{:04X} is changed, and its first byte is not special", u32::from(c));
            if u32::from(c) < 0x1_0000 {
                assert_eq!(stays(u32::from(c)), !changes, "U+{:04X}", u32::from(c));
            } else {
                assert!(!stays(u32::from(c)), "U+{:04X}: only the first plane is told so", u32::from(c));
            }
            assert_eq!(is_letter(c), c.is_alphabetic() && !is_spaceless(c), "U+{:04X}", u32::from(c));
        }
        assert!(CHANGED.iter().any(|bits| *bits != 0));
    }
}
