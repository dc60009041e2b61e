//! What verification finds: every kind of tampering, named by file, tile and index.

use bartizan_ledger::{Entry, Outcome, SignerKey, Wrong, verify_log};
use bartizan_vocabulary::Timestamp;

use crate::help::{Folder, key, leaf, log, log_of};

const SIZE: u64 = 70_000;

/// Tampers with a log of 70,000 entries and compares what is found: file, first entry, what is wrong.
fn check(tamper: impl FnOnce(&mut Folder), expected: &[(&str, Option<u64>, Wrong)]) {
    let (mut folder, _) = log(SIZE);
    tamper(&mut folder);
    let report = verify_log(&folder, key().verifier(), None).unwrap();
    let found: Vec<_> = report.damage.iter().map(|damage| (damage.file.as_str(), damage.index, damage.wrong)).collect();
    assert_eq!(found, expected);
    assert_eq!(report.outcome(), Outcome::Tampered);
    for damage in &report.damage {
        assert!(damage.to_string().starts_with(&damage.file));
    }
}

fn flip(folder: &mut Folder, file: &str, byte: usize) {
    folder.files.get_mut(file).unwrap()[byte] ^= 1;
}

fn swap(folder: &mut Folder, a: &str, b: &str) {
    let (left, right) = (folder.files[a].clone(), folder.files[b].clone());
    folder.files.insert(a.to_owned(), right);
    folder.files.insert(b.to_owned(), left);
}

#[test]
fn an_untouched_log_is_good_and_says_what_that_means() {
    for size in [0, 1, 256, 1_000, SIZE] {
        let (folder, _) = log(size);
        let alone = verify_log(&folder, key().verifier(), None).unwrap();
        assert_eq!((alone.outcome(), alone.verdict()), (Outcome::Good, "self-consistent; rollback cannot be excluded".to_owned()));
        let (earlier, _) = log(size.saturating_sub(300));
        let held = String::from_utf8(earlier.files["checkpoint"].clone()).unwrap();
        let report = verify_log(&folder, key().verifier(), Some(&held)).unwrap();
        assert_eq!(report.damage, vec![], "size {size}");
        assert!(report.verdict().starts_with("good: nothing was altered or removed since the checkpoint of"));
    }
}

#[test]
fn a_flipped_byte_in_any_file_is_named() {
    check(|log| flip(log, "tile/entries/010", 5), &[("tile/entries/010", Some(2_560), Wrong::Altered)]);
    check(|log| flip(log, "tile/entries/273.p/112", 5), &[("tile/entries/273.p/112", Some(69_888), Wrong::Altered)]);
    check(|log| flip(log, "tile/0/010", 33), &[("tile/0/010", Some(2_561), Wrong::Altered)]);
    check(|log| flip(log, "tile/0/273.p/112", 64), &[("tile/0/273.p/112", Some(69_890), Wrong::Altered)]);
    check(|log| flip(log, "tile/1/000", 32 * 7), &[("tile/1/000", Some(7 * 256), Wrong::Altered)]);
    check(|log| flip(log, "tile/1/001.p/17", 0), &[("tile/1/001.p/17", Some(65_536), Wrong::Altered)]);
    check(|log| flip(log, "tile/2/000.p/1", 0), &[("tile/2/000.p/1", Some(0), Wrong::Altered)]);
}

#[test]
fn an_entry_changed_together_with_its_tile_is_named() {
    let rewrite = |log: &mut Folder| {
        let entries = (0..SIZE).map(|index| if index == 3_000 { b"forged".to_vec() } else { leaf(index) });
        let (forged, _) = log_of(entries);
        for file in ["tile/entries/011", "tile/0/011"] {
            log.files.insert(file.to_owned(), forged.files[file].clone());
        }
    };
    check(rewrite, &[("tile/0/011", Some(11 * 256), Wrong::Altered)]);
}

#[test]
fn a_removed_entry_a_reordered_or_truncated_or_missing_file_is_named() {
    let remove = |log: &mut Folder| {
        let bytes = log.files.get_mut("tile/entries/002").unwrap();
        let length = 2 + usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        bytes.drain(..length);
    };
    check(remove, &[("tile/entries/002", Some(512), Wrong::Truncated)]);
    check(
        |log| swap(log, "tile/0/003", "tile/0/004"),
        &[("tile/0/003", Some(768), Wrong::Altered), ("tile/0/004", Some(1_024), Wrong::Altered)],
    );
    check(
        |log| swap(log, "tile/entries/003", "tile/entries/004"),
        &[("tile/entries/003", Some(768), Wrong::Altered), ("tile/entries/004", Some(1_024), Wrong::Altered)],
    );
    check(|log| log.files.get_mut("tile/0/005").unwrap().truncate(8_000), &[("tile/0/005", Some(1_280), Wrong::Truncated)]);
    check(|log| log.files.get_mut("tile/entries/005").unwrap().truncate(8), &[("tile/entries/005", Some(1_280), Wrong::Truncated)]);
    check(|log| drop(log.files.remove("tile/0/006")), &[("tile/0/006", Some(1_536), Wrong::Missing)]);
    check(|log| drop(log.files.remove("tile/entries/006")), &[("tile/entries/006", Some(1_536), Wrong::Missing)]);
    check(|log| drop(log.files.remove("tile/1/000")), &[("tile/1/000", Some(0), Wrong::Missing)]);
}

#[test]
fn a_log_that_was_rolled_back_or_rewritten_is_found_by_a_checkpoint_held_elsewhere() {
    let held = |folder: &Folder| String::from_utf8(folder.files["checkpoint"].clone()).unwrap();
    let (full, _) = log(1_000);
    let (shorter, _) = log(900);
    let rolled = verify_log(&shorter, key().verifier(), Some(&held(&full))).unwrap();
    assert_eq!(rolled.damage[0].wrong, Wrong::RolledBack { expected: 1_000 });
    assert!(verify_log(&shorter, key().verifier(), None).unwrap().damage.is_empty(), "alone it looks fine, and the verdict says so");

    let (rewritten, _) = log_of((0..1_200).map(|index| if index == 17 { b"forged".to_vec() } else { leaf(index) }));
    let report = verify_log(&rewritten, key().verifier(), Some(&held(&full))).unwrap();
    assert_eq!(report.damage[0].wrong, Wrong::Rewritten { at: 1_000 });
}

#[test]
fn a_checkpoint_that_nobody_trusted_signed_is_found() {
    let (mut folder, _) = log(300);
    let stranger = SignerKey::new("example.com/log", &[9; 32]).unwrap();
    let (_, tree) = log(300);
    let forged = bartizan_ledger::Checkpoint { origin: "example.com/log".to_owned(), size: 300, root: tree.root() }.sign(&stranger);
    folder.files.insert("checkpoint".to_owned(), forged.into_bytes());
    let report = verify_log(&folder, key().verifier(), None).unwrap();
    assert!(matches!(report.damage[0].wrong, Wrong::Signature(_)));

    let (mut folder, _) = log(300);
    let wrong_root = bartizan_ledger::Checkpoint { origin: "example.com/log".to_owned(), size: 300, root: [0; 32] }.sign(&key());
    folder.files.insert("checkpoint".to_owned(), wrong_root.into_bytes());
    let report = verify_log(&folder, key().verifier(), None).unwrap();
    assert_eq!(report.damage[0].wrong, Wrong::Root);

    folder.files.remove("checkpoint");
    assert!(verify_log(&folder, key().verifier(), None).is_err(), "unreadable is neither good nor tampered");
}

#[test]
fn a_rotation_is_followed_only_when_a_trusted_key_signed_it() {
    let new = SignerKey::new("example.com/log", &[5; 32]).unwrap();
    let stranger = SignerKey::new("example.com/log", &[9; 32]).unwrap();
    for (old, good) in [(key(), true), (stranger, false)] {
        let rotation = Entry::rotation(Timestamp::from_micros(0), &old, &new).to_bytes().unwrap();
        let (mut folder, tree) = log_of((0..300).map(|index| if index == 200 { rotation.clone() } else { leaf(index) }));
        let checkpoint = bartizan_ledger::Checkpoint { origin: "example.com/log".to_owned(), size: 300, root: tree.root() }.sign(&new);
        folder.files.insert("checkpoint".to_owned(), checkpoint.into_bytes());
        let report = verify_log(&folder, key().verifier(), None).unwrap();
        assert_eq!(report.damage.is_empty(), good);
    }
}

#[test]
fn a_size_that_the_log_never_had_is_damage_at_once() {
    let (mut folder, tree) = log(1_000);
    let sign = |size| bartizan_ledger::Checkpoint { origin: "example.com/log".to_owned(), size, root: tree.root() }.sign(&key());
    folder.files.insert("checkpoint".to_owned(), sign(1 << 40).into_bytes());
    let report = verify_log(&folder, key().verifier(), Some(&sign(1_000))).unwrap();
    let found: Vec<_> = report.damage.iter().map(|damage| (damage.index, damage.wrong)).collect();
    assert_eq!(found, [(Some(768), Wrong::MissingFrom)]);
}

#[test]
fn a_replaced_key_signs_nothing_beyond_its_rotation() {
    let new = SignerKey::new("example.com/log", &[5; 32]).unwrap();
    let stranger = SignerKey::new("example.com/log", &[9; 32]).unwrap();
    let rotation = Entry::rotation(Timestamp::from_micros(0), &key(), &new).to_bytes().unwrap();
    let second = Entry::rotation(Timestamp::from_micros(1), &key(), &stranger).to_bytes().unwrap();
    let log_to = |size: u64, signer: &SignerKey| {
        let (mut folder, tree) = log_of((0..size).map(|index| match index {
            200 => rotation.clone(),
            210 => second.clone(),
            _ => leaf(index),
        }));
        let note = bartizan_ledger::Checkpoint { origin: "example.com/log".to_owned(), size, root: tree.root() }.sign(signer);
        folder.files.insert("checkpoint".to_owned(), note.clone().into_bytes());
        (folder, note)
    };
    let verdict = |size, signer: &SignerKey, keys: &[&SignerKey], anchor: Option<&str>| {
        let keys: Vec<_> = keys.iter().map(|key| key.verifier().clone()).collect();
        let report = bartizan_ledger::verify_log_by(&log_to(size, signer).0, &keys, anchor).unwrap();
        report.damage.into_iter().map(|damage| damage.wrong).collect::<Vec<_>>()
    };
    assert!(verdict(200, &key(), &[&key()], None).is_empty());
    assert!(verdict(300, &new, &[&key()], None).is_empty());
    assert!(matches!(verdict(300, &key(), &[&key()], None)[..], [Wrong::Signature(_)]), "the old key signs a longer log");
    assert!(matches!(verdict(300, &stranger, &[&key()], None)[..], [Wrong::Signature(_)]), "the old key cannot hand on twice");
    let before = log_to(150, &key()).1;
    assert!(verdict(300, &new, &[&new, &key()], Some(&before)).is_empty(), "both keys of `ledger.pub` are known");
    assert!(matches!(verdict(300, &new, &[&new], Some(&before))[..], [Wrong::OtherSigner(_)]));
}
