//! Stream fixtures: what the provider's model says, in which events it says it, and what the client reads of it.
//!
//! A fixture's texts grow over events, so the same texts can be cut into other pieces. Fixtures that are files of bytes have none.

use std::collections::BTreeMap;

use bartizan_testkit::Answer;
use bartizan_testkit::stats::Dice;
use serde_json::Value;

use crate::harness::{Call, House, Reply};

/// The caller's own value.
pub const OWN: &str = "ada@example.org";
/// Values that the model brings in, with the names that fixtures use for them and what the client reads instead.
const BROUGHT: [(&str, &str, &str); 3] = [
    ("$email", "eve.adams@example.net", "[REDACTED_EMAIL]"),
    ("$card", "5500005555555559", "[REDACTED_CARD]"),
    ("$key", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[REDACTED_GITHUB]"),
];
/// Letters in a piece, where nothing else is said.
const SIZE: usize = 11;
/// Stands for a piece where a text is looked for.
const MARK: &str = "\u{e000}";

/// How payloads are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Server-sent events of data alone.
    #[default]
    Events,
    /// Events that are named by the `type` of their payload.
    Named,
    /// One JSON array.
    Array,
}

/// A text that grows.
#[derive(Clone, Debug)]
pub struct Text {
    pub name: String,
    /// What the model says, with `$own`, `$email`, `$card` and `$key` for values.
    pub says: String,
    /// What the client reads, where it is not the same with the values in their places.
    pub reads: Option<String>,
    /// A payload of the client's format with the text in its place, where that is not the provider's.
    pub at: Option<String>,
    /// Whether it repeats another text in pieces of its own, like log probabilities: nobody puts those together.
    pub aside: bool,
}

/// Payloads. In them `<name>` is a piece of a text, and `<=name>` all of it.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Come once.
    pub say: Vec<String>,
    /// Come again for every piece.
    pub grow: Vec<String>,
}

/// A stream, and how it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Story {
    pub name: String,
    pub path: String,
    /// The body of the request.
    pub ask: String,
    /// How the provider writes.
    pub form: Form,
    /// How the client reads, where that differs.
    pub reads: Option<Form>,
    /// Ends of lines are a carriage return and a line feed.
    pub crlf: bool,
    /// After the last event.
    pub end: String,
    pub text: Vec<Text>,
    pub step: Vec<Step>,
    /// All of it, where nothing is known of its texts.
    pub bytes: Option<String>,
    /// Whether the client's format is another than the provider's, where that is known.
    pub translated: bool,
}

/// A text between the quotation marks of a JSON string.
fn quote(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// How each text is cut: the places, in letters.
pub type Cuts = Vec<Vec<usize>>;

impl Story {
    /// The call that asks for it.
    pub fn call(&self) -> Call {
        Call::new("POST", &self.path, self.ask.replace("$own", OWN))
    }

    /// The pseudonym that the provider is shown for the caller's own value, if it is shown one.
    pub fn token(&self, house: &House) -> String {
        house.upstream.forget();
        house.upstream.push(Answer::json("{}"));
        house.send(&self.call());
        let seen = house.seen();
        seen.find("EMAIL_").map_or_else(String::new, |at| seen[at..at + 16].to_owned())
    }

    /// What the model says in a text.
    pub fn said(text: &Text, token: &str) -> String {
        let said = text.says.replace("$own", token);
        BROUGHT.iter().fold(said, |said, (name, value, _)| said.replace(name, value))
    }

    /// What the client is to read of a text.
    pub fn expected(text: &Text, token: &str) -> String {
        let read = text.reads.as_ref().unwrap_or(&text.says).replace("$own", OWN).replace("$token", token);
        BROUGHT.iter().fold(read, |read, (name, _, shown)| read.replace(name, shown))
    }

    /// All texts in small pieces.
    pub fn usual(&self, token: &str) -> Cuts {
        let cuts = |text| (1..Self::said(text, token).chars().count()).filter(|at| at % SIZE == 0).collect();
        self.text.iter().map(cuts).collect()
    }

    /// The bytes of the stream, its texts cut so.
    pub fn bytes(&self, token: &str, cuts: &Cuts) -> String {
        if let Some(bytes) = &self.bytes {
            return bytes.replace("$own", token);
        }
        let said: Vec<String> = self.text.iter().map(|text| Self::said(text, token)).collect();
        let pieces: Vec<Vec<String>> = said.iter().zip(cuts).map(|(said, cuts)| pieces(said, cuts)).collect();
        let whole = |payload: &String| {
            let all = self.text.iter().zip(&said);
            all.fold(payload.clone(), |payload, (text, said)| payload.replace(&format!("<={}>", text.name), &quote(said)))
        };
        let mut payloads: Vec<String> = Vec::new();
        for step in &self.step {
            payloads.extend(step.say.iter().map(whole));
            let rounds = pieces.iter().map(Vec::len).max().unwrap_or(0);
            for round in 0..rounds {
                for payload in &step.grow {
                    payloads.extend(self.piece(payload, &pieces, round));
                }
            }
        }
        self.write(&payloads)
    }

    /// A payload with the pieces of a round, if there is one for it.
    fn piece(&self, payload: &str, pieces: &[Vec<String>], round: usize) -> Option<String> {
        let mut there = false;
        let mut out = payload.to_owned();
        for (text, pieces) in self.text.iter().zip(pieces) {
            let mark = format!("<{}>", text.name);
            there |= out.contains(&mark) && round < pieces.len();
            out = out.replace(&mark, &quote(pieces.get(round).map_or("", String::as_str)));
        }
        there.then_some(out)
    }

    fn write(&self, payloads: &[String]) -> String {
        let line = if self.crlf { "\r\n" } else { "\n" };
        if self.form == Form::Array {
            return format!("[{}]", payloads.join(&format!(",{line}")));
        }
        let event = |payload: &String| {
            let kind = serde_json::from_str::<Value>(payload).unwrap_or_else(|error| panic!("{}: {error}: {payload}", self.name));
            let name = kind["type"].as_str().filter(|_| self.form == Form::Named).map(|kind| format!("event: {kind}{line}"));
            format!("{}data: {payload}{line}{line}", name.unwrap_or_default())
        };
        payloads.iter().map(event).collect::<String>() + &self.end
    }

    /// The answer, its bytes cut so.
    pub fn answer(&self, bytes: &str, cuts: &[usize]) -> Answer {
        let answer = Answer::stream_split(bytes.as_bytes(), cuts);
        if self.form == Form::Array { answer.with_header("content-type", "application/json") } else { answer }
    }

    /// What the client reads of each text, put together.
    pub fn heard(&self, reply: &Reply) -> Vec<String> {
        let mut texts = BTreeMap::new();
        let body = reply.text();
        let payloads: Vec<Value> = match self.reads.unwrap_or(self.form) {
            Form::Array => serde_json::from_str(&body).unwrap_or_else(|error| panic!("{}: {error}: {body}", self.name)),
            Form::Events | Form::Named => crate::answers::events(&body),
        };
        for payload in &payloads {
            walk(payload, "", &mut texts);
        }
        let heard = |text: &Text| if text.aside { String::new() } else { texts.get(&self.place(text)).cloned().unwrap_or_default() };
        self.text.iter().map(heard).collect()
    }

    /// Where a text stands in what a client reads.
    fn place(&self, text: &Text) -> String {
        let mark = format!("<{}>", text.name);
        let grown = self.step.iter().flat_map(|step| &step.grow).find(|payload| payload.contains(&mark));
        let payload = text.at.as_ref().or(grown).unwrap_or_else(|| panic!("{}: `{}` does not grow", self.name, text.name));
        let mut texts = BTreeMap::new();
        walk(&serde_json::from_str(&payload.replace(&mark, MARK)).unwrap(), "", &mut texts);
        texts.into_iter().find(|(_, text)| text == MARK).unwrap_or_else(|| panic!("{}: `{}` is no text", self.name, text.name)).0
    }
}

fn pieces(text: &str, cuts: &[usize]) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let ends = cuts.iter().copied().chain([letters.len()]);
    let mut from = 0;
    ends.map(|end| letters[std::mem::replace(&mut from, end)..end].iter().collect()).collect()
}

/// Random places to cut something in so many pieces at most.
pub fn places(length: usize, pieces: u64, dice: &mut Dice) -> Vec<usize> {
    let mut places: Vec<usize> =
        (1..pieces).map(|_| usize::try_from(1 + dice.below(length.saturating_sub(1).max(1) as u64)).unwrap()).collect();
    places.retain(|place| *place < length);
    places.sort_unstable();
    places.dedup();
    places
}

/// Members that say which text something is a piece of.
const NAMES: [&str; 7] = ["type", "index", "output_index", "content_index", "summary_index", "item_id", "thought"];

/// All strings by where they stand; those of one place join.
fn walk(value: &Value, at: &str, texts: &mut BTreeMap<String, String>) {
    match value {
        Value::String(text) => texts.entry(at.to_owned()).or_default().push_str(text),
        Value::Array(list) => list.iter().for_each(|one| walk(one, at, texts)),
        Value::Object(members) => {
            let names = NAMES.iter().filter_map(|name| Some(format!("{name}={}", members.get(*name)?)));
            let at = format!("{at}({})", names.collect::<Vec<_>>().join(","));
            members.iter().for_each(|(name, one)| walk(one, &format!("{at}/{name}"), texts));
        }
        _ => {}
    }
}
