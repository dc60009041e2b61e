//! Words about inspected text: who wrote it, what it is, what was found, what was decided.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Label, RuleId};

macro_rules! closed_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word used in policies, events and documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWordError;

            fn from_str(word: &str) -> Result<Self, UnknownWordError> {
                match word { $($word => Ok(Self::$variant),)+ _ => Err(UnknownWordError) }
            }
        }
    };
}

pub(crate) use closed_words;

/// A word that is not one of a closed list. The caller names the list and the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a known word")]
pub struct UnknownWordError;

closed_words!(
    /// Who wrote a piece of text, as the wire format says it.
    Role {
        /// System or developer instructions.
        System = "system",
        /// What the caller itself wrote.
        User = "user",
        /// What the model wrote.
        Assistant = "assistant",
        /// What a tool returned.
        Tool = "tool",
        /// Anything else: definitions, metadata, unknown fields.
        Other = "other",
    }
);

closed_words!(
    /// What a piece of text is within its message. Part of the findings cache key.
    TextClass {
        /// Prose written by or for a person.
        Text = "text",
        /// Reasoning text of a model.
        Reasoning = "reasoning",
        /// Arguments of a tool call.
        ToolArguments = "tool_arguments",
        /// Result of a tool call.
        ToolResult = "tool_result",
        /// Name, description or schema of a tool.
        ToolDefinition = "tool_definition",
        /// Document or retrieved text inside a message.
        Document = "document",
        /// An object key.
        Key = "key",
        /// A number literal of eight digits or more.
        Number = "number",
        /// Everything else: metadata, names, unknown fields, headers, query strings.
        Metadata = "metadata",
    }
);

closed_words!(
    /// Content that could not be read as text. Policy judges it as the label `uninspected.<word>`.
    UninspectedKind {
        /// Image bytes or an image reference.
        Image = "image",
        /// Audio bytes.
        Audio = "audio",
        /// A file or document in a form that is not extracted yet.
        File = "file",
        /// A reference that somebody else would fetch.
        RemoteUrl = "remote_url",
        /// Signed or encrypted by the provider: goes back byte-identical.
        Sealed = "sealed",
        /// Larger than a limit.
        OverLimit = "over_limit",
        /// A content encoding that is not read.
        Encoding = "encoding",
        /// Token numbers in the place of text.
        Tokens = "tokens",
    }
);

closed_words!(
    /// What became of an interaction. Sent as `bartizan-decision`.
    Decision {
        /// Passed on as it came.
        Permit = "permit",
        /// Passed on with edits.
        Remedied = "remedied",
        /// Refused by policy, identity or input rules.
        Blocked = "blocked",
        /// Refused because a guard, the ledger or a policy evaluation failed.
        Failed = "failed",
    }
);

closed_words!(
    /// What a policy asks for. Declared strongest first.
    Remedy {
        /// Refuse.
        Block = "block",
        /// Park until an approver decides.
        Hold = "hold",
        /// Send to another model.
        Reroute = "reroute",
        /// Replace by a fixed word.
        Redact = "redact",
        /// Replace all but a part.
        Mask = "mask",
        /// Replace by an invented value of the same form.
        Surrogate = "surrogate",
        /// Replace by the value sealed under a key.
        Encrypt = "encrypt",
        /// Replace by a reversible pseudonym.
        Tokenise = "tokenise",
        /// Clean the text.
        Sanitise = "sanitise",
        /// Pass on and say why it mattered.
        Coach = "coach",
        /// Pass on and record.
        Log = "log",
    }
);

/// Something that a rule found in one text. Carries no value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// First byte, an offset into the inspected (unescaped) text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub label: Label,
    /// Which rule found it.
    pub rule: RuleId,
    /// Confidence in basis points, 0 to 10,000.
    pub score_bp: u16,
}
