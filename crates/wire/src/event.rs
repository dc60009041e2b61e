//! What a stream event means for the texts that grow through it.

use crate::body::{Reading, Side, read};
use crate::channel::{self, Channel, index_of, item_of, omits_zero};
use crate::json::{JsonError, JsonLimits, NodeKind, Tape};
use crate::responses;

/// A stream event, read.
#[derive(Debug)]
pub struct EventReading {
    /// The spans of its JSON.
    pub tape: Tape,
    /// What must be inspected.
    pub reading: Reading,
    /// Choices whose `finish_reason` came, or the block or item that ended.
    pub finished: Vec<u32>,
    /// The text that the event repeats as a whole and ends.
    pub ended: Option<Channel>,
    /// Its number, in formats that number their events.
    pub sequence: Option<u64>,
    /// Whether nothing follows.
    pub last: bool,
}

/// Whether a payload is OpenAI's end mark.
pub fn is_done(payload: &[u8]) -> bool {
    payload.trim_ascii() == b"[DONE]"
}

/// Reads the payload of an event of any family.
///
/// # Errors
/// When it is not JSON; it is then inspected as plain text.
pub fn read_event(payload: &[u8], limits: &JsonLimits) -> Result<EventReading, JsonError> {
    let tape = Tape::read(payload, limits)?;
    let reading = read(&tape, payload, Side::Event);
    let mut finished = Vec::new();
    let (mut last, mut ended) = (false, None);
    if let Some(kind) = tape.member(payload, 0, "type") {
        match tape.text(payload, kind).as_ref() {
            "content_block_stop" => finished.push(index_of(&tape, payload, 0).unwrap_or(0)),
            "message_stop" | "error" => last = true,
            kind if responses::ends_item(kind) => finished.push(item_of(&tape, payload)),
            kind => {
                last = responses::ends_all(kind);
                ended = channel::ended(&tape, payload, kind);
            }
        }
    }
    // Google's way of ending a stream.
    last |= tape.member(payload, 0, "error").and_then(|id| tape.node(id)).is_some_and(|node| node.kind == NodeKind::Object);
    for (list, reason) in [("choices", "finish_reason"), ("candidates", "finishReason")] {
        let Some(list) = tape.member(payload, 0, list) else { continue };
        let omits_zero = omits_zero(&tape, payload, list);
        for (choice, node) in tape.members(list) {
            let reason = tape.member(payload, choice, reason).and_then(|id| tape.node(id));
            if reason.is_some_and(|node| node.kind == NodeKind::String && node.end - node.start > 2) {
                let position = if omits_zero { 0 } else { node.slot };
                finished.push(index_of(&tape, payload, choice).unwrap_or(position));
            }
        }
    }
    let sequence = tape.member(payload, 0, "sequence_number").and_then(|id| tape.text(payload, id).parse().ok());
    Ok(EventReading { tape, reading, finished, ended, sequence, last })
}
