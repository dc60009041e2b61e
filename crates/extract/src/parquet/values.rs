//! The encodings of values in a page.

use std::ops::Range;

use crate::model::Reason;
use crate::parquet::form::{Physical, Raw};
use crate::parquet::runs::{Deltas, Runs};

/// The values that a column chunk refers to by number.
pub struct Dictionary {
    bytes: Vec<u8>,
    /// Where each is, when they are not all of one length.
    places: Vec<Range<u32>>,
    count: usize,
    /// Which of them were asked for.
    asked: Vec<bool>,
}

impl Dictionary {
    pub fn new(bytes: Vec<u8>, count: usize, physical: Physical) -> Result<Self, Reason> {
        let mut places = Vec::new();
        let mut end = physical.width().map(|width| count.saturating_mul(width));
        if physical == Physical::Bytes {
            let mut at = 0;
            for _ in 0..count {
                let place = prefixed(&bytes, at)?;
                at = place.end;
                let short = |at: usize| u32::try_from(at).map_err(|_| Reason::Damaged);
                places.push(short(place.start)?..short(place.end)?);
            }
            end = Some(at);
        }
        // What follows them nobody would look at.
        if end.is_some_and(|end| end != bytes.len()) {
            return Err(Reason::Damaged);
        }
        Ok(Self { bytes, places, count, asked: vec![false; count] })
    }

    /// Shows the texts that no value of the column was: other readers show them neither, and they are in the file.
    pub fn unasked(&self, physical: Physical, show: &mut impl FnMut(&[u8])) {
        for (index, _) in self.asked.iter().enumerate().filter(|(_, asked)| !**asked) {
            if let Some(text) = self.range(index, physical).ok().and_then(|range| self.bytes.get(range)) {
                show(text);
            }
        }
    }

    fn range(&self, index: usize, physical: Physical) -> Result<Range<usize>, Reason> {
        match physical.width() {
            Some(width) if index < self.count => Ok(index.saturating_mul(width)..(index + 1).saturating_mul(width)),
            Some(_) => Err(Reason::Damaged),
            None => self.places.get(index).map(|place| place.start as usize..place.end as usize).ok_or(Reason::Damaged),
        }
    }

    fn get(&mut self, index: u32, physical: Physical) -> Result<Raw<'_>, Reason> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if let Some(asked) = self.asked.get_mut(index) {
            *asked = true;
        }
        let range = self.range(index, physical)?;
        Ok(stored(self.bytes.get(range).ok_or(Reason::Damaged)?, physical))
    }
}

/// Where the values of a page are read next.
pub enum Values {
    Plain { at: usize },
    Bits { at: usize },
    Runs(Runs),
    Indexes(Runs),
    Deltas(Deltas),
    Lengths { lengths: Deltas, at: usize },
    Fronts { fronts: Deltas, lengths: Deltas, at: usize, last: Vec<u8> },
    Split { start: usize, count: usize, index: usize, last: Vec<u8> },
}

impl Values {
    /// By the number of the encoding, from here to the end of the page; more than `most` values there are not.
    pub fn new(encoding: i64, bytes: &[u8], at: usize, most: usize, physical: Physical) -> Result<Self, Reason> {
        let is_bytes = matches!(physical, Physical::Bytes | Physical::Fixed(_));
        let end = bytes.len();
        Ok(match (encoding, physical) {
            (0, Physical::Bool) => Self::Bits { at: at * 8 },
            (0, _) => Self::Plain { at },
            (2 | 8, _) => match bytes.get(at) {
                Some(width) => Self::Indexes(Runs::new(at + 1, end, usize::from(*width))?),
                // A page of nothing but gaps.
                None => Self::Plain { at },
            },
            (3, Physical::Bool) => Self::Runs(Runs::new(at + 4, end, 1)?),
            (5, Physical::Int32 | Physical::Int64) => Self::Deltas(Deltas::new(bytes, at, most)?),
            (6, Physical::Bytes) => {
                let lengths = Deltas::new(bytes, at, most)?;
                Self::Lengths { at: lengths.end(bytes)?, lengths }
            }
            (7, _) if is_bytes => {
                let fronts = Deltas::new(bytes, at, most)?;
                let lengths = Deltas::new(bytes, fronts.end(bytes)?, most)?;
                Self::Fronts { at: lengths.end(bytes)?, fronts, lengths, last: Vec::new() }
            }
            (9, _) if physical.width().is_some_and(|width| width > 0) => {
                let count = end.saturating_sub(at) / physical.width().unwrap_or(1);
                Self::Split { start: at, count, index: 0, last: Vec::new() }
            }
            _ => return Err(Reason::Method),
        })
    }

    /// Whether nothing is left that could hold a text, when all values are read.
    pub fn is_over(&self, end: usize) -> bool {
        match self {
            Self::Plain { at } | Self::Lengths { at, .. } | Self::Fronts { at, .. } => *at == end,
            Self::Split { start, count, index, .. } => index == count || *start == end,
            // Bits, padded to whole bytes and blocks.
            Self::Bits { .. } | Self::Runs(_) | Self::Indexes(_) | Self::Deltas(_) => true,
        }
    }

    /// The next value.
    pub fn next<'v>(&'v mut self, bytes: &'v [u8], physical: Physical, dictionary: Option<&'v mut Dictionary>) -> Result<Raw<'v>, Reason> {
        match self {
            Self::Plain { at } => {
                let range = match physical.width() {
                    Some(width) => *at..at.saturating_add(width),
                    None => prefixed(bytes, *at)?,
                };
                *at = range.end;
                Ok(stored(bytes.get(range).ok_or(Reason::Damaged)?, physical))
            }
            Self::Bits { at } => {
                let byte = bytes.get(*at / 8).ok_or(Reason::Damaged)?;
                let bit = byte >> (*at % 8) & 1;
                *at += 1;
                Ok(Raw::Bool(bit == 1))
            }
            Self::Runs(runs) => Ok(Raw::Bool(runs.next(bytes)? == 1)),
            Self::Indexes(runs) => dictionary.ok_or(Reason::Damaged)?.get(runs.next(bytes)?, physical),
            Self::Deltas(deltas) => {
                let value = deltas.next(bytes)?;
                let narrow = i64::from(i32::from_le_bytes(value.to_le_bytes().first_chunk().copied().unwrap_or_default()));
                Ok(Raw::Int(if physical == Physical::Int32 { narrow } else { value }))
            }
            Self::Lengths { lengths, at } => {
                let end = at.checked_add(lengths.next_len(bytes)?).ok_or(Reason::Damaged)?;
                let value = bytes.get(*at..end).ok_or(Reason::Damaged)?;
                *at = end;
                Ok(stored(value, physical))
            }
            Self::Fronts { fronts, lengths, at, last } => {
                let end = at.checked_add(lengths.next_len(bytes)?).ok_or(Reason::Damaged)?;
                let front = fronts.next_len(bytes)?;
                if front > last.len() {
                    return Err(Reason::Damaged);
                }
                last.truncate(front);
                last.extend_from_slice(bytes.get(*at..end).ok_or(Reason::Damaged)?);
                *at = end;
                Ok(stored(last, physical))
            }
            Self::Split { start, count, index, last } => {
                if index >= count {
                    return Err(Reason::Damaged);
                }
                last.clear();
                last.extend((0..physical.width().unwrap_or_default()).filter_map(|byte| bytes.get(*start + byte * *count + *index)));
                *index += 1;
                Ok(stored(last, physical))
            }
        }
    }
}

/// Where bytes are that have their length in front.
fn prefixed(bytes: &[u8], at: usize) -> Result<Range<usize>, Reason> {
    let (len, _) = crate::rest(bytes, at).split_first_chunk().ok_or(Reason::Damaged)?;
    let start = at + 4;
    let end = start.checked_add(u32::from_le_bytes(*len) as usize).filter(|end| *end <= bytes.len());
    end.map(|end| start..end).ok_or(Reason::Damaged)
}

/// A value by its bytes, which are of the right length.
fn stored(bytes: &[u8], physical: Physical) -> Raw<'_> {
    match (physical, bytes) {
        (Physical::Int32, [a, b, c, d]) => Raw::Int(i64::from(i32::from_le_bytes([*a, *b, *c, *d]))),
        (Physical::Float, [a, b, c, d]) => Raw::Float(f32::from_le_bytes([*a, *b, *c, *d])),
        (Physical::Int64, bytes) => Raw::Int(i64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default())),
        (Physical::Double, bytes) => Raw::Double(f64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default())),
        (_, bytes) => Raw::Bytes(bytes),
    }
}
