//! JSON as byte spans: reading without a tree, text of strings, splicing edits back. RFC 8259.
//!
//! Nothing here builds a value that could be written out again: what is not edited is copied byte for byte.

mod context;
mod escape;
mod reader;
mod splice;
mod tape;

pub use context::{JsonContext, Place};
pub use escape::{escape_into, raw_offsets, unescape};
pub use reader::{JsonError, JsonLimits};
pub use splice::{Splice, splice};
pub use tape::{Node, NodeId, NodeKind, Tape};
