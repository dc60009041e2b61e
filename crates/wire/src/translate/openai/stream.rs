//! Writing a stream of chunks.

use std::collections::BTreeSet;

use super::super::ir::{Delta, Finish, Usage};
use super::super::json::{Object, object};
use super::super::{ENTRY, Way};
use super::answer::write_usage;
use super::reason;

/// Writes a stream.
pub(in crate::translate) struct Writer {
    id: String,
    model: String,
    created: u64,
    /// Whether the client wants to be told the usage.
    tells_usage: bool,
    usage: Usage,
    /// Choices that began, and those with a call.
    begun: BTreeSet<u32>,
    calling: BTreeSet<u32>,
    /// Calls that were given no arguments so far: clients want at least an empty object.
    bare: BTreeSet<(u32, u32)>,
}

impl Writer {
    pub(in crate::translate) fn new(way: &Way<'_>) -> Self {
        Self {
            id: String::new(),
            model: String::new(),
            created: way.created,
            tells_usage: way.usage,
            usage: Usage::default(),
            begun: BTreeSet::new(),
            calling: BTreeSet::new(),
            bare: BTreeSet::new(),
        }
    }

    pub(in crate::translate) fn write(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model } => {
                id.as_ref().clone_into(&mut self.id);
                model.as_ref().clone_into(&mut self.model);
            }
            Delta::Usage(usage) => self.usage = *usage,
            Delta::Text { choice, text } => self.delta(*choice, out, |delta| delta.text("content", text)),
            Delta::Reasoning { choice, text } => self.delta(*choice, out, |delta| delta.text("reasoning_content", text)),
            Delta::Refusal { choice, text } => self.delta(*choice, out, |delta| delta.text("refusal", text)),
            Delta::Call { choice, call, id, name } => {
                self.calling.insert(*choice);
                self.bare.insert((*choice, *call));
                self.call(*choice, *call, out, |one| {
                    one.text("id", id);
                    one.text("type", "function");
                    one.object("function", |function| {
                        function.text("name", name);
                        function.text("arguments", "");
                    });
                });
            }
            Delta::Arguments { choice, call, json } => self.arguments(*choice, *call, json, out),
            Delta::Finish { choice, finish } => {
                let called = *finish == Finish::Stop && self.calling.contains(choice);
                let finish = if called { &Finish::Calls } else { finish };
                self.begin(*choice, out);
                let bare: Vec<u32> = self.bare.range((*choice, 0)..=(*choice, u32::MAX)).map(|(_, call)| *call).collect();
                for call in bare {
                    self.arguments(*choice, call, "{}", out);
                }
                self.chunk(out, |body| write_choice(body, *choice, Some(reason(finish)), |_| {}));
            }
            // Errors are written by the translator itself.
            Delta::Error { .. } => {}
            Delta::End => {
                if self.tells_usage {
                    let usage = self.usage;
                    self.chunk(out, |body| {
                        body.list("choices", |_| {});
                        write_usage(&usage, body);
                    });
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
        }
    }

    fn begin(&mut self, choice: u32, out: &mut Vec<u8>) {
        if self.begun.insert(choice) {
            self.chunk(out, |body| {
                write_choice(body, choice, None, |delta| {
                    delta.text("role", "assistant");
                    delta.text("content", "");
                });
            });
        }
    }

    fn delta(&mut self, choice: u32, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        self.begin(choice, out);
        self.chunk(out, |body| write_choice(body, choice, None, fill));
    }

    fn arguments(&mut self, choice: u32, call: u32, json: &str, out: &mut Vec<u8>) {
        self.bare.remove(&(choice, call));
        self.call(choice, call, out, |one| one.object("function", |function| function.text("arguments", json)));
    }

    fn call(&mut self, choice: u32, call: u32, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        self.delta(choice, out, |delta| {
            delta.list("tool_calls", |list| {
                list.object(|one| {
                    one.number("index", call.into());
                    fill(one);
                });
            });
        });
    }

    fn chunk(&self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        out.extend_from_slice(b"data: ");
        object(out, |body| {
            body.text("id", &self.id);
            body.text("object", "chat.completion.chunk");
            body.number("created", self.created);
            body.text("model", &self.model);
            fill(body);
        });
        out.extend_from_slice(b"\n\n");
    }

    pub(in crate::translate) fn memory(&self) -> usize {
        self.id.len() + self.model.len() + (self.begun.len() + self.calling.len() + self.bare.len()) * ENTRY
    }
}

fn write_choice(body: &mut Object<'_>, choice: u32, reason: Option<&str>, fill: impl FnOnce(&mut Object<'_>)) {
    body.list("choices", |list| {
        list.object(|one| {
            one.number("index", choice.into());
            one.object("delta", fill);
            match reason {
                Some(reason) => one.text("finish_reason", reason),
                None => one.raw("finish_reason", "null"),
            }
        });
    });
}
