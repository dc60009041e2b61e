//! An index of documents as it lies in bytes, read in place.
//!
//! Layout, little endian. Head: magic of 8 bytes; check of the key, 16; places, 4; blocks of the filter, 4; documents, 4; bytes of
//! the documents' part, 4; bits of a bucket's number, 1; length of the label, 1, and the label, 64. Then for each document an id
//! of 8, how many words it has, 4, length of its name, 2, and the name; the filter; where each bucket begins and the last one ends, 4 each; the
//! places, sorted: keyed hash of a shingle, 8, document, 4, word, 4; the seal, 32.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bartizan_vocabulary::{Label, RuleId};

use super::tagger::SCORE_BP;
use super::{MOST, PLACES, PREFIX, RANK};
use crate::known::{BLOCK, Filter, IndexBytes, IndexError, IndexKey, Keys, Reader, Sorted, hex, label_is_good, word};
use crate::plan::{CompiledRule, LabelInfo, Origin, kind};
use crate::rules::Severity;

pub(crate) const MAGIC: [u8; 8] = *b"BZPRINT1";
pub(crate) const LABEL: usize = 64;
pub(crate) const BUCKET_BITS: u8 = 26;
/// Bytes of a place.
pub(crate) const PLACE: usize = 16;

/// Documents to look for. Cloning is cheap.
#[derive(Clone)]
pub struct Prints(Arc<Table>);

/// A document of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// `document:` and its name, or its id where names were not kept.
    pub rule: RuleId,
    /// How many words it has.
    pub words: usize,
}

/// The parts of an index.
pub(crate) struct Table {
    bytes: IndexBytes,
    pub(crate) keys: Keys,
    label: Label,
    documents: Vec<Document>,
    bucket_bits: u8,
    places: usize,
    filter: Range<usize>,
    buckets: Range<usize>,
    entries: Range<usize>,
}

impl fmt::Debug for Prints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prints").field("label", &self.0.label).field("documents", &self.0.documents.len()).finish_non_exhaustive()
    }
}

impl Prints {
    /// Reads an index that [`super::PrintsBuilder`] made with the same key.
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

    /// What it knows.
    pub fn documents(&self) -> &[Document] {
        &self.0.documents
    }

    /// The rule that names a document.
    pub(crate) fn rule(&self, document: u32) -> RuleId {
        let known = usize::try_from(document).ok().and_then(|index| self.0.documents.get(index));
        known.map_or_else(|| RuleId::from(self.0.label.as_str()), |document| document.rule.clone())
    }

    /// The digest of the index.
    pub fn digest(&self) -> [u8; 32] {
        (*self.0.bytes).as_ref().last_chunk().copied().unwrap_or_default()
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0
    }

    /// A rule for each document.
    pub(crate) fn rules(&self) -> impl Iterator<Item = CompiledRule> + '_ {
        let info = self.info();
        self.0.documents.iter().map(move |document| CompiledRule::beside(Origin::Own, &info, (document.rule.clone(), RANK), SCORE_BP))
    }

    pub(crate) fn info(&self) -> LabelInfo {
        LabelInfo {
            label: self.0.label.clone(),
            description: "Excerpts of documents of your own.".to_owned(),
            threshold_bp: 5_000,
            severity: Severity::High,
            kind: kind(self.0.label.as_str()),
            rules: vec![RuleId::from("document")],
            examples: 0,
        }
    }
}

impl Table {
    fn parse(bytes: IndexBytes, keys: Keys) -> Result<Self, IndexError> {
        let all = (*bytes).as_ref();
        let mut reader = Reader::new(all, MAGIC, &keys)?;
        let (places, blocks, count, named) = (reader.number()?, reader.number()?, reader.number()?, reader.number()?);
        let (bucket_bits, length) = (reader.byte()?, usize::from(reader.byte()?));
        let label: [u8; LABEL] = reader.array()?;
        let label = label.get(..length).and_then(|label| std::str::from_utf8(label).ok()).unwrap_or_default();
        let fits = [
            (places <= MOST, "places"),
            (blocks > 0, "filter"),
            (count <= MOST, "documents"),
            (bucket_bits <= BUCKET_BITS, "buckets"),
            (label_is_good(label), "label"),
        ];
        if let Some((_, field)) = fits.iter().find(|(fits, _)| !fits) {
            return Err(IndexError::Field(field));
        }
        let parts = [Some(named), blocks.checked_mul(BLOCK), Some(((1 << bucket_bits) + 1) * 4), places.checked_mul(PLACE)];
        reader.sealed(parts.iter().try_fold(0_usize, |sum, part| sum.checked_add((*part)?)), &keys)?;
        let documents = documents(reader.take(named).unwrap_or_default(), count)?;
        let mut at = reader.at();
        let [_, filter, buckets, entries] = [Some(0), parts[1], parts[2], parts[3]].map(|part| {
            let from = at;
            at += part.unwrap_or(0);
            from..at
        });
        let mut before = 0;
        for number in all.get(buckets.clone()).unwrap_or_default().chunks_exact(4) {
            let number = word(number);
            if number < before || number > places {
                return Err(IndexError::Field("buckets"));
            }
            before = number;
        }
        if before != places {
            return Err(IndexError::Field("buckets"));
        }
        let label = Label::from(label);
        Ok(Self { bytes, keys, label, documents, bucket_bits, places, filter, buckets, entries })
    }

    #[inline]
    fn part(&self, part: &Range<usize>) -> &[u8] {
        (*self.bytes).as_ref().get(part.clone()).unwrap_or_default()
    }

    /// Where a shingle stands: documents and words, in their order.
    pub(crate) fn places(&self, hash: u64) -> impl Iterator<Item = (u32, u32)> {
        let may = Filter(self.part(&self.filter)).may_have(hash);
        let range = if may { self.range(hash) } else { 0..0 };
        let entries = self.part(&self.entries).get(range.start * PLACE..range.end * PLACE).unwrap_or_default();
        let places = entries.chunks_exact(PLACE).take(PLACES).map(|entry| {
            let number = |at: usize| entry.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes);
            (number(8), number(12))
        });
        // A place that names no document would take the rule of something else.
        places.filter(|(document, _)| usize::try_from(*document).is_ok_and(|document| document < self.documents.len()))
    }

    fn range(&self, hash: u64) -> Range<usize> {
        let buckets = self.part(&self.buckets);
        let bound = |number: usize| buckets.get(number * 4..number * 4 + 4).map_or(0, word).min(self.places);
        let bucket = bucket(hash, self.bucket_bits);
        let (from, to) = (bound(bucket), bound(bucket + 1));
        let places = Sorted(self.part(&self.entries), PLACE);
        let first = places.first(from, to, |entry| entry >= hash);
        first..places.first(first, to, |entry| entry > hash)
    }
}

/// The documents' part.
fn documents(bytes: &[u8], count: usize) -> Result<Vec<Document>, IndexError> {
    let damaged = || IndexError::Field("documents");
    let mut rest = bytes;
    let mut documents = Vec::new();
    for _ in 0..count {
        let (head, after) = rest.split_at_checked(14).ok_or_else(damaged)?;
        let id = hex(head.get(..8).unwrap_or_default());
        let length = head.get(12..).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes);
        let (name, after) = after.split_at_checked(usize::from(length)).ok_or_else(damaged)?;
        let name = std::str::from_utf8(name).map_err(|_| damaged())?;
        let rule = RuleId::from(format!("{PREFIX}{}", if name.is_empty() { &id } else { name }).as_str());
        documents.push(Document { rule, words: head.get(8..12).map_or(0, word) });
        rest = after;
    }
    if rest.is_empty() { Ok(documents) } else { Err(damaged()) }
}

/// The number of a hash's bucket.
pub(crate) fn bucket(hash: u64, bits: u8) -> usize {
    usize::try_from(hash.checked_shr(64 - u32::from(bits)).unwrap_or(0)).unwrap_or(0)
}
