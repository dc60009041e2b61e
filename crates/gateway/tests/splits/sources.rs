//! Where the stream fixtures of the repository are: folders, each read as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::story::{Form, Step, Story, Text};

/// A folder of the repository.
fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The files of a folder by their names without the extension, in order.
fn files(path: &str, extension: &str) -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder(path)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    let named = |file: PathBuf| (file.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(file).unwrap());
    files.into_iter().map(named).collect()
}

/// The streams that were written for this.
pub fn own() -> Vec<Story> {
    files("crates/gateway/tests/splits/streams", "toml").into_iter().map(|(name, text)| read(name, &text)).collect()
}

/// The members of a table that are known, each at most once.
struct Members<'a> {
    of: &'a str,
    table: serde_json::Map<String, Value>,
}

impl Members<'_> {
    fn new<'a>(of: &'a str, value: &Value) -> Members<'a> {
        Members { of, table: value.as_object().unwrap_or_else(|| panic!("{of}: {value}")).clone() }
    }

    fn take(&mut self, name: &str) -> Value {
        self.table.remove(name).unwrap_or_default()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name).as_str().map(str::to_owned)
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        self.take(name).as_array().into_iter().flatten().map(|one| one.as_str().unwrap().to_owned()).collect()
    }

    fn form(&mut self, name: &str) -> Option<Form> {
        Some(match self.text(name)?.as_str() {
            "events" => Form::Events,
            "named" => Form::Named,
            "array" => Form::Array,
            other => panic!("{}: there is no form `{other}`", self.of),
        })
    }

    /// Nothing is left that nobody has read.
    fn done(self) {
        assert!(self.table.is_empty(), "{}: {:?}", self.of, self.table);
    }
}

fn read(name: String, text: &str) -> Story {
    let file: Value = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut all = Members::new(&name, &file);
    let mut story = Story {
        path: all.text("path").unwrap(),
        ask: all.text("ask").unwrap(),
        form: all.form("form").unwrap_or_default(),
        reads: all.form("reads"),
        crlf: all.take("crlf") == true,
        end: all.text("end").unwrap_or_default(),
        ..Story::default()
    };
    for one in all.take("text").as_array().unwrap() {
        let mut text = Members::new(&name, one);
        let (name, says) = (text.text("name").unwrap(), text.text("says").unwrap());
        story.text.push(Text { name, says, reads: text.text("reads"), at: text.text("at"), aside: text.take("aside") == true });
        text.done();
    }
    for one in all.take("step").as_array().unwrap() {
        let mut step = Members::new(&name, one);
        story.step.push(Step { say: step.list("say"), grow: step.list("grow") });
        step.done();
    }
    all.done();
    story.name = name;
    story
}

/// How a format is asked for: path, body, form of the client's stream. Each has the model at `$model`.
const ASKED: [(&str, &str, &str, Form); 5] = [
    (
        "openai",
        "/v1/chat/completions",
        r#"{"model":"$model","stream":true,"messages":[{"role":"user","content":"I am $own"}]}"#,
        Form::Events,
    ),
    ("responses", "/v1/responses", r#"{"model":"$model","stream":true,"input":"I am $own"}"#, Form::Named),
    (
        "anthropic",
        "/v1/messages",
        r#"{"model":"$model","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"I am $own"}]}"#,
        Form::Named,
    ),
    (
        "gemini",
        "/v1beta/models/$model:streamGenerateContent?alt=sse",
        r#"{"contents":[{"role":"user","parts":[{"text":"I am $own"}]}]}"#,
        Form::Events,
    ),
    (
        "gemini-array",
        "/v1beta/models/$model:streamGenerateContent",
        r#"{"contents":[{"role":"user","parts":[{"text":"I am $own"}]}]}"#,
        Form::Array,
    ),
];

/// A stream of bytes, asked for in a format.
fn plain(name: &str, format: &str, model: &str, bytes: String) -> Story {
    let (_, path, ask, reads) = ASKED.iter().find(|(known, ..)| *known == format).unwrap_or_else(|| {
        panic!("`{name}` is a stream of a format that is not listed here: say how it is asked for, so that it is split too")
    });
    Story {
        name: name.to_owned(),
        path: path.replace("$model", model),
        ask: ask.replace("$model", model),
        reads: Some(*reads),
        bytes: Some(bytes),
        ..Story::default()
    }
}

/// The streams of the reader's tests and of the translation's, each as a client of its own format gets it, and as those of the others do.
pub fn of_others() -> Vec<Story> {
    let mut stories: Vec<Story> = files("crates/wire/tests/fixtures", "sse")
        .into_iter()
        .map(|(name, bytes)| plain(&format!("wire {name}"), &name, "gpt-4o-mini", bytes))
        .collect();
    for (name, text) in files("crates/wire/tests/translate", "json") {
        let Some(source) = name.strip_prefix("source_") else { continue };
        let fixture: Value = serde_json::from_str(&text).unwrap();
        let bytes = bytes_of(&fixture["stream"]);
        let model = if source == "gemini" { "gem-alias".to_owned() } else { format!("only-{source}") };
        for (format, ..) in ASKED.iter().filter(|(format, ..)| *format != "responses") {
            // A provider of Gemini's own format would be asked for an array, and write one.
            if *format != "gemini-array" || source != "gemini" {
                let story = plain(&format!("{source} to {format}"), format, &model, bytes.clone());
                stories.push(Story { translated: *format != source, ..story });
            }
        }
    }
    stories
}

/// A stream as a provider writes it.
fn bytes_of(events: &Value) -> String {
    let event = |event: &Value| {
        let name = event["event"].as_str().map_or_else(String::new, |name| format!("event: {name}\n"));
        let data = event["data"].as_str().map_or_else(|| event["data"].to_string(), str::to_owned);
        format!("{name}data: {data}\n\n")
    };
    events.as_array().unwrap().iter().map(event).collect()
}

/// The texts of the leak matrix, each in a stream of its own.
pub fn of_the_matrix() -> Vec<Story> {
    let routes = files("testkit/leaks/fields", "toml").into_iter().map(|(name, text)| {
        let route: Value = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, route)
    });
    let stories = |(name, route): (String, Value)| {
        let texts = route["stream"]["text"].as_array().cloned().unwrap_or_default();
        texts.iter().map(|text| of_a_field(&name, &route, text)).collect::<Vec<_>>()
    };
    routes.flat_map(stories).collect()
}

fn of_a_field(name: &str, route: &Value, text: &Value) -> Story {
    let stream = &route["stream"];
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().into_iter().flatten().map(|one| string(one).replace("@@", "<=a>")).collect::<Vec<_>>();
    let (says, reads, read) = match text["expect"].as_str().unwrap() {
        "text" => ("to $own, card $card. ", None, true),
        "json" => (r#"{"to": "$own", "n": $card}"#, Some(r#"{"to": "$own", "n": "$card"}"#.to_owned()), true),
        "kept" => ("to $own, card $card. ", None, false),
        _ => ("so it is", None, false),
    };
    // What stands in one event is in no pieces.
    let grows = text["grows"] != false;
    let piece = string(&text["piece"]).replace("@@", if grows { "<a>" } else { "<=a>" });
    let at = text["heard"].as_str().map(|heard| heard.replace("@@", "<a>"));
    let once = |say: Vec<String>| Step { say, grow: vec![] };
    let member = route["stream_member"].as_str().map_or_else(|| "{".to_owned(), |member| format!("{{\"{member}\":true,"));
    // The matrix's gate and the one here name the models of one format's provider differently.
    let here = |text: &Value| string(text).replace("\"on-", "\"only-").replace("/on-", "/only-");
    let path = if route["stream_path"].is_string() { &route["stream_path"] } else { &route["path"] };
    Story {
        name: format!("{name} {}", string(&text["name"])),
        path: here(path),
        ask: here(&route["own"]).replace("@@", "$own").replacen('{', &member, 1),
        form: match (&stream["array"], &stream["named"]) {
            (Value::Bool(true), _) => Form::Array,
            (_, Value::Bool(true)) => Form::Named,
            _ => Form::Events,
        },
        end: string(&stream["end"]),
        text: vec![Text { name: "a".to_owned(), says: says.to_owned(), reads, at, aside: !(read && grows) }],
        step: vec![
            once([list(&stream["open"]), list(&text["open"])].concat()),
            if grows { Step { say: vec![], grow: vec![piece] } } else { once(vec![piece]) },
            once([list(&text["close"]), list(&stream["close"])].concat()),
        ],
        ..Story::default()
    }
}
