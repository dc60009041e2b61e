//! RFC 6962 section 2.1 hashing: leaves, nodes, and the root of a run of hashes.

use sha2::{Digest, Sha256};

/// A SHA-256 Merkle tree hash.
pub type Hash = [u8; 32];

/// Hash of a leaf: `SHA-256(0x00 ‖ leaf)`.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(leaf).finalize().into()
}

/// Hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    let (_, rest) = bytes.split_at_mut(1);
    let (first, second) = rest.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// Root of the empty tree: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Merkle tree hash over `hashes`, each taken as the root of an equally high subtree (the last may be lower).
pub(crate) fn subtree_root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [one] => *one,
        [left, right] => node_hash(left, right),
        many => {
            let (left, right) = many.split_at(split_point(many.len()));
            node_hash(&subtree_root(left), &subtree_root(right))
        }
    }
}

/// The largest power of two below `count`; 1 for counts below 3.
fn split_point(count: usize) -> usize {
    let half = count.next_power_of_two() / 2;
    half.max(1)
}
