//! Lists of words as one table of fingerprints: what kinds of names a word is known to be part of.

use super::hash;

/// A given name.
pub(crate) const FIRST: u16 = 1;
/// A family name.
pub(crate) const LAST: u16 = 1 << 1;
/// The first word of a larger city.
pub(crate) const CITY: u16 = 1 << 2;
/// The first word of a smaller place.
pub(crate) const TOWN: u16 = 1 << 3;
/// A later word of a city or place.
pub(crate) const CITY_INSIDE: u16 = 1 << 4;
/// The first word of a country or region.
pub(crate) const COUNTRY: u16 = 1 << 5;
/// A later word of a country or region.
pub(crate) const COUNTRY_INSIDE: u16 = 1 << 6;
/// A nationality.
pub(crate) const NATION: u16 = 1 << 7;
/// The first word of a street's name.
pub(crate) const STREET: u16 = 1 << 8;
/// A word for a kind of street.
pub(crate) const STREET_KIND: u16 = 1 << 9;
/// A word that ends the name of a company.
pub(crate) const COMPANY: u16 = 1 << 10;
/// A word from the name of a profession.
pub(crate) const JOB: u16 = 1 << 11;
/// A word of everyday texts.
pub(crate) const COMMON: u16 = 1 << 12;
/// A month or a day of the week.
pub(crate) const CALENDAR: u16 = 1 << 13;
/// A title before a name.
pub(crate) const TITLE: u16 = 1 << 14;
/// A word that is looked at in small letters too.
pub(crate) const LOW_TRIGGER: u16 = 1 << 15;

/// The table, as it lies in the model: per slot a fingerprint of two bytes and the lists of two bytes; all zero is empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gazetteer<'a> {
    key: u64,
    slots: &'a [u8],
}

/// Bytes of a slot.
pub(crate) const SLOT: usize = 4;

impl<'a> Gazetteer<'a> {
    pub(crate) fn new(key: u64, slots: &'a [u8]) -> Self {
        Self { key, slots }
    }

    /// What words are hashed with.
    #[inline]
    pub(crate) fn key(&self) -> u64 {
        self.key
    }

    /// The lists that hold a word with this hash.
    #[inline]
    pub(crate) fn get(&self, lower: u64) -> u16 {
        let count = self.slots.len() / SLOT;
        let Some(mask) = count.checked_sub(1) else { return 0 };
        let (mut index, mark) = place(lower, mask);
        for _ in 0..count {
            let Some([a, b, c, d]) = self.slots.get(index * SLOT..index * SLOT + SLOT) else { return 0 };
            let lists = u16::from_le_bytes([*c, *d]);
            if lists == 0 || u16::from_le_bytes([*a, *b]) == mark {
                return lists;
            }
            index = (index + 1) & mask;
        }
        0
    }
}

/// Where a word is looked for first, and its fingerprint.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower bits are what is meant")]
fn place(lower: u64, mask: usize) -> (usize, u16) {
    let spread = hash::finish(lower);
    (spread as usize & mask, (spread >> 48) as u16)
}

/// Makes a table of hashes and their lists.
pub(crate) fn build(mut words: Vec<(u64, u16)>) -> Vec<u8> {
    words.sort_unstable();
    let count = (words.len() * 5 / 4).next_power_of_two().max(16);
    let mut slots = vec![0; count * SLOT];
    for (lower, lists) in words {
        let (mut index, mark) = place(lower, count - 1);
        while let Some([a, b, c, d]) = slots.get_mut(index * SLOT..index * SLOT + SLOT) {
            let held = u16::from_le_bytes([*c, *d]);
            if held == 0 || u16::from_le_bytes([*a, *b]) == mark {
                [*a, *b] = mark.to_le_bytes();
                [*c, *d] = (held | lists).to_le_bytes();
                break;
            }
            index = (index + 1) & (count - 1);
        }
    }
    slots
}
