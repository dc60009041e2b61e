#![doc = include_str!("../README.md")]
//!
//! Sources of the formats: RFC 8259 (JSON), RFC 6901 (pointers), WHATWG HTML (server-sent events), and the published API references
//! of OpenAI (chat completions, responses), Anthropic (messages) and Google (Gemini).

mod as_text;
mod ask;
mod body;
mod channel;
mod control;
mod event;
mod files;
mod frames;
#[doc(hidden)]
pub mod fuzz;
mod gemini;
pub mod json;
mod json_array;
mod kind;
mod multipart;
pub mod refusal;
mod responses;
mod route;
mod said;
mod sse;
mod stored;
mod tag;
pub mod translate;
mod unread;
mod usage;
mod weight;
mod words;
mod zone;

pub use as_text::{AsText, as_text};
pub use ask::{Ask, Content, Repeats, ask, asked, read_ask};
pub use body::{Form, Part, Reading, Side, Unread, read};
pub use channel::Channel;
pub use control::{Control, ControlError, control};
pub use event::{EventReading, is_done, read_event};
pub use files::{FilePage, SHOWN_BOUNDARY, SHOWN_FILE, Upload, file_page, upload, write_file_page};
pub use frames::{FrameError, Frames, Framing};
pub use gemini::caches::{CachePage, cache_id, cache_page, is_empty_object, made_cache, write_cache_page};
pub use json_array::ArrayReader;
pub use multipart::{FormError, FormPart, boundary, form};
pub use route::{Call, Dialect, Family, Found, Route, around_item, around_object, shape_for_google, shape_of};
pub use said::Said;
pub use sse::{Frame, SseError, SseReader};
pub use stored::conversations::{is_conversation, told};
pub use stored::{Kept, Made, file_mentions, is_deleted, is_object_id, made, made_by_event, made_object};
pub use unread::{Attachment, attachment};
pub use usage::Usage;
pub use weight::{Weight, heft, written};
pub use words::{is_format_key, is_known as is_format_word, says_nothing};
