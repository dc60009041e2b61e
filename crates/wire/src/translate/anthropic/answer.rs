//! Reading an answer, whole or event by event, and writing a whole one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::error::status_of;
use super::super::ir::{Answer, Delta, Finish, Usage, short};
use super::super::json::object;
use super::super::look::Look;
use super::super::{CALLS, ENTRY, Garbage, Way};
use super::{write_stop, write_usage};

/// Reads answers.
#[derive(Default)]
pub(in crate::translate) struct Reader {
    /// The calls among the blocks that began: which block, which call.
    calls: BTreeMap<u64, u32>,
    /// How many calls began.
    begun: u32,
    usage: Usage,
    ended: bool,
}

impl Reader {
    /// A whole answer.
    pub(in crate::translate) fn whole<'a>(&mut self, root: Look<'a>, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        if let Some(error) = root.get("error") {
            out.push(error_of(error));
            return Ok(());
        }
        let content = root.get("content").ok_or(Garbage::NotAnAnswer)?;
        out.push(start(root));
        for (index, block) in (0..).zip(content.each()?) {
            self.block(index, block, out)?;
        }
        if root.get("stop_reason").is_none() {
            return Err(Garbage::NotAnAnswer);
        }
        Self::stop(root, out);
        self.count(root, out);
        out.push(Delta::End);
        Ok(())
    }

    /// One event of a stream.
    pub(in crate::translate) fn event<'a>(&mut self, root: Look<'a>, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        let index = root.get("index").and_then(Look::count).unwrap_or(0);
        match root.get("type").and_then(Look::text).unwrap_or_default().as_ref() {
            "message_start" => {
                let message = root.get("message").ok_or(Garbage::NotAnAnswer)?;
                out.push(start(message));
                self.count(message, out);
            }
            "content_block_start" => {
                if let Some(block) = root.get("content_block") {
                    self.block(index, block, out)?;
                }
            }
            "content_block_delta" => {
                if let Some(delta) = root.get("delta") {
                    self.delta(index, delta, out);
                }
            }
            "message_delta" => {
                if let Some(delta) = root.get("delta") {
                    Self::stop(delta, out);
                }
                self.count(root, out);
            }
            "message_stop" => {
                self.ended = true;
                out.push(Delta::End);
            }
            "error" => out.push(error_of(root.get("error").unwrap_or(root))),
            // `ping`, `content_block_stop`, and what nobody knows.
            _ => {}
        }
        Ok(())
    }

    fn block<'a>(&mut self, index: u64, block: Look<'a>, out: &mut Vec<Delta<'a>>) -> Result<(), Garbage> {
        let text = |name: &str| block.get(name).and_then(Look::text).unwrap_or_default();
        match text("type").as_ref() {
            "text" => out.extend(some(text("text")).map(|text| Delta::Text { choice: 0, text })),
            "thinking" => out.extend(some(text("thinking")).map(|text| Delta::Reasoning { choice: 0, text })),
            "tool_use" => {
                let call = self.begun;
                self.begun += 1;
                if call >= CALLS {
                    return Err(Garbage::TooMuch);
                }
                self.calls.insert(index, call);
                let name = some(text("name")).ok_or(Garbage::Name)?;
                out.push(Delta::Call { choice: 0, call, id: text("id"), name });
                // An empty object, however it is written, stands for what comes in pieces.
                let input = block.get("input").filter(|input| input.members().next().is_some()).map(Look::raw);
                out.extend(input.map(|json| Delta::Arguments { choice: 0, call, json: Cow::Borrowed(json) }));
            }
            // Sealed reasoning, and what tools of the provider's own did: no other format has a place for it.
            _ => {}
        }
        Ok(())
    }

    fn delta<'a>(&self, index: u64, delta: Look<'a>, out: &mut Vec<Delta<'a>>) {
        let text = |name: &str| delta.get(name).and_then(Look::text).and_then(some);
        match text("type").as_deref() {
            Some("text_delta") => out.extend(text("text").map(|text| Delta::Text { choice: 0, text })),
            Some("thinking_delta") => out.extend(text("thinking").map(|text| Delta::Reasoning { choice: 0, text })),
            Some("input_json_delta") => {
                if let Some((call, json)) = self.calls.get(&index).copied().zip(text("partial_json")) {
                    out.push(Delta::Arguments { choice: 0, call, json });
                }
            }
            _ => {}
        }
    }

    fn stop<'a>(told: Look<'a>, out: &mut Vec<Delta<'a>>) {
        let Some(reason) = told.get("stop_reason").and_then(Look::text) else { return };
        let finish = match reason.as_ref() {
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "stop_sequence" => Finish::Sequence(told.get("stop_sequence").and_then(Look::text).map(Cow::into_owned)),
            "tool_use" => Finish::Calls,
            "refusal" => Finish::Filter,
            _ => Finish::Stop,
        };
        out.push(Delta::Finish { choice: 0, finish });
    }

    /// What is told later counts, and what is told earlier as far as it is not told again.
    fn count<'a>(&mut self, told: Look<'a>, out: &mut Vec<Delta<'a>>) {
        let Some(usage) = told.get("usage") else { return };
        let count = |name: &str| usage.get(name).and_then(Look::tokens);
        let fresh = self.usage.input.saturating_sub(self.usage.cached).saturating_sub(self.usage.written);
        let cached = count("cache_read_input_tokens").unwrap_or(self.usage.cached);
        let written = count("cache_creation_input_tokens").unwrap_or(self.usage.written);
        self.usage = Usage {
            input: count("input_tokens").unwrap_or(fresh).saturating_add(cached).saturating_add(written),
            cached,
            written,
            output: count("output_tokens").unwrap_or(self.usage.output),
            reasoning: 0,
        };
        out.push(Delta::Usage(self.usage));
    }

    pub(in crate::translate) fn memory(&self) -> usize {
        self.calls.len() * ENTRY
    }

    /// Nothing more comes.
    pub(in crate::translate) fn end(&mut self, _: &mut Vec<Delta<'_>>) -> Result<(), Garbage> {
        if self.ended { Ok(()) } else { Err(Garbage::Cut) }
    }
}

fn some(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    Some(text).filter(|text| !text.is_empty())
}

fn start(message: Look<'_>) -> Delta<'_> {
    let text = |name: &str| message.get(name).and_then(Look::text).unwrap_or_default();
    Delta::Start { id: short(text("id")), model: short(text("model")) }
}

fn error_of(error: Look<'_>) -> Delta<'_> {
    Delta::Error { status: status_of(error), message: error.get("message").and_then(Look::text).unwrap_or_default() }
}

/// Writes a whole answer. Reasoning has no place: a thinking block must carry a signature that only Anthropic makes.
pub(in crate::translate) fn whole(answer: &Answer, _: &Way<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let none = Finish::Stop;
    let told = answer.told.first();
    object(&mut out, |body| {
        body.text("id", &answer.id);
        body.text("type", "message");
        body.text("role", "assistant");
        body.text("model", &answer.model);
        body.list("content", |list| {
            for text in told.iter().flat_map(|told| [&told.text, &told.refusal]).filter(|text| !text.is_empty()) {
                list.object(|block| {
                    block.text("type", "text");
                    block.text("text", text);
                });
            }
            for called in told.iter().flat_map(|told| &told.calls) {
                list.object(|block| {
                    block.text("type", "tool_use");
                    block.text("id", &called.id);
                    block.text("name", &called.name);
                    block.raw("input", called.arguments());
                });
            }
        });
        write_stop(told.map_or(&none, |told| told.ending()), body);
        write_usage(&answer.usage, body);
    });
    out
}
