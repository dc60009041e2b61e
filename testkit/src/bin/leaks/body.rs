//! Bodies with a value in one place: a mark is put there in the tree, and the value's raw letters take its place in the text.

use anyhow::{Context as _, Result};
use bartizan_testkit::stats::Dice;
use serde_json::{Value, json};

use crate::encode::{Encoding, number, quote};
use crate::fields::{Expect, Stream, StreamText};

/// Stands for the value until it is written.
pub const MARK: &str = "\u{e000}";

/// A text with a value in it.
#[derive(Clone, Debug)]
pub struct Written {
    /// The text that a reader of the JSON gets; for a number, the literal.
    pub text: String,
    /// The text between its quotation marks; for a number, the literal.
    pub raw: String,
    /// The value as it is written in the text.
    pub surface: String,
}

/// A value in an encoding, with the words around it that its place calls for.
pub fn write(expect: Expect, encoding: Encoding, value: &str, dice: &mut Dice) -> Written {
    if encoding == Encoding::Number {
        let literal = number(value, dice);
        let raw = if expect == Expect::Json { quote(&format!("{{\"to\": {literal}, \"n\": 1}}")) } else { literal.clone() };
        return Written { text: literal.clone(), raw, surface: literal };
    }
    let surface = encoding.write(value, dice);
    match expect {
        Expect::Json => {
            let text = format!("{{\"to\": \"{}\", \"n\": 1}}", encoding.quoted(&surface, dice));
            Written { raw: quote(&text), text, surface }
        }
        Expect::Text | Expect::Kept => {
            let text = format!("so {surface}, yes");
            Written { raw: encoding.quoted(&text, dice), text, surface }
        }
        Expect::Identifier | Expect::Any | Expect::Id | Expect::Left => {
            Written { raw: encoding.quoted(&surface, dice), text: surface.clone(), surface }
        }
    }
}

/// A body with the mark at a pointer. What is not there on the way is made.
///
/// # Errors
/// When the body is not JSON.
pub fn marked(body: &str, at: &str) -> Result<String> {
    let mut value: Value = serde_json::from_str(body).with_context(|| format!("`{body}`"))?;
    *reach(&mut value, at) = Value::from(MARK);
    Ok(value.to_string())
}

/// A body with an object member whose name is the mark.
///
/// # Errors
/// When the body is not JSON.
pub fn marked_key(body: &str, at: &str) -> Result<String> {
    let mut value: Value = serde_json::from_str(body).with_context(|| format!("`{body}`"))?;
    let place = reach(&mut value, at);
    if !place.is_object() {
        *place = json!({});
    }
    if let Some(members) = place.as_object_mut() {
        members.insert(MARK.to_owned(), Value::from(1));
    }
    Ok(value.to_string())
}

/// The value at a pointer; objects and arrays are made where there is nothing.
fn reach<'a>(value: &'a mut Value, at: &str) -> &'a mut Value {
    at.split('/').skip(1).fold(value, |value, name| {
        if let Ok(index) = name.parse::<usize>() {
            if value.get(index).is_none() {
                let mut list = value.as_array().cloned().unwrap_or_default();
                list.resize(index + 1, json!({}));
                *value = Value::Array(list);
            }
            return &mut value[index];
        }
        if !value.is_object() {
            *value = json!({});
        }
        &mut value[name]
    })
}

/// A marked body with the value in it.
pub fn fill(marked: &str, encoding: Encoding, expect: Expect, written: &Written) -> String {
    let bare = encoding == Encoding::Number && expect != Expect::Json;
    if bare {
        return marked.replace(&format!("\"{MARK}\""), &written.raw);
    }
    marked.replace(MARK, &written.raw)
}

/// The payloads of a stream in which one text grows. `pieces` and `whole` are raw letters of JSON strings.
pub fn payloads(stream: &Stream, text: &StreamText, pieces: &[String], whole: &str) -> Vec<String> {
    let with = |template: &String, raw: &str| template.replace("@@", raw);
    let mut events: Vec<String> = stream.open.iter().chain(&text.open).map(|one| with(one, whole)).collect();
    events.extend(pieces.iter().map(|piece| with(&text.piece, piece)));
    events.extend(text.close.iter().chain(&stream.close).map(|one| with(one, whole)));
    events
}

/// The bytes of a stream.
pub fn bytes_of(stream: &Stream, payloads: &[String]) -> String {
    if stream.array {
        return format!("[{}]", payloads.join(",\n"));
    }
    let event = |payload: &String| {
        let kind = serde_json::from_str::<Value>(payload).ok().and_then(|value| Some(value.get("type")?.as_str()?.to_owned()));
        match kind.filter(|_| stream.named) {
            Some(kind) => format!("event: {kind}\ndata: {payload}\n\n"),
            None => format!("data: {payload}\n\n"),
        }
    };
    payloads.iter().map(event).collect::<String>() + &stream.end
}

/// Words of the form of a pseudonym.
pub fn tokens(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let token = |word: &&str| {
        let parts = word.split_once('_');
        parts.is_some_and(|(kind, tail)| tail.len() == 10 && matches!(kind, "EMAIL" | "CARD" | "IBAN" | "PHONE"))
    };
    words.filter(token).map(str::to_owned).collect()
}
