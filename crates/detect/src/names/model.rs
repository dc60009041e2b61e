//! The weights as they lie in a file, read in place.
//!
//! Layout, little endian: magic of 8 bytes; key of 8; bits of the weights' rows of 4; slots of the word lists of 4; then per
//! kind 64 scores of 2; the slots; the rows, 16 signed bytes each; the BLAKE3 digest of all before it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::features::Rows;
use super::gazetteer::{Gazetteer, SLOT};
use super::{Kind, TAGS};

pub(crate) const MAGIC: &[u8; 8] = b"BZNAMES1";
const HEAD: usize = 24;
/// Steps of the table that turns a margin into a score.
pub(crate) const STEPS: usize = 64;
const SCORES: usize = Kind::ALL.len() * STEPS * 2;
const DIGEST: usize = 32;

/// A trained recogniser of names. Cloning is cheap.
#[derive(Clone)]
pub struct Names(Arc<Model>);

/// The parts of a model.
pub(crate) struct Model {
    bytes: Cow<'static, [u8]>,
    key: u64,
    pub(crate) bits: u32,
    slots: usize,
}

/// Why weights were refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Another form, or cut off.
    #[error("these are no weights of this version; train them again with `bartizan train ner`")]
    Form,
    /// Altered or damaged.
    #[error("the weights are damaged: their digest is another one")]
    Digest,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("bits", &self.0.bits).finish_non_exhaustive()
    }
}

impl Names {
    /// The weights that are part of the program.
    ///
    /// # Errors
    /// When they are damaged, which the tests of this crate exclude.
    pub fn builtin() -> Result<Self, ModelError> {
        Self::load(Cow::Borrowed(include_bytes!("../../models/names.bin")))
    }

    /// Weights that `bartizan train ner` wrote.
    ///
    /// # Errors
    /// When they are of another form or damaged.
    pub fn load(bytes: Cow<'static, [u8]>) -> Result<Self, ModelError> {
        let number = |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
        if bytes.get(..8) != Some(MAGIC) {
            return Err(ModelError::Form);
        }
        let key = bytes.get(8..16).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes);
        let bits = number(16).filter(|bits| (8..=20).contains(bits)).ok_or(ModelError::Form)?;
        let slots = number(20).and_then(|slots| usize::try_from(slots).ok()).ok_or(ModelError::Form)?;
        let body = HEAD + SCORES + slots.saturating_mul(SLOT) + (1 << bits) * TAGS;
        if !slots.is_power_of_two() || bytes.len() != body.saturating_add(DIGEST) {
            return Err(ModelError::Form);
        }
        let (content, digest) = bytes.split_at(body);
        if blake3::hash(content).as_bytes() != digest {
            return Err(ModelError::Digest);
        }
        Ok(Self(Arc::new(Model { bytes, key, bits, slots })))
    }

    /// The digest of the weights.
    pub fn digest(&self) -> [u8; 32] {
        self.0.bytes.last_chunk().copied().unwrap_or_default()
    }

    pub(crate) fn model(&self) -> &Model {
        &self.0
    }
}

impl Model {
    pub(crate) fn lists(&self) -> Gazetteer<'_> {
        let from = HEAD + SCORES;
        Gazetteer::new(self.key, self.bytes.get(from..from + self.slots * SLOT).unwrap_or_default())
    }

    /// The score of a name in basis points, by its kind and mean margin.
    pub(crate) fn score(&self, kind: Kind, margin: i32) -> u16 {
        let at = HEAD + (kind.index() * STEPS + step(margin)) * 2;
        self.bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
    }

    /// The sum of the rows.
    pub(crate) fn sum(&self, rows: &Rows) -> [i32; TAGS] {
        let weights = self.bytes.get(HEAD + SCORES + self.slots * SLOT..).unwrap_or_default();
        let mut sums = [0_i16; TAGS];
        for row in rows.get() {
            let at = *row as usize * TAGS;
            let Some(weights) = weights.get(at..at + TAGS).and_then(|row| <&[u8; TAGS]>::try_from(row).ok()) else { continue };
            for (sum, weight) in sums.iter_mut().zip(weights) {
                // 80 rows of a signed byte fit.
                *sum = sum.wrapping_add(i16::from(weight.cast_signed()));
            }
        }
        sums.map(i32::from)
    }
}

/// Which step of the table of scores a margin belongs to.
pub(crate) fn step(margin: i32) -> usize {
    usize::try_from(margin.max(0) / MARGIN_STEP).unwrap_or(0).min(STEPS - 1)
}

/// Width of a step.
pub(crate) const MARGIN_STEP: i32 = 12;

/// Puts a file together.
pub(crate) fn assemble(key: u64, bits: u32, scores: &[[u16; STEPS]; Kind::ALL.len()], slots: &[u8], rows: &[[i8; TAGS]]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(key.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(u32::try_from(slots.len() / SLOT).unwrap_or(0).to_le_bytes());
    bytes.extend(scores.iter().flatten().flat_map(|score| score.to_le_bytes()));
    bytes.extend(slots);
    bytes.extend(rows.iter().flatten().map(|weight| weight.cast_unsigned()));
    let digest = blake3::hash(&bytes);
    bytes.extend(digest.as_bytes());
    bytes
}
