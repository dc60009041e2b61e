//! A split block Bloom filter, as Apache Parquet specifies it, over keyed hashes: one block of 32 bytes is looked at for a value.

/// Bytes of a block.
pub(crate) const BLOCK: usize = 32;
/// Bits for a value.
const BITS: usize = 12;

/// The odd numbers that choose a bit in each of a block's words.
const SALTS: [u32; 8] = [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// How many blocks so many values take.
pub(crate) fn blocks_for(values: usize) -> usize {
    (values * BITS).div_ceil(BLOCK * 8).max(1)
}

/// A filter in bytes that lie somewhere.
#[derive(Clone, Copy)]
pub(crate) struct Filter<'a>(pub(crate) &'a [u8]);

/// Which block, and the seed of its bits.
#[inline]
fn place(hash: u64, bytes: usize) -> (usize, u32) {
    let blocks = (bytes / BLOCK) as u64;
    let block = ((hash >> 32) * blocks) >> 32;
    (usize::try_from(block).unwrap_or(0) * BLOCK, (hash & 0xffff_ffff) as u32)
}

#[inline]
fn bit(seed: u32, salt: u32) -> u32 {
    1 << (seed.wrapping_mul(salt) >> 27)
}

impl Filter<'_> {
    /// Whether a value with this hash may be there.
    #[inline]
    pub(crate) fn may_have(self, hash: u64) -> bool {
        let (at, seed) = place(hash, self.0.len());
        let Some(block) = self.0.get(at..at + BLOCK) else { return false };
        let words = block.chunks_exact(4).map(|word| word.first_chunk().copied().map_or(0, u32::from_le_bytes));
        words.zip(SALTS).fold(true, |all, (word, salt)| all & (word & bit(seed, salt) != 0))
    }

    /// Adds a hash to a filter that is being made.
    pub(crate) fn add(bytes: &mut [u8], hash: u64) {
        let (at, seed) = place(hash, bytes.len());
        let Some(block) = bytes.get_mut(at..at + BLOCK) else { return };
        for (word, salt) in block.chunks_exact_mut(4).zip(SALTS) {
            let set = word.first_chunk().copied().map_or(0, u32::from_le_bytes) | bit(seed, salt);
            word.copy_from_slice(&set.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_little_else() {
        let hash = |number: u64| u64::from_le_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes().first_chunk().unwrap());
        let mut bytes = vec![0; blocks_for(10_000) * BLOCK];
        (0..10_000).for_each(|number| Filter::add(&mut bytes, hash(number)));
        assert!((0..10_000).all(|number| Filter(&bytes).may_have(hash(number))));
        let wrong = (10_000..110_000).filter(|number| Filter(&bytes).may_have(hash(*number))).count();
        assert!(wrong < 1_000, "{wrong} of 100,000 that are not there pass");
        assert!(!Filter(&[]).may_have(1) && !Filter(&[0xff; 31]).may_have(1));
    }
}
