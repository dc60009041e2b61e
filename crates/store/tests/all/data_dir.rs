//! The store on a real folder: recording, finding, erasing, keys, backup.

use bartizan_ledger::{Outcome, verify_log};
use bartizan_store::{DataDir, EventFilter, LedgerAtHand, SpentRow, StoreError};
use bartizan_vocabulary::{Decision, GroupName, Label, PrincipalId, PrincipalKind, RequestId};

use crate::help::{PLANTED, append, options, record, search};

#[test]
fn what_is_recorded_is_found_and_the_log_verifies() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    for number in 0..700 {
        append(&dir, &record(number, "user:ada"));
    }
    dir.flush().unwrap();
    let events = dir.events(&EventFilter::default()).unwrap();
    assert_eq!(events.len(), 700);
    for (number, event) in events.iter().enumerate() {
        let json: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
        assert_eq!(json["ledger"]["index"], number, "order of the journal is the order of the log");
        assert_eq!(json["n"], number);
        assert_eq!(json["ledger"]["origin"], dir.verifier_key().name());
    }
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap();
    assert_eq!((report.size, report.outcome()), (700, Outcome::Good));
    assert_eq!(report.verdict(), "self-consistent; rollback cannot be excluded");
}

#[test]
fn filters_narrow() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    for number in 0..10 {
        append(&dir, &record(number, "user:ada"));
    }
    dir.flush().unwrap();
    let check = |filter: EventFilter, expected: &[u64]| {
        let found: Vec<u64> = dir.events(&filter).unwrap().iter().map(|event| event.index).collect();
        assert_eq!(found, expected, "{filter:?}");
    };
    let all = EventFilter::default;
    check(EventFilter { limit: Some(3), ..all() }, &[0, 1, 2]);
    check(EventFilter { limit: Some(3), newest: true, ..all() }, &[7, 8, 9]);
    check(EventFilter { after: Some(7), ..all() }, &[8, 9]);
    // A page has so many bytes, and one event at least.
    let size = dir.events(&all()).unwrap()[0].json.len();
    check(EventFilter { bytes: Some(3 * size + size / 2), ..all() }, &[0, 1, 2]);
    check(EventFilter { bytes: Some(3 * size + size / 2), newest: true, ..all() }, &[7, 8, 9]);
    check(EventFilter { bytes: Some(1), after: Some(4), ..all() }, &[5]);
    check(EventFilter { bytes: Some(1), limit: Some(3), newest: true, ..all() }, &[9]);
    check(EventFilter { request_id: Some(RequestId::from("req-4")), ..all() }, &[4]);
    check(EventFilter { decision: Some(Decision::Blocked), ..all() }, &[0, 3, 6, 9]);
    check(EventFilter { label: Some(Label::from("pii")), after: Some(6), ..all() }, &[7, 8, 9]);
    check(EventFilter { label: Some(Label::from("pii.email")), after: Some(7), ..all() }, &[8, 9]);
    check(EventFilter { label: Some(Label::from("pii.e")), ..all() }, &[]);
    check(EventFilter { since: Some(crate::help::time(8)), ..all() }, &[8, 9]);
}

#[test]
fn what_was_spent_is_known_after_a_restart() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let row = |number: u8, until: i64, tokens| SpentRow { id: [number; 32], until, tokens, nanos: u64::MAX };
    let later = i64::MAX;
    let dir = DataDir::open(&path, options()).unwrap();
    dir.save_spent(&[row(1, later, 10), row(2, 1, 20)]).unwrap();
    dir.save_spent(&[row(1, later, 11), row(3, later, 30)]).unwrap();
    drop(dir);
    let dir = DataDir::open(&path, options()).unwrap();
    let mut known = dir.spent().unwrap();
    known.sort_unstable_by_key(|row| row.id);
    // The second one's period is over; the first was replaced.
    assert_eq!(known.iter().map(|row| (row.id[0], row.tokens)).collect::<Vec<_>>(), [(1, 11), (3, 30)]);
    assert_eq!(known[0].nanos, i64::MAX.unsigned_abs());
}

#[test]
fn a_second_process_is_told_who_has_the_folder() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let _dir = DataDir::open(&path, options()).unwrap();
    match DataDir::open(&path, options()) {
        Err(StoreError::Locked { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("expected the lock to hold, got {:?}", other.err()),
    }
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    for round in 0..4 {
        let dir = DataDir::open(&path, options()).unwrap();
        for number in 0..300 {
            append(&dir, &record(round * 300 + number, if number % 2 == 0 { "user:ada" } else { "service:ci" }));
        }
    }
    let dir = DataDir::open(&path, options()).unwrap();
    let events = dir.events(&EventFilter::default()).unwrap();
    let numbers: Vec<u64> =
        events.iter().map(|event| serde_json::from_slice::<serde_json::Value>(&event.json).unwrap()["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..1200).collect::<Vec<_>>());
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap();
    assert_eq!((report.size, report.damage), (1200, vec![]));
}

#[test]
fn nothing_personal_is_in_plain_text_and_an_erasure_is_final() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    let groups = vec![GroupName::from("planted-group")];
    let ada = dir.create_key("ada.planted", PrincipalKind::User, groups, None).unwrap();
    let bob = dir.create_key("bob", PrincipalKind::User, vec![], None).unwrap();
    for number in 0..50 {
        append(&dir, &record(number, if number % 2 == 0 { "user:ada.planted" } else { "user:bob" }));
    }
    for flushed in [false, true] {
        if flushed {
            dir.flush().unwrap();
        }
        for planted in PLANTED.iter().chain(&["ada.planted", "planted-group", &*ada.key]) {
            assert_eq!(search(&path, planted.as_bytes()), Vec::<String>::new(), "{planted}, flushed: {flushed}");
        }
    }
    let erased = PrincipalId::new("user:ada.planted");
    let checkpoint = std::fs::read_to_string(path.join("ledger/checkpoint")).unwrap();
    let keys: Vec<Vec<u8>> = crate::help::wrapped_keys(&path);
    let receipt = dir.erase(&erased).unwrap();
    assert_eq!(receipt.keys, vec![ada.id]);
    assert_eq!(receipt.data_keys, 1);
    assert!(dir.directory().authenticate(&ada.key).is_none());
    assert!(dir.directory().authenticate(&bob.key).is_some());
    let left: Vec<_> = keys.iter().filter(|key| !search(&path, key).is_empty()).collect();
    assert_eq!((keys.len(), left.len()), (2, 1), "the erased person's wrapped key is in no file any more");
    for planted in PLANTED {
        assert_eq!(search(&path, planted.as_bytes()), Vec::<String>::new());
    }
    let (mut erased, mut kept) = (0, 0);
    for event in dir.events(&EventFilter::default()).unwrap() {
        let json: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
        if json["erased"] == true {
            assert_eq!(json["principal"], serde_json::Value::Null);
            erased += 1;
        } else {
            assert_eq!(json["principal"], "user:bob");
            kept += 1;
        }
    }
    assert_eq!((erased, kept), (25, 25));
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), Some(&checkpoint)).unwrap();
    assert_eq!(report.damage, vec![]);
    append(&dir, &record(99, "user:ada.planted"));
    dir.flush().unwrap();
    let seen = dir.events(&EventFilter::default()).unwrap();
    let again = seen.iter().any(|event| String::from_utf8_lossy(&event.json).contains("user:ada.planted"));
    assert!(!again && seen.len() == 50, "what began before the erasure ends without a trace of whose it was");
    append(&dir, &record(6_000_000, "user:ada.planted"));
    dir.flush().unwrap();
    let again = dir.events(&EventFilter { newest: true, limit: Some(1), ..EventFilter::default() }).unwrap();
    assert!(String::from_utf8_lossy(&again[0].json).contains("user:ada.planted"), "who comes back gets a new key");
}

#[test]
fn keys_and_tokens_live_and_die() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    let groups = vec![GroupName::from("b"), GroupName::from("a")];
    let new = dir.create_key("ci", PrincipalKind::Service, groups, Some(vec!["m1".into()])).unwrap();
    let token = dir.create_token("reader", bartizan_store::Scope::Read, None).unwrap();
    assert!(new.key.starts_with("bzk_") && new.key.len() == 4 + 43);
    let check = |dir: &DataDir| {
        let principal = dir.directory().authenticate(&new.key).unwrap();
        assert_eq!(principal.id.as_str(), "service:ci");
        assert_eq!(principal.groups, vec![GroupName::from("a"), GroupName::from("b")]);
        assert_eq!(dir.directory().token(&token.token).unwrap().scope, bartizan_store::Scope::Read);
        assert_eq!((dir.directory().keys().len(), dir.directory().tokens().len()), (1, 1));
    };
    check(&dir);
    for wrong in ["", "bzk_", "bzk_x", new.key.get(..20).unwrap(), &token.token, &format!("{}A", new.key)] {
        assert!(dir.directory().authenticate(wrong).is_none(), "{wrong}");
    }
    let admin = std::fs::read_to_string(dir.admin_token_file()).unwrap();
    assert!(dir.is_admin_token(admin.trim()));
    assert!(!dir.is_admin_token("bza_") && !dir.is_admin_token(&new.key));
    drop(dir);
    let dir = DataDir::open(&path, options()).unwrap();
    check(&dir);
    assert!(dir.is_admin_token(admin.trim()));
    assert!(dir.revoke(&new.id).unwrap() && !dir.revoke(&new.id).unwrap());
    assert!(dir.directory().authenticate(&new.key).is_none());
}

#[test]
fn the_root_key_is_needed_and_must_be_the_right_one() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let key = temp.path().join("outside.key");
    let outside = || bartizan_store::Options { root_key_file: Some(key.clone()), ..options() };
    let dir = DataDir::open(&path, outside()).unwrap();
    assert_eq!(dir.warning(), None);
    assert!(!path.join("root.key").exists());
    drop(dir);
    assert!(matches!(DataDir::open(&path, options()), Err(StoreError::NoRootKey(_))));
    std::fs::write(&key, [7; 32]).unwrap();
    assert!(matches!(DataDir::open(&path, outside()), Err(StoreError::WrongRootKey)));
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(DataDir::open(&path, outside()), Err(StoreError::NoRootKey(_))));
    assert!(!key.exists(), "no new key is made for old data");
}

#[test]
fn a_rotated_signing_key_is_followed_from_the_old_one() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    append(&dir, &record(0, "user:ada"));
    dir.flush().unwrap();
    let old = dir.verifier_key();
    let held = std::fs::read_to_string(dir.path().join("ledger/checkpoint")).unwrap();
    let new = dir.rotate_ledger_key().unwrap();
    append(&dir, &record(1, "user:ada"));
    dir.flush().unwrap();
    assert_ne!(old, new);
    let by_old = verify_log(&dir.ledger_reader(), &old, Some(&held)).unwrap();
    assert_eq!((by_old.size, by_old.damage), (3, vec![]));
    let path = dir.path().to_path_buf();
    drop(dir);
    assert_eq!(DataDir::open(&path, options()).unwrap().verifier_key(), new);

    // Killed within a rotation: before its entry the next key is forgotten, after it it is taken up.
    let (before, after) = (temp.path().join("before"), temp.path().join("after"));
    let copy = |to: &std::path::Path| {
        for file in crate::help::files(&path) {
            let to = to.join(file.strip_prefix(&path).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(&file, to).unwrap();
        }
    };
    copy(&before);
    copy(&after);
    let dir = DataDir::open(&path, options()).unwrap();
    let third = dir.rotate_ledger_key().unwrap();
    drop(dir);
    for file in crate::help::files(&path.join("journal")) {
        std::fs::copy(&file, after.join("journal").join(file.file_name().unwrap())).unwrap();
    }
    for (killed, expected) in [(&before, &new), (&after, &third)] {
        std::fs::copy(path.join("ledger.key"), killed.join("ledger.key.next")).unwrap();
        let dir = DataDir::open(killed, options()).unwrap();
        append(&dir, &record(2, "user:ada"));
        dir.flush().unwrap();
        assert_eq!((&dir.verifier_key(), killed.join("ledger.key.next").exists()), (expected, false));
        assert_eq!(verify_log(&dir.ledger_reader(), &old, Some(&held)).unwrap().damage, vec![]);
        let listed = bartizan_ledger::VerifierKey::parse_list(&std::fs::read_to_string(killed.join("ledger.pub")).unwrap()).unwrap();
        assert_eq!((listed.first(), listed.last()), (Some(expected), Some(&old)));
        let report = bartizan_ledger::verify_log_by(&dir.ledger_reader(), &listed, Some(&held)).unwrap();
        assert_eq!(report.damage, vec![]);
    }
}

#[test]
fn a_backup_restores_and_forgets_who_was_erased_since() {
    let temp = tempfile::tempdir().unwrap();
    let (path, copy, elsewhere) = (temp.path().join("data"), temp.path().join("copy"), temp.path().join("elsewhere"));
    let dir = DataDir::open(&path, options()).unwrap();
    for number in 0..600 {
        append(&dir, &record(number, if number % 2 == 0 { "user:ada" } else { "user:bob" }));
    }
    dir.backup(&copy).unwrap();
    assert!(!search(&copy, &std::fs::read(path.join("root.key")).unwrap()).iter().any(|_| true), "the root key is not in a backup");
    assert!(matches!(dir.backup(&copy), Err(StoreError::Target { .. })));
    dir.erase(&PrincipalId::new("user:ada")).unwrap();
    append(&dir, &record(600, "user:bob"));
    dir.flush().unwrap();
    let newest = std::fs::read_to_string(path.join("ledger/checkpoint")).unwrap();
    drop(dir);

    let restored = bartizan_store::restore(&copy, &path, options()).unwrap();
    assert_eq!((restored.erasures_applied, restored.ledger), (1, LedgerAtHand::Kept));
    let dir = DataDir::open(&path, options()).unwrap();
    let events = dir.events(&EventFilter::default()).unwrap();
    let erased = events.iter().filter(|event| String::from_utf8_lossy(&event.json).contains("\"erased\":true")).count();
    assert_eq!((events.len(), erased), (600, 300));
    append(&dir, &record(601, "user:bob"));
    dir.flush().unwrap();
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), Some(&newest)).unwrap();
    assert_eq!(report.damage, vec![], "the log at hand goes on; it is not forked");

    let key = bartizan_store::Options { root_key_file: Some(path.join("root.key")), ..options() };
    let restored = bartizan_store::restore(&copy, &elsewhere, key).unwrap();
    assert_eq!((restored.erasures_applied, restored.ledger, restored.size), (0, LedgerAtHand::None, 600));
}

#[test]
fn the_event_index_can_be_made_anew() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    for number in 0..100 {
        append(&dir, &record(number, "user:ada"));
    }
    let mut without_event = record(100, "user:ada");
    without_event.detail.as_mut().unwrap().event = None;
    append(&dir, &without_event);
    dir.flush().unwrap();
    let before = dir.events(&EventFilter::default()).unwrap();
    let db = rusqlite::Connection::open(dir.path().join("bartizan.db")).unwrap();
    db.execute_batch("DELETE FROM events; DELETE FROM openings;").unwrap();
    assert_eq!(dir.events(&EventFilter::default()).unwrap().len(), 0);
    assert_eq!(dir.rebuild_index().unwrap(), 100);
    assert!(dir.events(&EventFilter::default()).unwrap() == before);
    assert_eq!(dir.openings(100).unwrap().len(), 1);
}

#[test]
fn old_events_are_removed_and_the_ledger_stays() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let now = |day: i64| std::sync::Arc::new(move || crate::help::time(0).plus_micros(day * 86_400_000_000)) as bartizan_store::Clock;
    let dir = DataDir::open(&path, bartizan_store::Options { retention_days: Some(90), clock: now(1), ..options() }).unwrap();
    for number in 0..10 {
        append(&dir, &record(number, "user:ada"));
    }
    drop(dir);
    for (day, expected) in [(89, 10), (91, 0)] {
        let dir = DataDir::open(&path, bartizan_store::Options { retention_days: Some(90), clock: now(day), ..options() }).unwrap();
        dir.flush().unwrap();
        assert_eq!(dir.events(&EventFilter::default()).unwrap().len(), expected, "day {day}");
        let sealed: u64 = crate::help::files(&path.join("details")).iter().map(|file| std::fs::metadata(file).unwrap().len()).sum();
        assert_eq!(sealed > 0, expected > 0, "day {day}: {sealed} bytes of details");
        assert_eq!(verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap().size, 10);
    }
}
