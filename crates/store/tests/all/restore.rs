//! Restoring: nothing is lost or comes back, however it ends.

use std::path::{Path, PathBuf};

use bartizan_ledger::verify_log;
use bartizan_store::{DataDir, EventFilter, LedgerAtHand, Options, StoreError, restore};
use bartizan_vocabulary::{PrincipalId, PrincipalKind};

use crate::help::{append, files, options, record};

struct Place {
    _temp: tempfile::TempDir,
    data: PathBuf,
    copy: PathBuf,
}

/// A folder with 20 records of two people, a backup of it, and an erasure of one after that.
fn erased_since() -> Place {
    let temp = tempfile::tempdir().unwrap();
    let (data, copy) = (temp.path().join("data"), temp.path().join("copy"));
    let dir = DataDir::open(&data, options()).unwrap();
    for number in 0..20 {
        append(&dir, &record(number, if number % 2 == 0 { "user:ada" } else { "user:bob" }));
    }
    dir.backup(&copy).unwrap();
    dir.erase(&PrincipalId::new("user:ada")).unwrap();
    Place { _temp: temp, data, copy }
}

fn copy_all(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&file, target).unwrap();
    }
}

/// How many events open, and how many are of somebody who was erased.
fn opened(dir: &DataDir) -> (usize, usize) {
    let events = dir.events(&EventFilter::default()).unwrap();
    let erased = events.iter().filter(|event| String::from_utf8_lossy(&event.json).contains("\"erased\":true")).count();
    (events.len() - erased, erased)
}

#[test]
fn a_restore_with_a_wrong_root_key_changes_nothing() {
    let place = erased_since();
    let wrong = place.data.with_file_name("wrong.key");
    std::fs::write(&wrong, [7; 32]).unwrap();
    for _ in 0..2 {
        let result = restore(&place.copy, &place.data, Options { root_key_file: Some(wrong.clone()), ..options() });
        assert!(matches!(result, Err(StoreError::WrongRootKey)), "{result:?}");
        assert_eq!(opened(&DataDir::open(&place.data, options()).unwrap()), (10, 10));
    }
    let restored = restore(&place.copy, &place.data, options()).unwrap();
    assert_eq!((restored.ledger, restored.erasures_applied), (LedgerAtHand::Kept, 1));
    assert_eq!(opened(&DataDir::open(&place.data, options()).unwrap()), (10, 10), "nobody came back");
}

#[test]
fn only_what_was_there_is_kept() {
    let place = erased_since();
    let kept = |data: &Path| data.with_file_name(format!("{}.before-restore", data.file_name().unwrap().display()));
    let restored = restore(&place.copy, &place.data, options()).unwrap();
    assert!(restored.kept == Some(kept(&place.data)) && kept(&place.data).join("root.key").exists());
    let key = place.data.join("root.key");
    for (name, made) in [("new", false), ("empty", true)] {
        let data = place.data.with_file_name(name);
        if made {
            std::fs::create_dir(&data).unwrap();
        }
        let restored = restore(&place.copy, &data, Options { root_key_file: Some(key.clone()), ..options() }).unwrap();
        assert!(restored.kept.is_none() && !kept(&data).exists() && data.exists(), "{name}");
    }
}

#[test]
fn an_interrupted_restore_is_refused_to_start_and_done_again() {
    let at_each_stage: [fn(&Place); 3] = [
        // While the copy is made: it may hold who was erased.
        |place| {
            copy_all(&place.copy, &place.data.with_file_name("data.restoring"));
            std::fs::write(place.data.with_file_name("data.restoring").join("unfinished-restore"), "").unwrap();
        },
        // Between the two renames.
        |place| {
            copy_all(&place.data, &place.data.with_file_name("data.restoring"));
            std::fs::rename(&place.data, place.data.with_file_name("data.before-restore")).unwrap();
        },
        // Before either.
        |place| copy_all(&place.data, &place.data.with_file_name("data.restoring")),
    ];
    for (stage, interrupt) in at_each_stage.into_iter().enumerate() {
        let place = erased_since();
        interrupt(&place);
        let unfinished = place.data.with_file_name("data.restoring");
        let started = if stage == 0 { DataDir::open(&unfinished, options()) } else { DataDir::open(&place.data, options()) };
        match (stage, started) {
            (0 | 1, Err(StoreError::Unfinished(_))) | (2, Ok(_)) => {}
            (_, other) => panic!("stage {stage}: {:?}", other.err()),
        }
        let restored = restore(&place.copy, &place.data, options()).unwrap();
        assert_eq!((restored.ledger, restored.erasures_applied), (LedgerAtHand::Kept, 1), "stage {stage}");
        assert_eq!(opened(&DataDir::open(&place.data, options()).unwrap()), (10, 10), "stage {stage}");
    }
}

#[test]
fn what_only_the_journal_holds_is_kept_and_a_revoked_key_stays_dead() {
    let temp = tempfile::tempdir().unwrap();
    let (data, copy) = (temp.path().join("data"), temp.path().join("copy"));
    let dir = DataDir::open(&data, options()).unwrap();
    let key = dir.create_key("ada", PrincipalKind::User, vec![], None).unwrap();
    append(&dir, &record(0, "user:ada"));
    dir.backup(&copy).unwrap();
    append(&dir, &record(1, "user:ada"));
    dir.revoke(&key.id).unwrap();
    dir.flush().unwrap();
    drop(dir);
    // As a kill leaves it: acknowledged, in the journal, and not in the ledger yet.
    let segment = files(&data.join("journal")).into_iter().max().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes.extend(crate::help::frame(&bartizan_ledger::Entry::Stop { time: crate::help::time(77) }));
    std::fs::write(&segment, bytes).unwrap();

    restore(&copy, &data, options()).unwrap();
    let dir = DataDir::open(&data, options()).unwrap();
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap();
    assert_eq!((report.size, report.damage), (5, vec![]), "key, record, record, key, and the one of the journal; none twice");
    assert!(dir.directory().authenticate(&key.key).is_none());
}

/// A backup from before the first key must not open the gate for everybody.
#[test]
fn a_folder_that_had_keys_has_had_them_after_a_restore() {
    for (made, revoked) in [(false, false), (true, false), (true, true)] {
        let temp = tempfile::tempdir().unwrap();
        let (data, copy) = (temp.path().join("data"), temp.path().join("copy"));
        let dir = DataDir::open(&data, options()).unwrap();
        append(&dir, &record(0, "user:ada"));
        dir.backup(&copy).unwrap();
        if made {
            let key = dir.create_key("ada", PrincipalKind::User, vec![], None).unwrap();
            if revoked {
                dir.revoke(&key.id).unwrap();
            }
        }
        drop(dir);
        restore(&copy, &data, options()).unwrap();
        let dir = DataDir::open(&data, options()).unwrap();
        assert_eq!((dir.directory().had_keys(), dir.directory().keys().len()), (made, 0), "made {made}, revoked {revoked}");
    }
}

#[test]
fn a_ledger_without_its_database_does_not_open() {
    let place = erased_since();
    let database = place.data.join("bartizan.db");
    for empty in [false, true] {
        for file in ["bartizan.db", "bartizan.db-wal", "bartizan.db-shm"] {
            let _ = std::fs::remove_file(place.data.join(file));
        }
        if empty {
            std::fs::write(&database, "").unwrap();
        }
        match DataDir::open(&place.data, options()) {
            Err(StoreError::NoDatabase(path)) => assert_eq!(path, database),
            other => panic!("opened without its keys: {:?}", other.err()),
        }
        assert_eq!(database.exists(), empty, "none is made");
    }
    restore(&place.copy, &place.data, options()).unwrap();
    assert_eq!(opened(&DataDir::open(&place.data, options()).unwrap()), (10, 10));
}

#[test]
fn a_backup_touches_no_folder_that_it_refuses_and_lets_nobody_read() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let place = erased_since();
    let dir = DataDir::open(&place.data, options()).unwrap();
    let used = place.data.with_file_name("used");
    std::fs::create_dir(&used).unwrap();
    std::fs::set_permissions(&used, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(used.join("file"), "").unwrap();
    for target in [used.clone(), place.data.join("backup"), place.data.join("details/deep/er")] {
        assert!(matches!(dir.backup(&target), Err(StoreError::Target { .. })), "{}", target.display());
    }
    assert_eq!((mode(&used), place.data.join("backup").exists()), (0o755, false));
    for folder in [&place.copy, &place.data] {
        let open: Vec<_> = files(folder).into_iter().filter(|file| mode(file) & 0o077 != 0).collect();
        assert_eq!(open, Vec::<PathBuf>::new());
    }
}
