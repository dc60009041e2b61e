//! Character maps (Adobe Technical Notes 5014 and 5411): which bytes are one code, and which text a code stands for.

use crate::pdf::object::{Lexer, Object, Token};

/// Entries of one map, at most.
const MAX_ENTRIES: usize = 200_000;

#[derive(Default)]
pub struct CMap {
    /// Length of a code in bytes, first and last code.
    spaces: Vec<(usize, u32, u32)>,
    /// First code, last code, text of the first.
    ranges: Vec<(u32, u32, Vec<u16>)>,
}

impl CMap {
    pub fn read(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut lexer = Lexer::new(bytes, 0);
        let mut operands = Vec::new();
        loop {
            while let Some(object) = lexer.object() {
                operands.push(object);
            }
            match lexer.token() {
                None => break,
                Some(Token::Word(b"endcodespacerange")) => map.spaces(&operands),
                Some(Token::Word(b"endbfchar")) => map.chars(&operands),
                Some(Token::Word(b"endbfrange")) => map.ranges(&operands),
                Some(_) => {}
            }
            operands.clear();
        }
        map.ranges.truncate(MAX_ENTRIES);
        // A later entry for a code counts; the search takes the last range that starts at or before it.
        map.ranges.sort_by_key(|it| it.0);
        map
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether the map says how long codes are.
    pub fn has_spaces(&self) -> bool {
        !self.spaces.is_empty()
    }

    fn spaces(&mut self, operands: &[Object]) {
        for pair in operands.chunks_exact(2) {
            if let [Object::Text(low), Object::Text(high)] = pair
                && self.spaces.len() < 32
                && (1..=4).contains(&low.len())
            {
                self.spaces.push((low.len(), code(low), code(high)));
            }
        }
    }

    fn chars(&mut self, operands: &[Object]) {
        for pair in operands.chunks_exact(2) {
            if let [Object::Text(from), Object::Text(to)] = pair {
                self.ranges.push((code(from), code(from), units(to)));
            }
        }
    }

    fn ranges(&mut self, operands: &[Object]) {
        for triple in operands.chunks_exact(3) {
            match triple {
                [Object::Text(low), Object::Text(high), Object::Text(to)] => self.ranges.push((code(low), code(high), units(to))),
                [Object::Text(low), _, Object::Array(each)] => {
                    for (code, to) in (code(low)..).zip(each) {
                        if let Object::Text(to) = to {
                            self.ranges.push((code, code, units(to)));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The length of the code that the bytes begin with.
    pub fn length(&self, bytes: &[u8]) -> Option<usize> {
        let fits = |(length, low, high): &&(usize, u32, u32)| {
            // Each byte has a range of its own.
            let byte = |of: u32, at: usize| of.to_be_bytes().get(4 - length + at).copied().unwrap_or(0);
            bytes.len() >= *length && bytes.iter().take(*length).enumerate().all(|(at, it)| (byte(*low, at)..=byte(*high, at)).contains(it))
        };
        self.spaces.iter().find(fits).map(|it| it.0)
    }

    /// The text of a code.
    pub fn text(&self, code: u32) -> Option<String> {
        let behind = self.ranges.partition_point(|it| it.0 <= code);
        // Ranges may overlap; look at a few before giving up.
        let (low, _, units) = self.ranges.get(..behind)?.iter().rev().take(4).find(|it| code <= it.1)?;
        let mut units = units.clone();
        if let Some(last) = units.last_mut() {
            *last = last.wrapping_add(u16::try_from(code - low).unwrap_or(0));
        }
        let text = String::from_utf16_lossy(&units).replace('\0', "");
        (!text.is_empty()).then_some(text)
    }
}

/// A code as a number; of longer ones the last four bytes.
pub fn code(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |code, byte| code << 8 | u32::from(*byte))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    match bytes {
        [one] => vec![u16::from(*one)],
        // Longer texts are not written for one glyph.
        _ => bytes.chunks_exact(2).take(64).filter_map(|it| it.try_into().ok().map(u16::from_be_bytes)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_texts() {
        let map = CMap::read(
            b"1 begincodespacerange <00> <80> <8140> <9ffc> endcodespacerange
            2 beginbfchar <01> <0041> <8141> <D83DDE00> endbfchar
            2 beginbfrange <10> <12> <0061> <20> <21> [<0078> <00660069>] endbfrange",
        );
        let texts: Vec<_> = [1, 0x8141, 0x10, 0x12, 0x13, 0x20, 0x21].map(|it| map.text(it)).into();
        assert_eq!(texts.iter().map(|it| it.as_deref().unwrap_or("-")).collect::<Vec<_>>(), ["A", "😀", "a", "c", "-", "x", "fi"]);
        assert_eq!([b"\x01\x01".as_slice(), b"\x81\x41", b"\x81\x01", b"\xff"].map(|it| map.length(it)), [Some(1), Some(2), None, None]);
    }
}
