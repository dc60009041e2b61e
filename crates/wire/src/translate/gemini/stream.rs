//! Writing a stream of chunks, as events or as one array. A call comes in one piece here, so calls are held until their answer ends.

use super::super::ir::{Answer, Called, Delta, Finish};
use super::super::json::{Object, object};
use super::super::{Garbage, Way};
use super::answer::write_candidate;
use super::write_usage;
use crate::Framing;

/// Writes a stream.
pub(in crate::translate) struct Writer {
    framing: Framing,
    begun: bool,
    /// Calls, endings and counts; what is text has left.
    held: Answer,
    bytes: usize,
    limit: usize,
}

impl Writer {
    pub(in crate::translate) fn new(way: &Way<'_>, limit: usize) -> Self {
        Self { framing: way.framing, begun: false, held: Answer::default(), bytes: 0, limit }
    }

    pub(in crate::translate) fn write(&mut self, delta: Delta<'_>, out: &mut Vec<u8>) -> Result<(), Garbage> {
        match delta {
            Delta::Text { choice, text } => self.text(choice, &text, false, out),
            Delta::Reasoning { choice, text } => self.text(choice, &text, true, out),
            // Its ending says that it was one.
            Delta::Refusal { choice, text } => {
                self.text(choice, &text, false, out);
                self.held.take(Delta::Finish { choice, finish: Finish::Filter });
            }
            Delta::End => return self.end(out),
            other => {
                if let Delta::Call { id, name, .. } = &other {
                    self.bytes += size_of::<Called>() + id.len() + name.len();
                }
                if let Delta::Arguments { json, .. } = &other {
                    self.bytes += json.len();
                }
                if self.bytes > self.limit {
                    return Err(Garbage::TooMuch);
                }
                self.held.take(other);
            }
        }
        Ok(())
    }

    fn text(&mut self, choice: u32, text: &str, thought: bool, out: &mut Vec<u8>) {
        self.chunk(out, |body| {
            body.list("candidates", |list| {
                list.object(|candidate| {
                    candidate.object("content", |content| {
                        content.list("parts", |list| {
                            list.object(|part| {
                                part.text("text", text);
                                if thought {
                                    part.raw("thought", "true");
                                }
                            });
                        });
                        content.text("role", "model");
                    });
                    candidate.number("index", choice.into());
                });
            });
        });
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Garbage> {
        let held = std::mem::take(&mut self.held);
        held.check_arguments()?;
        (self.held.id, self.held.model) = (held.id.clone(), held.model.clone());
        self.chunk(out, |body| {
            body.list("candidates", |list| held.told.iter().for_each(|told| list.object(|one| write_candidate(told, one))));
            write_usage(&held.usage, body);
        });
        if self.framing == Framing::JsonArray {
            out.extend_from_slice(b"]");
        }
        Ok(())
    }

    fn chunk(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        let begun = std::mem::replace(&mut self.begun, true);
        let before: &[u8] = match (self.framing, begun) {
            (Framing::Sse, _) => b"data: ",
            (Framing::JsonArray, false) => b"[",
            (Framing::JsonArray, true) => b",\r\n",
        };
        out.extend_from_slice(before);
        object(out, |body| {
            fill(body);
            body.text("modelVersion", &self.held.model);
            body.text("responseId", &self.held.id);
        });
        if self.framing == Framing::Sse {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }

    /// The beginning of what ends a stream with an error.
    pub(in crate::translate) fn error(&self, body: &[u8], out: &mut Vec<u8>) {
        match self.framing {
            Framing::Sse => {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(body);
                out.extend_from_slice(b"\r\n\r\n");
            }
            Framing::JsonArray => {
                out.extend_from_slice(if self.begun { b",\r\n" } else { b"[" });
                out.extend_from_slice(body);
                out.push(b']');
            }
        }
    }

    pub(in crate::translate) fn memory(&self) -> usize {
        self.bytes + self.held.id.len() + self.held.model.len()
    }
}
