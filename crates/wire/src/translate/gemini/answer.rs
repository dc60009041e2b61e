//! Reading an answer, and writing a whole one. A chunk of a stream has the form of a whole answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::error::status_of;
use super::super::ir::{Answer, Delta, Finish, Told, Usage, short};
use super::super::json::{Object, object};
use super::super::look::Look;
use super::super::{CALLS, CHOICES, ENTRY, Garbage, Way};
use super::{reason, write_usage};

/// Reads answers.
#[derive(Default)]
pub(in crate::translate) struct Reader {
    started: bool,
    /// What ids of calls are made of, where there is none: Google's id of the answer, or the time.
    id: String,
    /// Calls so far, by candidate, and of all.
    calls: BTreeMap<u32, u32>,
    called: u32,
    finished: bool,
}

impl Reader {
    /// `created`: seconds, which tell the calls of one turn from those of another where an answer has no id.
    pub(in crate::translate) fn new(created: u64) -> Self {
        Self { id: created.to_string(), ..Self::default() }
    }

    /// A whole answer, or one chunk of a stream.
    pub(in crate::translate) fn read<'a>(&mut self, root: Look<'a>, whole: bool, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        if let Some(error) = root.get("error") {
            out.push(Delta::Error { status: status_of(error), message: error.get("message").and_then(Look::text).unwrap_or_default() });
            return Ok(());
        }
        let candidates = root.get("candidates");
        let feedback = root.get("promptFeedback").and_then(|feedback| feedback.get("blockReason"));
        if whole && candidates.is_none() && feedback.is_none() {
            return Err(Garbage::NotAnAnswer);
        }
        if let Some(usage) = root.get("usageMetadata") {
            out.push(Delta::Usage(usage_of(usage)));
        }
        if !std::mem::replace(&mut self.started, true) {
            let text = |name: &str| root.get(name).and_then(Look::text).unwrap_or_default();
            let id = text("responseId");
            let plain: String = id.chars().filter(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_')).take(48).collect();
            if !plain.is_empty() {
                self.id = plain;
            }
            out.push(Delta::Start { id: short(id), model: short(text("modelVersion")) });
        }
        if feedback.is_some() {
            self.finished = true;
            out.push(Delta::Finish { choice: 0, finish: Finish::Filter });
        }
        for candidate in candidates.map(Look::each).transpose()?.into_iter().flatten() {
            self.candidate(candidate, out)?;
        }
        if whole { self.end(out) } else { Ok(()) }
    }

    fn candidate<'a>(&mut self, candidate: Look<'a>, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        let choice = candidate.get("index").and_then(Look::count).map_or(Ok(0), u32::try_from).unwrap_or(u32::MAX);
        if choice >= CHOICES {
            return Err(Garbage::TooMuch);
        }
        let parts = candidate.get("content").and_then(|content| content.get("parts"));
        for part in parts.map(Look::each).transpose()?.into_iter().flatten() {
            if let Some(text) = part.get("text").and_then(Look::text).filter(|text| !text.is_empty()) {
                let thought = part.get("thought").is_some_and(|thought| thought.raw() == "true");
                out.push(if thought { Delta::Reasoning { choice, text } } else { Delta::Text { choice, text } });
            }
            if let Some(call) = part.get("functionCall") {
                self.call(choice, call, out)?;
            }
        }
        if let Some(finish) = candidate.get("finishReason").and_then(Look::text) {
            self.finished = true;
            out.push(Delta::Finish { choice, finish: finish_of(&finish) });
        }
        Ok(())
    }

    fn call<'a>(&mut self, choice: u32, call: Look<'a>, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        let counter = self.calls.entry(choice).or_default();
        let number = *counter;
        *counter += 1;
        self.called += 1;
        if self.called > CALLS {
            return Err(Garbage::TooMuch);
        }
        let id = call.get("id").and_then(Look::text).unwrap_or_else(|| Cow::Owned(format!("call_{}_{choice}_{number}", self.id)));
        let name = call.get("name").and_then(Look::text).filter(|name| !name.is_empty()).ok_or(Garbage::Name)?;
        out.push(Delta::Call { choice, call: number, id, name });
        if let Some(args) = call.get("args") {
            out.push(Delta::Arguments { choice, call: number, json: Cow::Borrowed(args.raw()) });
        }
        Ok(())
    }

    pub(in crate::translate) fn memory(&self) -> usize {
        self.id.len() + self.calls.len() * ENTRY
    }

    /// Nothing more comes.
    pub(in crate::translate) fn end(&mut self, out: &mut Vec<Delta<'_>>) -> Result<(), Garbage> {
        if !self.finished {
            return Err(Garbage::Cut);
        }
        out.push(Delta::End);
        Ok(())
    }
}

fn finish_of(word: &str) -> Finish {
    match word {
        "MAX_TOKENS" => Finish::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" => Finish::Filter,
        _ => Finish::Stop,
    }
}

fn usage_of(usage: Look<'_>) -> Usage {
    let count = |name: &str| usage.get(name).and_then(Look::tokens).unwrap_or(0);
    let thoughts = count("thoughtsTokenCount");
    Usage {
        input: count("promptTokenCount").saturating_add(count("toolUsePromptTokenCount")),
        cached: count("cachedContentTokenCount"),
        written: 0,
        output: count("candidatesTokenCount").saturating_add(thoughts),
        reasoning: thoughts,
    }
}

/// Writes a whole answer.
pub(in crate::translate) fn whole(answer: &Answer, _: &Way<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |body| {
        body.list("candidates", |list| {
            for told in &answer.told {
                list.object(|candidate| write_candidate(told, candidate));
            }
        });
        write_usage(&answer.usage, body);
        body.text("modelVersion", &answer.model);
        body.text("responseId", &answer.id);
    });
    out
}

/// One candidate with all that is known of it.
pub(super) fn write_candidate(told: &Told, candidate: &mut Object<'_>) {
    candidate.object("content", |content| {
        content.list("parts", |list| {
            if !told.reasoning.is_empty() {
                list.object(|part| {
                    part.text("text", &told.reasoning);
                    part.raw("thought", "true");
                });
            }
            for text in [&told.text, &told.refusal].into_iter().filter(|text| !text.is_empty()) {
                list.object(|part| part.text("text", text));
            }
            for called in &told.calls {
                list.object(|part| {
                    part.object("functionCall", |call| {
                        call.text("id", &called.id);
                        call.text("name", &called.name);
                        call.raw("args", called.arguments());
                    });
                });
            }
        });
        content.text("role", "model");
    });
    candidate.text("finishReason", reason(told.ending()));
    candidate.number("index", told.choice.into());
}
