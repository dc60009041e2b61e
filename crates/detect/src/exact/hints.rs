//! What is asked of a stretch of text before the filter is: three maps of bits that fit the first and second cache. One of the first
//! four bytes of values, one of their first eight, one of where letters, digits and spaces stand in them.
//!
//! The maps are asked for every word, so a slow keyed hash is no choice, and what a fast one leaves in a map can be guessed. So the
//! maps are encrypted where they lie, and decrypted once when an index is loaded: without the key an index tells nothing but their
//! sizes. The cipher is a synthetic-IV one (as RFC 5297 explains them): a keyed hash of the maps is kept before them, and keyed
//! BLAKE3 of that hash, read on, is the key stream. So two indexes under one key share a stream only when their maps are the same.

use super::{FIRST, OPENING};
use crate::known::Keys;

/// Bytes of the hash before the maps.
pub(super) const TAG: usize = 32;
/// Fewest bits of a map, as a power of two.
const FEWEST: u8 = 9;
/// Most bits of each map: 32 KiB, 1 MiB and 16 KiB.
pub(super) const MOST_BITS: [u8; 3] = [18, 23, 17];

/// Bits of each map.
pub(super) type Bits = [u8; 3];

/// Whether maps may have such sizes.
pub(super) fn fit(bits: Bits) -> bool {
    bits.into_iter().zip(MOST_BITS).all(|(bits, most)| (FEWEST..=most).contains(&bits))
}

/// Bytes of the maps with what lies before them.
pub(super) fn bytes_of(bits: Bits) -> usize {
    TAG + bits.into_iter().map(|bits| 1 << (bits - 3)).sum::<usize>()
}

/// A map of bits. It has a power of two of them.
#[derive(Clone)]
struct Map {
    words: Vec<u64>,
    mask: u64,
}

impl Map {
    fn new(bits: u8) -> Self {
        Self { words: vec![0; 1 << (bits - 6)], mask: (1 << bits) - 1 }
    }

    #[inline]
    fn has(&self, hash: u64) -> bool {
        let bit = hash & self.mask;
        let word = usize::try_from(bit >> 6).ok().and_then(|at| self.words.get(at)).copied().unwrap_or(0);
        word >> (bit & 63) & 1 != 0
    }

    fn set(&mut self, hash: u64) {
        let bit = hash & self.mask;
        if let Some(word) = usize::try_from(bit >> 6).ok().and_then(|at| self.words.get_mut(at)) {
            *word |= 1 << (bit & 63);
        }
    }

    /// Folded to eight bits or more for each that is set.
    fn folded(&self) -> (u8, Self) {
        let set: u64 = self.words.iter().map(|word| u64::from(word.count_ones())).sum();
        let most = self.mask.count_ones();
        let bits = (set.max(1) * 8).next_power_of_two().trailing_zeros().clamp(FEWEST.into(), most);
        let bits = u8::try_from(bits).unwrap_or(FEWEST);
        let mut folded = Self::new(bits);
        for part in self.words.chunks(folded.words.len()) {
            folded.words.iter_mut().zip(part).for_each(|(to, more)| *to |= more);
        }
        (bits, folded)
    }
}

/// The maps, as they lie in memory.
#[derive(Clone)]
pub(super) struct Hints {
    mix: [u64; 2],
    first: Map,
    opening: Map,
    shape: Map,
}

impl Hints {
    /// Empty, of the largest sizes.
    pub(super) fn new(keys: &Keys) -> Self {
        let [first, opening, shape] = MOST_BITS.map(Map::new);
        Self { mix: keys.mix, first, opening, shape }
    }

    /// Whether a value of four bytes or more may begin like this, as far as its first four bytes tell.
    #[inline]
    pub(super) fn may_begin(&self, eight: u64) -> bool {
        self.first.has(mixed(self.mix, eight & 0xffff_ffff))
    }

    /// Whether a value of eight bytes or more may begin like this.
    #[inline]
    pub(super) fn may_open(&self, eight: u64) -> bool {
        self.opening.has(mixed(self.mix, eight))
    }

    /// Whether a value of eight bytes or more may look like this.
    #[inline]
    pub(super) fn may_look(&self, first: u64, last: u64, length: usize) -> bool {
        self.shape.has(mixed(self.mix, shape(first, last, length)))
    }

    /// Takes the form of a value in.
    pub(super) fn add(&mut self, form: &[u8]) {
        if form.len() >= FIRST {
            let mut eight = [0; OPENING];
            eight.iter_mut().zip(form).for_each(|(to, byte)| *to = *byte);
            self.first.set(mixed(self.mix, u64::from_le_bytes(eight) & 0xffff_ffff));
        }
        if let (Some(first), Some(last)) = (form.first_chunk(), form.last_chunk()) {
            let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
            self.opening.set(mixed(self.mix, first));
            self.shape.set(mixed(self.mix, shape(first, last, form.len())));
        }
    }

    /// The sizes and the bytes of an index's part.
    pub(super) fn write(&self, keys: &Keys) -> (Bits, Vec<u8>) {
        let maps = [&self.first, &self.opening, &self.shape].map(Map::folded);
        let plain: Vec<u8> = maps.iter().flat_map(|(_, map)| &map.words).flat_map(|word| word.to_le_bytes()).collect();
        let bits = maps.map(|(bits, _)| bits);
        let mut tagged = blake3::Hasher::new_keyed(&keys.hints);
        tagged.update(b"tag").update(&bits).update(&plain);
        let tag = *tagged.finalize().as_bytes();
        let mut bytes = tag.to_vec();
        bytes.extend(plain);
        cipher(keys, &mut bytes);
        (bits, bytes)
    }

    /// Reads an index's part. That it is whole was seen before.
    pub(super) fn read(keys: &Keys, bits: Bits, part: &[u8]) -> Self {
        let mut bytes = part.to_vec();
        cipher(keys, &mut bytes);
        let words = bytes.get(TAG..).unwrap_or_default().as_chunks::<8>().0;
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let [first, opening, shape] = bits.map(|bits| {
            let mut map = Map::new(bits);
            map.words.iter_mut().zip(&mut words).for_each(|(to, word)| *to = word);
            map
        });
        Self { mix: keys.mix, first, opening, shape }
    }
}

/// Encrypts or decrypts what follows the tag.
fn cipher(keys: &Keys, bytes: &mut [u8]) {
    let Some((tag, rest)) = bytes.split_at_mut_checked(TAG) else { return };
    let mut stream = vec![0; rest.len()];
    blake3::Hasher::new_keyed(&keys.hints).update(b"stream").update(tag).finalize_xof().fill(&mut stream);
    rest.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
}

/// A fast hash. Both numbers are secret, so nobody writes a text that hits the maps without their values.
#[inline]
fn mixed([one, two]: [u64; 2], word: u64) -> u64 {
    let once = word.wrapping_mul(one);
    let twice = (once ^ once >> 32).wrapping_mul(two);
    twice ^ twice >> 32
}

/// Where letters, digits and others stand in the first and the last eight bytes, and the length.
#[inline]
fn shape(first: u64, last: u64, length: usize) -> u64 {
    // Bit 6 tells letters, bit 7 what is not ASCII; bit 4 without them tells digits from the space.
    let kinds = |eight: u64| {
        let letters = eight >> 6 & 0x0303_0303_0303_0303;
        let digits = eight >> 4 & !(eight >> 6 | eight >> 7) & 0x0101_0101_0101_0101;
        letters | digits << 2
    };
    // Three bits of each byte: the last eight go into those that the first leave free, the length above them.
    (kinds(first) | kinds(last) << 3) ^ (length as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::IndexKey;

    fn keys(byte: u8) -> Keys {
        Keys::new(&IndexKey::new([byte; 32]))
    }

    fn asked(hints: &Hints, form: &str) -> [bool; 3] {
        let (first, last) = (form.as_bytes().first_chunk().unwrap(), form.as_bytes().last_chunk().unwrap());
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        [hints.may_begin(first), hints.may_open(first), hints.may_look(first, last, form.len())]
    }

    #[test]
    fn what_was_added_is_let_through_and_little_else() {
        let keys = keys(7);
        let mut hints = Hints::new(&keys);
        let value = |number: u64| format!("{:04}b{number:05}", number * 7 % 10_000);
        (0..1_000).for_each(|number| hints.add(value(number).as_bytes()));
        let (bits, bytes) = hints.write(&keys);
        assert_eq!((bits, bytes.len()), ([13, 13, 9], bytes_of(bits)));
        let read = Hints::read(&keys, bits, &bytes);
        assert!((0..1_000).all(|number| asked(&read, &value(number)) == [true; 3]));
        let wrong = |which: usize, make: &dyn Fn(u64) -> String| {
            (0..1_000).filter(|number| asked(&read, &make(*number)).get(which).copied().unwrap()).count()
        };
        assert!(wrong(0, &|number| format!("x{number:03}b00000")) < 250);
        assert!(wrong(1, &|number| format!("{number:04}x00000")) < 250);
        assert!(wrong(2, &|number| format!("{}b{number:05}", "0".repeat(usize::try_from(number).unwrap() % 100 + 5))) < 50);
        assert!(!asked(&read, "0007 00001")[2]);
    }

    #[test]
    fn maps_are_encrypted_each_with_a_stream_of_its_own() {
        let empty = Hints::new(&keys(1));
        let (bits, plain) = empty.write(&keys(1));
        let ones = |bytes: &[u8]| bytes.iter().map(|byte| byte.count_ones()).sum::<u32>() as usize;
        let half = |bytes: &[u8]| (bytes.len() * 3..bytes.len() * 5).contains(&ones(bytes));
        assert!(half(&plain), "an empty map shows");
        let mut other = empty.clone();
        other.add(b"a value");
        let (_, more) = other.write(&keys(1));
        let changed: Vec<u8> = plain.iter().zip(&more).map(|(one, two)| one ^ two).collect();
        assert!(half(&changed[TAG..]), "what was added shows");
        assert_ne!(empty.write(&keys(2)), (bits, plain));
    }
}
