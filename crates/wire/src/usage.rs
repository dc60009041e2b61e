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

/// Where the numbers stand: directly in the answer or event, or one object deeper (`message_start`, `response.completed`).
const INSIDE: [&str; 2] = ["message", "response"];

/// Numbers whose sum was read, by the name of the object that holds them. OpenAI counts cached tokens among the others, Anthropic beside them.
const INPUT: [&[&str]; 2] = [
    &["prompt_tokens", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"],
    &["promptTokenCount", "toolUsePromptTokenCount"],
];
const OUTPUT: [&[&str]; 2] = [&["completion_tokens", "output_tokens"], &["candidatesTokenCount", "thoughtsTokenCount"]];

impl Usage {
    /// Takes in a whole answer or one event of a stream. Streams count up, so of several numbers the highest counts.
    pub fn see(&mut self, tape: &Tape, bytes: &[u8]) {
        for (kind, name) in ["usage", "usageMetadata"].into_iter().enumerate() {
            let inside = || INSIDE.iter().find_map(|outer| tape.member(bytes, tape.member(bytes, 0, outer)?, name));
            let Some(held) = tape.member(bytes, 0, name).or_else(inside) else { continue };
            let of = |lists: [&[&str]; 2]| lists.get(kind).and_then(|names| sum(tape, bytes, held, names));
            self.input = self.input.max(of(INPUT));
            self.output = self.output.max(of(OUTPUT));
        }
    }
}

/// The sum of those that are there; `None` when none is.
fn sum(tape: &Tape, bytes: &[u8], held: NodeId, names: &[&str]) -> Option<u64> {
    let number = |name: &&str| tape.text(bytes, tape.member(bytes, held, name)?).parse::<u64>().ok();
    names.iter().filter_map(number).reduce(u64::saturating_add)
}
