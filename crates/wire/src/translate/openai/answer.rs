//! Reading an answer, whole or piece by piece, and writing a whole one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::error::status_of;
use super::super::ir::{Answer, Delta, Finish, Told, Usage, short};
use super::super::json::{Object, object};
use super::super::look::Look;
use super::super::{CALLS, CHOICES, ENTRY, Garbage, Way};
use super::reason;

/// Reads answers.
#[derive(Default)]
pub(in crate::translate) struct Reader {
    started: bool,
    /// Calls that began, by choice and number, with their ids and names.
    calls: BTreeMap<(u32, u32), (String, String)>,
    /// Bytes of those.
    bytes: usize,
    finished: bool,
    ended: bool,
}

impl Reader {
    /// A whole answer, or one chunk of a stream.
    pub(in crate::translate) fn read<'a>(&mut self, root: Look<'a>, whole: bool, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        if let Some(error) = root.get("error") {
            let message = error.get("message").and_then(Look::text).or(error.text()).unwrap_or_default();
            out.push(Delta::Error { status: status_of(error), message });
            return Ok(());
        }
        let choices = root.get("choices");
        // Azure begins with a chunk that has neither.
        if !self.started && (whole || choices.is_some_and(|list| list.items().next().is_some())) {
            self.started = true;
            let text = |name: &str| root.get(name).and_then(Look::text).unwrap_or_default();
            out.push(Delta::Start { id: short(text("id")), model: short(text("model")) });
        }
        if whole && choices.is_none() {
            return Err(Garbage::NotAnAnswer);
        }
        for (position, one) in (0..).zip(choices.map(Look::each).transpose()?.into_iter().flatten()) {
            let choice = one.get("index").and_then(Look::count).map_or(Ok(position), u32::try_from).unwrap_or(u32::MAX);
            if choice >= CHOICES {
                return Err(Garbage::TooMuch);
            }
            if let Some(message) = one.get(if whole { "message" } else { "delta" }) {
                self.message(choice, message, out)?;
            }
            if let Some(finish) = one.get("finish_reason").and_then(Look::text) {
                self.finished = true;
                out.push(Delta::Finish { choice, finish: finish_of(&finish) });
            }
        }
        if let Some(usage) = root.get("usage") {
            out.push(Delta::Usage(usage_of(usage)));
        }
        if whole {
            self.end(out)?;
        }
        Ok(())
    }

    fn message<'a>(&mut self, choice: u32, message: Look<'a>, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        let said = |name: &str| message.get(name).and_then(Look::text).filter(|text| !text.is_empty());
        if let Some(text) = said("reasoning_content").or_else(|| said("reasoning")) {
            out.push(Delta::Reasoning { choice, text });
        }
        if let Some(content) = message.get("content") {
            Self::content(choice, content, out)?;
        }
        if let Some(text) = said("refusal") {
            out.push(Delta::Refusal { choice, text });
        }
        for call in message.get("tool_calls").map(Look::each).transpose()?.into_iter().flatten() {
            self.call(choice, call, out)?;
        }
        Ok(())
    }

    /// A text, or as some servers have it, a list of them.
    fn content<'a>(choice: u32, content: Look<'a>, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        let parts = match content.text() {
            Some(text) => vec![text],
            None => content.each()?.map(text_of_part).collect::<Result<_, _>>()?,
        };
        out.extend(parts.into_iter().filter(|text| !text.is_empty()).map(|text| Delta::Text { choice, text }));
        Ok(())
    }

    fn call<'a>(&mut self, choice: u32, call: Look<'a>, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        let function = call.get("function");
        let text = |look: Option<Look<'a>>| look.and_then(Look::text).unwrap_or_default();
        let id = short(text(call.get("id")));
        let number = match call.get("index") {
            Some(index) => index.count().and_then(|index| u32::try_from(index).ok()).unwrap_or(u32::MAX),
            None => self.number(choice, &id),
        };
        let known = self.calls.contains_key(&(choice, number));
        if number >= CALLS || !known && self.calls.len() >= CALLS as usize {
            return Err(Garbage::TooMuch);
        }
        let name = text(function.and_then(|function| function.get("name")));
        if let Some((_, before)) = self.calls.get(&(choice, number)) {
            // Some servers repeat a name; one in pieces would be another tool's.
            if !name.is_empty() && name != before.as_str() {
                return Err(Garbage::Name);
            }
        } else if name.is_empty() {
            return Err(Garbage::Name);
        } else {
            self.bytes += id.len() + name.len();
            self.calls.insert((choice, number), (id.clone().into_owned(), name.clone().into_owned()));
            out.push(Delta::Call { choice, call: number, id, name });
        }
        let json = text(function.and_then(|function| function.get("arguments")));
        if !json.is_empty() {
            out.push(Delta::Arguments { choice, call: number, json });
        }
        Ok(())
    }

    /// The number of a call that its provider did not number: another id is another call.
    fn number(&self, choice: u32, id: &str) -> u32 {
        let last = self.calls.range((choice, 0)..=(choice, u32::MAX)).next_back();
        last.map_or(0, |((_, number), (known, _))| if id.is_empty() || id == known { *number } else { number.saturating_add(1) })
    }

    pub(in crate::translate) fn memory(&self) -> usize {
        self.calls.len() * (ENTRY + size_of::<(String, String)>()) + self.bytes
    }

    /// Nothing more comes.
    pub(in crate::translate) fn end(&mut self, out: &mut Vec<Delta<'_>>) -> Result<(), Garbage> {
        if !self.finished {
            return Err(Garbage::Cut);
        }
        if !std::mem::replace(&mut self.ended, true) {
            out.push(Delta::End);
        }
        Ok(())
    }
}

fn text_of_part(part: Look<'_>) -> Result<Cow<'_, str>, Garbage> {
    let is_text = part.get("type").is_some_and(|kind| kind.says("text"));
    part.get("text").and_then(Look::text).filter(|_| is_text).ok_or(Garbage::NotAnAnswer)
}

fn finish_of(word: &str) -> Finish {
    match word {
        "length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::Calls,
        "content_filter" => Finish::Filter,
        _ => Finish::Stop,
    }
}

fn usage_of(usage: Look<'_>) -> Usage {
    let count = |name: &str| usage.get(name).and_then(Look::tokens).unwrap_or(0);
    let detail = |outer: &str, name: &str| usage.get(outer).and_then(|inner| inner.get(name)).and_then(Look::tokens).unwrap_or(0);
    Usage {
        input: count("prompt_tokens"),
        cached: detail("prompt_tokens_details", "cached_tokens"),
        written: 0,
        output: count("completion_tokens"),
        reasoning: detail("completion_tokens_details", "reasoning_tokens"),
    }
}

/// The member `usage`.
pub(super) fn write_usage(usage: &Usage, body: &mut Object<'_>) {
    body.object("usage", |told| {
        told.number("prompt_tokens", usage.input);
        told.number("completion_tokens", usage.output);
        told.number("total_tokens", usage.input.saturating_add(usage.output));
        told.object("prompt_tokens_details", |details| details.number("cached_tokens", usage.cached));
        told.object("completion_tokens_details", |details| details.number("reasoning_tokens", usage.reasoning));
    });
}

/// Writes a whole answer.
pub(in crate::translate) fn whole(answer: &Answer, way: &Way<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |body| {
        body.text("id", &answer.id);
        body.text("object", "chat.completion");
        body.number("created", way.created);
        body.text("model", &answer.model);
        body.list("choices", |list| {
            for told in &answer.told {
                list.object(|choice| write_choice(told, choice));
            }
        });
        write_usage(&answer.usage, body);
    });
    out
}

fn write_choice(told: &Told, choice: &mut Object<'_>) {
    choice.number("index", told.choice.into());
    choice.object("message", |message| {
        message.text("role", "assistant");
        if told.text.is_empty() && (!told.calls.is_empty() || !told.refusal.is_empty()) {
            message.raw("content", "null");
        } else {
            message.text("content", &told.text);
        }
        if told.refusal.is_empty() {
            message.raw("refusal", "null");
        } else {
            message.text("refusal", &told.refusal);
        }
        if !told.reasoning.is_empty() {
            message.text("reasoning_content", &told.reasoning);
        }
        if told.calls.is_empty() {
            return;
        }
        message.list("tool_calls", |list| {
            for called in &told.calls {
                list.object(|call| {
                    call.text("id", &called.id);
                    call.text("type", "function");
                    call.object("function", |function| {
                        function.text("name", &called.name);
                        function.text("arguments", called.arguments());
                    });
                });
            }
        });
    });
    choice.raw("logprobs", "null");
    choice.text("finish_reason", reason(told.ending()));
}
