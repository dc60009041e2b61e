//! What a company's own tables and documents have in common when they are looked for in a text: words in one form, keyed hashes,
//! a filter, and how what is found joins what the rules found. The tables live in [`crate::exact`], the documents in
//! [`crate::prints`].

mod filter;
mod form;
mod key;
mod scan;
mod walk;

pub(crate) use filter::{BLOCK, Filter, blocks_for};
pub use form::{IndexBytes, IndexError};
pub(crate) use form::{Reader, Sorted, changed, label_is_good, seal, word};
pub use key::IndexKey;
pub(crate) use key::{Keys, hex};
pub use scan::KnownScan;
pub(crate) use walk::{GAP, LONGEST, Walk, Word, before};

/// Values of a company's own come before what rules find, except secrets.
pub(crate) const RANK: u8 = 55;

/// Something that was recognised. Positions are those of the normalised text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) score_bp: u16,
    /// Which of the recogniser's sources it came from: the number of a document, 0 for a table.
    pub(crate) source: u32,
}
