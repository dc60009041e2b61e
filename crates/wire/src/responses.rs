//! OpenAI's Responses API: what its stream events tell of, and its words.
//!
//! A text grows through events `response.<stem>.delta`; `response.<stem>.done` repeats it and ends it. An item ends with
//! `response.output_item.done`, everything with `response.completed` and its kin.

use bartizan_vocabulary::{Role, TextClass};

use crate::channel::Growth;

/// What a stream event of this format tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// What the model says: text, a refusal, the transcript of its voice.
    Text,
    /// What it thinks.
    Reasoning,
    /// What it calls a tool with: arguments, code, commands.
    Arguments,
    /// What a tool gave.
    Output,
    /// Its voice, in base64.
    Audio,
    /// An item, a part, or the whole answer, all of it complete.
    Complete,
    /// What nobody knows yet: a piece of a text, or a complete one.
    Unknown,
}

/// Stems of the events whose `delta` is a piece of a text.
const STEMS: &[(&str, Told)] = &[
    ("output_text", Told::Text),
    ("refusal", Told::Text),
    ("audio.transcript", Told::Text),
    ("audio_transcript", Told::Text),
    ("output_audio_transcript", Told::Text),
    ("reasoning", Told::Reasoning),
    ("reasoning_text", Told::Reasoning),
    ("reasoning_summary", Told::Reasoning),
    ("reasoning_summary_text", Told::Reasoning),
    ("reasoning_summary_part", Told::Reasoning),
    ("function_call_arguments", Told::Arguments),
    ("mcp_call_arguments", Told::Arguments),
    ("mcp_call.arguments", Told::Arguments),
    ("custom_tool_call_input", Told::Arguments),
    ("code_interpreter_call_code", Told::Arguments),
    ("code_interpreter_call.code", Told::Arguments),
    ("shell_call_command", Told::Arguments),
    ("shell_call_output_content", Told::Output),
    ("audio", Told::Audio),
    ("output_audio", Told::Audio),
];

impl Told {
    /// What an event of this type tells of; `None` when it is of another format.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        let rest = kind.strip_prefix("response.")?;
        let (stem, last) = rest.rsplit_once('.').unwrap_or(("", rest));
        let known = STEMS.iter().find(|(name, _)| *name == stem).map(|(_, told)| *told);
        Some(match (known, last) {
            (Some(told), _) => told,
            (None, "delta") => Self::Unknown,
            (None, _) => Self::Complete,
        })
    }

    /// Who wrote what stands at the top of the event.
    pub(crate) fn role(self) -> Role {
        if self == Self::Output { Role::Tool } else { Role::Assistant }
    }

    /// What that is.
    pub(crate) fn class(self) -> TextClass {
        match self {
            Self::Text | Self::Audio | Self::Complete | Self::Unknown => TextClass::Text,
            Self::Reasoning => TextClass::Reasoning,
            Self::Arguments => TextClass::ToolArguments,
            Self::Output => TextClass::ToolResult,
        }
    }

    /// How it comes.
    pub(crate) fn growth(self) -> Growth {
        match self {
            Self::Audio | Self::Complete => Growth::Whole,
            Self::Unknown => Growth::Rumour,
            _ => Growth::Told,
        }
    }
}

/// The part of an event's type that names the text: `output_text` of `response.output_text.delta` and `….done`.
pub(crate) fn stem(kind: &str) -> Option<&str> {
    kind.strip_prefix("response.").map(|rest| rest.rsplit_once('.').map_or(rest, |(stem, _)| stem))
}

/// Whether an event repeats a text that grew, and ends it.
pub(crate) fn ends_text(kind: &str) -> bool {
    kind.starts_with("response.") && kind.rsplit('.').next() == Some("done") && !ends_item(kind)
}

/// Whether an item, with all of its texts, ends.
pub(crate) fn ends_item(kind: &str) -> bool {
    kind == "response.output_item.done"
}

/// Whether nothing follows.
pub(crate) fn ends_all(kind: &str) -> bool {
    matches!(kind, "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled")
}

/// Members that tell one text of an item from another, beside the kind of event.
pub(crate) const INDEXES: &[&str] = &["content_index", "summary_index", "command_index"];

/// Member names and enumeration values of this format that no other has. Sorted.
#[rustfmt::skip]
pub(crate) const WORDS: &[&str] = &[
    "action", "additional_tools", "allowed_tools", "annotation", "annotation_index", "apply_patch", "apply_patch_call",
    "apply_patch_call_output", "approval_request_id", "background", "call_id", "caller", "code_interpreter", "code_interpreter_call",
    "command", "command_index", "commands", "compaction", "completed", "completed_at", "computer_call", "computer_call_output",
    "computer_screenshot", "content_index", "conversation", "created_at", "custom_tool_call", "custom_tool_call_output", "file_citation",
    "file_path", "file_search", "file_search_call", "file_url", "find_in_page", "function_call_output", "image_generation",
    "image_generation_call", "in_progress", "include", "include_obfuscation", "incomplete", "incomplete_details", "input_file",
    "input_image", "input_tokens_details", "instructions", "item", "item_id", "item_reference", "local_shell", "local_shell_call",
    "local_shell_call_output", "logs", "max_output_tokens", "max_tool_calls", "mcp", "mcp_approval_request", "mcp_approval_response",
    "mcp_call", "mcp_list_tools", "obfuscation", "open_page", "operation", "output", "output_index", "output_tokens_details", "outputs",
    "part", "phase", "previous_response_id", "prompt", "prompt_cache_retention", "queries", "queued", "reasoning_text",
    "require_approval", "response", "response.completed", "response.content_part.added", "response.content_part.done",
    "response.created", "response.failed", "response.function_call_arguments.delta", "response.function_call_arguments.done",
    "response.in_progress", "response.incomplete", "response.output_item.added", "response.output_item.done",
    "response.output_text.annotation.added", "response.output_text.delta", "response.output_text.done", "response.queued",
    "response.reasoning_summary_part.added", "response.reasoning_summary_part.done", "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done", "response.reasoning_text.delta", "response.reasoning_text.done", "response.refusal.delta",
    "response.refusal.done", "response_id", "result", "results", "safety_identifier", "sequence_number", "server_label", "server_url",
    "shell_call", "shell_call_output", "status", "stderr", "stdout", "summary", "summary_index", "summary_text", "truncation",
    "variables", "verbosity", "version", "web_search", "web_search_call",
];
