//! Exact data match: values of a company's own table in a text, confirmed by other values of the same row near them. What lives
//! here: how a table becomes an index ([`Builder`]), how an index lies in bytes ([`Exact`]), the walk over a text.

mod build;
mod fuzz;
mod hints;
mod near;
mod table;
mod tagger;

pub use build::{Builder, Built, Refusal, Settings};
#[doc(hidden)]
pub use fuzz::fuzz_exact;
pub use table::Exact;
pub(crate) use tagger::Tagger;

/// Most words of a value.
pub(crate) const WORDS: usize = 16;
/// Bytes of the beginning of a longer value that are looked for first, and then.
pub(crate) const FIRST: usize = 4;
pub(crate) const OPENING: usize = 8;
/// Most corroborating columns.
pub(crate) const COLUMNS: usize = 16;
/// Most characters between a value and what confirms it.
pub(crate) const FARTHEST: usize = 2_000;
/// Most rows of one value that are looked at.
pub(crate) const ROWS: usize = 1_000;
/// Bytes of the hash of a corroborating value; all zero is none.
pub(crate) const SHORT: usize = 5;
/// Bytes of an entry.
pub(crate) const ENTRY: usize = 8;
/// Most rows of an index.
pub(crate) const MOST: usize = 100_000_000;

/// The short hash of a corroborating value, never that of none.
pub(crate) fn short(hash: u64) -> u64 {
    (hash >> (64 - 8 * SHORT)).max(1)
}
