//! Pieces of text at places of a page to lines.

use std::fmt::Write;

/// Text that runs on without a gap.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Direction of the baseline in degrees.
    pub angle: i32,
    /// Along the baseline.
    pub start: f64,
    pub end: f64,
    /// Across the baseline; larger is higher.
    pub base: f64,
    pub size: f64,
    pub text: String,
    pub pitch: Pitch,
}

/// How glyphs that are drawn one by one follow each other. In equal steps they are a word, whatever their widths leave between them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pitch {
    /// Where the last glyph starts, if it was drawn alone.
    tail: Option<f64>,
    /// The step inside the piece.
    step: Option<f64>,
    /// The step from the piece before.
    lead: Option<f64>,
}

/// A gap of this many sizes is a blank.
const BLANK: f64 = 0.17;
/// A gap of this many sizes separates columns.
const COLUMN: f64 = 2.0;
/// Baselines that differ by less than this many sizes are one line.
const SAME_LINE: f64 = 0.3;

/// The pieces of one page, in the order in which they are drawn.
#[derive(Default)]
pub struct Canvas {
    pieces: Vec<Piece>,
    bytes: usize,
}

/// Pieces of one page, at most.
pub const MAX_PIECES: usize = 300_000;

impl Canvas {
    /// Bytes of text that are here already.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a piece, to the one before when it goes on there. False: there is no room.
    pub fn add(&mut self, piece: Piece) -> bool {
        self.bytes += piece.text.len();
        push(&mut self.pieces, piece);
        self.pieces.len() < MAX_PIECES
    }

    /// The text as it is drawn, and as it stands on the page when that differs in more than blanks.
    pub fn lines(mut self) -> (String, Option<String>) {
        let drawn = join(&self.pieces, false);
        self.pieces.sort_by(|one, two| one.angle.cmp(&two.angle).then(two.base.total_cmp(&one.base)));
        let mut placed = Vec::with_capacity(self.pieces.len());
        let mut line: Vec<Piece> = Vec::new();
        for piece in self.pieces {
            if line.last().is_some_and(|last| !same_line(last, &piece)) {
                settle(&mut line, &mut placed);
            }
            line.push(piece);
        }
        settle(&mut line, &mut placed);
        let mut words = Vec::with_capacity(placed.len());
        for piece in placed {
            push(&mut words, piece);
        }
        let placed = join(&words, true);
        let differs = letters(&drawn).ne(letters(&placed));
        (drawn, differs.then_some(placed))
    }
}

/// Adds a piece, to the last one when it goes on there.
fn push(pieces: &mut Vec<Piece>, mut piece: Piece) {
    let alone = piece.text.chars().nth(1).is_none();
    if piece.pitch.tail.is_none() && alone {
        piece.pitch.tail = Some(piece.start);
    }
    if let Some(last) = pieces.last_mut()
        && same_line(last, &piece)
    {
        let gap = (piece.start - last.end) / last.size;
        let step = last.pitch.tail.filter(|_| alone).map(|tail| piece.start - tail).filter(|step| *step > 0.0 && *step < last.size);
        let even = last.pitch.step.zip(step).is_some_and(|(one, two)| alike(one, two, last.size));
        if ((-0.3..=BLANK).contains(&gap) || even) && last.text.len() < 4096 {
            last.text.push_str(&piece.text);
            last.end = piece.end;
            last.pitch = Pitch { tail: piece.pitch.tail, step: step.or(piece.pitch.step), lead: last.pitch.lead };
            return;
        }
        piece.pitch.lead = step;
        piece.pitch.step = piece.pitch.step.or(step);
    }
    pieces.push(piece);
}

/// Whether two steps are one, as far as writers round them.
fn alike(one: f64, two: f64, size: f64) -> bool {
    (one - two).abs() < 0.03 * size
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|it| !it.is_whitespace())
}

fn same_line(one: &Piece, two: &Piece) -> bool {
    one.angle == two.angle && (one.base - two.base).abs() <= SAME_LINE * one.size.max(two.size)
}

/// Puts a line in order, and leaves out what is drawn twice at one place to look bold.
fn settle(line: &mut Vec<Piece>, placed: &mut Vec<Piece>) {
    line.sort_by(|one, two| one.start.total_cmp(&two.start));
    for piece in line.drain(..) {
        let twice = placed
            .last()
            .is_some_and(|last| last.text == piece.text && same_line(last, &piece) && (last.start - piece.start).abs() < 0.1 * last.size);
        if !twice {
            placed.push(piece);
        }
    }
}

/// Whether the piece goes on in the step with which it followed the one before.
fn follows_evenly(piece: &Piece) -> bool {
    let more = piece.text.chars().nth(1).is_some();
    more && piece.pitch.lead.zip(piece.pitch.step).is_some_and(|(lead, step)| alike(lead, step, piece.size))
}

fn join(pieces: &[Piece], sorted: bool) -> String {
    let mut text = String::new();
    let mut last: Option<&Piece> = None;
    for piece in pieces {
        if let Some(last) = last {
            let gap = (piece.start - last.end) / last.size;
            let separator = match gap {
                _ if !same_line(last, piece) => "\n",
                gap if gap > COLUMN => "\t",
                gap if gap > BLANK && !follows_evenly(piece) => " ",
                gap if gap > BLANK => "",
                gap if gap < -0.5 && !sorted => "\n",
                _ => "",
            };
            if !(separator == " " && (text.ends_with(' ') || piece.text.starts_with(' '))) {
                text.push_str(separator);
            }
        }
        // Writing to a string cannot fail.
        let _ = text.write_str(&piece.text);
        last = Some(piece);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[(f64, f64, f64, &str)], drawn: &str, placed: Option<&str>) {
        let mut canvas = Canvas::default();
        for (start, end, base, text) in pieces {
            assert!(canvas.add(Piece {
                angle: 0,
                start: *start,
                end: *end,
                base: *base,
                size: 10.0,
                text: (*text).into(),
                pitch: Pitch::default()
            }));
        }
        assert_eq!(canvas.lines(), (drawn.to_owned(), placed.map(str::to_owned)));
    }

    #[test]
    fn glyphs_become_words_and_lines() {
        check(&[(0.0, 5.0, 100.0, "a"), (5.1, 10.0, 100.0, "b"), (13.0, 18.0, 100.0, "c"), (0.0, 5.0, 80.0, "d")], "ab c\nd", None);
        check(&[(5.0, 10.0, 100.0, "b"), (0.0, 5.0, 100.0, "a"), (10.0, 15.0, 100.2, "c")], "b\na c", Some("abc"));
        check(&[(0.0, 5.0, 100.0, "a"), (60.0, 65.0, 100.0, "b")], "a\tb", None);
        // Narrow letters in equal steps, a blank that nobody drew, and a letter that stands alone.
        check(
            &[(0.0, 2.0, 0.0, "i"), (6.0, 8.0, 0.0, "l"), (12.0, 18.0, 0.0, "l"), (24.0, 26.0, 0.0, "i"), (36.0, 38.0, 0.0, "x")],
            "ill i x",
            None,
        );
        check(&[(0.0, 5.0, 100.0, "a"), (0.2, 5.2, 100.0, "a")], "aa", Some("a"));
    }
}
