//! Whether letters of base64 or of hexadecimal can stand for text at all, told by a table of steps over UTF-8, one reading beside the
//! other. What they stand for is read in `sextets`.

use crate::sextets::{STRETCH, sextet};

/// What a byte makes of a stretch of text. A text has no control characters but white space.
#[derive(Clone, Copy, Default)]
pub(crate) struct Step {
    /// What is needed of the character that the byte belongs to: a row of the table. In row 0 nothing is.
    pub(crate) state: u8,
    /// Whether the byte goes on with the stretch, and whether it is part of one at all: it may begin one, then.
    keeps: u8,
    adds: u8,
}

impl Step {
    /// The step from a state over a byte.
    #[inline]
    pub(crate) fn from(state: u8, byte: u8) -> Self {
        STEPS.get(usize::from(state)).and_then(|row| row.get(usize::from(byte))).copied().unwrap_or_default()
    }

    /// Whether the byte goes on with the stretch.
    pub(crate) fn goes_on(self) -> bool {
        self.keeps & self.adds == 1
    }
}

/// Characters that are not complete: what the next byte may be, and the state behind it.
const SHAPES: [(u8, u8, u8); 9] = [
    (0x01, 0x00, 0),
    (0x80, 0xBF, 0),
    (0xA0, 0xBF, 0),
    (0x80, 0xBF, 1),
    (0xA0, 0xBF, 1),
    (0x80, 0x9F, 1),
    (0x80, 0xBF, 3),
    (0x90, 0xBF, 3),
    (0x80, 0x8F, 3),
];

/// The steps from each state over each byte.
static STEPS: [[Step; 256]; 9] = steps();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "runs at compile time; indexes are below 256")]
const fn steps() -> [[Step; 256]; 9] {
    let mut steps = [[Step { state: 0, keeps: 0, adds: 0 }; 256]; 9];
    let mut state = 0;
    while state < 9 {
        let (low, high, behind) = SHAPES[state];
        let mut byte = 0;
        while byte < 256 {
            let begun = match byte as u8 {
                b' '..=b'~' | b'\t' | b'\n' | b'\r' => Some(0),
                0xC2 | 0xE0 => Some(if byte == 0xC2 { 2 } else { 4 }),
                0xC3..=0xDF => Some(1),
                0xED => Some(5),
                0xE1..=0xEC | 0xEE | 0xEF => Some(3),
                0xF0 => Some(7),
                0xF1..=0xF3 => Some(6),
                0xF4 => Some(8),
                _ => None,
            };
            steps[state][byte] = if low <= byte as u8 && byte as u8 <= high {
                Step { state: behind, keeps: 1, adds: 1 }
            } else if let Some(next) = begun {
                Step { state: next, keeps: (state == 0) as u8, adds: 1 }
            } else {
                Step { state: 0, keeps: 0, adds: 0 }
            };
            byte += 1;
        }
        state += 1;
    }
    steps
}

/// How far one reading of letters has come.
#[derive(Clone, Copy, Default)]
struct Stretch {
    state: u8,
    run: usize,
    longest: usize,
}

impl Stretch {
    #[inline]
    fn take(&mut self, byte: u8) {
        let step = Step::from(self.state, byte);
        self.state = step.state;
        self.run = self.run * usize::from(step.keeps) + usize::from(step.adds);
        self.longest = self.longest.max(self.run);
    }
}

/// Not a digit of hexadecimal.
const NO_DIGIT: u8 = 16;

const DIGITS: [u8; 256] = hexadecimal();

#[expect(clippy::indexing_slicing, reason = "runs at compile time; indexes are below 256")]
const fn hexadecimal() -> [u8; 256] {
    let mut table = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        table[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    table
}

/// Whether letters may stand for a stretch of text at one of the four ways to read them as base64, or of the two as hexadecimal, so
/// that a [`Reader`](crate::sextets::Reader) may find something. It lets a little more through: what it says no to has none. Most words of identifiers and
/// paths end here, without a guess about what comes next.
pub(crate) fn may_hold(letters: impl Iterator<Item = u8> + Clone) -> bool {
    let (mut bits, mut bit) = (0_u32, 0_usize);
    let mut readings = [Stretch::default(); 4];
    let (mut digits, mut most) = (0_usize, 0_usize);
    for letter in letters.clone() {
        bits = (bits << 6 | u32::from(sextet(letter) & 63)) & 0xFFFF;
        bit += 6;
        for shift in [4, 2, 0] {
            let [.., byte] = (bits >> shift).to_be_bytes();
            if let Some(reading) = readings.get_mut((bit - shift) / 2 % 4) {
                reading.take(byte);
            }
        }
        let digit = DIGITS.get(usize::from(letter)).is_some_and(|digit| *digit != NO_DIGIT);
        digits = (digits + 1) * usize::from(digit);
        most = most.max(digits);
    }
    most >= 2 * STRETCH && holds_pairs(letters) || readings.iter().any(|reading| reading.longest >= STRETCH)
}

/// The same for the two ways to read hexadecimal.
fn holds_pairs(letters: impl Iterator<Item = u8>) -> bool {
    let (mut digit, mut pairs) = (NO_DIGIT, [Stretch::default(); 2]);
    for (at, letter) in letters.enumerate() {
        let next = DIGITS.get(usize::from(letter)).copied().unwrap_or(NO_DIGIT);
        if let Some(pair) = pairs.get_mut(at % 2) {
            // A byte that no text holds where there is no digit.
            pair.take(if (digit | next) & NO_DIGIT == 0 { digit << 4 | next } else { 0 });
        }
        digit = next;
    }
    pairs.iter().any(|pair| pair.longest >= STRETCH)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use proptest::prelude::*;

    use super::may_hold;
    use crate::sextets::{STRETCH, sextet};

    /// The longest stretch of text in what letters stand for from one of the four beginnings.
    fn longest(letters: &[u8]) -> usize {
        let stretch = |from: usize| {
            let rest = letters.get(from..).unwrap_or_default();
            let bits: Vec<u32> = rest.iter().map(|letter| u32::from(sextet(*letter))).collect();
            let bytes: Vec<u8> = bits
                .chunks_exact(4)
                .flat_map(|four| {
                    let all = four.iter().fold(0, |all, six| all << 6 | six);
                    all.to_be_bytes().into_iter().skip(1)
                })
                .collect();
            let texts = bytes
                .utf8_chunks()
                .flat_map(|chunk| chunk.valid().split(|c: char| c.is_control() && !"\t\n\r".contains(c)).map(str::len).collect::<Vec<_>>());
            texts.max().unwrap_or(0)
        };
        (0..4).map(stretch).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn letters_that_hold_text_are_let_through(before in "[A-Za-z0-9+/]{0,9}", text in "[ -~\u{A0}-\u{7FF}\u{800}-\u{D7FF}\u{10000}-\u{10FFFF}]{1,12}", after in "[A-Za-z0-9+/]{0,9}") {
            let letters = format!("{before}{}{after}", STANDARD_NO_PAD.encode(&text));
            let fours = text.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
            let digits: String = fours.filter_map(|four| char::from_digit(u32::from(four), 16)).collect();
            let digits = format!("{before}{digits}{after}");
            prop_assert!(text.len() < STRETCH || may_hold(letters.bytes()) && may_hold(digits.bytes()));
            prop_assert!(longest(letters.as_bytes()) < STRETCH || may_hold(letters.bytes()));
        }
    }

    #[test]
    fn words_that_hold_none_are_not() {
        for word in ["some_long_identifier_name", "target/release/examples/throughput", "AAAAAAAAAAAAAAAAAAAA"] {
            assert!(!may_hold(word.bytes()), "{word}");
        }
    }
}
