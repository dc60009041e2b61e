//! The field lists: one file a route, and the closed list of reasons why a cell does not apply. Read here, judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// What must become of a value that stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// It is edited and the exchange goes on; the caller's own comes back.
    Text,
    /// The same, in JSON that stands in a string.
    Json,
    /// An edit would break the exchange: it is refused.
    Identifier,
    /// Edited, but a pseudonym is not turned back (signed text).
    Kept,
    /// Whatever happens, the value does not pass.
    Any,
    /// As [`Expect::Any`], except for digits in what looks like an identifier that a provider made by chance (decision 011).
    Id,
    /// Has no place in the provider's format: it is left out or refused, and whatever happens, the value does not pass.
    Left,
}

/// A place that no value can stand in, or in which nothing can be read, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opaque {
    /// JSON pointer; for the reader.
    #[serde(rename = "at")]
    pub _at: String,
    /// A name of the closed list.
    pub reason: String,
}

/// Text parts that are one text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Pointer to the array.
    pub at: String,
    /// One element; `@@` is its text.
    pub part: String,
}

/// A body and the places in it. Each list holds JSON pointers into the body.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The smallest body in which the fields make sense.
    pub body: String,
    /// Of an answer: its status, 200 unless it says otherwise.
    pub status: Option<u16>,
    /// [`Expect::Text`].
    #[serde(default)]
    pub text: Vec<String>,
    /// [`Expect::Json`].
    #[serde(default)]
    pub json: Vec<String>,
    /// [`Expect::Identifier`].
    #[serde(default)]
    pub identifier: Vec<String>,
    /// [`Expect::Kept`].
    #[serde(default)]
    pub kept: Vec<String>,
    /// [`Expect::Any`].
    #[serde(default)]
    pub any: Vec<String>,
    /// [`Expect::Id`].
    #[serde(default)]
    pub id: Vec<String>,
    /// [`Expect::Left`].
    #[serde(default)]
    pub left: Vec<String>,
    /// Of an answer that is translated: where the client reads its texts. Else they are where they were.
    pub heard: Option<String>,
    /// Objects in which the value is the name of a member; as [`Expect::Any`].
    #[serde(default)]
    pub keys: Vec<String>,
    /// Arrays of text parts over which a value is split.
    #[serde(default)]
    pub parts: Vec<Parts>,
    /// Places that are left out.
    #[serde(default)]
    pub opaque: Vec<Opaque>,
}

impl Group {
    /// Every pointer with what is expected there.
    pub fn places(&self) -> impl Iterator<Item = (&str, Expect)> {
        let lists = [
            (&self.text, Expect::Text),
            (&self.json, Expect::Json),
            (&self.identifier, Expect::Identifier),
            (&self.kept, Expect::Kept),
            (&self.any, Expect::Any),
            (&self.id, Expect::Id),
            (&self.left, Expect::Left),
        ];
        lists.into_iter().flat_map(|(list, expect)| list.iter().map(move |at| (at.as_str(), expect)))
    }
}

/// The answer that shows the caller what the provider read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Echo {
    /// A whole answer as the provider writes it; `@@` is its text.
    pub body: String,
    /// Pointer to that text in what the client reads.
    pub at: String,
}

/// A text of a stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamText {
    /// What it is called in the table.
    pub name: String,
    /// What must become of a value in it.
    pub expect: Expect,
    /// Whether it comes in pieces; otherwise whole, in one event.
    #[serde(default = "yes")]
    pub grows: bool,
    /// Events before it; `@@` is the whole text.
    #[serde(default)]
    pub open: Vec<String>,
    /// One event; `@@` is the piece.
    pub piece: String,
    /// Events after it; `@@` is the whole text.
    #[serde(default)]
    pub close: Vec<String>,
    /// Of a stream that is translated: an event of the client's format; `@@` is the text.
    pub heard: Option<String>,
}

impl StreamText {
    /// An event as the client reads it.
    pub fn read(&self) -> &str {
        self.heard.as_ref().unwrap_or(&self.piece)
    }
}

/// Lines of an event stream as they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// What it is called in the table.
    pub name: String,
    /// Bytes between the opening and the end; `@@` is the value.
    pub lines: String,
}

/// How a route streams.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Every event has a line `event:` with its `type`.
    #[serde(default)]
    pub named: bool,
    /// A JSON array of the payloads instead of server-sent events.
    #[serde(default)]
    pub array: bool,
    /// Payloads before every text.
    #[serde(default)]
    pub open: Vec<String>,
    /// Payloads after every text.
    #[serde(default)]
    pub close: Vec<String>,
    /// Bytes after the last event.
    #[serde(default)]
    pub end: String,
    /// The texts.
    #[serde(default)]
    pub text: Vec<StreamText>,
    /// Lines that are no payload.
    #[serde(default)]
    pub raw: Vec<Raw>,
}

/// A file or picture in a request, in base64.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What it is called in the table.
    pub name: String,
    /// `png`, `pdf`, `text` or `wav`: the bytes around the value.
    pub kind: String,
    /// The request; `@@` is the base64.
    pub body: String,
    /// A name of the closed list when it passes and is only recorded; without one it must be refused.
    pub passes: Option<String>,
}

/// A request that makes what a route's path names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Where it is sent.
    pub path: String,
    /// What the provider answers.
    pub answer: String,
    /// What is sent, if it is not what the route is tried with.
    pub body: Option<String>,
}

/// One route.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of the route, and they do not exclude one another")]
pub struct Route {
    /// Method and path, as events name it; behind it what is special, in brackets.
    #[serde(rename = "route")]
    pub name: String,
    /// Whether the gate speaks it.
    pub enabled: bool,
    /// Path at the gate.
    pub path: String,
    /// Path at the gate for a streamed answer, if it is another.
    pub stream_path: Option<String>,
    /// Member of the request that asks for a streamed answer.
    pub stream_member: Option<String>,
    /// Headers that every request has.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A request in which the caller's own value stands at `@@`; for answers.
    #[serde(default)]
    pub own: String,
    /// Whether a provider of another format is asked: `request` is in the client's format, `answer` and `stream` in the provider's.
    #[serde(default)]
    pub translated: bool,
    /// Whether it gives a verdict on what it is sent, and asks no provider: `answer` lists requests about a model's texts then, in which
    /// the caller's own value stands at `##`.
    #[serde(default)]
    pub verdict: bool,
    /// Whether bodies are sent as forms with a file. They are listed as JSON all the same.
    #[serde(default)]
    pub form: bool,
    /// What is asked first, so that the path names something.
    #[serde(default)]
    pub before: Vec<Before>,
    /// Request headers that a value is put in; `?` for a member of the query string that nobody knows, `?name` for one with that name.
    #[serde(default)]
    pub outside: Vec<String>,
    /// Answer headers that a value is put in.
    #[serde(default)]
    pub answer_headers: Vec<String>,
    /// The echo of a whole answer.
    pub echo: Option<Echo>,
    /// An answer for routes that have no echo, and for fields beside it.
    #[serde(default)]
    pub plain_answer: String,
    /// Requests.
    #[serde(default)]
    pub request: Vec<Group>,
    /// Whole answers.
    #[serde(default)]
    pub answer: Vec<Group>,
    /// Streamed answers.
    pub stream: Option<Stream>,
    /// Attachments of requests.
    #[serde(default)]
    pub attachment: Vec<Attachment>,
}

fn yes() -> bool {
    true
}

impl Route {
    /// Ways to put a value of so many letters into text parts: in two, letter by letter, and whole between letters of others. A
    /// translation may make one text of the parts, and then the last of them is no value any more.
    pub fn ways(&self, letters: usize) -> std::ops::RangeInclusive<usize> {
        1..=letters + usize::from(!self.translated)
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.name.split(' ').next().unwrap_or("POST")
    }
}

/// All field lists, and the reasons by name.
#[derive(Debug)]
pub struct Lists {
    /// Routes by the names of their files.
    pub routes: Vec<Route>,
    /// Reasons why a cell does not apply.
    pub reasons: BTreeMap<String, String>,
}

impl Lists {
    /// Reads a folder.
    ///
    /// # Errors
    /// When a file cannot be read, or a reason is none of the closed list.
    pub fn read(folder: &Path) -> Result<Self> {
        let reasons: BTreeMap<String, String> = toml::from_str(&fs::read_to_string(folder.join("reasons.toml"))?)?;
        let mut files: Vec<_> = fs::read_dir(folder.join("fields"))?.collect::<Result<_, _>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        let mut routes = Vec::new();
        for file in files {
            let name = file.path().display().to_string();
            let route: Route = toml::from_str(&fs::read_to_string(file.path())?).with_context(|| format!("`{name}`"))?;
            for reason in named(&route) {
                ensure!(reasons.contains_key(reason), "`{name}`: the reason `{reason}` is not in `reasons.toml`");
            }
            routes.push(route);
        }
        Ok(Self { routes, reasons })
    }
}

/// The reasons that a route names.
fn named(route: &Route) -> BTreeSet<&str> {
    let opaque = route.request.iter().chain(&route.answer).flat_map(|group| &group.opaque).map(|one| one.reason.as_str());
    opaque.chain(route.attachment.iter().filter_map(|one| one.passes.as_deref())).collect()
}
