//! What is sent and what is answered: about a kilobyte of text each way, new text in every request.

use bartizan_testkit::stats::Dice;
use bartizan_testkit::{canned, traffic};

/// Characters of a text.
const SIZE: usize = 1_024;
/// Texts that are made once; the number of a request in front makes each a new one.
const STOCK: u64 = 64;

/// A kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Running prose.
    Plain,
    /// The same with an e-mail address of the caller's in it.
    OneValue,
}

impl Traffic {
    /// All, in the order of the tables.
    pub const ALL: [Self; 2] = [Self::Plain, Self::OneValue];

    /// For people and the `RESULT` line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::OneValue => "one_value",
        }
    }

    /// As the title of a table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plain => "Prose without a finding",
            Self::OneValue => "Prose with one e-mail address in the request",
        }
    }

    /// The texts of the requests, without the number.
    pub fn stock(self) -> Vec<String> {
        (1..=STOCK)
            .map(|seed| {
                let mut text = prose(SIZE - 10, seed);
                if self == Self::OneValue {
                    let value = format!(" Write to {} today. ", traffic::EMAIL);
                    let middle = text.len() / 2 - value.len() / 2;
                    text.replace_range(middle..middle + value.len(), &value);
                }
                text
            })
            .collect()
    }
}

/// Exactly so many characters.
fn prose(size: usize, seed: u64) -> String {
    let mut text = traffic::prose(size, &mut Dice::new(seed));
    text.truncate(size);
    text
}

/// The text of every answer.
pub fn answer_text() -> String {
    prose(SIZE, 1_024)
}

/// The answer that the provider gives to every request.
pub fn answer() -> String {
    canned::chat("fixed", &answer_text())
}
