//! Translation between OpenAI's chat completions, Anthropic's Messages and Google's Gemini: requests, answers, streams.
//!
//! Each format is read into one form between (`ir`) and written from it. Texts, schemas and arguments are moved as they stand; nothing
//! is made up but the formats' own words. What a request holds and the other format has no place for is refused and named. What an
//! answer holds and the client's format has no place for is left out: it reaches nobody.

mod anthropic;
mod error;
mod gemini;
mod ir;
mod json;
mod look;
mod openai;
mod stream;

use std::collections::BTreeSet;

use ir::{Answer, Ask, Content, Media, Part};
use look::Look;
pub use stream::StreamTranslator;

use crate::frames::{FrameError, Framing};
use crate::json::{JsonLimits, Tape};
use crate::route::{Family, Route};

/// Anthropic wants to be told how long an answer may become; this is said for clients that do not say. Every model of theirs takes it.
pub const MAX_TOKENS: u64 = 4_096;

/// Answers side by side.
const CHOICES: u32 = 128;

/// Calls of one answer, all of its choices together.
const CALLS: u32 = 1_024;

/// Bytes that one entry of a small map takes, about.
const ENTRY: usize = 32;

/// Why a request is not translated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// A field has no place in the other format.
    #[error(
        "`{field}` cannot be expressed in {format}'s format, into which requests for this model are translated; remove it, or ask on the provider's own route"
    )]
    Inexpressible {
        /// Where it stands.
        field: String,
        /// The provider's format.
        format: &'static str,
    },
    /// A field is of another type than its format says.
    #[error("`{field}` must be {what}")]
    Type {
        /// Where it stands.
        field: String,
        /// What it must be.
        what: &'static str,
    },
    /// A field does not fit where it stands.
    #[error("`{field}` {why}")]
    Wrong {
        /// Where it stands.
        field: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A whole answer in the client's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its body.
    pub body: Vec<u8>,
    /// It is an error, which the provider sent as if it were an answer: its status, from 400 to 599.
    pub failed: Option<u16>,
}

/// Why an answer is not translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Garbage {
    /// It is no answer of the provider's format.
    #[error("it is no answer of the provider's format")]
    NotAnAnswer,
    /// A call has no name, or two.
    #[error("a call has no name, or two")]
    Name,
    /// An event is not JSON.
    #[error("it is not JSON")]
    NotJson,
    /// It ended before its end was told.
    #[error("it ended too early")]
    Cut,
    /// It has more answers, calls or bytes of calls than are held.
    #[error("it has more calls than are held")]
    TooMuch,
    /// Two calls come by turns, for which there is no place.
    #[error("it tells several calls by turns")]
    Interleaved,
    /// A call's arguments are no object.
    #[error("the arguments of a call are not a JSON object")]
    Arguments,
    /// It is not framed as a stream.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// A translation: from which format into which, and what of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    client: Family,
    provider: Family,
    counts: bool,
    framing: Framing,
}

/// A translated request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The body for the provider.
    pub body: Vec<u8>,
    /// Hints that change nothing of what is answered and have no place in the provider's format.
    pub left_out: BTreeSet<&'static str>,
    /// Whether the client wants to be told the usage in a stream.
    pub usage: bool,
}

/// What an answer tells that the provider did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saying {
    /// Seconds since 1970, for OpenAI's `created`.
    pub created: u64,
    /// Whether a stream of OpenAI's tells the usage.
    pub usage: bool,
}

/// All that the writers need to know.
struct Way<'a> {
    model: &'a str,
    counts: bool,
    stream: bool,
    usage: bool,
    created: u64,
    framing: Framing,
}

impl Family {
    /// Its name in sentences.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
        }
    }
}

impl Translation {
    /// The translation for a client on a route whose provider speaks another format, if there is one.
    pub fn between(route: Route, provider: Family) -> Option<Self> {
        let counts = matches!(route, Route::CountTokens | Route::CountContentTokens);
        let chats = matches!(route, Route::ChatCompletions | Route::Messages | Route::GenerateContent | Route::StreamGenerateContent);
        // OpenAI has no route on which tokens are counted.
        let there_is = chats || counts && provider != Family::OpenAi;
        let client = route.family();
        (there_is && client != provider).then_some(Self { client, provider, counts, framing: Framing::Sse })
    }

    /// The same, with a stream as one array, as Google's clients may have it.
    #[must_use]
    pub fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// How the client's stream is framed.
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// The provider's format.
    pub const fn provider(&self) -> Family {
        self.provider
    }

    /// The provider's route.
    pub const fn route(&self, stream: bool) -> Route {
        match (self.provider, self.counts) {
            (Family::Gemini, true) => Route::CountContentTokens,
            (_, true) => Route::CountTokens,
            (Family::OpenAi, false) => Route::ChatCompletions,
            (Family::Anthropic, false) => Route::Messages,
            (Family::Gemini, false) if stream => Route::StreamGenerateContent,
            (Family::Gemini, false) => Route::GenerateContent,
        }
    }

    /// Translates a request. `model`: the provider's name for it.
    ///
    /// # Errors
    /// A sentence for the client: which field cannot be expressed.
    pub fn request(
        &self,
        tape: &Tape,
        bytes: &[u8],
        limits: &JsonLimits,
        (model, stream): (&str, bool),
    ) -> Result<Request, TranslateError> {
        let root = Look::root(tape, bytes, limits, self.provider);
        let mut ask = match self.client {
            Family::OpenAi => openai::ask(root)?,
            Family::Anthropic => anthropic::ask(root)?,
            Family::Gemini if self.counts => gemini::count(root)?,
            Family::Gemini => gemini::ask(root)?,
        };
        if !self.counts {
            ask.check()?;
        }
        self.note_left_out(&mut ask);
        let way = Way { model, stream, ..self.way(Saying::default()) };
        let body = match self.provider {
            Family::OpenAi => openai::tell(&ask, &way)?,
            Family::Anthropic => anthropic::tell(&ask, &way)?,
            Family::Gemini => gemini::tell(&ask, &way)?,
        };
        Ok(Request { body, left_out: ask.left_out, usage: ask.usage })
    }

    /// What one format says and the other one has no place for, and what changes nothing of the answer.
    fn note_left_out(self, ask: &mut Ask<'_>) {
        let failed = |part: &Part<'_>| matches!(part, Part::Result { failed: true, content: Content::Texts(_), .. });
        if self.provider == Family::OpenAi && ask.turns.iter().flat_map(|turn| &turn.pieces).any(|piece| failed(&piece.part)) {
            ask.left_out.insert("is_error");
        }
        // Only documents are named, and by Google's format not even those.
        let named = |part: &Part<'_>| matches!(part, Part::Media(Media::Data { mime, name: Some(_), .. }) if self.provider == Family::Gemini || mime != "application/pdf");
        if ask.turns.iter().flat_map(|turn| &turn.pieces).any(|piece| named(&piece.part)) {
            ask.left_out.insert(match self.client {
                Family::OpenAi => "filename",
                Family::Anthropic => "title",
                Family::Gemini => "displayName",
            });
        }
        let longest = match self.provider {
            Family::OpenAi => openai::USER,
            Family::Anthropic => usize::MAX,
            Family::Gemini => 0,
        };
        if ask.user.as_ref().is_some_and(|user| user.len() > longest) {
            ask.left_out.insert("user");
        }
    }

    fn way<'a>(self, saying: Saying) -> Way<'a> {
        Way { model: "", counts: self.counts, stream: false, usage: saying.usage, created: saying.created, framing: self.framing }
    }

    /// Translates a whole answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn answer(&self, tape: &Tape, bytes: &[u8], limits: &JsonLimits, saying: Saying) -> Result<Answered, Garbage> {
        let mut failed = None;
        let body = self.told(Look::root(tape, bytes, limits, self.client), saying, &mut failed)?;
        Ok(Answered { body, failed })
    }

    fn told(self, root: Look<'_>, saying: Saying, failed: &mut Option<u16>) -> Result<Vec<u8>, Garbage> {
        if self.counts && root.get("error").is_none() {
            return self.counted(root);
        }
        let mut deltas = Vec::new();
        match self.provider {
            Family::OpenAi => openai::Reader::default().read(root, true, &mut deltas)?,
            Family::Anthropic => anthropic::Reader::default().whole(root, &mut deltas)?,
            Family::Gemini => gemini::Reader::new(saying.created).read(root, true, &mut deltas)?,
        }
        let mut answer = Answer::default();
        for delta in deltas {
            answer.take(delta);
        }
        if let Some((status, message)) = &answer.error {
            *failed = Some(*status);
            return Ok(error::body(self.client, *status, message));
        }
        let way = self.way(saying);
        match self.client {
            Family::OpenAi => return Ok(openai::whole(&answer, &way)),
            Family::Anthropic | Family::Gemini => answer.check_arguments()?,
        }
        Ok(if self.client == Family::Anthropic { anthropic::whole(&answer, &way) } else { gemini::whole(&answer, &way) })
    }

    fn counted(self, root: Look<'_>) -> Result<Vec<u8>, Garbage> {
        let (theirs, ours) = match self.provider {
            Family::Anthropic => ("input_tokens", "totalTokens"),
            _ => ("totalTokens", "input_tokens"),
        };
        let count = root.get(theirs).and_then(Look::count).ok_or(Garbage::NotAnAnswer)?;
        let mut out = Vec::new();
        json::object(&mut out, |body| body.number(ours, count));
        Ok(out)
    }

    /// Translates an error. `None`: it does not say what is wrong.
    pub fn error(&self, tape: &Tape, bytes: &[u8], limits: &JsonLimits, status: u16) -> Option<Vec<u8>> {
        let message = error::message(Look::root(tape, bytes, limits, self.client))?;
        Some(error::body(self.client, status, &message))
    }

    /// Translates a stream of events.
    pub fn stream(&self, limits: &JsonLimits, event_bytes: usize, saying: Saying) -> StreamTranslator {
        StreamTranslator::new(*self, *limits, event_bytes, &self.way(saying))
    }
}
