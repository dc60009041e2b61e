//! An index as it lies in bytes, read in place.
//!
//! Layout, little endian. Head: magic of 8 bytes; check of the key, 16; entries, 4; blocks of the filter, 4; bits of a bucket's
//! number, corroborating columns, how many of them are needed, bits of each of the maps, 1 each; characters between them, 4;
//! the lengths that values have, a bit each, 16; the same of corroborating values, 16; length of the label, 1, and the label, 64.
//! Then the maps that are asked first (`hints.rs`), encrypted; the filter; where each bucket begins and the last one ends, 4 each; the entries, 8 each, sorted
//! within a bucket; for each entry a hash of 5 for each column; the seal, 32.
//!
//! An entry is a keyed BLAKE3 hash of the value's form: the bucket's number is its first bits, the entry the 64 that follow.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bartizan_vocabulary::{Label, RuleId};

use super::hints::{self, Hints};
use super::{COLUMNS, ENTRY, FARTHEST, MOST, SHORT};
use crate::known::{BLOCK, Filter, IndexBytes, IndexError, IndexKey, Keys, LONGEST, RANK, Reader, Sorted, label_is_good, word};
use crate::plan::{CompiledRule, LabelInfo, Origin, kind};
use crate::rules::Severity;

pub(crate) const MAGIC: [u8; 8] = *b"BZEXACT2";
/// Bytes that a label takes.
pub(crate) const LABEL: usize = 64;
/// Bits of a bucket's number at most.
pub(crate) const BUCKET_BITS: u8 = 26;

/// Score of a value alone, and of one that others confirm.
const ALONE_BP: u16 = 9_000;
const CONFIRMED_BP: u16 = 9_900;

/// A table to look for. Cloning is cheap.
#[derive(Clone)]
pub struct Exact(Arc<Table>);

/// The parts of an index.
pub(crate) struct Table {
    bytes: IndexBytes,
    pub(crate) keys: Keys,
    pub(crate) label: Label,
    pub(crate) rule: RuleId,
    entries: usize,
    bucket_bits: u8,
    pub(crate) columns: usize,
    pub(crate) need: usize,
    pub(crate) within: usize,
    /// By length: whether a value has it, and whether a longer one is there.
    pub(crate) lengths: [Length; LONGEST + 1],
    pub(crate) lengths_with: u128,
    hints: Hints,
    filter: Range<usize>,
    buckets: Range<usize>,
    hashes: Range<usize>,
    with: Range<usize>,
}

/// What values have one length, and which have more.
#[derive(Clone, Copy)]
pub(crate) struct Length {
    pub(crate) is: bool,
    pub(crate) longer: bool,
}

/// The parts of an index that are looked at for every word.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    keys: &'a Keys,
    pub(super) hints: &'a Hints,
    filter: Filter<'a>,
}

impl View<'_> {
    /// Whether a value with this rolling hash may be there.
    #[inline]
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        self.filter.may_have(self.keys.whole.of(hash))
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exact").field("label", &self.0.label).field("entries", &self.0.entries).finish_non_exhaustive()
    }
}

impl Exact {
    /// Reads an index that [`super::Builder`] made with the same key.
    ///
    /// # Errors
    /// When it is of another form, cut off, damaged, or made with another key.
    pub fn load(bytes: IndexBytes, key: &IndexKey) -> Result<Self, IndexError> {
        Ok(Self(Arc::new(Table::parse(bytes, Keys::new(key))?)))
    }

    /// The label of its findings.
    pub fn label(&self) -> &Label {
        &self.0.label
    }

    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.0.entries
    }

    /// How many corroborating values a finding needs, and within how many characters.
    pub fn need(&self) -> (usize, usize) {
        (self.0.need, self.0.within)
    }

    /// The digest of the index.
    pub fn digest(&self) -> [u8; 32] {
        (*self.0.bytes).as_ref().last_chunk().copied().unwrap_or_default()
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0
    }

    /// Its place among the rules, so that overlaps are resolved together.
    pub(crate) fn rule(&self) -> CompiledRule {
        CompiledRule::beside(Origin::Own, &self.info(), (self.0.rule.clone(), RANK), self.0.score_bp())
    }

    pub(crate) fn info(&self) -> LabelInfo {
        LabelInfo {
            label: self.0.label.clone(),
            description: "Values of a table of your own.".to_owned(),
            threshold_bp: 5_000,
            severity: Severity::High,
            kind: kind(self.0.label.as_str()),
            rules: vec![self.0.rule.clone()],
            examples: 0,
        }
    }
}

/// What the head says.
struct Head {
    entries: usize,
    blocks: usize,
    bucket_bits: u8,
    columns: usize,
    need: usize,
    map_bits: hints::Bits,
    within: usize,
    lengths: u128,
    lengths_with: u128,
    label: String,
}

impl Head {
    fn read(reader: &mut Reader<'_>) -> Result<Self, IndexError> {
        let (entries, blocks) = (reader.number()?, reader.number()?);
        let (bucket_bits, columns, need, map_bits) = (reader.byte()?, reader.byte()?, reader.byte()?, reader.array()?);
        let within = reader.number()?;
        let (lengths, lengths_with) = (u128::from_le_bytes(reader.array()?), u128::from_le_bytes(reader.array()?));
        let length = usize::from(reader.byte()?);
        let label: [u8; LABEL] = reader.array()?;
        let label = label.get(..length).and_then(|label| std::str::from_utf8(label).ok()).unwrap_or_default().to_owned();
        let (columns, need) = (usize::from(columns), usize::from(need));
        let fits = [
            (entries <= MOST, "entries"),
            (blocks > 0, "filter"),
            (bucket_bits <= BUCKET_BITS, "buckets"),
            (columns <= COLUMNS, "columns"),
            (need <= columns, "need"),
            (hints::fit(map_bits), "maps"),
            (within <= FARTHEST, "within"),
            (label_is_good(&label), "label"),
        ];
        match fits.iter().find(|(fits, _)| !fits) {
            Some((_, field)) => Err(IndexError::Field(field)),
            None => Ok(Self { entries, blocks, bucket_bits, columns, need, map_bits, within, lengths, lengths_with, label }),
        }
    }

    /// Lengths of the parts that follow.
    fn parts(&self) -> [Option<usize>; 5] {
        [
            Some(hints::bytes_of(self.map_bits)),
            self.blocks.checked_mul(BLOCK),
            Some(((1 << self.bucket_bits) + 1) * 4),
            self.entries.checked_mul(ENTRY),
            self.entries.checked_mul(self.columns * SHORT),
        ]
    }
}

impl Table {
    /// The score of its values.
    pub(crate) fn score_bp(&self) -> u16 {
        if self.need == 0 { ALONE_BP } else { CONFIRMED_BP }
    }

    fn parse(bytes: IndexBytes, keys: Keys) -> Result<Self, IndexError> {
        let all = (*bytes).as_ref();
        let mut reader = Reader::new(all, MAGIC, &keys)?;
        let head = Head::read(&mut reader)?;
        let parts = head.parts();
        reader.sealed(parts.iter().try_fold(0_usize, |sum, part| sum.checked_add((*part)?)), &keys)?;
        let mut at = reader.at();
        let [maps, filter, buckets, hashes, with] = parts.map(|part| {
            let from = at;
            at += part.unwrap_or(0);
            from..at
        });
        let mut before = 0;
        for number in all.get(buckets.clone()).unwrap_or_default().chunks_exact(4) {
            let number = word(number);
            if number < before || number > head.entries {
                return Err(IndexError::Field("buckets"));
            }
            before = number;
        }
        if before != head.entries {
            return Err(IndexError::Field("buckets"));
        }
        let Head { entries, bucket_bits, columns, need, map_bits, within, lengths, lengths_with, label, .. } = head;
        let rule = RuleId::from(label.as_str());
        let label = Label::from(label.as_str());
        let hints = Hints::read(&keys, map_bits, all.get(maps).unwrap_or_default());
        let lengths = std::array::from_fn(|length| Length { is: lengths >> length & 1 != 0, longer: lengths >> length > 1 });
        Ok(Self {
            bytes,
            keys,
            label,
            rule,
            entries,
            bucket_bits,
            columns,
            need,
            within,
            lengths,
            lengths_with,
            hints,
            filter,
            buckets,
            hashes,
            with,
        })
    }

    #[inline]
    fn part(&self, part: &Range<usize>) -> &[u8] {
        (*self.bytes).as_ref().get(part.clone()).unwrap_or_default()
    }

    /// What is looked at for every word.
    pub(crate) fn view(&self) -> View<'_> {
        View { keys: &self.keys, hints: &self.hints, filter: Filter(self.part(&self.filter)) }
    }

    /// The entries of a value: a row each.
    pub(crate) fn rows(&self, form: &[u8]) -> Range<usize> {
        let (bucket, wanted) = split(hash(&self.keys, form), self.bucket_bits);
        let buckets = self.part(&self.buckets);
        let bound = |number: usize| buckets.get(number * 4..number * 4 + 4).map_or(0, word);
        let (from, to) = (bound(bucket), bound(bucket + 1));
        let hashes = Sorted(self.part(&self.hashes), ENTRY);
        let first = hashes.first(from, to, |entry| entry >= wanted);
        first..hashes.first(first, to, |entry| entry > wanted)
    }

    /// The short hashes of a row's corroborating values with their columns.
    pub(crate) fn with(&self, row: usize) -> impl Iterator<Item = (usize, u64)> {
        let wide = self.columns * SHORT;
        let row = self.part(&self.with).get(row * wide..(row + 1) * wide).unwrap_or_default();
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        row.chunks_exact(SHORT).map(number).enumerate().filter(|(_, hash)| *hash != 0)
    }
}

/// The first 96 bits of the keyed hash of a value's form.
pub(crate) fn hash(keys: &Keys, form: &[u8]) -> (u64, u32) {
    let hash = blake3::keyed_hash(&keys.values, form);
    let bytes = hash.as_bytes();
    let high = bytes.first_chunk().copied().map_or(0, u64::from_be_bytes);
    let low = bytes.get(8..12).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
    (high, low)
}

/// The number of the bucket, and what is kept of the hash.
pub(crate) fn split((high, low): (u64, u32), bucket_bits: u8) -> (usize, u64) {
    let both = u128::from(high) << 64 | u128::from(low) << 32;
    let bucket = both.checked_shr(128 - u32::from(bucket_bits)).unwrap_or(0);
    let rest = (both << bucket_bits) >> 64;
    (usize::try_from(bucket).unwrap_or(0), u64::try_from(rest).unwrap_or(0))
}
