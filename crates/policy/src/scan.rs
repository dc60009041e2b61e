//! Cuts a source into single policies and finds where their annotations stand.
//! Cedar itself parses each piece; this only knows strings, comments, `@name("…")` and `;`.

/// One policy's text within its source.
pub(crate) struct Piece<'a> {
    /// The text, from its first token to its `;`.
    pub text: &'a str,
    /// Byte offset of the text in its source.
    pub offset: usize,
    /// Annotations in order.
    pub annotations: Vec<Annotation<'a>>,
}

/// `@name("value")`, with offsets into the source.
pub(crate) struct Annotation<'a> {
    pub name: &'a str,
    pub name_offset: usize,
    pub value_offset: usize,
}

/// Cuts `source` at every `;` outside strings and comments. A rest that is not blank is a piece too.
pub(crate) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut scanner = Scanner { source, at: 0 };
    while let Some(piece) = scanner.piece() {
        pieces.push(piece);
    }
    pieces
}

struct Scanner<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or("")
    }

    fn slice(&self, from: usize) -> &'a str {
        self.source.get(from..self.at).unwrap_or("")
    }

    fn skip_while(&mut self, keep: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !keep(c)).unwrap_or(rest.len());
    }

    fn skip_blanks(&mut self) {
        loop {
            let before = self.at;
            self.skip_while(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.skip_while(|c| c != '\n');
            }
            if self.at == before {
                return;
            }
        }
    }

    /// Skips a string whose opening quote is at the cursor.
    fn skip_string(&mut self) {
        let mut escaped = false;
        for (index, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.at += index + 1;
                    return;
                }
                _ => {}
            }
        }
        self.at = self.source.len();
    }

    fn annotation(&mut self) -> Annotation<'a> {
        self.at += 1;
        self.skip_blanks();
        let name_offset = self.at;
        self.skip_while(|c| c.is_alphanumeric() || c == '_');
        let name = self.slice(name_offset);
        let after_name = self.at;
        self.skip_blanks();
        let mut value_offset = name_offset;
        if self.rest().starts_with('(') {
            self.at += 1;
            self.skip_blanks();
            if self.rest().starts_with('"') {
                value_offset = self.at + 1;
                self.skip_string();
            }
        } else {
            self.at = after_name;
        }
        Annotation { name, name_offset, value_offset }
    }

    fn piece(&mut self) -> Option<Piece<'a>> {
        self.skip_blanks();
        let offset = self.at;
        let mut annotations = Vec::new();
        loop {
            self.skip_blanks();
            let Some(c) = self.rest().chars().next() else { break };
            match c {
                '"' => self.skip_string(),
                '@' => annotations.push(self.annotation()),
                ';' => {
                    self.at += 1;
                    break;
                }
                other => self.at += other.len_utf8(),
            }
        }
        let text = self.slice(offset);
        (!text.is_empty()).then_some(Piece { text, offset, annotations })
    }
}
