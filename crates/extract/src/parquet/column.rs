//! The values of a column chunk, one after the other, page by page. Never more than a page and a dictionary is in memory.

use crate::model::{Limit, Reason};
use crate::parquet::codec::unpack;
use crate::parquet::form::Raw;
use crate::parquet::format::{Chunk, Column, line};
use crate::parquet::runs::Runs;
use crate::parquet::thrift::{Fault, Value, parse};
use crate::parquet::values::{Dictionary, Values};
use crate::parquet::{Caps, Source};

/// Bytes of the header of a page, whose statistics may hold long texts.
const HEADER: usize = 1 << 20;
/// Nodes of one; it has some 20.
const NODES: usize = 1_000;
/// Bytes that are read for one at first, and what a page costs beside its own.
const GUESS: usize = 1 << 10;

/// A page of values.
struct Page {
    bytes: Vec<u8>,
    left: usize,
    repetitions: Runs,
    definitions: Runs,
    values: Values,
}

/// Where a column chunk is read.
#[derive(Default)]
pub struct Cursor {
    at: u64,
    seen: u64,
    dictionary: Option<Dictionary>,
    page: Option<Page>,
    /// A value that begins the next row: whether there is one.
    ahead: Option<bool>,
    ended: bool,
}

impl Cursor {
    pub fn new(chunk: &Chunk) -> Self {
        Self { at: chunk.range.start, ..Self::default() }
    }

    /// Shows all values of the column in the next row. False: there is no row any more.
    pub fn row(&mut self, from: &mut From<'_, impl Source>, show: &mut impl FnMut(Raw<'_>)) -> Result<bool, Reason> {
        let mut any = false;
        loop {
            let there = match self.ahead.take() {
                Some(there) => there,
                None => match self.level(from)? {
                    None => return Ok(any),
                    Some((0, there)) if any => {
                        self.ahead = Some(there);
                        return Ok(true);
                    }
                    Some((_, there)) => there,
                },
            };
            any = true;
            if there && let Some(page) = &mut self.page {
                show(page.values.next(&page.bytes, from.column.physical, self.dictionary.as_mut())?);
            }
            if from.column.repeated == 0 {
                return Ok(true);
            }
        }
    }

    /// The level of repetition of the next value, and whether there is one.
    fn level(&mut self, from: &mut From<'_, impl Source>) -> Result<Option<(u32, bool)>, Reason> {
        loop {
            if let Some(page) = &mut self.page
                && page.left > 0
            {
                page.left -= 1;
                let repetition = page.repetitions.next(&page.bytes)?;
                let definition = page.definitions.next(&page.bytes)?;
                return Ok(Some((repetition, definition == from.column.defined)));
            }
            if self.page.as_ref().is_some_and(|page| !page.values.is_over(page.bytes.len())) {
                return Err(Reason::Damaged);
            }
            if self.ended {
                return Ok(None);
            }
            let opened = self.open(from);
            self.ended |= !matches!(opened, Ok(true));
            opened?;
        }
    }

    /// Opens the next page. False: there is none.
    fn open(&mut self, from: &mut From<'_, impl Source>) -> Result<bool, Reason> {
        let end = from.chunk.range.end;
        if self.at >= end {
            if self.seen != from.chunk.values {
                return Err(Reason::Damaged);
            }
            if let Some(dictionary) = self.dictionary.take().filter(|_| from.column.form.is_text()) {
                dictionary.unasked(from.column.physical, &mut |text| line(from.statistics, text));
            }
            return Ok(false);
        }
        let (header, packed) = from.page(self.at, end)?;
        let (tree, used) = parse(&header, NODES)?;
        self.at += (used + packed.len()) as u64;
        let size = tree.size(2).ok_or(Reason::Damaged)?;
        from.caps.page(used + packed.len(), size)?;
        if from.column.form.is_text() {
            let statistics = [tree.field(5).and_then(|it| it.field(5)), tree.field(8).and_then(|it| it.field(8))];
            for one in statistics.into_iter().flatten() {
                one.each_bytes(&mut |bytes| line(from.statistics, bytes));
            }
        }
        match tree.int(1) {
            Some(2) => self.dictionary(&tree, &packed, size, from)?,
            Some(0 | 3) => {
                let page = page(&tree, &packed, size, from)?;
                self.seen += page.left as u64;
                self.page = Some(page);
            }
            // An index that nobody writes, or something that is not known.
            _ => return Err(Reason::Method),
        }
        Ok(true)
    }

    fn dictionary(&mut self, tree: &Value<'_>, packed: &[u8], size: usize, from: &mut From<'_, impl Source>) -> Result<(), Reason> {
        let head = tree.field(7).ok_or(Reason::Damaged)?;
        if self.dictionary.is_some() || self.page.is_some() {
            return Err(Reason::Ambiguous);
        }
        if !matches!(head.int(2), Some(0 | 2)) {
            return Err(Reason::Method);
        }
        let count = head.size(1).ok_or(Reason::Damaged)?;
        from.caps.values(count)?;
        let mut bytes = Vec::new();
        unpack(from.chunk.codec, packed, size, &mut bytes)?;
        self.dictionary = Some(Dictionary::new(bytes, count, from.column.physical)?);
        Ok(())
    }
}

/// What a cursor reads from.
pub struct From<'f, S> {
    pub source: &'f mut S,
    pub column: &'f Column,
    pub chunk: &'f Chunk,
    pub caps: &'f mut Caps,
    /// Where texts of statistics go.
    pub statistics: &'f mut String,
}

impl<S: Source> From<'_, S> {
    /// The bytes that begin with the header of a page, and those of the page.
    fn page(&mut self, at: u64, end: u64) -> Result<(Vec<u8>, Vec<u8>), Reason> {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        let mut guess = GUESS;
        loop {
            let header = self.source.bytes(at, guess.min(left)).ok_or(Reason::Damaged)?.into_owned();
            let (used, len) = match parse(&header, NODES) {
                Ok((tree, used)) => (used, tree.size(3).ok_or(Reason::Damaged)?),
                Err(Fault::Short) if guess < left && guess < HEADER => {
                    guess *= 8;
                    continue;
                }
                Err(fault) => return Err(fault.into()),
            };
            if used.checked_add(len).is_none_or(|all| all > left) {
                return Err(Reason::Damaged);
            }
            self.caps.packed(len)?;
            let packed = self.source.bytes(at + used as u64, len).ok_or(Reason::Damaged)?.into_owned();
            return Ok((header, packed));
        }
    }
}

/// A data page of either version.
fn page(tree: &Value<'_>, packed: &[u8], size: usize, from: &mut From<'_, impl Source>) -> Result<Page, Reason> {
    let Column { defined, repeated, physical, .. } = *from.column;
    let width = |most: u32| usize::try_from(u32::BITS - most.leading_zeros()).unwrap_or_default();
    let mut bytes = Vec::new();
    let mut at = 0;
    let (head, runs) = if let Some(head) = tree.field(8) {
        let (repetitions, definitions) = (head.size(6).ok_or(Reason::Damaged)?, head.size(5).ok_or(Reason::Damaged)?);
        let levels = repetitions.checked_add(definitions).filter(|levels| *levels <= size).ok_or(Reason::Damaged)?;
        let (plain, packed) = packed.split_at_checked(levels).ok_or(Reason::Damaged)?;
        bytes.extend_from_slice(plain);
        let codec = if head.bool(7) == Some(false) { crate::parquet::codec::Codec::None } else { from.chunk.codec };
        unpack(codec, packed, size - levels, &mut bytes)?;
        at = levels;
        (head, [Runs::new(0, repetitions, width(repeated))?, Runs::new(repetitions, levels, width(defined))?])
    } else {
        let head = tree.field(5).ok_or(Reason::Damaged)?;
        unpack(from.chunk.codec, packed, size, &mut bytes)?;
        let mut runs = [Runs::default(), Runs::default()];
        for ((most, encoding), runs) in [(repeated, head.int(4)), (defined, head.int(3))].into_iter().zip(&mut runs) {
            if most == 0 {
                continue;
            }
            if encoding != Some(3) {
                return Err(Reason::Method);
            }
            let (len, _) = crate::rest(&bytes, at).split_first_chunk().ok_or(Reason::Damaged)?;
            let end = (at + 4).checked_add(u32::from_le_bytes(*len) as usize).filter(|end| *end <= bytes.len());
            let end = end.ok_or(Reason::Damaged)?;
            *runs = Runs::new(at + 4, end, width(most))?;
            at = end;
        }
        (head, runs)
    };
    let left = head.size(1).ok_or(Reason::Damaged)?;
    from.caps.values(left)?;
    let encoding = head.int(if tree.field(8).is_some() { 4 } else { 2 }).ok_or(Reason::Damaged)?;
    let values = Values::new(encoding, &bytes, at, left, physical)?;
    let [repetitions, definitions] = runs;
    Ok(Page { bytes, left, repetitions, definitions, values })
}

impl Caps {
    /// Pays for a page before it is read.
    fn packed(&self, len: usize) -> Result<(), Reason> {
        if len > self.page || len > self.inflated { Err(Reason::Limit(Limit::Inflate)) } else { Ok(()) }
    }

    /// Pays for a page before it is unpacked.
    fn page(&mut self, packed: usize, size: usize) -> Result<(), Reason> {
        let by_ratio = packed.saturating_mul(self.ratio).max(1 << 20);
        if size > self.page || size > by_ratio {
            return Err(Reason::Limit(Limit::Inflate));
        }
        let cost = size.max(packed).saturating_add(GUESS);
        self.inflated = self.inflated.checked_sub(cost).ok_or(Reason::Limit(Limit::Inflate))?;
        Ok(())
    }

    /// Pays for values before they are read.
    fn values(&mut self, count: usize) -> Result<(), Reason> {
        self.values = self.values.checked_sub(count).ok_or(Reason::Limit(Limit::Work))?;
        Ok(())
    }
}
