//! The map of the wire formats: what a value is, by where it stands. One table for whole bodies and stream events.
//!
//! A key that no row names leads to [`Zone::Free`]: inspected, with the role and class of what holds it. Nothing is skipped by default.

use bartizan_vocabulary::{Role, TextClass};

use crate::channel::Growth;

/// A kind of place in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// The top object of a request, an answer or a stream event.
    Root,
    /// The top object of a body that asks for a verdict.
    Ask,
    /// The top object of a stream event of the Responses API.
    Event,
    /// A text, or an array of the items of the Responses API.
    Items,
    /// One such item: a message, a call, what a call gave, reasoning.
    Item,
    /// `text` of the Responses API: what the answer must look like.
    Form,
    /// A stored prompt, or a text to go on with.
    Prompt,
    /// What is put into a stored prompt, by name.
    Variables,
    /// A picture in base64.
    Pixels,
    /// An array of messages.
    Messages,
    /// One message, or the `delta` of an OpenAI choice.
    Message,
    /// A message's content: a string or an array of parts.
    Content,
    /// One content part or content block, or the `delta` of an Anthropic event.
    Part,
    /// Source of an image or document.
    Source,
    /// Array of tool calls.
    ToolCalls,
    /// One tool call.
    ToolCall,
    /// Array of tool definitions.
    Tools,
    /// One tool definition.
    Tool,
    /// A JSON schema.
    Schema,
    /// `choices`.
    Choices,
    /// One choice.
    Choice,
    /// Log probabilities: they repeat the text.
    Logprobs,
    /// An image reference.
    Image,
    /// An audio part.
    Audio,
    /// `data` of an answer: embeddings or models.
    Data,
    /// One embedding.
    Datum,
    /// A vector: numbers, or their bytes in base64.
    Vector,
    /// A file part.
    File,
    /// Signed or encrypted by the provider.
    Sealed,
    /// Gemini's `parts`: an array of content parts, or one of them.
    Parts,
    /// What a function or the provider's own tool gave back, or code that it runs (Gemini).
    Outcome,
    /// Bytes of a media type that stands beside them (Gemini).
    Blob,
    /// What was said in a recording: the text, and the same word by word (Gemini).
    Transcript,
    /// Settings of a request whose words are the format's own (Gemini).
    Config,
    /// Anything else.
    Free,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub zone: Zone,
    pub role: Role,
    pub class: TextClass,
    /// An edit here would break the exchange: names, ids, enumerations.
    pub fixed: bool,
    /// In a stream event: complete, or a piece of a growing text.
    pub growth: Growth,
}

/// A row: from a zone, under a key, to a place. `None` keeps what the holder has.
struct Row(Zone, &'static [&'static str], Zone, Option<Role>, Option<TextClass>, bool);

use TextClass as C;
use Zone as Z;

const ROWS: &[Row] = &[
    Row(Z::Root, &["messages"], Z::Messages, None, None, false),
    Row(Z::Root, &["system"], Z::Content, Some(Role::System), Some(C::Text), false),
    Row(Z::Root, &["suffix"], Z::Content, Some(Role::User), Some(C::Text), false),
    Row(Z::Root, &["data"], Z::Data, None, None, false),
    Row(Z::Root, &["tools", "functions"], Z::Tools, Some(Role::Other), Some(C::ToolDefinition), false),
    Row(Z::Root, &["response_format", "output_config", "output_format"], Z::Schema, Some(Role::Other), Some(C::ToolDefinition), false),
    Row(Z::Root, &["tool_choice", "function_call"], Z::ToolCall, Some(Role::Other), Some(C::Metadata), true),
    Row(Z::Root, &["choices", "candidates"], Z::Choices, None, None, false),
    Row(Z::Root, &["contents"], Z::Messages, Some(Role::User), Some(C::Text), false),
    Row(Z::Root, &["systemInstruction", "system_instruction"], Z::Content, Some(Role::System), Some(C::Text), false),
    Row(Z::Root, &["requests", "generateContentRequest", "generate_content_request"], Z::Root, None, None, false),
    Row(
        Z::Root,
        &["generationConfig", "generation_config", "toolConfig", "tool_config"],
        Z::Config,
        Some(Role::Other),
        Some(C::Metadata),
        false,
    ),
    Row(Z::Root, &["safetySettings", "safety_settings"], Z::Free, Some(Role::Other), Some(C::Metadata), true),
    Row(Z::Root, &["embedding", "embeddings"], Z::Vector, None, None, true),
    Row(
        Z::Root,
        &[
            "modelVersion",
            "model_version",
            "responseId",
            "response_id",
            "createTime",
            "create_time",
            "updateTime",
            "expireTime",
            "expire_time",
            "ttl",
            "cachedContent",
            "cached_content",
            "taskType",
            "task_type",
        ],
        Z::Free,
        None,
        Some(C::Metadata),
        true,
    ),
    Row(Z::Root, &["content"], Z::Content, None, Some(C::Text), false),
    Row(Z::Root, &["content_block", "delta"], Z::Part, None, Some(C::Text), false),
    Row(Z::Root, &["message"], Z::Root, None, None, false),
    Row(
        Z::Root,
        &[
            "model",
            "id",
            "object",
            "type",
            "role",
            "service_tier",
            "system_fingerprint",
            "stop_reason",
            "reasoning_effort",
            "request_id",
            "first_id",
            "last_id",
            "nextPageToken",
        ],
        Z::Free,
        None,
        Some(C::Metadata),
        true,
    ),
    // The Responses API.
    Row(Z::Root, &["input", "items"], Z::Items, Some(Role::User), Some(C::Text), false),
    Row(Z::Root, &["instructions"], Z::Items, Some(Role::System), Some(C::Text), false),
    Row(Z::Root, &["output"], Z::Items, None, Some(C::Text), false),
    Row(Z::Root, &["text"], Z::Form, None, None, false),
    Row(Z::Root, &["prompt"], Z::Prompt, Some(Role::User), Some(C::Text), false),
    Row(Z::Root, &["logprobs"], Z::Logprobs, None, None, false),
    Row(Z::Root, &["previous_response_id", "conversation", "include", "status", "truncation"], Z::Free, None, Some(C::Metadata), true),
    // Bodies that ask for a verdict. What no row names there is the speaker's, as their texts are.
    Row(Z::Ask, &["text", "texts"], Z::Content, None, Some(C::Text), false),
    Row(Z::Ask, &["messages", "structured_messages"], Z::Messages, None, Some(C::Text), false),
    Row(Z::Ask, &["body"], Z::Ask, None, None, false),
    Row(Z::Ask, &["choices"], Z::Choices, None, Some(C::Text), false),
    Row(Z::Ask, &["images"], Z::Image, None, None, true),
    Row(Z::Ask, &["tools"], Z::Tools, Some(Role::Other), Some(C::ToolDefinition), false),
    Row(Z::Ask, &["tool_calls"], Z::ToolCalls, Some(Role::Assistant), Some(C::ToolArguments), false),
    Row(Z::Ask, &["model"], Z::Free, Some(Role::Other), Some(C::Metadata), true),
    Row(Z::Event, &["type", "item_id", "response_id", "call_id", "name", "status"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Event, &["response"], Z::Root, Some(Role::Assistant), Some(C::Metadata), false),
    Row(Z::Event, &["item"], Z::Item, Some(Role::Assistant), Some(C::Text), false),
    Row(Z::Event, &["part"], Z::Part, None, None, false),
    Row(Z::Event, &["logprobs"], Z::Logprobs, None, None, false),
    Row(Z::Event, &["partial_image_b64"], Z::Pixels, None, None, true),
    Row(
        Z::Item,
        &["role", "id", "type", "status", "phase", "call_id", "name", "namespace", "server_label", "approval_request_id", "execution"],
        Z::Free,
        None,
        Some(C::Metadata),
        true,
    ),
    Row(Z::Item, &["content"], Z::Content, None, None, false),
    Row(Z::Item, &["summary"], Z::Content, None, Some(C::Reasoning), false),
    Row(Z::Item, &["output", "outputs"], Z::Content, Some(Role::Tool), Some(C::ToolResult), false),
    Row(Z::Item, &["results", "error"], Z::Free, Some(Role::Tool), Some(C::ToolResult), false),
    Row(Z::Item, &["tools"], Z::Tools, Some(Role::Other), Some(C::ToolDefinition), false),
    Row(Z::Item, &["encrypted_content"], Z::Sealed, None, None, true),
    Row(Z::Form, &["format"], Z::Schema, Some(Role::Other), Some(C::ToolDefinition), false),
    Row(Z::Form, &["verbosity"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Prompt, &["id", "version"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Prompt, &["variables"], Z::Variables, None, None, false),
    Row(Z::Message, &["role", "id", "tool_call_id", "type"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Message, &["content"], Z::Content, None, Some(C::Text), false),
    Row(Z::Message, &["parts"], Z::Parts, None, None, false),
    Row(Z::Message, &["refusal"], Z::Free, None, Some(C::Text), false),
    Row(Z::Message, &["reasoning_content", "reasoning"], Z::Free, None, Some(C::Reasoning), false),
    Row(Z::Message, &["thinking_blocks", "reasoning_details"], Z::Content, None, Some(C::Reasoning), false),
    Row(Z::Message, &["images"], Z::Content, None, Some(C::Text), false),
    Row(Z::Message, &["audio"], Z::Audio, None, None, false),
    Row(Z::Message, &["tool_calls"], Z::ToolCalls, None, Some(C::ToolArguments), false),
    Row(Z::Message, &["function_call"], Z::ToolCall, None, Some(C::ToolArguments), false),
    Row(Z::Content, &["parts"], Z::Parts, None, None, false),
    Row(Z::Content, &["role"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Part, &["type", "id", "tool_use_id", "name", "stop_reason", "cache_control"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Part, &["logprobs"], Z::Logprobs, None, None, false),
    Row(Z::Part, &["text", "refusal"], Z::Free, None, None, false),
    Row(Z::Part, &["thinking"], Z::Free, None, Some(C::Reasoning), false),
    Row(Z::Part, &["input", "partial_json"], Z::Free, None, Some(C::ToolArguments), false),
    Row(Z::Part, &["content"], Z::Content, None, None, false),
    Row(Z::Part, &["signature", "encrypted_content", "thoughtSignature", "thought_signature"], Z::Sealed, None, None, true),
    Row(Z::Part, &["image_url", "video_url", "audio_url", "image", "video"], Z::Image, None, None, true),
    Row(Z::Part, &["input_audio", "audio"], Z::Audio, None, None, true),
    Row(Z::Part, &["file", "file_id", "file_data", "file_url", "fileData"], Z::File, None, None, true),
    Row(Z::Part, &["functionCall", "function_call", "toolCall", "tool_call"], Z::ToolCall, None, Some(C::ToolArguments), false),
    Row(
        Z::Part,
        &["functionResponse", "function_response", "toolResponse", "tool_response", "codeExecutionResult", "code_execution_result"],
        Z::Outcome,
        Some(Role::Tool),
        Some(C::ToolResult),
        false,
    ),
    Row(Z::Part, &["executableCode", "executable_code"], Z::Outcome, None, None, false),
    Row(Z::Part, &["inlineData", "inline_data"], Z::Blob, None, None, false),
    Row(Z::Part, &["audioTranscription", "audio_transcription"], Z::Transcript, None, Some(C::Text), false),
    Row(Z::Part, &["source"], Z::Source, None, None, false),
    Row(Z::Audio, &["id", "format"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Datum, &["embedding"], Z::Vector, None, None, true),
    Row(Z::Source, &["type", "media_type"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Source, &["content"], Z::Content, None, None, false),
    Row(Z::Outcome, &["name", "id", "language", "outcome", "toolType", "tool_type"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Outcome, &["parts"], Z::Parts, None, None, false),
    // One word each: a value that stands in several of them would be read in none.
    Row(Z::Transcript, &["words"], Z::Logprobs, None, None, false),
    Row(Z::Blob, &["mimeType", "mime_type"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Blob, &["data"], Z::Blob, None, None, true),
    Row(
        Z::Config,
        &[
            "responseSchema",
            "response_schema",
            "responseJsonSchema",
            "response_json_schema",
            "_responseJsonSchema",
            "responseFormat",
            "response_format",
        ],
        Z::Schema,
        None,
        Some(C::ToolDefinition),
        false,
    ),
    Row(
        Z::Config,
        &["functionCallingConfig", "function_calling_config", "responseMimeType", "response_mime_type"],
        Z::Free,
        None,
        None,
        true,
    ),
    Row(Z::Config, &["responseModalities", "response_modalities", "mediaResolution", "media_resolution"], Z::Free, None, None, true),
    Row(Z::ToolCall, &["id", "type", "name", "toolType", "tool_type"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::ToolCall, &["function", "custom"], Z::ToolCall, None, None, false),
    Row(Z::ToolCall, &["arguments", "input", "args", "partialArgs", "partial_args"], Z::Free, None, Some(C::ToolArguments), false),
    Row(Z::Tool, &["function", "custom"], Z::Tool, None, None, false),
    Row(Z::Tool, &["functionDeclarations", "function_declarations"], Z::Tools, None, None, false),
    Row(Z::Tool, &["name", "type", "cache_control"], Z::Free, None, None, true),
    Row(Z::Tool, &["parameters", "input_schema", "output_schema"], Z::Schema, None, None, false),
    Row(
        Z::Tool,
        &["parametersJsonSchema", "parameters_json_schema", "response", "responseJsonSchema", "response_json_schema"],
        Z::Schema,
        None,
        None,
        false,
    ),
    Row(Z::Tool, &["tools"], Z::Tools, None, None, false),
    // Of a tool that the provider reaches by itself: an edit would send it elsewhere, or with another key.
    Row(Z::Tool, &["server_url"], Z::Image, None, None, true),
    Row(Z::Tool, &["headers", "authorization", "server_label", "connector_id", "vector_store_ids"], Z::Free, None, None, true),
    Row(Z::Schema, &["enum", "required", "type", "$ref", "const", "format", "pattern", "name"], Z::Schema, None, None, true),
    Row(Z::Schema, &["ref", "propertyOrdering", "property_ordering"], Z::Schema, None, None, true),
    Row(Z::Schema, &["description", "title", "default", "examples", "example"], Z::Free, None, None, false),
    Row(Z::Choice, &["content"], Z::Message, None, Some(C::Text), false),
    Row(Z::Choice, &["finishReason"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Choice, &["logprobsResult", "logprobs_result", "avgLogprobs", "avg_logprobs"], Z::Logprobs, None, None, false),
    Row(
        Z::Choice,
        &["groundingMetadata", "grounding_metadata", "citationMetadata", "citation_metadata", "finishMessage", "finish_message"],
        Z::Free,
        None,
        Some(C::Text),
        false,
    ),
    Row(Z::Choice, &["message", "delta"], Z::Message, None, Some(C::Text), false),
    Row(Z::Choice, &["text"], Z::Free, None, Some(C::Text), false),
    Row(Z::Choice, &["finish_reason"], Z::Free, None, Some(C::Metadata), true),
    Row(Z::Choice, &["logprobs"], Z::Logprobs, None, None, false),
];

/// Where the rows of each zone begin and end; rows of one zone stand together, which a test checks.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse a bad index")]
const RANGES: [(usize, usize); Zone::Free as usize + 1] = {
    let mut ranges = [(0, 0); Zone::Free as usize + 1];
    let mut at = 0;
    while at < ROWS.len() {
        let zone = ROWS[at].0 as usize;
        if ranges[zone].1 == 0 {
            ranges[zone].0 = at;
        }
        at += 1;
        ranges[zone].1 = at;
    }
    ranges
};

fn rows_of(zone: Zone) -> &'static [Row] {
    RANGES.get(zone as usize).and_then(|(start, end)| ROWS.get(*start..*end)).unwrap_or_default()
}

impl Place {
    /// The place of a body's root.
    pub(crate) fn root(role: Role) -> Self {
        Self { zone: Zone::Root, role, class: TextClass::Metadata, fixed: false, growth: Growth::Whole }
    }

    /// The place of the top of a body that asks for a verdict: what is in it is what its speaker says.
    pub(crate) fn ask(role: Role) -> Self {
        Self { zone: Zone::Ask, ..Self::root(role) }
    }

    /// The place of the value under `key`.
    pub(crate) fn under(self, key: &str) -> Self {
        let growth = self.growth.under(self.zone, self.class, key);
        if self.zone == Zone::Free {
            return Self { growth, ..self };
        }
        let row = rows_of(self.zone).iter().find(|row| row.1.contains(&key));
        match row {
            Some(row) => Self { zone: row.2, role: row.3.unwrap_or(self.role), class: row.4.unwrap_or(self.class), fixed: row.5, growth },
            None => Self { zone: self.zone.inside(), fixed: self.fixed, growth, ..self },
        }
    }

    /// The place of a single object that stands where a list may: Google's parser takes it for a list of one.
    pub(crate) fn alone(self) -> Self {
        match self.zone {
            Zone::Messages | Zone::Parts | Zone::Tools => self.element(),
            _ => self,
        }
    }

    /// The place of an element of the array that stands here.
    pub(crate) fn element(self) -> Self {
        let zone = match self.zone {
            Zone::Messages => Zone::Message,
            Zone::Items => Zone::Item,
            Zone::Content | Zone::Parts => Zone::Part,
            Zone::ToolCalls => Zone::ToolCall,
            Zone::Tools => Zone::Tool,
            Zone::Choices => Zone::Choice,
            Zone::Data => Zone::Datum,
            Zone::Sealed => Zone::Free,
            other => other,
        };
        Self { zone, growth: self.growth.element(), ..self }
    }
}

impl Zone {
    /// Where an unknown key leads.
    fn inside(self) -> Self {
        match self {
            Self::Variables => Self::Part,
            Self::Schema | Self::Logprobs | Self::Image | Self::Audio | Self::File | Self::Source | Self::Vector => self,
            _ => Self::Free,
        }
    }
}

/// The role that a message's `role` names.
pub(crate) fn role_named(word: &str) -> Role {
    match word {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" | "model" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => Role::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_zone_stand_together() {
        for row in ROWS {
            assert!(rows_of(row.0).iter().all(|other| other.0 == row.0), "{:?} stands in two places", row.0);
        }
    }
}
