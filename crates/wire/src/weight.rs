//! What a request weighs before anybody has answered it: how much text it holds, and how much answer it asks for.

use bartizan_vocabulary::{TextClass, UninspectedKind};

use crate::body::{Part, Reading};
use crate::json::{NodeId, NodeKind, Tape};
use crate::route::{Family, Route};

/// What a request weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Heft of its texts, unescaped. What only stands there in base64 has none.
    pub text: u64,
    /// Token numbers that stand there in the place of text.
    pub tokens: u64,
    /// Images, sounds, files, and references to them.
    pub attachments: u64,
    /// Most tokens of one answer; `None`: it does not say. Some routes write none.
    pub answer: Option<u64>,
    /// So many answers.
    pub answers: u64,
    /// Most tokens of one answer that may be thought and not shown; 0: no thinking is asked for.
    pub thought: u64,
}

/// The fields that say how long an answer may be; the largest counts.
const LONGEST: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
/// Where Gemini's requests say so; a provider that reads both names may take either.
const CONFIG: [&str; 2] = ["generationConfig", "generation_config"];
/// How much may be thought, in the words of all formats.
const BUDGETS: [&str; 4] = ["budget_tokens", "max_tokens", "thinkingBudget", "thinking_budget"];

impl Weight {
    /// Weighs a request that was read.
    pub fn of(tape: &Tape, bytes: &[u8], reading: &Reading, route: Route) -> Self {
        let inside = |id: NodeId| tape.node(id).map_or(0, |node| u64::from(node.next.saturating_sub(id)));
        let (mut tokens, mut attachments) = (0_u64, 0_u64);
        for unread in &reading.unread {
            match unread.kind {
                UninspectedKind::Tokens => tokens = tokens.saturating_add(inside(unread.node)),
                UninspectedKind::Sealed => {}
                _ => attachments += 1,
            }
        }
        let text = text_heft(tape, bytes, reading.parts.iter().filter(|part| !part.opaque));
        let (answer, answers) = asked(tape, bytes, route);
        Self { text, tokens, attachments, answer, answers, thought: thought(tape, bytes, route) }
    }
}

/// Heft of the text that a model wrote into a whole answer: content, reasoning, arguments of tool calls.
pub fn written(tape: &Tape, bytes: &[u8], reading: &Reading) -> u64 {
    text_heft(tape, bytes, reading.parts.iter().filter(|part| part.is_written()))
}

impl Part {
    /// Whether a model wrote it, token by token: no identifier, no name, nothing sealed.
    pub fn is_written(&self) -> bool {
        let class = matches!(self.class, TextClass::Text | TextClass::Reasoning | TextClass::ToolArguments | TextClass::Document);
        class && !self.opaque && !self.fixed && !self.id
    }
}

/// Bytes of a text, of which those that are not ASCII count twice: of such letters there are fewer in a token.
pub fn heft(text: &[u8]) -> u64 {
    (text.len() + text.iter().filter(|byte| !byte.is_ascii()).count()) as u64
}

fn text_heft<'a>(tape: &Tape, bytes: &[u8], parts: impl Iterator<Item = &'a Part>) -> u64 {
    let length = |part: &Part| {
        let node = tape.node(part.node)?;
        let raw = bytes.get(node.inner())?;
        Some(if node.escaped { unescaped(raw) } else { heft(raw) })
    };
    parts.filter_map(length).sum()
}

/// The heft without the escapes.
fn unescaped(mut raw: &[u8]) -> u64 {
    let mut sum = 0;
    while let Some(at) = raw.iter().position(|byte| *byte == b'\\') {
        let (stands, skips) = if raw.get(at + 1) == Some(&b'u') { (letter(raw.get(at + 2..at + 6)), 6) } else { (1, 2) };
        sum += heft(raw.get(..at).unwrap_or_default()) + stands;
        raw = raw.get(at + skips..).unwrap_or_default();
    }
    sum + heft(raw)
}

/// The heft of what `\u` and these digits stand for: of one, two or three bytes, or half of a letter of four.
fn letter(digits: Option<&[u8]>) -> u64 {
    let code = digits.and_then(|digits| u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
    match code {
        Some(0..0x80) => 1,
        Some(0x80..0x800 | 0xd800..0xe000) => 4,
        _ => 6,
    }
}

/// How long an answer may be, and how many are asked for.
fn asked(tape: &Tape, bytes: &[u8], route: Route) -> (Option<u64>, u64) {
    let largest =
        |object: NodeId, names: &[&str]| names.iter().filter_map(|name| number(tape, bytes, tape.member(bytes, object, name)?)).max();
    if !writes(route) {
        return (Some(0), 1);
    }
    if route.family() == Family::Gemini {
        let among = |names: &[&str]| CONFIG.iter().filter_map(|name| largest(tape.member(bytes, 0, name)?, names)).max();
        return (among(&["maxOutputTokens", "max_output_tokens"]), among(&["candidateCount", "candidate_count"]).unwrap_or(1).max(1));
    }
    let answers = largest(0, &["n", "best_of"]).unwrap_or(1).max(1);
    let prompts = if route == Route::Completions { prompts(tape, bytes) } else { 1 };
    (largest(0, &LONGEST), answers.saturating_mul(prompts))
}

/// How much may be thought: as much as a request that asks for it allows, anything where it says no number.
fn thought(tape: &Tape, bytes: &[u8], route: Route) -> u64 {
    let inside = |object: NodeId, name: &str| tape.member(bytes, object, name);
    let off = |object: NodeId| {
        let says = |name: &str, word: &str| inside(object, name).is_some_and(|id| tape.text(bytes, id) == word);
        says("type", "disabled") || says("effort", "none") || says("enabled", "false")
    };
    let object = |object: NodeId| match tape.node(object).map(|node| node.kind) {
        None | Some(NodeKind::Null) => 0,
        Some(_) if off(object) => 0,
        Some(_) => BUDGETS.iter().filter_map(|name| number(tape, bytes, inside(object, name)?)).max().unwrap_or(u64::MAX),
    };
    let effort = |id: NodeId| {
        let none = tape.node(id).is_none_or(|node| node.kind == NodeKind::Null) || tape.text(bytes, id) == "none";
        if none { 0 } else { u64::MAX }
    };
    if route.family() == Family::Gemini {
        let configs = CONFIG.iter().filter_map(|name| inside(0, name));
        let asked = configs.flat_map(|config| ["thinkingConfig", "thinking_config"].map(|name| inside(config, name)));
        return asked.flatten().map(object).max().unwrap_or(0);
    }
    let objects = ["thinking", "reasoning"].iter().filter_map(|name| inside(0, name)).map(object);
    let efforts = [inside(0, "reasoning_effort"), inside(0, "output_config").and_then(|config| inside(config, "effort"))];
    objects.chain(efforts.into_iter().flatten().map(effort)).max().unwrap_or(0)
}

/// A number that is asked for; `null` is none. Providers read `1e5`, `4096.0` and `"77"`, too; nobody knows what they make of what is
/// no whole number, so it is the most.
fn number(tape: &Tape, bytes: &[u8], id: NodeId) -> Option<u64> {
    let whole = |text: &str| {
        let value = text.parse::<f64>().ok().filter(|value| value.fract() == 0.0)?;
        format!("{value:.0}").parse().ok()
    };
    match tape.node(id)?.kind {
        NodeKind::Null => None,
        NodeKind::Number | NodeKind::String => {
            let text = tape.text(bytes, id);
            Some(text.parse().ok().or_else(|| whole(&text)).unwrap_or(u64::MAX))
        }
        _ => Some(u64::MAX),
    }
}

fn writes(route: Route) -> bool {
    use Route::{BatchEmbedContents, CountContentTokens, CountTokens, CreateCache, EmbedContent, Embeddings, Moderations};
    !matches!(route, BatchEmbedContents | CountContentTokens | CreateCache | CountTokens | EmbedContent | Embeddings | Moderations)
}

/// A list of prompts has an answer for each; one prompt may be a list of token numbers.
fn prompts(tape: &Tape, bytes: &[u8]) -> u64 {
    let list = tape.member(bytes, 0, "prompt").filter(|id| tape.node(*id).is_some_and(|node| node.kind == NodeKind::Array));
    let is_prompt = |kind: NodeKind| matches!(kind, NodeKind::Array | NodeKind::String);
    let count = list.map_or(1, |list| tape.members(list).filter(|(_, node)| is_prompt(node.kind)).count());
    count.max(1) as u64
}
