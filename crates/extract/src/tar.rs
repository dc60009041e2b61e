//! tar archives: every entry as a document, every name as text. Nothing is followed: links and devices are names.
//!
//! Own code: readers disagree about sizes, lone zeros and what stands behind the end; here each such place is told.

mod header;
mod pax;

use std::collections::BTreeSet;
use std::ops::Range;

use header::{BLOCK, Header, header, text};
pub use header::{MAGIC, MAGIC_AT};
use memchr::memmem;
use pax::Pax;

use crate::model::{Hint, Limit, Reason, Unreadable};
use crate::sink::Sink;

/// Whether the bytes begin with a header whose sum is right.
pub fn looks_like(bytes: &[u8]) -> bool {
    header::sum_is_right(crate::part(bytes, 0..BLOCK))
}

pub fn read(bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), Unreadable> {
    let table = Reader::new(bytes, sink.limits.entries).all();
    if table.names.is_empty() && !table.faults.is_empty() {
        return Err(Unreadable::Damaged);
    }
    for (place, reason) in &table.faults {
        sink.unread(place, *reason);
    }
    // A reader of PDF would begin with the header of the archive.
    if memmem::find(crate::part(bytes, 0..BLOCK), b"%PDF-").is_some() {
        sink.unread("", Reason::Ambiguous);
    }
    sink.cannot_render();
    let owners: Vec<&str> = table.owners.iter().map(String::as_str).collect();
    sink.text("names of entries", &[table.names.as_str(), &owners.join("\n")].concat());
    for entry in &table.entries {
        if !sink.take_entry(&entry.name) {
            break;
        }
        if !entry.data.is_empty() {
            let hint = Hint { media_type: None, file_name: Some(&entry.name) };
            sink.nested(&entry.name, crate::part(bytes, entry.data.clone()), &hint);
        }
    }
    Ok(())
}

struct Entry {
    name: String,
    data: Range<usize>,
}

/// What is in the archive.
#[derive(Default)]
struct Table {
    entries: Vec<Entry>,
    /// Of entries and links, with whatever extended headers say, a line for each.
    names: String,
    owners: BTreeSet<String>,
    faults: Vec<(String, Reason)>,
}

/// What headers for the next entry say of it.
#[derive(Default)]
struct Pending {
    pax: Pax,
    name: Option<String>,
    any: bool,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    most: usize,
    pending: Pending,
    table: Table,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], most: usize) -> Self {
        Self { bytes, at: 0, most, pending: Pending::default(), table: Table::default() }
    }

    /// Reads all headers. Every turn goes on by a block at least.
    fn all(mut self) -> Table {
        let (mut zeros, mut lost) = (0, false);
        while self.at < self.bytes.len() {
            let block = crate::part(self.bytes, self.at..(self.at + BLOCK).min(self.bytes.len()));
            let Some(header) = header(block) else {
                let is_zero = block.iter().all(|byte| *byte == 0);
                if !is_zero && !lost {
                    // Behind the end it is nobody's; before it, a header that is broken.
                    self.fault("", if zeros > 0 { Reason::Leftover } else { Reason::Damaged });
                    lost = true;
                }
                zeros += usize::from(is_zero);
                self.at += BLOCK;
                continue;
            };
            if zeros > 0 {
                // Many readers have stopped before.
                self.fault(&header.name, Reason::Ambiguous);
            }
            (zeros, lost) = (0, false);
            self.at += BLOCK;
            if !self.entry(header) {
                break;
            }
        }
        let pending = std::mem::take(&mut self.pending);
        self.told("", &pending.pax);
        if zeros == 0 || pending.any {
            self.fault("", Reason::Damaged);
        }
        self.table
    }

    fn fault(&mut self, place: &str, reason: Reason) {
        // As many as are told.
        if self.table.faults.len() < crate::MAX_UNREAD {
            self.table.faults.push((place.to_owned(), reason));
        }
    }

    /// Reads one entry. False: there are too many, or nobody knows where the next one is.
    fn entry(&mut self, header: Header) -> bool {
        let Some(size) = header.size else {
            self.line(&header.name);
            self.fault(&header.name, Reason::Damaged);
            return false;
        };
        if header.has_leftover {
            self.fault(&header.name, Reason::Leftover);
        }
        for owner in header.owners.iter().filter(|it| !it.is_empty()) {
            self.table.owners.insert(owner.clone());
        }
        match header.kind {
            b'x' | b'X' | b'g' | b'L' | b'K' => {
                self.line(&header.name);
                let data = self.take(&header.name, size);
                self.about_the_next(&header, data);
                true
            }
            _ => self.file(header, size),
        }
    }

    /// A header that says something of the entries that follow.
    fn about_the_next(&mut self, header: &Header, data: Range<usize>) {
        let content = crate::part(self.bytes, data);
        match header.kind {
            b'L' | b'K' => {
                let content = content.strip_suffix(b"\0").unwrap_or(content);
                let name = text(content);
                self.line(&name);
                self.pending.any = true;
                if header.kind == b'L' {
                    self.pending.name = Some(name);
                }
            }
            b'g' => {
                let mut pax = Pax::default();
                pax.read(content);
                // Not all readers carry these on to every entry.
                if pax.path.is_some() || pax.size.is_some() || pax.is_sparse {
                    self.fault(&header.name, Reason::Ambiguous);
                }
                self.told(&header.name, &pax);
            }
            _ => {
                self.pending.pax.read(content);
                self.pending.any = true;
            }
        }
    }

    fn told(&mut self, place: &str, pax: &Pax) {
        self.table.names.push_str(&pax.texts);
        if pax.is_damaged {
            self.fault(place, Reason::Damaged);
        }
        if pax.has_leftover {
            self.fault(place, Reason::Leftover);
        }
    }

    fn file(&mut self, header: Header, size: u64) -> bool {
        let Pending { pax, name, .. } = std::mem::take(&mut self.pending);
        // What is written in the header is text too, when another name stands in its place.
        self.line(&header.name);
        self.line(&header.link);
        let place = pax.path.clone().or(name).unwrap_or(header.name);
        self.told(&place, &pax);
        if self.table.entries.len() >= self.most {
            self.fault(&place, Reason::Limit(Limit::Entries));
            return false;
        }
        let true_size = pax.size.unwrap_or(size);
        if true_size != size {
            self.fault(&place, Reason::Ambiguous);
        }
        if header.more_sparse {
            self.skip_sparse_headers();
        }
        // Some writers tell the size of what such an entry is a name of, and have nothing behind it; others have its content there.
        let is_name_only = matches!(header.kind, b'1'..=b'6' | b'V') && true_size > 0;
        if is_name_only {
            self.fault(&place, Reason::Ambiguous);
        }
        let data = if is_name_only && self.at_header() { self.at..self.at } else { self.take(&place, true_size) };
        let sparse = header.kind == b'S' || pax.is_sparse;
        if sparse {
            self.fault(&place, Reason::Method);
        }
        if header.kind == b'M' {
            // The end of a file that began in another archive.
            self.fault(&place, Reason::Damaged);
        }
        if matches!(header.kind, b'D' | b'N') {
            // Names between zeros.
            self.line(&text(crate::part(self.bytes, data.clone())));
        }
        let is_read = !sparse && !matches!(header.kind, b'D' | b'N');
        self.table.entries.push(Entry { name: place, data: if is_read { data } else { 0..0 } });
        true
    }

    fn line(&mut self, line: &str) {
        if !line.is_empty() {
            // Readers end a name at a zero; what is behind it is text all the same.
            self.table.names.extend([&*line.replace('\0', "\n"), "\n"]);
        }
    }

    /// The content of an entry, as far as it is there. Goes on to the block behind it.
    fn take(&mut self, place: &str, size: u64) -> Range<usize> {
        let start = self.at.min(self.bytes.len());
        let wanted = usize::try_from(size).ok().and_then(|size| start.checked_add(size));
        let Some(end) = wanted.filter(|end| *end <= self.bytes.len()) else {
            self.fault(place, Reason::Damaged);
            self.at = self.bytes.len();
            return start..self.bytes.len();
        };
        self.at = end.next_multiple_of(BLOCK);
        let padding = crate::part(self.bytes, end..self.at.min(self.bytes.len()));
        if padding.iter().any(|byte| *byte != 0) {
            self.fault(place, Reason::Leftover);
        }
        start..end
    }

    /// Whether a header or the end is here.
    fn at_header(&self) -> bool {
        let block = crate::part(self.bytes, self.at..(self.at + BLOCK).min(self.bytes.len()));
        block.iter().all(|byte| *byte == 0) || header::sum_is_right(block)
    }

    /// Passes over the maps of a sparse file of the old GNU form.
    fn skip_sparse_headers(&mut self) {
        let mut more = true;
        while more && self.at < self.bytes.len() {
            more = self.bytes.get(self.at + 504).is_some_and(|byte| *byte != 0);
            self.at += BLOCK;
        }
    }
}
