//! What a `type` says of the object that it stands in, and what is known of members by their names.

use crate::responses::Told;

/// The `type` of a content part, as far as it changes how the part is read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Plain,
    Image,
    Base64,
    ToolResult,
    Document,
    Redacted,
    Signed,
    ToolUse,
    /// Holds a signature or something encrypted, and its text is not signed.
    Sealing,
    /// An item by which the model calls a tool.
    Call,
    /// The same, for a picture, which stands in it too.
    Drawing,
    /// A part of a message.
    Piece,
    /// A stream event of the Responses API.
    Event(Told),
}

pub(crate) fn kind_named(word: &str) -> Kind {
    match word {
        "image" => Kind::Image,
        "base64" => Kind::Base64,
        "text" | "input_text" | "output_text" | "image_url" | "input_image" | "input_file" => Kind::Piece,
        "tool_result" | "mcp_tool_result" | "web_search_tool_result" | "program_output" | "tool_search_output" => Kind::ToolResult,
        "program" | "mcp_approval_request" => Kind::Call,
        "image_generation_call" => Kind::Drawing,
        "tool_use" | "server_tool_use" | "mcp_tool_use" => Kind::ToolUse,
        "document" | "search_result" => Kind::Document,
        "redacted_thinking" | "reasoning.encrypted" => Kind::Redacted,
        "thinking" | "thinking_delta" | "reasoning.text" => Kind::Signed,
        "signature_delta" | "web_search_result" | "web_search_result_location" | "compaction" => Kind::Sealing,
        _ if word.ends_with("_call_output") => Kind::ToolResult,
        _ if word.ends_with("_call") => Kind::Call,
        _ if word == "reasoning" || word.starts_with("reasoning.") => Kind::Sealing,
        _ => Told::of(word).map_or(Kind::Plain, Kind::Event),
    }
}

/// Members of answers in which providers give identifiers that they made by chance.
pub(crate) const IDS: &[&str] = &[
    "id",
    "responseId",
    "system_fingerprint",
    "tool_call_id",
    "tool_use_id",
    "item_id",
    "response_id",
    "request_id",
    "call_id",
    "previous_response_id",
    "approval_request_id",
    "file_id",
    "first_id",
    "last_id",
    "nextPageToken",
];

/// A number of a vector: at most four digits before a fraction, and no exponent that makes it large. Its digits are nobody's.
pub(crate) fn is_weight(raw: &[u8]) -> bool {
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    let before = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let small = digits.iter().position(|byte| matches!(byte, b'e' | b'E')).is_none_or(|at| digits.get(at + 1) == Some(&b'-'));
    before <= 4 && before < digits.len() && small && digits.len() <= 32
}
