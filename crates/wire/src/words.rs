//! The formats' own words: member names and enumeration values that hold no value of anybody.

mod gemini;

use crate::json::{NodeId, Tape};
use crate::responses;

/// Sorted.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "additionalProperties", "allowed_callers", "annotations", "any", "anyOf", "approximate", "arguments", "array", "assistant",
    "audio", "audio_tokens", "auto", "base64", "best_of", "body", "boolean", "budget_tokens", "cache_control", "cache_creation",
    "cache_creation_input_tokens", "cache_read_input_tokens", "cached_tokens", "categories", "category_applied_input_types",
    "category_scores", "char_location", "chat.completion", "chat.completion.chunk", "choices", "citations", "citations_delta",
    "cited_text", "code", "completion_tokens", "completion_tokens_details", "const", "container", "container_upload", "content",
    "content_block", "content_block_delta", "content_block_start", "content_block_stop", "content_filter", "context", "conversation",
    "created",
    "custom", "data", "default", "definition", "delta", "description", "detail", "developer", "dimensions", "direction", "disabled",
    "display",
    "document", "document_index", "document_title", "echo", "effort", "embedding", "embeddings", "enabled", "encoding_format",
    "encrypted_content", "end_char_index", "end_index", "end_turn", "enum", "ephemeral", "error", "expires_at", "file", "file_data",
    "file_id", "filename", "finish_reason", "flagged", "float", "format", "frequency_penalty", "function", "function_call",
    "functions", "grammar", "harassment", "harassment/threatening", "hate", "hate/threatening", "high", "id", "illicit",
    "illicit/violent", "image", "image_url", "images", "include_usage", "index", "input", "input_audio", "input_json_delta",
    "input_schema", "input_text", "input_tokens", "input_type", "integer", "is_error", "items", "jpeg", "json_object", "json_schema",
    "lark",
    "length", "list", "logit_bias", "logprobs", "low", "max_completion_tokens", "max_tokens", "maximum", "media_type", "medium",
    "message", "message_delta", "message_start", "message_stop", "messages", "metadata", "minimum", "modalities", "model", "mp3",
    "n", "name", "none", "null", "number", "object", "output_config", "output_text", "output_tokens", "page_age",
    "parallel_tool_calls", "parameters", "partial_json", "pause_turn", "ping", "png", "prediction", "presence_penalty", "prompt",
    "prompt_cache_key", "prompt_tokens", "prompt_tokens_details", "properties", "reasoning", "reasoning_content",
    "reasoning_details", "reasoning_effort", "reasoning_tokens", "redacted_thinking", "refusal", "regex",
    "rejected_prediction_tokens", "required", "response_format", "results", "role", "schema", "search_result", "seed", "self-harm",
    "self-harm/instructions", "self-harm/intent", "server_tool_use", "service_tier", "sexual", "sexual/minors", "signature",
    "signature_delta", "source", "standard", "start_char_index", "start_index", "stop", "stop_reason", "stop_sequence",
    "stop_sequences", "store", "stream", "stream_options", "strict", "string", "structured_messages", "suffix", "syntax", "system",
    "system_fingerprint",
    "temperature", "text", "text_completion", "text_delta", "text_offset", "texts", "thinking", "thinking_blocks", "thinking_delta",
    "title",
    "token_logprobs", "tokens", "tool", "tool_call_id", "tool_calls", "tool_choice", "tool_result", "tool_use", "tool_use_id",
    "tools", "top_k", "top_logprobs", "top_p", "total_tokens", "transcript", "ttl", "type", "url", "url_citation", "usage", "user",
    "user_id", "user_location", "video_url", "violence", "violence/graphic", "wav", "web_search_result", "web_search_tool_result",
];

/// The words of all formats.
const LISTS: [&[&str]; 3] = [WORDS, gemini::WORDS, responses::WORDS];

/// Slots of the table: a power of two, some four for each word.
const SLOTS: usize = 2_048;

/// All words, found by [`slot`]; a word stands in its slot or in the next free one.
static TABLE: [&str; SLOTS] = table();

/// Where the search for a word begins: by its length and five of its bytes, so that long words cost no more than short ones.
#[expect(clippy::indexing_slicing, reason = "each index is below the length, which is at least 1")]
const fn slot(word: &[u8]) -> usize {
    let length = word.len();
    if length == 0 {
        return 0;
    }
    let last = length - 1;
    let bytes = [word[0], word[last], word[length / 2], word[length / 4], word[last - last / 4]];
    let mut sum = length;
    let mut at = 0;
    while at < bytes.len() {
        sum = sum.wrapping_mul(31) ^ bytes[at] as usize;
        at += 1;
    }
    (sum ^ sum >> 11) % SLOTS
}

#[expect(clippy::indexing_slicing, clippy::large_stack_arrays, reason = "evaluated by the compiler, which would refuse a bad index")]
const fn table() -> [&'static str; SLOTS] {
    let mut table = [""; SLOTS];
    let mut list = 0;
    while list < LISTS.len() {
        let mut at = 0;
        while at < LISTS[list].len() {
            let word = LISTS[list][at];
            let mut place = slot(word.as_bytes());
            while !table[place].is_empty() {
                place = (place + 1) % SLOTS;
            }
            table[place] = word;
            at += 1;
        }
        list += 1;
    }
    table
}

/// Whether a word is one of the formats' own.
pub fn is_known(word: &[u8]) -> bool {
    let mut place = slot(word);
    loop {
        match TABLE.get(place) {
            None | Some(&"") => return false,
            Some(known) if known.as_bytes() == word => return true,
            Some(_) => place = (place + 1) % SLOTS,
        }
    }
}

/// Whether a key says one of the formats' own words. Costs no more for a long key than for a short one.
pub fn is_format_key(tape: &Tape, bytes: &[u8], key: NodeId) -> bool {
    let Some(node) = tape.node(key) else { return false };
    let raw = bytes.get(node.inner()).unwrap_or_default();
    if node.escaped { raw.len() <= LONGEST * 6 && is_known(tape.text(bytes, key).as_bytes()) } else { is_known(raw) }
}

/// Whether a member name is one under which the formats keep text of any kind: it says nothing of what stands there.
pub fn says_nothing(name: &str) -> bool {
    matches!(
        name,
        "content"
            | "text"
            | "role"
            | "type"
            | "model"
            | "name"
            | "description"
            | "arguments"
            | "input"
            | "thinking"
            | "reasoning"
            | "refusal"
            | "transcript"
            | "output"
            | "instructions"
    )
}

/// No word has more bytes.
pub(crate) const LONGEST: usize = 64;

/// Only small letters and underscores, few of them: no pattern can find anything in it.
pub(crate) fn is_plain(word: &[u8]) -> bool {
    word.len() <= 24 && word.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
}

/// Whether a string could be an identifier that a program made: short, and of the characters of such identifiers only.
pub(crate) fn is_id(word: &[u8]) -> bool {
    (1..=128).contains(&word.len()) && word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_each_is_known() {
        assert!(LISTS.iter().all(|words| words.is_sorted()));
        let mut words = LISTS.iter().flat_map(|words| words.iter());
        assert!(words.all(|word| !word.is_empty() && word.len() <= LONGEST && is_known(word.as_bytes())));
        let strangers = ["", "x", "contentx", "Content", "\u{e4}", "ro", "item_"];
        assert!(strangers.iter().all(|word| !is_known(word.as_bytes())));
    }

    /// What is looked at for one word, whatever it is: the longest run of full slots.
    #[test]
    fn the_table_has_room() {
        let longest = TABLE.split(|word| word.is_empty()).map(<[_]>::len).max();
        assert!(longest.is_some_and(|longest| longest <= 16), "{longest:?}");
    }
}
