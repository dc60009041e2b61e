//! What callers carry for the gate opens for them alone, also after a restart, and for nobody once they are erased.

use bartizan_identity::Originals;
use bartizan_store::DataDir;
use bartizan_vocabulary::PrincipalId;

use crate::help::{append, options, record, search, time};

fn opened(originals: &dyn Originals, owner: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    originals.open(&PrincipalId::new(owner), sealed).map(|value| value.reveal().clone())
}

#[test]
fn they_open_for_their_owner_alone() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    append(&dir, &record(1, "user:ada"));
    append(&dir, &record(2, "user:bob"));
    let ada = PrincipalId::new("user:ada");
    let values = [b"".to_vec(), b"planted@example.net".to_vec(), vec![0x80; 31], vec![0; 64], "\u{1F600}".repeat(1_000).into_bytes()];
    let seal = |dir: &DataDir, value: &[u8]| dir.originals().seal(&ada, time(5_000_001), value).unwrap();
    let sealed: Vec<_> = values.iter().map(|value| seal(&dir, value)).collect();
    let all_open = |dir: &DataDir| {
        let originals = dir.originals();
        for (value, sealed) in values.iter().zip(&sealed) {
            assert_eq!(opened(&*originals, "user:ada", sealed).as_ref(), Some(value));
            assert_eq!(opened(&*originals, "user:bob", sealed), None);
            assert_eq!(opened(&*originals, "user:nobody", sealed), None);
            for at in [0, 20, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert_eq!(opened(&*originals, "user:ada", &changed), None);
                assert_eq!(opened(&*originals, "user:ada", &sealed[..at]), None);
            }
        }
    };
    all_open(&dir);
    assert_ne!(seal(&dir, b"planted@example.net"), sealed[1], "whether two are the same is not told");
    assert_eq!(seal(&dir, b"a").len(), seal(&dir, &[1; 31]).len(), "nor how long they are");
    dir.flush().unwrap();
    drop(dir);
    assert!(search(&path, b"planted@example.net").is_empty());
    let dir = DataDir::open(&path, options()).unwrap();
    all_open(&dir);
    dir.erase(&ada).unwrap();
    assert_eq!(opened(&*dir.originals(), "user:ada", &sealed[1]), None);
    assert_eq!(dir.originals().seal(&ada, time(4_000_000), b"late"), None, "what began before the erasure");
    append(&dir, &record(3, "user:ada"));
    assert_eq!(opened(&*dir.originals(), "user:ada", &sealed[1]), None, "a new key opens nothing of before");
}
