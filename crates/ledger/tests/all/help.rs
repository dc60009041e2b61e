//! Logs in memory.

use std::collections::BTreeMap;

use bartizan_ledger::{Checkpoint, FileWrite, ReadError, SignerKey, TileReader, TreeState};

/// A log's folder in memory.
#[derive(Clone, Default)]
pub struct Folder {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    pub fn write(&mut self, writes: Vec<FileWrite>) {
        self.files.extend(writes.into_iter().map(|write| (write.tile.path(), write.bytes)));
    }
}

impl TileReader for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.files.get(path).cloned())
    }
}

pub fn key() -> SignerKey {
    SignerKey::new("example.com/log", &[3; 32]).unwrap()
}

pub fn leaf(index: u64) -> Vec<u8> {
    format!("{{\"n\":{index}}}").into_bytes()
}

/// A log of `size` entries, its checkpoint signed, and its tree.
pub fn log(size: u64) -> (Folder, TreeState) {
    log_of((0..size).map(leaf))
}

pub fn log_of(leaves: impl Iterator<Item = Vec<u8>>) -> (Folder, TreeState) {
    let (mut tree, mut writes) = (TreeState::new(), Vec::new());
    for leaf in leaves {
        tree.append(&leaf, &mut writes).unwrap();
    }
    writes.extend(tree.partials());
    let mut folder = Folder::default();
    folder.write(writes);
    let checkpoint = Checkpoint { origin: "example.com/log".to_owned(), size: tree.size(), root: tree.root() };
    folder.files.insert("checkpoint".to_owned(), checkpoint.sign(&key()).into_bytes());
    (folder, tree)
}
