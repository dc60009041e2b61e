//! What an answer says of itself, besides what it has used: the model that wrote it, and why it ended.

use crate::json::{NodeId, NodeKind, Tape};

/// Longest name of a model that is kept.
const NAME: usize = 256;

/// Most reasons that are kept: one for each of the answers that were asked for.
const MOST: usize = 16;

/// The words in which formats say why an answer ended. What is not among them is not repeated.
const WORDS: &[&str] = &[
    // OpenAI's chat and completions.
    "stop",
    "length",
    "tool_calls",
    "function_call",
    "content_filter",
    // OpenAI's responses.
    "completed",
    "incomplete",
    "failed",
    "cancelled",
    "max_output_tokens",
    // Anthropic's messages.
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
    // Gemini.
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
];

/// Stands for a word that is not known.
const UNKNOWN: &str = "other";

/// What an answer says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The model, in the provider's words: bytes from outside.
    pub model: Option<String>,
    /// Why it ended, one word for each of its alternatives, from a closed list.
    pub finish: Vec<&'static str>,
}

impl Said {
    /// Takes in a whole answer or one event of a stream. Rare, so it stays out of the way of those for whom nobody asks.
    #[cold]
    #[inline(never)]
    pub fn see(&mut self, tape: &Tape, bytes: &[u8]) {
        let inside = |outer: &str| tape.member(bytes, 0, outer);
        // What the name and the reason stand in: the answer, or what an event carries of it.
        let carried = inside("response").or_else(|| inside("message")).filter(|id| is_object(tape, *id));
        let holders = [Some(0), carried];
        if self.model.is_none() {
            let named = |holder: NodeId| tape.member(bytes, holder, "model").or_else(|| tape.member(bytes, holder, "modelVersion"));
            let mut names = holders.iter().flatten().filter_map(|holder| text(tape, bytes, named(*holder)?));
            self.model = names.find(|name| !name.is_empty() && name.len() <= NAME).map(str::to_owned);
        }
        for (list, word) in [("choices", "finish_reason"), ("candidates", "finishReason")] {
            let Some(list) = inside(list) else { continue };
            for (one, _) in tape.members(list).take(MOST) {
                self.finished(tape, bytes, tape.member(bytes, one, word));
            }
        }
        let delta = inside("delta").filter(|id| is_object(tape, *id));
        for holder in [Some(0), delta].into_iter().flatten() {
            self.finished(tape, bytes, tape.member(bytes, holder, "stop_reason"));
        }
        for holder in holders.into_iter().flatten() {
            self.response(tape, bytes, holder);
        }
    }

    /// OpenAI's responses say how they stand, and in their last words why.
    fn response(&mut self, tape: &Tape, bytes: &[u8], holder: NodeId) {
        if !tape.member(bytes, holder, "object").is_some_and(|object| tape.says(bytes, object, "response")) {
            return;
        }
        let why = tape.member(bytes, holder, "incomplete_details").and_then(|details| tape.member(bytes, details, "reason"));
        let status = tape.member(bytes, holder, "status");
        let goes_on = status.is_none_or(|status| ["in_progress", "queued"].iter().any(|word| tape.says(bytes, status, word)));
        if !goes_on {
            self.finished(tape, bytes, why.or(status));
        }
    }

    fn finished(&mut self, tape: &Tape, bytes: &[u8], word: Option<NodeId>) {
        let Some(word) = word.and_then(|id| text(tape, bytes, id)).filter(|_| self.finish.len() < MOST) else { return };
        self.finish.push(WORDS.iter().find(|known| **known == word).copied().unwrap_or(UNKNOWN));
    }
}

fn is_object(tape: &Tape, id: NodeId) -> bool {
    tape.node(id).is_some_and(|node| node.kind == NodeKind::Object)
}

/// A string without escapes: none of the words and names has any.
fn text<'a>(tape: &Tape, bytes: &'a [u8], id: NodeId) -> Option<&'a str> {
    let node = tape.node(id).filter(|node| node.kind == NodeKind::String && !node.escaped)?;
    std::str::from_utf8(bytes.get(node.inner())?).ok()
}
