//! Words and their pieces, as BERT's tokenizer cuts them, each with its place in the text.

use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A piece of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) id: i32,
    /// Whether it goes on with the word of the piece before.
    pub(crate) inside: bool,
    /// Bytes of the text.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A vocabulary.
pub(crate) struct WordPiece {
    words: HashMap<String, i32>,
    lowercase: bool,
    longest: usize,
    unknown: i32,
    /// `[CLS]`.
    pub(crate) first: i32,
    /// `[SEP]`.
    pub(crate) last: i32,
}

#[derive(Deserialize)]
struct File {
    normalizer: Normalizer,
    model: Vocabulary,
}

#[derive(Deserialize)]
struct Normalizer {
    r#type: String,
    lowercase: bool,
}

#[derive(Deserialize)]
struct Vocabulary {
    r#type: String,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: HashMap<String, i32>,
}

/// A character as the vocabulary writes it, and the bytes of the text that it stands for.
#[derive(Clone, Copy)]
struct Letter {
    shown: char,
    start: usize,
    end: usize,
}

impl WordPiece {
    /// Reads a `tokenizer.json`. The sentence says what is wrong.
    pub(crate) fn read(json: &[u8]) -> Result<Self, String> {
        let File { normalizer, model } = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if normalizer.r#type != "BertNormalizer" || model.r#type != "WordPiece" || model.continuing_subword_prefix != "##" {
            return Err("only `WordPiece` behind `BertNormalizer` can be read".to_owned());
        }
        let id = |word: &str| model.vocab.get(word).copied().ok_or_else(|| format!("the vocabulary has no `{word}`"));
        let (unknown, first, last) = (id(&model.unk_token)?, id("[CLS]")?, id("[SEP]")?);
        let longest = model.max_input_chars_per_word;
        Ok(Self { words: model.vocab, lowercase: normalizer.lowercase, longest, unknown, first, last })
    }

    /// The pieces of a text.
    pub(crate) fn pieces(&self, text: &str) -> Vec<Piece> {
        let (mut out, mut word) = (Vec::new(), Vec::new());
        for (start, c) in text.char_indices() {
            let end = start + c.len_utf8();
            if is_space(c) {
                self.cut(&mut word, &mut out);
            } else if is_alone(c) {
                self.cut(&mut word, &mut out);
                word.push(Letter { shown: c, start, end });
                self.cut(&mut word, &mut out);
            } else if !c.is_control() && c != '\u{fffd}' {
                self.shown(c, &mut |shown| word.push(Letter { shown, start, end }));
            }
        }
        self.cut(&mut word, &mut out);
        out
    }

    /// A character without accents, in small letters.
    fn shown(&self, c: char, put: &mut dyn FnMut(char)) {
        if !self.lowercase {
            return put(c);
        }
        c.nfd().filter(|part| !is_combining_mark(*part)).flat_map(char::to_lowercase).for_each(put);
    }

    /// Cuts a word, longest pieces first.
    fn cut(&self, word: &mut Vec<Letter>, out: &mut Vec<Piece>) {
        let (Some(head), Some(tail)) = (word.first().copied(), word.last().copied()) else { return };
        let before = out.len();
        if word.len() > self.longest || self.parts(word, out).is_none() {
            out.truncate(before);
            out.push(Piece { id: self.unknown, inside: false, start: head.start, end: tail.end });
        }
        word.clear();
    }

    fn parts(&self, word: &[Letter], out: &mut Vec<Piece>) -> Option<()> {
        let mut from = 0;
        while from < word.len() {
            let (id, range) = self.longest_part(word, from)?;
            let (first, last) = (word.get(range.start)?, word.get(range.end.checked_sub(1)?)?);
            out.push(Piece { id, inside: from > 0, start: first.start, end: last.end });
            from = range.end;
        }
        Some(())
    }

    fn longest_part(&self, word: &[Letter], from: usize) -> Option<(i32, Range<usize>)> {
        let mut part = if from > 0 { "##".to_owned() } else { String::new() };
        part.extend(word.get(from..)?.iter().map(|letter| letter.shown));
        for to in (from + 1..=word.len()).rev() {
            if let Some(id) = self.words.get(&part) {
                return Some((*id, from..to));
            }
            part.pop();
        }
        None
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// Marks and ideographs are words by themselves.
fn is_alone(c: char) -> bool {
    let ideograph = matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}');
    let mark = matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}');
    c.is_ascii_punctuation() || ideograph || mark
}
