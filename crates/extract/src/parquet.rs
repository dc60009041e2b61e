//! Parquet: tables that are stored column by column. Read by rows, each column page by page, so that a file of any length can be read.

mod codec;
mod column;
mod form;
mod format;
mod runs;
mod thrift;
mod values;

use std::borrow::Cow;
use std::collections::BTreeSet;

use column::{Cursor, From};
use form::Raw;
pub use format::looks_like;
use format::{Column, Footer, Group};

use crate::model::{Limit, Reason, Unreadable, View};
use crate::sink::Sink;

/// Segments of a table, at most: longer ones have more rows in each.
const SEGMENTS: u64 = 100_000;

/// Nodes of an index of pages: two texts a page.
const INDEX_NODES: usize = 1 << 20;

/// Where the bytes of a file come from.
pub trait Source {
    /// How many there are.
    fn size(&self) -> u64;

    /// Some of them. None when they cannot be read or are not there.
    fn bytes(&mut self, at: u64, len: usize) -> Option<Cow<'_, [u8]>>;
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn bytes(&mut self, at: u64, len: usize) -> Option<Cow<'_, [u8]>> {
        let at = usize::try_from(at).ok()?;
        self.get(at..at.checked_add(len)?).map(Cow::Borrowed)
    }
}

/// What may still be spent.
struct Caps {
    /// Bytes of a page.
    page: usize,
    /// How many times its size a page may unpack to, once it is over a mebibyte.
    ratio: usize,
    /// Bytes of all pages.
    inflated: usize,
    /// Values, those that are none too.
    values: usize,
    /// Both of these, as they were at first.
    granted: (usize, usize),
}

impl Caps {
    /// What a document leaves.
    fn of(sink: &Sink<'_>) -> Self {
        let inflated = sink.inflate_cap(usize::MAX);
        let values = sink.values_left();
        Self { page: inflated, ratio: sink.limits.inflate_ratio, inflated, values, granted: (inflated, values) }
    }

    /// Reads documents in the table. They spend of what the table leaves, and the table of what they leave.
    fn nested(&mut self, inner: Vec<(String, Vec<u8>)>, sink: &mut Sink<'_>) {
        if inner.is_empty() {
            return;
        }
        self.settle(sink);
        for (place, bytes) in inner {
            sink.nested(&place, &bytes, &crate::Hint::default());
        }
        *self = Self::of(sink);
    }

    /// Tells the document what was spent.
    fn settle(&self, sink: &mut Sink<'_>) {
        sink.took_inflated(self.granted.0 - self.inflated);
        sink.took_values(self.granted.1 - self.values);
    }
}

/// Why a row of a table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The column; it is content.
    pub column: String,
    /// The row, from 1.
    pub row: u64,
    /// Why.
    pub reason: Reason,
}

/// A Parquet file as a table of the columns that somebody chooses. One page of each is in memory, and its dictionary.
pub struct ParquetTable<S> {
    source: S,
    footer: Footer,
    names: Vec<String>,
    chosen: Vec<usize>,
    group: usize,
    row: u64,
    row_in_group: u64,
    cursors: Vec<Cursor>,
    caps: Caps,
}

impl<S: Source> ParquetTable<S> {
    /// Bytes of one page, unpacked.
    pub const MOST_PAGE: usize = 128 << 20;

    /// Reads what the file says of itself.
    ///
    /// # Errors
    /// When it is encrypted, damaged, or no Parquet file.
    pub fn new(mut source: S) -> Result<Self, Unreadable> {
        let footer = format::read(&mut source)?;
        let names = footer.columns.iter().map(|column| column.name.clone()).collect();
        let caps = Caps { page: Self::MOST_PAGE, ratio: usize::MAX, inflated: usize::MAX, values: 1 << 36, granted: (0, 0) };
        let mut table = Self { source, footer, names, chosen: Vec::new(), group: 0, row: 0, row_in_group: 0, cursors: Vec::new(), caps };
        table.open_group();
        Ok(table)
    }

    /// The names of all columns that hold values; those in groups with the names of the groups and dots.
    pub fn columns(&self) -> &[String] {
        &self.names
    }

    /// How many rows it says that it has.
    pub const fn rows(&self) -> u64 {
        self.footer.rows
    }

    /// Whether a column holds lists or maps, so that a row has any number of values there.
    pub fn is_repeated(&self, column: usize) -> bool {
        self.footer.columns.get(column).is_some_and(|column| column.repeated > 0)
    }

    /// Chooses the columns that are read from the next row group on; before the first row, from that one on.
    pub fn choose(&mut self, columns: &[usize]) {
        self.chosen = columns.to_vec();
        self.open_group();
    }

    /// Reads the next row: a text for each column, empty where none was chosen or nothing stands. False at the end.
    ///
    /// # Errors
    /// When a page cannot be read, bytes are no text, or columns are of different lengths.
    pub fn next(&mut self, row: &mut Vec<String>) -> Result<bool, RowFault> {
        while self.footer.groups.get(self.group).is_some_and(|group| self.row_in_group >= group.rows) {
            self.group += 1;
            self.row_in_group = 0;
            self.open_group();
        }
        let Some(group) = self.footer.groups.get(self.group) else { return Ok(false) };
        self.row += 1;
        self.row_in_group += 1;
        row.resize_with(self.names.len(), String::new);
        row.iter_mut().for_each(String::clear);
        for (index, cursor) in self.chosen.iter().zip(&mut self.cursors) {
            let (Some(column), Some(chunk), Some(out)) = (self.footer.columns.get(*index), group.chunks.get(*index), row.get_mut(*index))
            else {
                continue;
            };
            let mut is_text = true;
            let mut statistics = String::new();
            let mut from = From { source: &mut self.source, column, chunk, caps: &mut self.caps, statistics: &mut statistics };
            let read = match chunk.fault {
                Some(reason) => Err(reason),
                None => cursor.row(&mut from, &mut |raw| is_text &= form::write(raw, column.physical, column.form, out)),
            };
            let reason = match read {
                Ok(true) if is_text => continue,
                Ok(true) => Reason::Charset,
                Ok(false) => Reason::Damaged,
                Err(reason) => reason,
            };
            return Err(RowFault { column: column.name.clone(), row: self.row, reason });
        }
        Ok(true)
    }

    fn open_group(&mut self) {
        let chunks = self.footer.groups.get(self.group).map(|group| group.chunks.as_slice()).unwrap_or_default();
        self.cursors = self.chosen.iter().filter_map(|index| chunks.get(*index)).map(Cursor::new).collect();
    }
}

/// Reads all columns of a table as text, row by row, as they would stand in a sheet under their names.
pub fn read(mut bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), Unreadable> {
    let footer = format::read(&mut bytes)?;
    let mut document = Document {
        caps: Caps::of(sink),
        statistics: String::new(),
        told: BTreeSet::new(),
        row: 0,
        text: 0,
        looked: sink.limits.inflated_bytes,
        full: false,
        lines: Lines::new(&footer),
    };
    let names: Vec<&str> = footer.columns.iter().map(|column| column.name.as_str()).collect();
    document.lines.add(&names.join("\t"), Some((0, names.len().saturating_sub(1))), sink);
    document.lines.end(sink);
    for group in &footer.groups {
        if !document.full {
            document.group(bytes, &footer.columns, group, sink);
        }
    }
    document.lines.end(sink);
    if footer.rows != footer.groups.iter().fold(0_u64, |rows, group| rows.saturating_add(group.rows)) {
        sink.unread("rows", Reason::Ambiguous);
    }
    document.caps.settle(sink);
    sink.text("notes", &footer.notes);
    let mut statistics = footer.statistics + &document.statistics;
    for index in &footer.indexes {
        let len = usize::try_from(index.end.saturating_sub(index.start)).unwrap_or(usize::MAX);
        let tree = bytes.bytes(index.start, len).ok_or(thrift::Fault::Short);
        match tree.as_deref().map_err(|fault| *fault).and_then(|bytes| thrift::parse(bytes, INDEX_NODES)) {
            Ok((tree, _)) => tree.each_bytes(&mut |bytes| format::line(&mut statistics, bytes)),
            Err(fault) => sink.unread("statistics", fault.into()),
        }
    }
    // Values of columns once more, some cut short.
    sink.again("statistics", &statistics);
    if has_gaps(footer.covered, bytes) {
        sink.unread("", Reason::Leftover);
    }
    Ok(())
}

/// Whether some bytes belong to nothing. Some writers fill up with zeros.
fn has_gaps(mut covered: Vec<std::ops::Range<u64>>, bytes: &[u8]) -> bool {
    covered.sort_by_key(|range| range.start);
    let mut end = 0;
    covered.iter().any(|range| {
        let gap = end..usize::try_from(range.start).unwrap_or(usize::MAX).min(bytes.len());
        end = end.max(usize::try_from(range.end).unwrap_or(usize::MAX));
        crate::part(bytes, gap).iter().any(|byte| *byte != 0)
    })
}

/// A file while its rows are read.
struct Document {
    caps: Caps,
    statistics: String,
    /// Columns that were said not to be read, and why.
    told: BTreeSet<(usize, Reason)>,
    row: u64,
    /// Bytes of text so far, blanks too.
    text: usize,
    /// Bytes of values that are no text that may still be looked at: in a dictionary one may stand in very many rows.
    looked: usize,
    /// Whether there is more than may be read.
    full: bool,
    lines: Lines,
}

impl Document {
    fn group(&mut self, mut bytes: &[u8], columns: &[Column], group: &Group, sink: &mut Sink<'_>) {
        let mut cursors: Vec<Option<Cursor>> = group.chunks.iter().map(|chunk| Some(Cursor::new(chunk))).collect();
        let mut whole = true;
        let first = self.row;
        loop {
            let mut line = String::new();
            let mut span = None;
            let mut any = false;
            for (index, ((column, chunk), slot)) in columns.iter().zip(&group.chunks).zip(&mut cursors).enumerate() {
                let Some(cursor) = slot else { continue };
                let before = line.len();
                let mut from = From { source: &mut bytes, column, chunk, caps: &mut self.caps, statistics: &mut self.statistics };
                let mut cells = Cells { column, line: &mut line, looked: &mut self.looked, over: false, inner: Vec::new() };
                let place = || format!("{}{}", letters(index), self.row + 2);
                let read = match chunk.fault {
                    Some(reason) => Err(reason),
                    None => cursor.row(&mut from, &mut |raw| cells.add(raw, &place, sink)),
                };
                let (over, inner) = (cells.over, cells.inner);
                self.caps.nested(inner, sink);
                let read = if over { read.and(Err(Reason::Limit(Limit::Work))) } else { read };
                any |= read == Ok(true);
                if line.len() > before {
                    span = Some((span.map_or(index, |span: (usize, usize)| span.0), index));
                }
                if !matches!(read, Ok(true)) {
                    *slot = None;
                    let missing = self.row - first < group.rows;
                    if let Some(reason) = read.err().or_else(|| missing.then_some(Reason::Damaged)) {
                        whole = false;
                        if self.told.insert((index, reason)) {
                            sink.unread(&column.name, reason);
                        }
                    }
                }
            }
            if !any {
                break;
            }
            self.row += 1;
            self.text += line.len();
            self.lines.add(&line, span, sink);
            if self.text > sink.limits.output_bytes || sink.is_full() {
                self.full = true;
                return sink.unread("rows", Reason::Limit(Limit::Output));
            }
        }
        if whole && self.row - first != group.rows {
            sink.unread("rows", Reason::Damaged);
        }
    }
}

/// The values of a column in one row.
struct Cells<'r> {
    column: &'r Column,
    line: &'r mut String,
    looked: &'r mut usize,
    /// Whether more that is no text would have to be looked at than may be.
    over: bool,
    /// Documents, with their places: they are read once the column is not.
    inner: Vec<(String, Vec<u8>)>,
}

impl Cells<'_> {
    /// Adds a value to its row. What is no text is a document of its own.
    fn add(&mut self, raw: Raw<'_>, place: &dyn Fn() -> String, sink: &mut Sink<'_>) {
        if self.over || self.line.len() > sink.limits.output_bytes {
            return;
        }
        let before = self.line.len();
        if !self.line.is_empty() {
            self.line.push('\t');
        }
        let start = self.line.len();
        let is_text = form::write(raw, self.column.physical, self.column.form, self.line);
        if is_text && !crate::rest(self.line.as_bytes(), start).contains(&0) {
            if self.line.len() == start {
                self.line.truncate(before);
            }
            return;
        }
        self.line.truncate(before);
        let Raw::Bytes(bytes) = raw else { return };
        match self.looked.checked_sub(bytes.len()) {
            Some(left) => *self.looked = left,
            None => self.over = true,
        }
        if !self.over && sink.take_entry(&place()) {
            // One value may stand in very many rows.
            if sink.inflate_cap(usize::MAX) < bytes.len() {
                return sink.unread(&place(), Reason::Limit(Limit::Inflate));
            }
            sink.took_inflated(bytes.len());
            self.inner.push((place(), bytes.to_vec()));
        }
    }
}

/// Rows on their way into segments.
struct Lines {
    /// How many rows a segment has.
    most: u64,
    text: String,
    count: u64,
    /// The number of the next row, as in a sheet with the names in the first.
    row: u64,
    first: u64,
    span: Option<(usize, usize)>,
}

impl Lines {
    fn new(footer: &Footer) -> Self {
        let rows = footer.groups.iter().fold(0_u64, |rows, group| rows.saturating_add(group.rows));
        Self { most: rows.div_ceil(SEGMENTS).max(1), text: String::new(), count: 0, row: 1, first: 1, span: None }
    }

    fn add(&mut self, line: &str, span: Option<(usize, usize)>, sink: &mut Sink<'_>) {
        if self.count > 0 {
            self.text.push('\n');
        }
        self.text.push_str(line);
        self.count += 1;
        self.row += 1;
        self.span = match (self.span, span) {
            (Some(all), Some(one)) => Some((all.0.min(one.0), all.1.max(one.1))),
            (all, one) => all.or(one),
        };
        if self.count >= self.most || self.text.len() > 1 << 16 {
            self.end(sink);
        }
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        let text = std::mem::take(&mut self.text);
        if let Some((left, right)) = self.span.take() {
            let (from, to) = (format!("{}{}", letters(left), self.first), format!("{}{}", letters(right), self.row - 1));
            let place = if from == to { from } else { format!("{from}:{to}") };
            sink.literal(&place, &text, None, View::Shown);
            sink.render("table", &text);
        }
        (self.count, self.first) = (0, self.row);
    }
}

/// The letters of a column, as in a sheet.
fn letters(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(index % 26).unwrap_or_default()));
        match (index / 26).checked_sub(1) {
            Some(next) => index = next,
            None => return letters.into_iter().rev().collect(),
        }
    }
}
