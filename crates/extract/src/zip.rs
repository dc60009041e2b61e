//! The table of a ZIP archive, read so that nothing in it can hide: the central directory, every local header that it does not list,
//! and the bytes that belong to neither. Format: PKWARE APPNOTE 6.3.
//!
//! Own code, because readers that give entries by name drop the second of two with one name, and none tells what lies between.

use std::ops::Range;

use memchr::memmem;

use crate::inflate::inflate;
use crate::model::{Limit, Reason};
use crate::sink::Sink;

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    method: u16,
    encrypted: bool,
    crc: u32,
    /// The packed bytes. Open at the end when the header does not say.
    data: Range<usize>,
    sizes_known: bool,
    /// Its comment and other free text of the directory.
    pub comment: String,
}

/// What is in the archive.
#[derive(Debug, Default)]
pub struct Table {
    pub entries: Vec<Entry>,
    /// Entries found without the directory, or other than it says.
    pub faults: Vec<(String, Reason)>,
    /// The comment of the archive.
    pub comment: String,
}

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

fn len_at(bytes: &[u8], at: usize) -> Option<usize> {
    u16_at(bytes, at).map(usize::from)
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads the table. At most `most` entries.
pub fn table(bytes: &[u8], most: usize) -> Table {
    let mut table = Table::default();
    let mut covered = Vec::new();
    match directory(bytes) {
        Some(directory) => {
            table.comment = name(directory.comment);
            covered.push(directory.range.start..bytes.len());
            listed(bytes, &directory, most, &mut table, &mut covered);
        }
        None => table.faults.push((String::new(), Reason::Damaged)),
    }
    unlisted(bytes, most, &mut table, covered);
    table
}

struct Directory<'a> {
    /// Of the central directory's entries.
    range: Range<usize>,
    /// What is in front of the archive, so that offsets count from there.
    shift: usize,
    comment: &'a [u8],
}

fn directory(bytes: &[u8]) -> Option<Directory<'_>> {
    let tail_from = bytes.len().saturating_sub(66_000);
    let end = tail_from + memmem::rfind(crate::rest(bytes, tail_from), END)?;
    let (mut size, mut offset) = (size_at(bytes, end + 12)?, size_at(bytes, end + 16)?);
    let mut directory_end = end;
    if (size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF)
        && let Some(at) = memmem::rfind(crate::part(bytes, 0..end), b"PK\x06\x06")
    {
        let wide = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes).and_then(|it| usize::try_from(it).ok());
        (size, offset) = (wide(at + 40)?, wide(at + 48)?);
        directory_end = at;
    }
    let start = directory_end.checked_sub(size)?;
    let comment_len = len_at(bytes, end + 20)?;
    let comment = crate::part(bytes, end + 22..(end + 22 + comment_len).min(bytes.len()));
    Some(Directory { range: start..directory_end, shift: start.checked_sub(offset)?, comment })
}

fn listed(bytes: &[u8], directory: &Directory<'_>, most: usize, table: &mut Table, covered: &mut Vec<Range<usize>>) {
    let mut at = directory.range.start;
    while crate::rest(bytes, at).starts_with(CENTRAL) && at < directory.range.end {
        if table.entries.len() >= most {
            table.faults.push((String::new(), Reason::Limit(Limit::Entries)));
            return;
        }
        let Some((entry, local, next)) = central(bytes, at) else { break };
        at = next;
        let place = entry.name.clone();
        match with_local(bytes, entry, local.saturating_add(directory.shift)) {
            Some((entry, range, agrees)) => {
                if !agrees {
                    table.faults.push((place, Reason::Ambiguous));
                }
                covered.push(range);
                table.entries.push(entry);
            }
            None => table.faults.push((place, Reason::Damaged)),
        }
    }
    if at != directory.range.end {
        table.faults.push((String::new(), Reason::Damaged));
    }
}

/// An entry of the central directory, where its local header is, and where the next entry starts.
fn central(bytes: &[u8], at: usize) -> Option<(Entry, usize, usize)> {
    let flags = u16_at(bytes, at + 8)?;
    let (name_len, extra_len, comment_len) = (len_at(bytes, at + 28)?, len_at(bytes, at + 30)?, len_at(bytes, at + 32)?);
    let name_at = at + 46;
    let extra_at = name_at + name_len;
    let comment_at = extra_at + extra_len;
    let next = comment_at + comment_len;
    let (mut packed, mut local) = (u64::from(u32_at(bytes, at + 20)?), u64::from(u32_at(bytes, at + 42)?));
    wide_sizes(crate::part(bytes, extra_at..comment_at), u32_at(bytes, at + 24)?, &mut packed, &mut local);
    let entry = Entry {
        name: name(bytes.get(name_at..extra_at)?),
        method: u16_at(bytes, at + 10)?,
        encrypted: flags & 1 != 0 || flags & 0x2000 != 0,
        crc: u32_at(bytes, at + 16)?,
        data: 0..usize::try_from(packed).ok()?,
        sizes_known: true,
        comment: name(bytes.get(comment_at..next)?),
    };
    Some((entry, usize::try_from(local).ok()?, next))
}

/// Takes sizes of more than 32 bits from the extra field 1.
fn wide_sizes(mut extra: &[u8], unpacked: u32, packed: &mut u64, local: &mut u64) {
    while let (Some(id), Some(len)) = (u16_at(extra, 0), len_at(extra, 2)) {
        let mut field = crate::part(extra, 4..4 + len);
        if id == 1 {
            let mut wide = |value: &mut u64| {
                if let Some((first, rest)) = field.split_first_chunk::<8>() {
                    *value = u64::from_le_bytes(*first);
                    field = rest;
                }
            };
            if unpacked == u32::MAX {
                wide(&mut 0);
            }
            if *packed == u64::from(u32::MAX) {
                wide(packed);
            }
            if *local == u64::from(u32::MAX) {
                wide(local);
            }
            return;
        }
        extra = crate::rest(extra, 4 + len);
    }
}

/// Finds the data behind the local header. Also which bytes header and data are, and whether both headers say the same.
fn with_local(bytes: &[u8], mut entry: Entry, at: usize) -> Option<(Entry, Range<usize>, bool)> {
    let (local, start) = local_header(bytes, at)?;
    let end = start.checked_add(entry.data.end).filter(|end| *end <= bytes.len())?;
    let agrees = local.name == entry.name && local.method == entry.method && (!local.sizes_known || local.data.len() == end - start);
    entry.encrypted |= local.encrypted;
    entry.data = start..end;
    Some((entry, at..end, agrees))
}

/// An entry as its local header tells it, and where its data starts.
fn local_header(bytes: &[u8], at: usize) -> Option<(Entry, usize)> {
    if !crate::rest(bytes, at).starts_with(LOCAL) {
        return None;
    }
    let flags = u16_at(bytes, at + 6)?;
    let name_at = at + 30;
    let name_end = name_at + len_at(bytes, at + 26)?;
    let start = name_end + len_at(bytes, at + 28)?;
    let packed = size_at(bytes, at + 18)?;
    let sizes_known = flags & 8 == 0 && packed != 0xFFFF_FFFF;
    let end = if sizes_known { start.checked_add(packed)?.min(bytes.len()) } else { bytes.len() };
    let entry = Entry {
        name: name(bytes.get(name_at..name_end)?),
        method: u16_at(bytes, at + 8)?,
        encrypted: flags & 1 != 0 || flags & 0x2000 != 0,
        crc: u32_at(bytes, at + 14)?,
        data: start.min(end)..end,
        sizes_known,
        comment: String::new(),
    };
    Some((entry, start))
}

/// Entries that only their local headers tell of, and bytes that are nobody's.
fn unlisted(bytes: &[u8], most: usize, table: &mut Table, mut covered: Vec<Range<usize>>) {
    covered.sort_by_key(|range| range.start);
    covered.push(bytes.len()..bytes.len());
    let mut at = 0;
    for range in covered {
        while at < range.start {
            let gap = crate::part(bytes, at..range.start);
            let Some(found) = memmem::find(gap, LOCAL) else {
                leftover(gap, table);
                break;
            };
            leftover(crate::part(gap, 0..found), table);
            let Some((mut entry, start)) = local_header(bytes, at + found).filter(|it| it.1 <= range.start) else {
                at += found + LOCAL.len();
                continue;
            };
            if table.entries.len() >= most {
                table.faults.push((entry.name, Reason::Limit(Limit::Entries)));
                return;
            }
            if entry.sizes_known {
                at = entry.data.end;
            } else {
                // A stored entry ends where the next header starts; a deflated one says itself where it ends.
                let next = memmem::find(crate::part(bytes, start..range.start), b"PK").map_or(range.start, |it| start + it);
                entry.data.end = if entry.method == 0 { next } else { range.start };
                at = next;
            }
            table.faults.push((entry.name.clone(), Reason::Ambiguous));
            table.entries.push(entry);
        }
        at = at.max(range.end);
    }
}

fn leftover(gap: &[u8], table: &mut Table) {
    // A data descriptor is 12 to 24 bytes; alignment is zeros.
    if gap.len() > 24 && gap.iter().any(|byte| *byte != 0) {
        table.faults.push((String::new(), Reason::Leftover));
    }
}

impl Entry {
    /// The bytes of the entry, as far as they can be had, and why they are not all of it.
    pub fn read(&self, bytes: &[u8], sink: &mut Sink<'_>) -> (Vec<u8>, Option<Reason>) {
        let packed = crate::part(bytes, self.data.clone());
        if self.encrypted {
            return (Vec::new(), Some(Reason::Encrypted));
        }
        let (content, fault) = match self.method {
            0 if packed.len() > sink.inflate_cap(packed.len()) => (Vec::new(), Some(Reason::Limit(Limit::Inflate))),
            0 => {
                sink.took_inflated(packed.len());
                (packed.to_vec(), None)
            }
            8 => {
                let inflated = inflate(packed, false, sink);
                (inflated.bytes, inflated.fault)
            }
            _ => (Vec::new(), Some(Reason::Method)),
        };
        let broken = fault.is_none() && self.sizes_known && crc32fast::hash(&content) != self.crc;
        (content, fault.or_else(|| broken.then_some(Reason::Damaged)))
    }

    pub const fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// A folder has no content of its own.
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/') && self.data.len() <= 2
    }
}
