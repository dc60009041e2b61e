//! The weights as they lie in a file, read in place.
//!
//! Layout, little endian: magic of 8 bytes; bits of the rows of 4; number of subjects of 4; for each subject its name (64 bytes, filled
//! with zeros), its bias of 4 and 64 scores of 2; the rows, 16 signed bytes each; the BLAKE3 digest of all before it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{COLUMNS, MOST};

pub(crate) const MAGIC: &[u8; 8] = b"BZSUBJ01";
const HEAD: usize = 16;
/// Bytes of a name.
pub(crate) const NAME: usize = 64;
/// Steps of the table that turns a margin into a score.
pub(crate) const STEPS: usize = 64;
const SUBJECT: usize = NAME + 4 + STEPS * 2;
const DIGEST: usize = 32;
/// Width of a step of the margin.
pub(crate) const MARGIN_STEP: i32 = 24;
/// The mean weight of a window's tokens counts so much: a margin is in these units.
pub(crate) const UNIT: i64 = 32;
/// A weight of one in a file's units.
pub(crate) const WEIGHT: f32 = 16.0;
/// A logit of training in the units of margins.
pub(crate) const UNIT_OF_LOGIT: f32 = 128.0;

/// A trained recogniser of subjects. Cloning is cheap.
#[derive(Clone)]
pub struct Subjects(pub(super) Arc<Model>);

/// The parts of a model.
pub(crate) struct Model {
    bytes: Cow<'static, [u8]>,
    pub(crate) bits: u32,
    names: Vec<String>,
    biases: Vec<i32>,
}

/// Why weights were refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Another form, or cut off.
    #[error("this is no recogniser of subjects of this version; train it again with `bartizan train subject`")]
    Form,
    /// Altered or damaged.
    #[error("the recogniser of subjects is damaged: its digest is another one")]
    Digest,
    /// Two models know a subject of the same name.
    #[error("the subject `{0}` is known already")]
    Known(String),
}

impl fmt::Debug for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subjects").field("names", &self.0.names).finish_non_exhaustive()
    }
}

/// Whether a name may stand in a label: small letters, digits and `_`, in parts that points separate.
pub fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    name.len() <= NAME && name.split('.').all(part)
}

impl Subjects {
    /// The recogniser that is part of the program.
    ///
    /// # Errors
    /// When it is damaged, which the tests of this crate exclude.
    pub fn builtin() -> Result<Self, ModelError> {
        Self::load(Cow::Borrowed(include_bytes!("../../models/subjects.bin")))
    }

    /// What `bartizan train subject` wrote.
    ///
    /// # Errors
    /// When it is of another form or damaged.
    pub fn load(bytes: Cow<'static, [u8]>) -> Result<Self, ModelError> {
        let number = |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
        if bytes.get(..8) != Some(MAGIC) {
            return Err(ModelError::Form);
        }
        let bits = number(8).filter(|bits| (8..=18).contains(bits)).ok_or(ModelError::Form)?;
        let count = number(12).and_then(|count| usize::try_from(count).ok()).filter(|count| (1..=MOST).contains(count));
        let count = count.ok_or(ModelError::Form)?;
        let body = HEAD + count * SUBJECT + (1 << bits) * COLUMNS;
        if bytes.len() != body + DIGEST {
            return Err(ModelError::Form);
        }
        let (content, digest) = bytes.split_at(body);
        if blake3::hash(content).as_bytes() != digest {
            return Err(ModelError::Digest);
        }
        let (mut names, mut biases) = (Vec::new(), Vec::new());
        for index in 0..count {
            let at = HEAD + index * SUBJECT;
            let name = content.get(at..at + NAME).and_then(|name| std::str::from_utf8(name).ok()).ok_or(ModelError::Form)?;
            let name = name.trim_end_matches('\0');
            if !is_name(name) || names.iter().any(|known| known == name) {
                return Err(ModelError::Form);
            }
            names.push(name.to_owned());
            biases.push(number(at + NAME).map_or(0, u32::cast_signed));
        }
        Ok(Self(Arc::new(Model { bytes, bits, names, biases })))
    }

    /// Its subjects, as their labels end: `contract`, `custom.tickets`.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Whether all of them are somebody's own.
    pub fn are_own(&self) -> bool {
        self.0.names.iter().all(|name| name.starts_with("custom."))
    }

    /// The digest of the weights.
    pub fn digest(&self) -> [u8; 32] {
        self.0.bytes.last_chunk().copied().unwrap_or_default()
    }
}

impl Model {
    /// The score of a subject in basis points, by its margin.
    pub(crate) fn score(&self, subject: usize, margin: i32) -> u16 {
        let at = HEAD + subject * SUBJECT + NAME + 4 + step(margin) * 2;
        self.bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
    }

    /// The highest score of a subject.
    pub(crate) fn highest(&self, subject: usize) -> u16 {
        (0..STEPS).map(|step| self.score(subject, i32::try_from(step).unwrap_or(0).saturating_mul(MARGIN_STEP))).max().unwrap_or(0)
    }

    /// The rows of weights.
    pub(crate) fn weights(&self) -> &[u8] {
        let rows = HEAD + self.names.len() * SUBJECT;
        self.bytes.get(rows..rows + (1 << self.bits) * COLUMNS).unwrap_or_default()
    }

    /// The likeliest subject of so many tokens with these sums, and by how much it beats every other and none.
    pub(crate) fn best(&self, sums: &[i64; COLUMNS], tokens: i64) -> Option<(usize, i32)> {
        let (mut first, mut second) = ((0, i64::MIN), 0_i64);
        for (index, (sum, bias)) in sums.iter().zip(&self.biases).enumerate() {
            let value = sum.saturating_mul(UNIT) / tokens.max(1) + i64::from(*bias);
            if value > first.1 {
                second = second.max(first.1);
                first = (index, value);
            } else {
                second = second.max(value);
            }
        }
        let margin = i32::try_from(first.1.saturating_sub(second)).ok()?;
        (margin > 0).then_some((first.0, margin))
    }
}

/// Which step of the table of scores a margin belongs to.
pub(crate) fn step(margin: i32) -> usize {
    usize::try_from(margin.max(0) / MARGIN_STEP).unwrap_or(0).min(STEPS - 1)
}

/// A subject of a file that is put together.
pub(crate) struct Trained {
    pub(crate) name: String,
    pub(crate) bias: i32,
    pub(crate) scores: [u16; STEPS],
}

/// Puts a file together.
pub(crate) fn assemble(bits: u32, subjects: &[Trained], rows: &[[i8; COLUMNS]]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(bits.to_le_bytes());
    bytes.extend(u32::try_from(subjects.len()).unwrap_or(0).to_le_bytes());
    for subject in subjects {
        let mut name = subject.name.clone().into_bytes();
        name.resize(NAME, 0);
        bytes.extend(name);
        bytes.extend(subject.bias.to_le_bytes());
        bytes.extend(subject.scores.iter().flat_map(|score| score.to_le_bytes()));
    }
    bytes.extend(rows.iter().flatten().map(|weight| weight.cast_unsigned()));
    let digest = blake3::hash(&bytes);
    bytes.extend(digest.as_bytes());
    bytes
}
