//! What an answer says it has used: tokens read and tokens written, in each format's own words.

use crate::json::{NodeId, Tape};

/// Tokens that a provider reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Read: what was sent to the model, cached parts included.
    pub input: Option<u64>,
    /// Written: the answer, reasoning included.
    pub output: Option<u64>,
}

/// A number that says it all, and numbers whose sum says it where that one is not there.
type Words = (Option<&'static str>, &'static [&'static str]);

/// By the name of the object that holds them. It stands in the answer or event, or one object deeper (`message_start`,
/// `response.completed`). OpenAI counts cached tokens among the others, Anthropic beside them.
const INPUT: [Words; 2] = [
    (Some("prompt_tokens"), &["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]),
    (None, &["promptTokenCount", "toolUsePromptTokenCount"]),
];
const OUTPUT: [Words; 2] = [(Some("completion_tokens"), &["output_tokens"]), (None, &["candidatesTokenCount", "thoughtsTokenCount"])];

impl Usage {
    /// Takes in a whole answer or one event of a stream. Streams count up, so of several numbers the highest counts.
    pub fn see(&mut self, tape: &Tape, bytes: &[u8]) {
        for (kind, name) in ["usage", "usageMetadata"].into_iter().enumerate() {
            let inside = |outer: &str| tape.member(bytes, tape.member(bytes, 0, outer)?, name);
            let of = |held: NodeId, words: [Words; 2]| words.get(kind).and_then(|words| total(tape, bytes, held, words));
            if let Some(held) = tape.member(bytes, 0, name).or_else(|| inside("response")) {
                self.input = self.input.max(of(held, INPUT));
                self.output = self.output.max(of(held, OUTPUT));
            } else if let Some(held) = inside("message") {
                // A message that begins: what is written of it by then says nothing of what it will be.
                self.input = self.input.max(of(held, INPUT));
            }
        }
    }
}

/// `None` when none is there. Some fill in the words of both formats and mean one: a zero does not hide the other's numbers.
fn total(tape: &Tape, bytes: &[u8], held: NodeId, (whole, parts): &Words) -> Option<u64> {
    let number = |name: &&str| tape.text(bytes, tape.member(bytes, held, name)?).parse::<u64>().ok();
    let whole = whole.as_ref().and_then(number);
    whole.filter(|tokens| *tokens > 0).or_else(|| parts.iter().filter_map(number).reduce(u64::saturating_add)).or(whole)
}
