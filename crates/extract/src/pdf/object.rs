//! Objects of PDF and the reader of their syntax (ISO 32000-1, 7.2 and 7.3). It takes what it can from broken input and never fails.

use std::collections::BTreeMap;

/// A dictionary by names without their slash. The last of equal keys counts.
pub type Dict = BTreeMap<Vec<u8>, Object>;

/// Arrays and dictionaries in one another.
const MAX_NESTING: usize = 64;
/// Objects inside one, unless somebody counts over more than one.
pub const MAX_OBJECTS: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    Null,
    Int(i64),
    Real(f64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Self>),
    Dict(Dict),
    Ref(u32),
}

impl Object {
    pub fn number(&self) -> Option<f64> {
        match self {
            // Coordinates are small; what does not fit in 32 bits is no coordinate.
            Self::Int(int) => i32::try_from(*int).ok().map(f64::from),
            Self::Real(real) => Some(*real),
            _ => None,
        }
    }

    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Int(int) => usize::try_from(*int).ok(),
            _ => None,
        }
    }

    pub fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub fn dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub fn array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }
}

/// A piece of syntax.
#[derive(Debug, PartialEq)]
pub enum Token<'a> {
    Object(Object),
    ArrayOpen,
    ArrayClose,
    DictOpen,
    DictClose,
    /// An operator or a keyword.
    Word(&'a [u8]),
}

/// Reads tokens and objects from bytes.
pub struct Lexer<'a> {
    data: &'a [u8],
    pub at: usize,
    /// How far the bytes were looked at.
    pub reach: usize,
    /// Objects that may still be made: each costs memory.
    pub left: usize,
    /// Whether something was nested deeper, or was more, than is read.
    pub cut: bool,
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

impl<'a> Lexer<'a> {
    pub const fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, reach: at, left: MAX_OBJECTS, cut: false }
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    pub fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                while self.peek().is_some_and(|it| it != b'\n' && it != b'\r') {
                    self.at += 1;
                }
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The next token; none at the end.
    pub fn token(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        self.reach = self.reach.max(self.at);
        let start = self.at;
        let token = self.token_at(start);
        self.reach = self.reach.max(self.at);
        token
    }

    fn token_at(&mut self, start: usize) -> Option<Token<'a>> {
        Some(match self.bump()? {
            b'(' => Token::Object(Object::Text(self.literal())),
            b'/' => Token::Object(Object::Name(self.name())),
            b'[' => Token::ArrayOpen,
            b']' => Token::ArrayClose,
            b'<' if self.peek() == Some(b'<') => {
                self.at += 1;
                Token::DictOpen
            }
            b'<' => Token::Object(Object::Text(self.hexadecimal())),
            b'>' => {
                self.at += usize::from(self.peek() == Some(b'>'));
                Token::DictClose
            }
            b'{' | b'}' | b')' => Token::Word(crate::part(self.data, start..self.at)),
            _ => {
                while self.peek().is_some_and(|it| !is_space(it) && !is_delimiter(it)) {
                    self.at += 1;
                }
                let word = crate::part(self.data, start..self.at);
                number(word).map_or(Token::Word(word), Token::Object)
            }
        })
    }

    /// The next object. None at the end and at a word that is no object; the word is not taken.
    pub fn object(&mut self) -> Option<Object> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Option<Object> {
        if depth > MAX_NESTING || self.left == 0 {
            self.cut = true;
            return None;
        }
        self.left -= 1;
        self.skip_space();
        let start = self.at;
        match self.token()? {
            Token::Object(Object::Int(int)) => Some(self.reference(int).unwrap_or(Object::Int(int))),
            Token::Object(object) => Some(object),
            Token::ArrayOpen => Some(Object::Array(self.array(depth))),
            Token::DictOpen => Some(Object::Dict(self.dict(depth))),
            Token::Word(b"true" | b"false" | b"null") => Some(Object::Null),
            Token::Word(_) | Token::ArrayClose | Token::DictClose => {
                self.at = start;
                None
            }
        }
    }

    /// `12 0 R`, when that is what follows the first number.
    fn reference(&mut self, number: i64) -> Option<Object> {
        let number = u32::try_from(number).ok()?;
        let back = self.at;
        let generation = self.token();
        if matches!(generation, Some(Token::Object(Object::Int(0..=65_535)))) && self.token() == Some(Token::Word(b"R")) {
            return Some(Object::Ref(number));
        }
        self.at = back;
        None
    }

    fn array(&mut self, depth: usize) -> Vec<Object> {
        let mut array = Vec::new();
        loop {
            if let Some(object) = self.nested(depth + 1) {
                array.push(object);
                continue;
            }
            if !self.passes_over(&Token::ArrayClose) {
                return array;
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Dict {
        let mut dict = Dict::new();
        loop {
            match self.nested(depth + 1) {
                Some(Object::Name(key)) => {
                    let value = self.nested(depth + 1).unwrap_or(Object::Null);
                    // A second value for a key is kept too, so that its text is seen.
                    if let Some(first) = dict.insert(key.clone(), value) {
                        dict.entry([key.as_slice(), b" (earlier)"].concat()).or_insert(first);
                    }
                }
                Some(_) => {}
                None if self.passes_over(&Token::DictClose) => {}
                None => return dict,
            }
        }
    }

    /// Takes the token at which an object could not be read. False: the container ends here.
    fn passes_over(&mut self, closing: &Token<'_>) -> bool {
        let back = self.at;
        match self.token() {
            None => false,
            Some(token) if token == *closing => false,
            Some(Token::Word(b"endobj" | b"stream" | b"endstream" | b"obj")) => {
                self.at = back;
                false
            }
            Some(_) => true,
        }
    }

    fn name(&mut self) -> Vec<u8> {
        let mut name = Vec::new();
        while let Some(byte) = self.peek().filter(|it| !is_space(*it) && !is_delimiter(*it)) {
            self.at += 1;
            let escaped = || Some(hex(*self.data.get(self.at)?)? << 4 | hex(*self.data.get(self.at + 1)?)?);
            match escaped() {
                Some(code) if byte == b'#' => {
                    name.push(code);
                    self.at += 2;
                }
                _ => name.push(byte),
            }
        }
        name
    }

    fn literal(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut open = 1_usize;
        while let Some(byte) = self.bump() {
            match byte {
                b'(' => open += 1,
                b')' if open == 1 => break,
                b')' => open -= 1,
                b'\\' => {
                    self.escape(&mut text);
                    continue;
                }
                b'\r' => {
                    self.at += usize::from(self.peek() == Some(b'\n'));
                    text.push(b'\n');
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.bump() else { return };
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\r' => self.at += usize::from(self.peek() == Some(b'\n')),
            b'\n' => {}
            b'0'..=b'7' => {
                let mut code = u16::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit) = self.peek().filter(|it| (b'0'..=b'7').contains(it)) else { break };
                    code = code * 8 + u16::from(digit - b'0');
                    self.at += 1;
                }
                text.extend(code.to_be_bytes().last());
            }
            other => text.push(other),
        }
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut half = None;
        while let Some(byte) = self.bump().filter(|it| *it != b'>') {
            let Some(digit) = hex(byte) else { continue };
            match half.take() {
                Some(high) => text.push(high << 4 | digit),
                None => half = Some(digit),
            }
        }
        text.extend(half.map(|it| it << 4));
        text
    }
}

/// A number as PDF writes it, and as broken writers do: `--5`, `1.`, `.5`, `+3`.
fn number(word: &[u8]) -> Option<Object> {
    if word.len() > 40 || !word.iter().any(u8::is_ascii_digit) || !word.iter().all(|it| it.is_ascii_digit() || b"+-.".contains(it)) {
        return None;
    }
    let word = std::str::from_utf8(word).ok()?;
    let digits = word.trim_start_matches(['+', '-']);
    let negative = word.starts_with('-');
    let digits = digits.split(['-', '+']).next()?;
    if let Ok(int) = digits.parse::<i64>() {
        return Some(Object::Int(if negative { -int } else { int }));
    }
    digits.parse::<f64>().ok().map(|it| Object::Real(if negative { -it } else { it }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }

    #[test]
    fn objects_are_read() {
        let check = |text: &[u8], expected: Option<Object>| assert_eq!(Lexer::new(text, 0).object(), expected, "{text:?}");
        check(b"(a\\(b\\)(c)\\101\\\n)", Some(Object::Text(b"a(b)(c)A".to_vec())));
        check(b"<48 6 5 7>", Some(Object::Text(b"Hep".to_vec().into_iter().take(1).chain(*b"ep").collect())));
        check(b"/A#42c", Some(Object::Name(name("ABc"))));
        check(b"12 0 R", Some(Object::Ref(12)));
        check(
            b"[1 -2.5 --3 12 0 R % x\n /N]",
            Some(Object::Array(vec![Object::Int(1), Object::Real(-2.5), Object::Int(-3), Object::Ref(12), Object::Name(name("N"))])),
        );
        check(
            b"<</A 1/B<</C(x)>>>>",
            Some(Object::Dict(Dict::from([
                (name("A"), Object::Int(1)),
                (name("B"), Object::Dict(Dict::from([(name("C"), Object::Text(name("x")))]))),
            ]))),
        );
        check(b"<</A 1 endobj", Some(Object::Dict(Dict::from([(name("A"), Object::Int(1))]))));
        check(b"endobj", None);
        check(b"", None);
    }

    #[test]
    fn nesting_ends() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        let mut lexer = Lexer::new(&deep, 0);
        assert!(lexer.object().is_some() && lexer.cut);
    }
}
