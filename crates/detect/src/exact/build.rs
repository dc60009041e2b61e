//! How a table becomes an index: rows come one by one, nothing of them is kept but hashes.

use super::hints::Hints;
use super::table::{BUCKET_BITS, LABEL, MAGIC, hash, split};
use super::{COLUMNS, ENTRY, FARTHEST, MOST, ROWS, SHORT, WORDS, short};
use crate::known::{BLOCK, Filter, IndexError, IndexKey, Keys, LONGEST, Walk, blocks_for, label_is_good, seal};
use crate::normal::Normal;

/// How an index is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Label of its findings.
    pub label: String,
    /// How many corroborating columns there are.
    pub columns: usize,
    /// How many of their values must stand near a value.
    pub need: usize,
    /// Within how many characters.
    pub within: usize,
    /// Fewest letters and digits of a value.
    pub least: usize,
    /// Most rows that may have the same value.
    pub most_rows: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { label: "proprietary.exact".to_owned(), columns: 0, need: 0, within: 300, least: 5, most_rows: 100 }
    }
}

/// Why a row cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its value has no letters and digits.
    Empty,
    /// Its value has fewer letters and digits than asked for.
    Short,
    /// Its value has more than 120 bytes or 16 words.
    Long,
    /// Its value stands in more rows than allowed.
    Common,
    /// Fewer corroborating values are usable than a finding needs.
    Unconfirmed,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Empty, Self::Short, Self::Long, Self::Common, Self::Unconfirmed];
}

/// An index and what became of the rows.
pub struct Built {
    /// The index.
    pub bytes: Vec<u8>,
    /// Rows that were given.
    pub rows: usize,
    /// Rows that are in it.
    pub kept: usize,
    /// Rows that say the same as another.
    pub repeated: usize,
    /// Rows refused, by [`Refusal::ALL`].
    pub refused: [usize; 5],
}

/// A row: the hash of its value, and its number among those kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    high: u64,
    low: u32,
    row: u32,
    /// The rolling hash, for the filter.
    rolling: u64,
}

/// Takes rows in.
pub struct Builder {
    keys: Keys,
    settings: Settings,
    entries: Vec<Entry>,
    /// Short hashes of corroborating values, row by row.
    with: Vec<u8>,
    hints: Hints,
    lengths: u128,
    lengths_with: u128,
    rows: usize,
    repeated: usize,
    refused: [usize; 5],
}

/// The form of a value.
struct Form {
    bytes: Vec<u8>,
    /// Letters and digits, counted in bytes.
    solid: usize,
    words: usize,
    rolling: u64,
}

impl Builder {
    /// Begins an index.
    ///
    /// # Errors
    /// When a setting is out of its bounds.
    pub fn new(key: &IndexKey, settings: Settings) -> Result<Self, IndexError> {
        let bounds = [
            (label_is_good(&settings.label), "label"),
            (settings.columns <= COLUMNS, "columns"),
            (settings.need <= settings.columns, "need"),
            (settings.within <= FARTHEST, "within"),
            ((1..=ROWS).contains(&settings.most_rows), "most_rows"),
        ];
        if let Some((_, field)) = bounds.iter().find(|(good, _)| !good) {
            return Err(IndexError::Field(field));
        }
        let keys = Keys::new(key);
        Ok(Self {
            hints: Hints::new(&keys),
            keys,
            settings,
            entries: Vec::new(),
            with: Vec::new(),
            lengths: 0,
            lengths_with: 0,
            rows: 0,
            repeated: 0,
            refused: [0; 5],
        })
    }

    /// Takes a row in: its value, and its corroborating values in the order of their columns.
    ///
    /// # Errors
    /// When there are more rows than an index holds.
    pub fn add<'a>(&mut self, value: &str, with: impl IntoIterator<Item = &'a str>) -> Result<(), IndexError> {
        self.rows += 1;
        let row = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        if self.entries.len() >= MOST {
            return Err(IndexError::TooMany { most: MOST, what: "rows" });
        }
        let form = match self.form(value) {
            Ok(form) => form,
            Err(refusal) => {
                self.refuse(refusal, 1);
                return Ok(());
            }
        };
        let before = self.with.len();
        let mut usable = 0;
        for value in with.into_iter().take(self.settings.columns) {
            let hash = self.corroborating(value);
            usable += usize::from(hash != 0);
            self.with.extend(hash.to_le_bytes().iter().take(SHORT));
        }
        self.with.resize(before + self.settings.columns * SHORT, 0);
        if usable < self.settings.need {
            self.with.truncate(before);
            self.refuse(Refusal::Unconfirmed, 1);
            return Ok(());
        }
        self.lengths |= 1 << form.bytes.len();
        self.hints.add(&form.bytes);
        let (high, low) = hash(&self.keys, &form.bytes);
        self.entries.push(Entry { high, low, row, rolling: self.keys.whole.of(form.rolling) });
        Ok(())
    }

    /// Takes every value, however often it comes.
    pub(crate) fn of_any_number(mut self) -> Self {
        self.settings.most_rows = usize::MAX;
        self
    }

    /// How many rows were refused so far.
    pub fn refused(&self) -> usize {
        self.refused.iter().sum()
    }

    fn refuse(&mut self, refusal: Refusal, count: usize) {
        if let Some(refused) = self.refused.get_mut(refusal as usize) {
            *refused += count;
        }
    }

    fn form(&self, value: &str) -> Result<Form, Refusal> {
        let form = read(&self.keys, value).ok_or(Refusal::Long)?;
        match form.solid {
            0 => Err(Refusal::Empty),
            solid if solid < self.settings.least => Err(Refusal::Short),
            _ if form.words > WORDS => Err(Refusal::Long),
            _ => Ok(form),
        }
    }

    /// The short hash of a corroborating value, or 0 when it is not usable.
    fn corroborating(&mut self, value: &str) -> u64 {
        let Some(form) = read(&self.keys, value).filter(|form| form.solid >= CORROBORATING && form.words <= WORDS) else { return 0 };
        self.lengths_with |= 1 << form.bytes.len();
        short(self.keys.whole.of(form.rolling))
    }

    /// Puts the index together.
    ///
    /// # Errors
    /// When no row is left.
    pub fn finish(mut self) -> Result<Built, IndexError> {
        self.entries.sort_unstable();
        let kept = self.kept();
        if kept.is_empty() {
            return Err(IndexError::Empty);
        }
        let bytes = self.assemble(&kept);
        Ok(Built { bytes, rows: self.rows, kept: kept.len(), repeated: self.repeated, refused: self.refused })
    }

    fn with_of(&self, entry: &Entry) -> &[u8] {
        let wide = self.settings.columns * SHORT;
        let at = entry.row as usize * wide;
        self.with.get(at..at + wide).unwrap_or_default()
    }

    /// The entries without those that say the same as another, and without common values.
    fn kept(&mut self) -> Vec<Entry> {
        let mut kept: Vec<Entry> = Vec::with_capacity(self.entries.len());
        let (mut repeated, mut common) = (0, 0);
        for same in self.entries.chunk_by(|one, other| (one.high, one.low) == (other.high, other.low)) {
            if same.len() > self.settings.most_rows {
                common += same.len();
                continue;
            }
            let from = kept.len();
            kept.extend_from_slice(same);
            if let Some(rows) = kept.get_mut(from..) {
                rows.sort_by(|one, other| self.with_of(one).cmp(self.with_of(other)));
            }
            let mut fresh = kept.split_off(from);
            fresh.dedup_by(|other, one| self.with_of(one) == self.with_of(other));
            repeated += same.len() - fresh.len();
            kept.append(&mut fresh);
        }
        self.repeated = repeated;
        self.refuse(Refusal::Common, common);
        kept
    }

    fn assemble(&self, kept: &[Entry]) -> Vec<u8> {
        let wide = self.settings.columns * SHORT;
        let bucket_bits = bits_for(kept.len() / 8).min(BUCKET_BITS);
        let (map_bits, hints) = self.hints.write(&self.keys);
        let blocks = blocks_for(kept.len());
        let mut bytes = Vec::with_capacity(hints.len() + blocks * BLOCK + (4 << bucket_bits) + kept.len() * (ENTRY + wide) + 256);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.keys.check);
        for number in [kept.len(), blocks] {
            bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
        }
        let small = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        bytes.extend([bucket_bits, small(self.settings.columns), small(self.settings.need)]);
        bytes.extend(map_bits);
        bytes.extend(u32::try_from(self.settings.within).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(self.lengths.to_le_bytes());
        bytes.extend(self.lengths_with.to_le_bytes());
        bytes.push(small(self.settings.label.len()));
        bytes.extend(self.settings.label.bytes().chain(std::iter::repeat(0)).take(LABEL));
        bytes.extend(hints);
        let filter = bytes.len();
        bytes.resize(filter + blocks * BLOCK, 0);
        let made = bytes.get_mut(filter..).unwrap_or_default();
        for entry in kept {
            Filter::add(made, entry.rolling);
        }
        let mut bucket_end = 0;
        for bucket in 0..=(1_usize << bucket_bits) {
            bytes.extend(u32::try_from(bucket_end).unwrap_or(u32::MAX).to_le_bytes());
            let inside = kept.get(bucket_end..).unwrap_or_default();
            bucket_end += inside.iter().take_while(|entry| split((entry.high, entry.low), bucket_bits).0 == bucket).count();
        }
        bytes.extend(kept.iter().flat_map(|entry| split((entry.high, entry.low), bucket_bits).1.to_le_bytes()));
        for entry in kept {
            bytes.extend_from_slice(self.with_of(entry));
        }
        seal(&mut bytes, &self.keys);
        bytes
    }
}

/// Fewest letters and digits of a corroborating value.
const CORROBORATING: usize = 2;

/// Bits of a number of so many buckets or more.
fn bits_for(count: usize) -> u8 {
    u8::try_from(count.max(1).next_power_of_two().trailing_zeros()).unwrap_or(u8::MAX)
}

/// The form of a value; none when it is too long.
fn read(keys: &Keys, value: &str) -> Option<Form> {
    // No form is longer than what it is of, escapes and small letters that take more bytes left alone.
    let mut text = Normal::new();
    text.push(value.get(..value.floor_char_boundary(LONGEST * 16)).filter(|part| part.len() == value.len())?, true);
    let mut walk = Walk::of_value(keys);
    let mut form = Form { bytes: Vec::new(), solid: 0, words: 0, rolling: 0 };
    while let Some(word) = walk.take(&text, true) {
        if word.to > LONGEST {
            return None;
        }
        form.words += 1;
        form.solid += word.to - word.from;
        form.rolling = word.hash_to;
        walk.form(0, word.to, &mut form.bytes);
    }
    Some(form)
}
