//! The files of a ZIP archive as they are, for whoever wants one of them and no text. The table is read as that of a document is: an
//! archive in which something may hide is none.

use crate::model::{Limits, Reason};
use crate::sink::Sink;
use crate::zip::{self, Entry};

/// A ZIP archive.
pub struct Archive<'b> {
    bytes: &'b [u8],
    entries: Vec<Entry>,
}

impl<'b> Archive<'b> {
    /// Reads the table of an archive, of so many entries at most.
    ///
    /// # Errors
    /// When it is damaged, holds more, or holds what its table does not tell.
    pub fn open(bytes: &'b [u8], most: usize) -> Result<Self, Reason> {
        let table = zip::table(bytes, most);
        match table.faults.into_iter().next() {
            Some((_, reason)) => Err(reason),
            None => Ok(Self { bytes, entries: table.entries }),
        }
    }

    /// The names of its files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The bytes of a file, so many at most.
    ///
    /// # Errors
    /// When it is damaged, encrypted, longer, packed in a way that is not read, or when there is none or more than one of that name.
    pub fn read(&self, name: &str, most: usize) -> Result<Vec<u8>, Reason> {
        let mut named = self.entries.iter().filter(|entry| entry.name == name);
        let (Some(entry), None) = (named.next(), named.next()) else { return Err(Reason::Ambiguous) };
        let limits = Limits { inflated_bytes: most, inflate_ratio: usize::MAX, ..Limits::default() };
        let (bytes, fault) = entry.read(self.bytes, &mut Sink::new(&limits));
        fault.map_or(Ok(bytes), Err)
    }
}
