//! Which of two files that disagree was altered: decided by the checkpoint's root, downwards.

use std::collections::BTreeSet;

use super::walk::{Mismatch, Walk, level_of};
use super::{Damage, Report, Wrong};
use crate::checkpoint::Checkpoint;
use crate::hash::subtree_root;
use crate::tile::{ReadError, Tile, TileKind, TileReader, read_hashes};
use crate::tree::TreeState;

/// Turns mismatches into named damage.
pub(super) fn assign(reader: &dyn TileReader, checkpoint: &Checkpoint, walk: &Walk<'_>, report: &mut Report) -> Result<(), ReadError> {
    let entries_hold = walk.tree.root() == checkpoint.root;
    let edge_holds = !entries_hold && TreeState::load_hashes(reader, checkpoint.size).is_ok_and(|edge| edge.root() == checkpoint.root);
    // Tiles whose recomputed hash is wrong because of damage that was named already.
    let mut explained: BTreeSet<(u8, u64)> = walk.lost.iter().map(|index| (0, *index)).collect();
    for mismatch in &walk.mismatches {
        let tile = mismatch.tile;
        let level = level_of(tile);
        let child = (level.wrapping_sub(1), tile.index.saturating_mul(256).saturating_add(mismatch.position));
        if !entries_hold && explained.contains(&child) {
            explained.insert((level, tile.index));
            continue;
        }
        let damage = if entries_hold {
            stored_is_wrong(mismatch, Wrong::Altered)
        } else if edge_holds && authentic(reader, tile, checkpoint.size)? {
            explained.insert((level, tile.index));
            below_is_wrong(mismatch, checkpoint.size)
        } else if edge_holds {
            stored_is_wrong(mismatch, Wrong::Altered)
        } else {
            stored_is_wrong(mismatch, Wrong::Disagrees)
        };
        report.push(damage);
    }
    if !entries_hold && report.damage.is_empty() {
        report.push_checkpoint(Wrong::Root);
    }
    Ok(())
}

/// Whether a stored tile hangs together with the checkpoint, given that the tree's right edge does.
fn authentic(reader: &dyn TileReader, tile: Tile, size: u64) -> Result<bool, ReadError> {
    let mut tile = tile;
    while tile.width == 256 {
        let level = level_of(tile) + 1;
        let (Some(parent), Some(stored)) = (Tile::in_tree(TileKind::Level(level), tile.index / 256, size), read_hashes(reader, tile)?)
        else {
            return Ok(false);
        };
        let place = usize::try_from(tile.index % 256).unwrap_or(usize::MAX);
        let expected = read_hashes(reader, parent)?.and_then(|hashes| hashes.get(place).copied());
        if expected != Some(subtree_root(&stored)) {
            return Ok(false);
        }
        tile = parent;
    }
    Ok(true)
}

fn stored_is_wrong(mismatch: &Mismatch, wrong: Wrong) -> Damage {
    let tile = mismatch.tile;
    Damage { file: tile.path(), tile: Some(tile), index: first_entry(mismatch), wrong }
}

/// The tile holds, so what it was computed from does not: the entry, or the tile below together with its entries.
fn below_is_wrong(mismatch: &Mismatch, size: u64) -> Damage {
    let tile = mismatch.tile;
    let child = match tile.kind {
        TileKind::Level(level @ 1..) => Tile::in_tree(TileKind::Level(level - 1), tile.index * 256 + mismatch.position, size),
        _ => Some(Tile { kind: TileKind::Entries, ..tile }),
    };
    let file = child.unwrap_or(tile).path();
    Damage { file, tile: child, index: first_entry(mismatch), wrong: Wrong::Altered }
}

/// First entry below the differing hash.
pub(super) fn first_entry(mismatch: &Mismatch) -> Option<u64> {
    let hashes = mismatch.tile.index.checked_mul(256)?.checked_add(mismatch.position)?;
    hashes.checked_mul(1_u64.checked_shl(u32::from(level_of(mismatch.tile)) * 8)?)
}
