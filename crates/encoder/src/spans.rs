//! Classes of tokens become names: of whole words, joined where they are one name or one address.

use crate::classes::Class;
use crate::wordpiece::Piece;

/// Something that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// `pii.person`, `pii.location` or `pii.address`.
    pub label: &'static str,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// How sure it is, in basis points.
    pub score_bp: u16,
}

/// How probable each class is.
pub(crate) type Odds = [f32; Class::COUNT];

/// A word: its class, and how probable that is.
#[derive(Clone, Copy)]
struct Word {
    class: Class,
    odds: f32,
    start: usize,
    end: usize,
}

/// Longest address, and longest name.
const LONGEST_ADDRESS: usize = 400;
const LONGEST: usize = 160;
/// Most bytes between the parts of an address, and of a name.
const JOINT: usize = 4;
const NAME_JOINT: usize = 2;

/// The names of a text.
pub(crate) fn spans(text: &str, pieces: &[Piece], odds: &[Odds]) -> Vec<Span> {
    let mut out = Vec::new();
    let mut run: Vec<Word> = Vec::new();
    for word in words(pieces, odds) {
        // A mark decides nothing by itself: the next word does.
        let mark = text.get(word.start..word.end).is_some_and(|word| !word.contains(char::is_alphanumeric));
        if mark {
            continue;
        }
        if !run.last().is_some_and(|last| goes_on(text, &run, *last, word)) {
            out.extend(span(&run));
            run.clear();
        }
        if word.class != Class::Other {
            run.push(word);
        }
    }
    out.extend(span(&run));
    out
}

/// A word is of the class that its pieces together are most probably of.
fn words(pieces: &[Piece], odds: &[Odds]) -> Vec<Word> {
    let mut out: Vec<(Odds, f32, usize, usize)> = Vec::new();
    for (piece, odds) in pieces.iter().zip(odds) {
        match out.last_mut().filter(|_| piece.inside) {
            Some((sum, count, _, end)) => {
                sum.iter_mut().zip(odds).for_each(|(sum, odds)| *sum += odds);
                *count += 1.0;
                *end = piece.end;
            }
            None => out.push((*odds, 1.0, piece.start, piece.end)),
        }
    }
    let word = |(sum, count, start, end): (Odds, f32, usize, usize)| {
        let best = Class::ALL.into_iter().zip(sum).max_by(|(_, one), (_, other)| one.total_cmp(other));
        let (class, sum) = best.unwrap_or((Class::Other, 0.0));
        Word { class, odds: sum / count, start, end }
    };
    out.into_iter().map(word).collect()
}

fn goes_on(text: &str, run: &[Word], last: Word, word: Word) -> bool {
    let Some(first) = run.first() else { return false };
    let between = text.get(last.end..word.start).unwrap_or("\0");
    let (joint, longest) = if last.class == Class::Person { (NAME_JOINT, LONGEST) } else { (JOINT, LONGEST_ADDRESS) };
    let marks = if last.class == Class::Person {
        between.chars().all(|c| c == ' ' || matches!(c, '.' | '-' | '\'' | '\u{2019}'))
    } else {
        between.chars().all(|c| !c.is_alphanumeric())
    };
    let same = word.class != Class::Other && (word.class == Class::Person) == (last.class == Class::Person);
    same && marks && between.len() <= joint && word.end - first.start <= longest
}

/// What a run of words is. A lone number or postal code is nothing.
fn span(run: &[Word]) -> Option<Span> {
    let (first, last) = (run.first()?, run.last()?);
    let has = |class: Class| run.iter().any(|word| word.class == class);
    let label = if has(Class::Person) {
        "pii.person"
    } else if has(Class::Street) {
        "pii.address"
    } else if has(Class::City) || has(Class::State) {
        if has(Class::Number) || has(Class::Zip) || has(Class::Unit) { "pii.address" } else { "pii.location" }
    } else {
        return None;
    };
    let (sum, count) = run.iter().fold((0.0_f32, 0.0_f32), |(sum, count), word| (sum + word.odds, count + 1.0));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10,000")]
    let score_bp = (sum / count * 10_000.0).clamp(0.0, 10_000.0) as u16;
    Some(Span { label, start: first.start, end: last.end, score_bp })
}
