//! The request bodies that measurements send. Everything here is generated; the secrets are made up and open nothing.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::stats::Dice;

/// The card number that test merchants use; it passes Luhn.
pub const CARD: &str = "4111 1111 1111 1111";
/// An e-mail address.
pub const EMAIL: &str = "wilhelmina.harker@example.com";
/// Has the form and the checksum of a GitHub token. In two parts, so that no scanner of this repository takes it for one.
pub const GITHUB_TOKEN: &str = concat!("gh", "p_Ky9Pf34qY6Nb3wWD25RQ4F5ZR3qa7y3gm1IL");

const WORDS: &[&str] = &[
    "the", "harbour", "opens", "again", "in", "spring", "when", "ice", "has", "gone", "and", "boats", "carry", "timber", "to", "every",
    "town", "along", "coast", "where", "people", "wait", "for", "news", "from", "north", "of", "roads", "prices", "weather", "a", "new",
    "bridge",
];

/// Running prose of at least `bytes` bytes, always the same for the same dice.
pub fn prose(bytes: usize, dice: &mut Dice) -> String {
    let mut text = String::with_capacity(bytes + 16);
    let mut in_sentence = 0;
    while text.len() < bytes {
        let index = usize::try_from(dice.below(WORDS.len() as u64)).unwrap_or(0);
        text.push_str(WORDS.get(index).copied().unwrap_or("the"));
        in_sentence += 1;
        text.push_str(if in_sentence % 12 == 0 { ". " } else { " " });
    }
    text
}

fn chat(model: &str, stream: bool, messages: &[Value]) -> Bytes {
    Bytes::from(json!({"model": model, "stream": stream, "messages": messages}).to_string())
}

/// An OpenAI chat request of about 300 bytes without findings.
pub fn small() -> Bytes {
    let question =
        "What is the capital of France, and since when has it been the capital? Answer in one short sentence, please, without a list.";
    let system = "You are a helpful assistant who answers in plain words.";
    chat("fixed", false, &[json!({"role": "system", "content": system}), json!({"role": "user", "content": question})])
}

/// An OpenAI chat request of about 2 KB with an e-mail address, a card number and a GitHub-like token.
pub fn three_findings() -> Bytes {
    let mut dice = Dice::new(3);
    let (first, second, third) = (prose(500, &mut dice), prose(600, &mut dice), prose(600, &mut dice));
    let text =
        format!("{first} Write to {EMAIL} today. {second} Card {CARD}, valid until June. {third} The token is {GITHUB_TOKEN} for now.");
    chat("fixed", false, &[json!({"role": "user", "content": text})])
}

/// An OpenAI chat request of about `bytes` bytes: many turns, an e-mail address in every tenth.
pub fn history(bytes: usize, seed: u64) -> Bytes {
    let mut dice = Dice::new(seed);
    let mut messages = vec![json!({"role": "system", "content": "You are a helpful assistant who answers in plain words."})];
    let mut size = 150;
    let mut turn = 0;
    while size < bytes {
        let length = 200 + usize::try_from(dice.below(800)).unwrap_or(0);
        let mut text = prose(length.min(bytes.saturating_sub(size).max(20)), &mut dice);
        if turn % 10 == 4 {
            text.push_str("Write to ");
            text.push_str(EMAIL);
            text.push('.');
        }
        size += text.len() + 36;
        messages.push(json!({"role": if turn % 2 == 0 { "user" } else { "assistant" }, "content": text}));
        turn += 1;
    }
    messages.push(json!({"role": "user", "content": "And now?"}));
    chat("fixed", false, &messages)
}

/// An OpenAI chat request that asks for a stream.
pub fn streamed() -> Bytes {
    chat("fixed", true, &[json!({"role": "user", "content": "Tell me a long story about a harbour town, please."})])
}

/// An OpenAI chat request of about `bytes` bytes in one message, built fast, for bodies of many megabytes.
pub fn huge(bytes: usize) -> Bytes {
    let block = prose(64 * 1_024, &mut Dice::new(64));
    let text: String = block.chars().cycle().take(bytes.saturating_sub(200)).collect();
    chat("fixed", false, &[json!({"role": "user", "content": text})])
}
