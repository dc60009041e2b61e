//! The form between the formats: what a request asks for, and what an answer tells, piece by piece.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::look::Look;
use super::{Garbage, TranslateError};
use crate::json::{JsonLimits, NodeKind, Tape};

/// A request. What is a number stays as it was written, with its place.
#[derive(Default)]
pub(super) struct Ask<'a> {
    pub(super) system: Vec<Cow<'a, str>>,
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) choice: Option<Choice<'a>>,
    /// Stands where calls side by side are forbidden.
    pub(super) one_call: Option<Look<'a>>,
    pub(super) max_tokens: Option<Look<'a>>,
    pub(super) temperature: Option<Look<'a>>,
    pub(super) top_p: Option<Look<'a>>,
    pub(super) top_k: Option<Look<'a>>,
    pub(super) seed: Option<Look<'a>>,
    /// How many answers, when it is not one.
    pub(super) answers: Option<Look<'a>>,
    pub(super) presence: Option<Look<'a>>,
    pub(super) frequency: Option<Look<'a>>,
    pub(super) logit_bias: Option<Look<'a>>,
    pub(super) stop: Vec<Cow<'a, str>>,
    pub(super) shape: Option<Shape<'a>>,
    pub(super) thinking: Option<(Thinking<'a>, Look<'a>)>,
    pub(super) user: Option<Cow<'a, str>>,
    /// Whether the client of a stream of OpenAI's wants to be told the usage.
    pub(super) usage: bool,
    /// Hints that change nothing of what is answered and have no place in the other format.
    pub(super) left_out: BTreeSet<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Assistant,
}

pub(super) struct Turn<'a> {
    pub(super) speaker: Speaker,
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) at: Look<'a>,
}

pub(super) struct Piece<'a> {
    pub(super) part: Part<'a>,
    pub(super) at: Look<'a>,
}

pub(super) enum Part<'a> {
    Text(Cow<'a, str>),
    Media(Media<'a>),
    Call { id: Cow<'a, str>, name: Cow<'a, str>, arguments: Cow<'a, str> },
    Result { id: Cow<'a, str>, content: Content<'a>, failed: bool },
}

pub(super) enum Media<'a> {
    /// In base64.
    Data { mime: Cow<'a, str>, data: Cow<'a, str>, name: Option<Cow<'a, str>> },
    /// A picture somewhere else.
    Url(Cow<'a, str>),
}

/// What a tool gave back.
pub(super) enum Content<'a> {
    Texts(Vec<Cow<'a, str>>),
    /// An object, as Google has it.
    Object(&'a str),
}

pub(super) struct Tool<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) description: Option<Cow<'a, str>>,
    /// A JSON schema.
    pub(super) schema: Option<Cow<'a, str>>,
    pub(super) strict: Option<Look<'a>>,
}

pub(super) enum Choice<'a> {
    Auto,
    None,
    /// Some tool.
    Any,
    /// This one.
    Named(Cow<'a, str>),
}

/// The form that an answer is to have.
pub(super) enum Shape<'a> {
    Json(Look<'a>),
    Schema { name: Option<Cow<'a, str>>, schema: Cow<'a, str>, strict: bool },
}

#[derive(Clone, Copy)]
pub(super) enum Thinking<'a> {
    Off,
    /// As much as the model finds right.
    Free,
    Budget(Look<'a>),
    Effort(Effort),
}

#[derive(Clone, Copy)]
pub(super) enum Effort {
    Minimal,
    Low,
    Medium,
    High,
}

impl Effort {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "minimal" | "MINIMAL" => Self::Minimal,
            "low" | "LOW" => Self::Low,
            "medium" | "MEDIUM" => Self::Medium,
            "high" | "HIGH" => Self::High,
            _ => return None,
        })
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl<'a> Ask<'a> {
    /// Checks what no format can express in another.
    pub(super) fn check(&self) -> Result<(), TranslateError> {
        if self.tools.is_empty() && matches!(self.choice, Some(Choice::Any | Choice::Named(_))) {
            return Err(TranslateError::Wrong { field: "the choice of a tool".to_owned(), why: "needs tools to choose from" });
        }
        match self.turns.last() {
            Some(turn) if turn.speaker == Speaker::Assistant => Err(turn
                .at
                .wrong("is the last turn and the assistant's: that it goes on with it can only be asked for on the provider's own route")),
            _ => Ok(()),
        }
    }

    /// Turns in which neighbours of one speaker are one.
    pub(super) fn merged(&self) -> Vec<(Speaker, Vec<&Piece<'a>>)> {
        let mut out: Vec<(Speaker, Vec<&Piece<'a>>)> = Vec::new();
        for turn in self.turns.iter().filter(|turn| !turn.pieces.is_empty()) {
            match out.last_mut() {
                Some((speaker, pieces)) if *speaker == turn.speaker => pieces.extend(&turn.pieces),
                _ => out.push((turn.speaker, turn.pieces.iter().collect())),
            }
        }
        for (_, pieces) in &mut out {
            // Some providers refuse empty texts, and they say nothing.
            if pieces.len() > 1 {
                pieces.retain(|piece| !matches!(&piece.part, Part::Text(text) if text.is_empty()));
            }
        }
        out
    }
}

/// Refuses what is there and has no place.
pub(super) fn none_of(fields: &[Option<Look<'_>>]) -> Result<(), TranslateError> {
    fields.iter().flatten().next().map_or(Ok(()), |field| Err(field.refused()))
}

/// Arguments that a model gave as a text: an object, or nothing.
pub(super) fn arguments<'a>(text: Cow<'a, str>, at: Look<'a>) -> Result<Cow<'a, str>, TranslateError> {
    if text.trim_ascii().is_empty() {
        return Ok(Cow::Borrowed("{}"));
    }
    if is_object(&text, at) { Ok(text) } else { Err(at.must_be("the text of a JSON object")) }
}

/// Whether a text is a JSON object.
pub(super) fn is_object(text: &str, at: Look<'_>) -> bool {
    let tape = Tape::read(text.as_bytes(), at.limits);
    tape.is_ok_and(|tape| tape.node(0).is_some_and(|root| root.kind == NodeKind::Object))
}

/// The wire format of a way of ending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Finish {
    #[default]
    Stop,
    /// At one of the caller's own stop sequences, if that is known.
    Sequence(Option<String>),
    Length,
    Calls,
    Filter,
}

/// Tokens. Those of the cache are part of the input, those of reasoning part of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) cached: u64,
    pub(super) written: u64,
    pub(super) output: u64,
    pub(super) reasoning: u64,
}

/// An id or a model's name, which every event of a stream repeats. A long one gets another in its place, the same for the same. Its
/// beginning would not do: half of a value that stands in it is none that anybody finds.
pub(super) fn short(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= ID {
        return text;
    }
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Cow::Owned(format!("id_{:016x}", hasher.finish()))
}

/// Longest id or name that is repeated.
const ID: usize = 128;

/// A piece of an answer.
#[derive(Debug)]
pub(super) enum Delta<'a> {
    Start {
        id: Cow<'a, str>,
        model: Cow<'a, str>,
    },
    Text {
        choice: u32,
        text: Cow<'a, str>,
    },
    Reasoning {
        choice: u32,
        text: Cow<'a, str>,
    },
    Refusal {
        choice: u32,
        text: Cow<'a, str>,
    },
    Call {
        choice: u32,
        call: u32,
        id: Cow<'a, str>,
        name: Cow<'a, str>,
    },
    /// A further stretch of a call's arguments.
    Arguments {
        choice: u32,
        call: u32,
        json: Cow<'a, str>,
    },
    Finish {
        choice: u32,
        finish: Finish,
    },
    Usage(Usage),
    Error {
        status: u16,
        message: Cow<'a, str>,
    },
    End,
}

/// A call of an answer.
#[derive(Default)]
pub(super) struct Called {
    pub(super) number: u32,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

impl Called {
    pub(super) fn arguments(&self) -> &str {
        if self.arguments.trim_ascii().is_empty() { "{}" } else { &self.arguments }
    }
}

/// One of several answers.
#[derive(Default)]
pub(super) struct Told {
    pub(super) choice: u32,
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) refusal: String,
    pub(super) calls: Vec<Called>,
    pub(super) finish: Finish,
}

/// A whole answer.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) told: Vec<Told>,
    pub(super) usage: Usage,
    pub(super) error: Option<(u16, String)>,
    pub(super) ended: bool,
}

impl Answer {
    fn choice(&mut self, choice: u32) -> Option<&mut Told> {
        let known = self.told.iter().position(|told| told.choice == choice);
        let at = known.unwrap_or(self.told.len());
        if known.is_none() {
            self.told.push(Told { choice, ..Told::default() });
        }
        self.told.get_mut(at)
    }

    /// Whether every call's arguments are an object, as formats want it that do not send them as a text.
    pub(super) fn check_arguments(&self) -> Result<(), Garbage> {
        let is_object = |called: &Called| {
            let tape = Tape::read(called.arguments().as_bytes(), &JsonLimits::default());
            tape.is_ok_and(|tape| tape.node(0).is_some_and(|root| root.kind == NodeKind::Object))
        };
        let all = self.told.iter().flat_map(|told| &told.calls).all(is_object);
        if all { Ok(()) } else { Err(Garbage::Arguments) }
    }

    /// Takes one more piece.
    pub(super) fn take(&mut self, delta: Delta<'_>) {
        match delta {
            Delta::Start { id, model } => (self.id, self.model) = (id.into_owned(), model.into_owned()),
            Delta::Usage(usage) => self.usage = usage,
            Delta::Error { status, message } => self.error = Some((status, message.into_owned())),
            Delta::End => self.ended = true,
            Delta::Text { choice, .. }
            | Delta::Reasoning { choice, .. }
            | Delta::Refusal { choice, .. }
            | Delta::Call { choice, .. }
            | Delta::Arguments { choice, .. }
            | Delta::Finish { choice, .. } => {
                if let Some(told) = self.choice(choice) {
                    told.take(delta);
                }
            }
        }
    }
}

impl Told {
    fn take(&mut self, delta: Delta<'_>) {
        match delta {
            Delta::Text { text, .. } => self.text.push_str(&text),
            Delta::Reasoning { text, .. } => self.reasoning.push_str(&text),
            Delta::Refusal { text, .. } => self.refusal.push_str(&text),
            Delta::Call { call, id, name, .. } => {
                self.calls.push(Called { number: call, id: id.into_owned(), name: name.into_owned(), arguments: String::new() });
            }
            Delta::Arguments { call, json, .. } => {
                if let Some(called) = self.calls.iter_mut().rfind(|called| called.number == call) {
                    called.arguments.push_str(&json);
                }
            }
            Delta::Finish { finish, .. } => self.finish = finish,
            Delta::Start { .. } | Delta::Usage(_) | Delta::Error { .. } | Delta::End => {}
        }
    }

    /// How it ended: a call is one whatever the provider says of it, and so is a refusal.
    pub(super) fn ending(&self) -> &Finish {
        match &self.finish {
            Finish::Stop if !self.calls.is_empty() => &Finish::Calls,
            Finish::Stop if !self.refusal.is_empty() => &Finish::Filter,
            other => other,
        }
    }
}
