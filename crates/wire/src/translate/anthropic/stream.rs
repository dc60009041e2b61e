//! Writing a stream of named events.

use super::super::ir::{Delta, Finish, Usage};
use super::super::json::{Object, object};
use super::super::{Garbage, Way};
use super::{write_stop, write_usage};

/// A block that is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    /// The call of this number.
    Call(u32),
}

/// Writes a stream.
#[derive(Default)]
pub(in crate::translate) struct Writer {
    id: String,
    model: String,
    usage: Usage,
    begun: bool,
    open: Option<Open>,
    /// Blocks that were begun.
    blocks: u64,
    called: bool,
    refused: bool,
    finish: Finish,
}

impl Writer {
    pub(in crate::translate) fn new(_: &Way<'_>) -> Self {
        Self::default()
    }

    pub(in crate::translate) fn write(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) -> Result<(), Garbage> {
        match delta {
            Delta::Start { id, model } => {
                id.as_ref().clone_into(&mut self.id);
                model.as_ref().clone_into(&mut self.model);
            }
            Delta::Usage(usage) => self.usage = *usage,
            Delta::Text { choice: 0, text } => self.text(text, out),
            Delta::Refusal { choice: 0, text } => {
                self.refused = true;
                self.text(text, out);
            }
            Delta::Call { choice: 0, call, id, name } => {
                self.called = true;
                self.open(Open::Call(*call), out, |block| {
                    block.text("type", "tool_use");
                    block.text("id", id);
                    block.text("name", name);
                    block.raw("input", "{}");
                });
            }
            Delta::Arguments { choice: 0, call, json } => {
                if self.open != Some(Open::Call(*call)) {
                    return Err(Garbage::Interleaved);
                }
                self.block_delta(out, |delta| {
                    delta.text("type", "input_json_delta");
                    delta.text("partial_json", json);
                });
            }
            Delta::Finish { choice: 0, finish } => self.finish = finish.clone(),
            Delta::End => self.end(out),
            // Reasoning would need a signature; a second choice was not asked for; errors are the translator's.
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        event("message_start", out, |body| {
            body.object("message", |message| {
                message.text("id", &self.id);
                message.text("type", "message");
                message.text("role", "assistant");
                message.text("model", &self.model);
                message.list("content", |_| {});
                message.raw("stop_reason", "null");
                message.raw("stop_sequence", "null");
                write_usage(&self.usage, message);
            });
        });
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if self.open != Some(Open::Text) {
            self.open(Open::Text, out, |block| {
                block.text("type", "text");
                block.text("text", "");
            });
        }
        self.block_delta(out, |delta| {
            delta.text("type", "text_delta");
            delta.text("text", text);
        });
    }

    fn open(&mut self, open: Open, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        self.begin(out);
        self.close(out);
        self.open = Some(open);
        event("content_block_start", out, |body| {
            body.number("index", self.blocks);
            body.object("content_block", fill);
        });
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            event("content_block_stop", out, |body| body.number("index", self.blocks));
            self.blocks += 1;
        }
    }

    fn block_delta(&self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        event("content_block_delta", out, |body| {
            body.number("index", self.blocks);
            body.object("delta", fill);
        });
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        self.close(out);
        let finish = match &self.finish {
            Finish::Stop if self.called => &Finish::Calls,
            Finish::Stop if self.refused => &Finish::Filter,
            other => other,
        };
        event("message_delta", out, |body| {
            body.object("delta", |delta| write_stop(finish, delta));
            write_usage(&self.usage, body);
        });
        event("message_stop", out, |_| {});
    }

    pub(in crate::translate) fn memory(&self) -> usize {
        self.id.len() + self.model.len()
    }
}

fn event(name: &str, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    object(out, |body| {
        body.text("type", name);
        fill(body);
    });
    out.extend_from_slice(b"\n\n");
}
