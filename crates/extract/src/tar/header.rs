//! One header block of tar, in its four forms: v7, ustar (POSIX.1-1988), star, and old GNU. What it holds that is neither text nor a
//! number in its place is told.

use std::ops::Range;

use crate::charset;

/// Bytes of a block.
pub const BLOCK: usize = 512;
/// Where the magic stands.
pub const MAGIC_AT: usize = 257;
pub const MAGIC: &[u8] = b"ustar";

const SUM: Range<usize> = 148..156;
/// Numbers below this are sizes, owners and times; over it, the bytes could be anything.
const PLAUSIBLE: u64 = 1 << 48;

/// A header whose sum is right.
pub struct Header {
    pub name: String,
    pub link: String,
    /// User and group.
    pub owners: [String; 2],
    /// What the entry is: `0`, `5`, `x` …
    pub kind: u8,
    /// None: it cannot be told, or is negative.
    pub size: Option<u64>,
    /// Bytes stand where nobody reads them.
    pub has_leftover: bool,
    /// The old GNU form: more headers of a sparse file follow.
    pub more_sparse: bool,
}

/// Whether the block is a header by its sum, which some writers count over signed bytes.
pub fn sum_is_right(block: &[u8]) -> bool {
    if block.len() < BLOCK || !block.contains(&0) {
        return false;
    }
    let Some(field) = block.get(SUM) else { return false };
    let Some(told) = number(field).filter(|_| field.iter().any(u8::is_ascii_digit)) else { return false };
    let (mut unsigned, mut signed) = (0_u64, 0_i64);
    for (at, byte) in block.iter().take(BLOCK).enumerate() {
        let byte = if SUM.contains(&at) { b' ' } else { *byte };
        unsigned += u64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    told == unsigned || i64::try_from(told) == Ok(signed)
}

/// Reads a header. None: its sum is wrong.
pub fn header(block: &[u8]) -> Option<Header> {
    if !sum_is_right(block) {
        return None;
    }
    let magic = crate::part(block, MAGIC_AT..MAGIC_AT + 8);
    let gnu = magic.starts_with(b"ustar ");
    let ustar = magic.starts_with(MAGIC) && !gnu;
    let star = ustar && crate::rest(block, 508).starts_with(b"tar\0");
    let mut fields = Fields { block, has_leftover: false };
    let mut name = fields.text(0..100);
    fields.numbers(&[100..108, 108..116, 116..124, 136..148]);
    let (size, kind) = (number(crate::part(block, 124..136)), block.get(156).copied().unwrap_or_default());
    let link = fields.text(157..257);
    let mut owners = [String::new(), String::new()];
    if ustar || gnu {
        owners = [fields.text(265..297), fields.text(297..329)];
        fields.numbers(&[329..337, 337..345]);
    } else {
        fields.zeros(257..512);
    }
    if gnu {
        fields.numbers(&[345..357, 357..369, 369..381]);
        if kind != b'S' {
            fields.zeros(381..512);
        }
    } else if ustar {
        let prefix = fields.text(if star { 345..476 } else { 345..500 });
        if star {
            fields.numbers(&[476..488, 488..500]);
        }
        fields.zeros(500..if star { 508 } else { 512 });
        if !prefix.is_empty() {
            name = format!("{prefix}/{name}");
        }
    }
    let more_sparse = gnu && kind == b'S' && block.get(482).is_some_and(|byte| *byte != 0);
    Some(Header { name, link, owners, kind, size, has_leftover: fields.has_leftover, more_sparse })
}

/// The fields of a block, with an eye on what is none.
struct Fields<'a> {
    block: &'a [u8],
    has_leftover: bool,
}

impl Fields<'_> {
    /// A text up to its zero.
    fn text(&mut self, range: Range<usize>) -> String {
        let field = crate::part(self.block, range);
        let len = memchr::memchr(0, field).unwrap_or(field.len());
        self.has_leftover |= crate::rest(field, len).iter().any(|byte| *byte != 0);
        text(crate::part(field, 0..len))
    }

    fn numbers(&mut self, ranges: &[Range<usize>]) {
        for range in ranges {
            let field = crate::part(self.block, range.clone());
            let is_old_time = field.first() == Some(&0xFF) && field.iter().rev().skip(6).all(|byte| *byte == 0xFF);
            self.has_leftover |= !is_old_time && number(field).is_none_or(|it| it >= PLAUSIBLE);
        }
    }

    fn zeros(&mut self, range: Range<usize>) {
        self.has_leftover |= crate::part(self.block, range).iter().any(|byte| *byte != 0);
    }
}

/// A name in whatever character set.
pub fn text(bytes: &[u8]) -> String {
    charset::decode(bytes, None).text.into_owned()
}

/// Octal digits between blanks and zeros, or a positive number in base 256. None: neither, negative, or too large.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((first, others)) = field.split_first()
        && first & 0x80 != 0
    {
        let start = Some(u64::from(first & 0x7F));
        return others.iter().fold(start, |sum, byte| sum?.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let from = field.iter().position(|byte| !is_blank(byte)).unwrap_or(field.len());
    let rest = crate::rest(field, from);
    let digits = rest.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    if !crate::rest(rest, digits).iter().all(is_blank) {
        return None;
    }
    rest.iter().take(digits).try_fold(0_u64, |sum, byte| sum.checked_mul(8)?.checked_add(u64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        let check = |field: &[u8], expected: Option<u64>| assert_eq!(number(field), expected, "{field:?}");
        check(b"00000000017\0", Some(15));
        check(b"  17 \0\0", Some(15));
        check(b"\0\0\0", Some(0));
        check(b"77777777777", Some((1 << 33) - 1));
        check(b"\x80\0\0\0\0\0\0\0\0\0\x01\0", Some(256));
        check(b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None);
        check(b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE", None);
        check(b"-0000000017\0", None);
        check(b"17 18", None);
        check(b"19", None);
    }
}
