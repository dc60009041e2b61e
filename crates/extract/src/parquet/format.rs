//! What the footer says: columns, row groups, and where their bytes are. Nothing of it is believed before it is used.

use std::ops::Range;

use crate::model::{Limit, Reason, Unreadable};
use crate::parquet::Source;
use crate::parquet::codec::Codec;
use crate::parquet::form::{Form, Physical};
use crate::parquet::thrift::{Value, parse};

/// What a file begins and ends with; the second one has an encrypted footer.
pub const MAGIC: [&[u8]; 2] = [b"PAR1", b"PARE"];

/// Bytes of a footer.
const FOOTER: usize = 64 << 20;
/// Nodes of a footer: some 40 for a column of a row group.
const NODES: usize = 2 << 20;
/// Nested groups of columns.
const DEPTH: usize = 64;

/// A column that holds values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name with those of the groups around it, parted by dots.
    pub name: String,
    pub physical: Physical,
    pub form: Form,
    /// At which level of definition there is a value.
    pub defined: u32,
    /// The deepest level of repetition; 0 when there is at most one value a row.
    pub repeated: u32,
}

/// A column of a row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub codec: Codec,
    pub values: u64,
    /// Where its pages are.
    pub range: Range<u64>,
    /// Why they cannot be read.
    pub fault: Option<Reason>,
}

/// Rows that are stored together, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub rows: u64,
    pub chunks: Vec<Chunk>,
}

/// What the footer says.
#[derive(Default)]
pub struct Footer {
    pub columns: Vec<Column>,
    pub groups: Vec<Group>,
    pub rows: u64,
    /// Names and values that are kept beside the table.
    pub notes: String,
    /// Texts in statistics of whole column chunks.
    pub statistics: String,
    /// Indexes of pages: their statistics, which hold texts.
    pub indexes: Vec<Range<u64>>,
    /// All bytes that something points to.
    pub covered: Vec<Range<u64>>,
}

/// Whether bytes are a file of this form, whatever stands in it.
pub fn looks_like(bytes: &[u8]) -> bool {
    let opens = MAGIC.iter().any(|magic| bytes.starts_with(magic));
    opens && footer_range(bytes.len() as u64, crate::rest(bytes, bytes.len().saturating_sub(8))).is_some()
}

/// Where the footer is, by the last eight bytes of a file.
fn footer_range(size: u64, tail: &[u8]) -> Option<Range<u64>> {
    let (len, magic) = tail.split_first_chunk()?;
    let end = size.checked_sub(8)?;
    let start = end.checked_sub(u64::from(u32::from_le_bytes(*len)))?;
    (MAGIC.contains(&magic) && start >= 4).then_some(start..end)
}

/// Reads the footer.
pub fn read(source: &mut impl Source) -> Result<Footer, Unreadable> {
    let size = source.size();
    let tail = size.checked_sub(8).and_then(|at| source.bytes(at, 8)).ok_or(Unreadable::Damaged)?.into_owned();
    let range = footer_range(size, &tail).ok_or(Unreadable::Damaged)?;
    if tail.ends_with(b"PARE") {
        return Err(Unreadable::Encrypted);
    }
    let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    if len > FOOTER {
        return Err(Unreadable::TooLarge(Limit::Work));
    }
    let bytes = source.bytes(range.start, len).ok_or(Unreadable::Damaged)?.into_owned();
    let (tree, used) = parse(&bytes, NODES).map_err(|fault| match Reason::from(fault) {
        Reason::Limit(limit) => Unreadable::TooLarge(limit),
        _ => Unreadable::Damaged,
    })?;
    let mut footer = Footer { columns: columns(tree.list(2)).ok_or(Unreadable::Damaged)?, ..Footer::default() };
    // A footer that is signed, not encrypted, ends with its signature.
    let signed = tree.field(8).is_some();
    footer.covered = vec![0..4, range.start..if signed { size } else { range.start + used as u64 }, range.end..size];
    footer.rows = u64::try_from(tree.int(3).unwrap_or_default()).map_err(|_| Unreadable::Damaged)?;
    notes(&tree, &mut footer.notes);
    for group in tree.list(4) {
        let group = footer.group(group, size).ok_or(Unreadable::Damaged)?;
        footer.groups.push(group);
    }
    Ok(footer)
}

impl Footer {
    fn group(&mut self, tree: &Value<'_>, size: u64) -> Option<Group> {
        let chunks = tree.list(1);
        if chunks.len() != self.columns.len() {
            return None;
        }
        let mut group = Group { rows: u64::try_from(tree.int(3)?).ok()?, chunks: Vec::with_capacity(chunks.len()) };
        for (index, chunk) in chunks.iter().enumerate() {
            let texts = self.columns.get(index).is_some_and(|column| column.form.is_text());
            group.chunks.push(self.chunk(chunk, size, texts)?);
        }
        Some(group)
    }

    fn chunk(&mut self, tree: &Value<'_>, size: u64, texts: bool) -> Option<Chunk> {
        let Some(meta) = tree.field(3).filter(|_| tree.field(8).is_none()) else {
            return Some(Chunk { codec: Codec::Other, values: 0, range: 0..0, fault: Some(Reason::Encrypted) });
        };
        let at = |tree: &Value<'_>, id| tree.int(id).and_then(|at| u64::try_from(at).ok());
        let data = at(meta, 9)?;
        // Old writers put a zero where there is no dictionary.
        let start = at(meta, 11).filter(|dictionary| *dictionary > 0).map_or(data, |dictionary| dictionary.min(data));
        let range = start..start.checked_add(at(meta, 7)?)?;
        let fault = if tree.field(1).is_some() {
            // Its pages are in another file.
            Some(Reason::Ambiguous)
        } else {
            (range.end > size).then_some(Reason::Damaged)
        };
        let mut cover = |start: Option<u64>, len: Option<u64>| {
            let range = start?..start?.checked_add(len?)?;
            self.covered.push(range.clone());
            Some(range)
        };
        let _of_no_text = cover(at(tree, 4), at(tree, 5));
        let _of_no_text = cover(at(meta, 14), at(meta, 15));
        let index = cover(at(tree, 6), at(tree, 7));
        cover(Some(range.start), Some(range.end - range.start))?;
        if texts {
            self.indexes.extend(index);
            if let Some(statistics) = meta.field(12) {
                statistics.each_bytes(&mut |bytes| line(&mut self.statistics, bytes));
            }
        }
        Some(Chunk { codec: Codec::of(meta.int(4)?), values: at(meta, 5)?, range, fault })
    }
}

/// Adds bytes that are a text.
pub fn line(out: &mut String, bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !out.ends_with(&format!("{text}\n"))
    {
        out.extend([text, "\n"]);
    }
}

fn notes(tree: &Value<'_>, out: &mut String) {
    let text = |tree: &Value<'_>, id| tree.bytes(id).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    for note in tree.list(5) {
        out.extend([&text(note, 1), ": ", &text(note, 2), "\n"]);
    }
    let by = text(tree, 6);
    if !by.is_empty() {
        out.extend(["created by: ", &by, "\n"]);
    }
}

/// A group of columns that is being read: what is still to come in it, its name, and its levels.
struct Open {
    left: usize,
    name: String,
    defined: u32,
    repeated: u32,
}

/// The columns with values, from the tree that stands as a list.
fn columns(list: &[Value<'_>]) -> Option<Vec<Column>> {
    let (root, rest) = list.split_first()?;
    let mut open = vec![Open { left: root.size(5)?, name: String::new(), defined: 0, repeated: 0 }];
    let mut columns = Vec::new();
    for element in rest {
        while open.last().is_some_and(|it| it.left == 0) {
            open.pop();
        }
        let parent = open.last_mut()?;
        parent.left -= 1;
        let repetition = element.int(3).unwrap_or_default();
        let own = String::from_utf8_lossy(element.bytes(4)?);
        let name = if parent.name.is_empty() { own.into_owned() } else { format!("{}.{own}", parent.name) };
        let defined = parent.defined + u32::from(repetition != 0);
        let repeated = parent.repeated + u32::from(repetition == 2);
        match element.size(5).filter(|children| *children > 0 || element.field(1).is_none()) {
            Some(children) if open.len() < DEPTH => open.push(Open { left: children, name, defined, repeated }),
            Some(_) => return None,
            None => {
                let physical = Physical::of(element.int(1)?, element.size(2).unwrap_or_default())?;
                columns.push(Column { name, form: Form::of(physical, element), physical, defined, repeated });
            }
        }
    }
    open.iter().all(|it| it.left == 0).then_some(columns)
}
