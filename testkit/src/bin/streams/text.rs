//! What the model says, how it is cut into deltas, and which part of it a client has that has seen so much of the edited text.

use anyhow::{Context as _, Result, ensure};
use bartizan_testkit::canned;
use bartizan_testkit::stats::Dice;
use bartizan_testkit::traffic::{self, CARD, EMAIL, GITHUB_TOKEN};

/// Values that the model brings in. None was in the request.
const VALUES: [&str; 5] = ["ottoline.marchbanks@example.org", CARD, "GB33BUKB20201555555555", GITHUB_TOKEN, "536-22-8726"];

/// A kind of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prose, each delta ends with the blank behind a word: no cut leaves what may be the beginning of a value.
    Behind,
    /// Prose, cut in front of blanks, as tokenizers do: each last word may be the beginning of an e-mail address.
    Before,
    /// Prose with values and with a pseudonym of the caller's, cut every five characters.
    Values,
}

impl Kind {
    /// All, in the order of the tables.
    pub const ALL: [Self; 3] = [Self::Behind, Self::Before, Self::Values];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Behind => "prose, `word␣`",
            Self::Before => "prose, `␣word`",
            Self::Values => "values, every 5 characters",
        }
    }
}

/// A stretch of the text.
#[derive(Clone, Debug)]
struct Stretch {
    text: String,
    /// It is a value that does not reach the client as it is.
    value: bool,
}

/// What the model says.
#[derive(Clone, Debug)]
pub struct Text {
    kind: Kind,
    stretches: Vec<Stretch>,
}

impl Text {
    /// A text of about so many deltas. `pseudonym` is what the gate put in the place of the caller's address.
    pub fn new(kind: Kind, deltas: usize, pseudonym: &str) -> Self {
        let mut dice = Dice::new(7);
        let mut stretches = Vec::new();
        if kind == Kind::Values {
            for (number, value) in VALUES.iter().chain(&[pseudonym]).cycle().enumerate() {
                let length: usize = stretches.iter().map(|stretch: &Stretch| stretch.text.len()).sum();
                if length >= deltas * 5 && number > VALUES.len() {
                    break;
                }
                // The number makes each stretch of prose one that occurs once.
                let prose = format!(". {} {}and then ", ordinal(number), traffic::prose(90, &mut dice));
                stretches.push(Stretch { text: prose, value: false });
                stretches.push(Stretch { text: (*value).to_owned(), value: true });
            }
        }
        let prose = if kind == Kind::Values { " was the end of it.".to_owned() } else { traffic::prose(deltas * 5, &mut dice) };
        stretches.push(Stretch { text: prose, value: false });
        Self { kind, stretches }
    }

    /// All of it.
    pub fn whole(&self) -> String {
        self.stretches.iter().map(|stretch| stretch.text.as_str()).collect()
    }

    /// Its deltas.
    pub fn deltas<'a>(&self, whole: &'a str) -> Vec<&'a str> {
        match self.kind {
            Kind::Behind => whole.split_inclusive(' ').collect(),
            Kind::Before => {
                let blanks = whole.match_indices(' ').map(|(at, _)| at).filter(|at| *at > 0);
                let ends: Vec<usize> = blanks.chain([whole.len()]).collect();
                let starts = [0].into_iter().chain(ends.iter().copied());
                starts.zip(&ends).filter_map(|(start, end)| whole.get(start..*end)).filter(|delta| !delta.is_empty()).collect()
            }
            Kind::Values => canned::parts(whole, 5),
        }
    }

    /// How the text stands in what the client got. Prose must be there unchanged, no value may be, and the caller's own address must have
    /// come back: else this is no gate with its guards on.
    pub fn align(&self, edited: &str) -> Result<Alignment> {
        let mut joints = Vec::new();
        let (mut at, mut in_text) = (0, 0);
        for stretch in &self.stretches {
            if !stretch.value {
                let rest = edited.get(at..).unwrap_or_default();
                let found = rest.find(&stretch.text).with_context(|| format!("`{}` did not arrive: {edited}", stretch.text))?;
                joints.push((in_text, at + found));
                at += found + stretch.text.len();
                joints.push((in_text + stretch.text.len(), at));
            }
            in_text += stretch.text.len();
        }
        ensure!(at == edited.len(), "more arrived than was said: {edited}");
        for value in VALUES {
            ensure!(!edited.contains(value), "the guards are off, `{value}` arrived");
        }
        ensure!(self.kind != Kind::Values || edited.contains(EMAIL), "the caller's own address did not come back: {edited}");
        Ok(Alignment { joints })
    }
}

/// A word for a number, without digits.
fn ordinal(number: usize) -> String {
    let letters = format!("{number:03}");
    letters.bytes().map(|digit| char::from(digit - b'0' + b'k')).collect::<String>().to_uppercase()
}

/// Places in the text and in what the client got that belong together, in order: beginning and end of each stretch of prose.
#[derive(Clone, Debug)]
pub struct Alignment {
    joints: Vec<(usize, usize)>,
}

impl Alignment {
    /// How much of the text is decided for a client that has so many characters of the edited one. What stands for a value must be there
    /// whole, then the value counts.
    pub fn decided(&self, received: usize) -> usize {
        let joint = self.joints.iter().enumerate().rfind(|(_, (_, edited))| *edited <= received);
        let Some((number, (in_text, edited))) = joint else { return 0 };
        // Behind the beginning of prose, characters count; behind its end comes a value.
        if number % 2 == 0 { in_text + (received - edited) } else { *in_text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_are_the_text() {
        for kind in Kind::ALL {
            let text = Text::new(kind, 200, "EMAIL_7Q2F9KXD4M");
            let whole = text.whole();
            let deltas = text.deltas(&whole);
            assert_eq!(deltas.concat(), whole);
            assert!((175..=225).contains(&deltas.len()), "{kind:?}: {}", deltas.len());
            assert_eq!(kind == Kind::Behind, deltas.iter().rev().skip(1).all(|delta| delta.ends_with(' ')));
        }
    }

    #[test]
    fn what_is_decided_follows_the_edits() {
        let stretch = |text: &str, value| Stretch { text: text.to_owned(), value };
        let text = Text { kind: Kind::Behind, stretches: vec![stretch("abc ", false), stretch("12345", true), stretch(" def", false)] };
        let alignment = text.align("abc [X] def").unwrap();
        let decided: Vec<usize> = (0..=11).map(|received| alignment.decided(received)).collect();
        assert_eq!(decided, [0, 1, 2, 3, 4, 4, 4, 9, 10, 11, 12, 13]);
    }

    #[test]
    fn guards_that_are_off_are_seen() {
        let text = Text::new(Kind::Values, 100, "EMAIL_7Q2F9KXD4M");
        let error = text.align(&text.whole()).unwrap_err();
        assert!(error.to_string().contains("guards are off"), "{error}");
        let hidden = VALUES.iter().fold(text.whole(), |text, value| text.replace(value, "[hidden]"));
        let error = text.align(&hidden).unwrap_err();
        assert!(error.to_string().contains("did not come back"), "{error}");
        text.align(&hidden.replace("EMAIL_7Q2F9KXD4M", EMAIL)).unwrap();
        text.align(&hidden.replace("and then", "and so")).unwrap_err();
    }
}
