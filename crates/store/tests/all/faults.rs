//! What the journal says and does when parts of the store fail.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use bartizan_ledger::{Appended, JournalError, verify_log};
use bartizan_store::{DataDir, EventFilter, Limits, Options, StoreError};
use rusqlite::Connection;

use crate::help::{append, options, record};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait(appended: Appended) -> Result<(), JournalError> {
    let mut future = Box::pin(appended.wait());
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Holds the database's write lock.
fn lock_database(dir: &DataDir) -> Connection {
    let db = Connection::open(dir.path().join("bartizan.db")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    db
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn power_loss_safe_answers_when_the_disk_has_it() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), Options { power_loss_safe: true, ..options() }).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let journal = dir.journal();
            scope.spawn(move || {
                for number in 0..20 {
                    let appended = journal.append(&record(thread * 100 + number, "user:ada"));
                    assert!(matches!(appended, Appended::Later(_)));
                    wait(appended).unwrap();
                }
            });
        }
    });
    dir.flush().unwrap();
    assert_eq!(dir.events(&EventFilter::default()).unwrap().len(), 80);
}

#[test]
fn a_locked_database_is_said_and_appends_go_on() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    append(&dir, &record(0, "user:ada"));
    dir.flush().unwrap();
    let lock = lock_database(&dir);
    for number in 1..50 {
        append(&dir, &record(number, "user:ada"));
    }
    until("the health report", || dir.journal().health() == Err(JournalError::Sequencer));
    append(&dir, &record(50, "user:new-subject"));
    drop(lock);
    until("health", || dir.journal().health().is_ok());
    dir.flush().unwrap();
    assert_eq!(dir.events(&EventFilter::default()).unwrap().len(), 51);
    assert_eq!(verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap().size, 51);
}

#[test]
fn a_backlog_over_its_limit_fails_closed_and_heals() {
    let temp = tempfile::tempdir().unwrap();
    let limits = Limits { segment_bytes: 50_000, backlog_bytes: 200_000 };
    let dir = DataDir::open(&temp.path().join("data"), Options { limits, ..options() }).unwrap();
    let lock = lock_database(&dir);
    let journal = dir.journal();
    let mut taken = 0;
    let refused = loop {
        match journal.append(&record(taken, "user:ada")) {
            Appended::Done(Ok(())) => taken += 1,
            Appended::Done(Err(error)) => break error,
            Appended::Later(_) => panic!("not power-loss safe here"),
        }
        assert!(taken < 10_000, "the limit does not hold");
    };
    assert_eq!((refused, journal.health()), (JournalError::Backlog, Err(JournalError::Backlog)));
    drop(lock);
    until("health", || journal.health().is_ok());
    append(&dir, &record(taken, "user:ada"));
    dir.flush().unwrap();
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap();
    assert_eq!((report.size, report.damage), (taken + 2, vec![]), "all taken ones, the one after, and a gap");
}

#[test]
fn an_entry_that_is_too_long_is_refused_and_counted() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    let mut long = record(0, "user:ada");
    if let bartizan_ledger::Entry::Request(interaction) = &mut long.entry {
        interaction.route = Some("x".repeat(70_000));
    }
    assert!(matches!(dir.journal().append(&long), Appended::Done(Err(JournalError::TooLong))));
    dir.flush().unwrap();
    assert_eq!(verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap().size, 1, "the gap entry");
    assert_eq!(dir.journal().health(), Ok(()), "one bad entry does not stop the others");
}

#[test]
fn a_damaged_ledger_is_not_taken_up() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    for number in 0..300 {
        append(&dir, &record(number, "user:ada"));
    }
    drop(dir);
    let tile = path.join("ledger/tile/0/001.p/44");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    assert!(matches!(DataDir::open(&path, options()), Err(StoreError::Ledger(_))));
}

#[test]
fn the_checkpoint_is_copied_to_its_second_place() {
    let temp = tempfile::tempdir().unwrap();
    let copy = temp.path().join("elsewhere.checkpoint");
    let dir = DataDir::open(&temp.path().join("data"), Options { checkpoint_copy: Some(copy.clone()), ..options() }).unwrap();
    append(&dir, &record(0, "user:ada"));
    until("the copy", || std::fs::read_to_string(&copy).is_ok_and(|text| text.lines().nth(1) == Some("1")));
    let held = std::fs::read_to_string(&copy).unwrap();
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), Some(&held)).unwrap();
    assert!(report.verdict().starts_with("good"));
}

#[test]
fn openings_open_the_commitments_of_an_entry() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    append(&dir, &record(3, "user:ada"));
    let mut without_event = record(4, "user:ada");
    without_event.detail.as_mut().unwrap().event = None;
    append(&dir, &without_event);
    dir.flush().unwrap();
    for index in [0, 1] {
        let opened = dir.openings(index).unwrap();
        assert_eq!(opened.len(), 1);
        assert_eq!((opened[0].domain.as_str(), opened[0].value.reveal().as_slice()), ("body", crate::help::PLANTED[2].as_bytes()));
    }
    assert_eq!(dir.openings(2).unwrap(), vec![]);
    dir.erase(&bartizan_vocabulary::PrincipalId::new("user:ada")).unwrap();
    assert_eq!(dir.openings(0).unwrap(), vec![]);
}

#[test]
fn a_dead_ledger_thread_refuses_everything() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let temp = tempfile::tempdir().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&broken);
    let clock: bartizan_store::Clock = Arc::new(move || {
        assert!(!seen.load(Ordering::Relaxed), "planted");
        crate::help::time(0)
    });
    let dir = DataDir::open(&temp.path().join("data"), Options { clock, ..options() }).unwrap();
    append(&dir, &record(0, "user:ada"));
    broken.store(true, Ordering::Relaxed);
    until("the health report", || dir.journal().health() == Err(JournalError::Sequencer));
    assert!(matches!(dir.journal().append(&record(1, "user:ada")), Appended::Done(Err(JournalError::Sequencer))));
}

#[test]
fn any_retention_can_be_asked_for() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), Options { retention_days: Some(u32::MAX), ..options() }).unwrap();
    append(&dir, &record(0, "user:ada"));
    dir.flush().unwrap();
    dir.flush().unwrap();
    assert_eq!(dir.journal().health(), Ok(()));
}

#[test]
fn a_checkpoint_copy_that_is_not_of_this_logs_past_is_never_replaced() {
    let temp = tempfile::tempdir().unwrap();
    let (path, copy) = (temp.path().join("data"), temp.path().join("elsewhere.checkpoint"));
    let with_copy = || Options { checkpoint_copy: Some(copy.clone()), ..options() };
    let dir = DataDir::open(&path, with_copy()).unwrap();
    append(&dir, &record(0, "user:ada"));
    dir.flush().unwrap();
    dir.backup(&temp.path().join("early")).unwrap();
    append(&dir, &record(1, "user:ada"));
    dir.flush().unwrap();
    drop(dir);
    // The log of before comes back, as an attacker with a snapshot does it, and goes on differently.
    let key = path.join("root.key");
    let early = temp.path().join("early");
    std::fs::copy(&key, early.join("root.key")).unwrap();
    let held = std::fs::read_to_string(&copy).unwrap();
    let dir = DataDir::open(&early, with_copy()).unwrap();
    assert_eq!(dir.journal().health(), Err(JournalError::CheckpointCopy));
    for number in 2..5 {
        append(&dir, &record(number, "user:ada"));
        dir.flush().unwrap();
    }
    assert_eq!((dir.journal().health(), std::fs::read_to_string(&copy).unwrap()), (Err(JournalError::CheckpointCopy), held.clone()));
    drop(dir);
    let dir = DataDir::open(&early, with_copy()).unwrap();
    assert_eq!(dir.journal().health(), Err(JournalError::CheckpointCopy), "longer, and not a continuation");
    std::fs::rename(&copy, temp.path().join("moved-away")).unwrap();
    until("health", || dir.journal().health().is_ok());
    assert!(std::fs::read_to_string(&copy).unwrap() != held);
}

#[test]
fn a_key_is_dead_at_once_even_when_the_database_cannot_be_written() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    let key = dir.create_key("ada", bartizan_vocabulary::PrincipalKind::User, vec![], None).unwrap();
    let other = dir.create_key("bob", bartizan_vocabulary::PrincipalKind::User, vec![], None).unwrap();
    let db = Connection::open(path.join("bartizan.db")).unwrap();
    db.execute_batch("CREATE TRIGGER full BEFORE DELETE ON virtual_keys BEGIN SELECT raise(FAIL, 'no room'); END").unwrap();
    assert!(matches!(dir.revoke(&key.id), Err(StoreError::RevokedInMemory(_))));
    assert!(dir.directory().authenticate(&key.key).is_none());
    dir.create_key("eve", bartizan_vocabulary::PrincipalKind::User, vec![], None).unwrap();
    assert!(dir.directory().authenticate(&key.key).is_none(), "reading the tables again does not bring it back");
    db.execute_batch("DROP TRIGGER full").unwrap();
    let left = || db.query_row("SELECT count(*) FROM virtual_keys", [], |row| row.get::<_, i64>(0)).unwrap();
    until("the removal", || left() == 2);
    drop(dir);
    let dir = DataDir::open(&path, options()).unwrap();
    assert!(dir.directory().authenticate(&key.key).is_none() && dir.directory().authenticate(&other.key).is_some());
}

#[test]
fn a_record_never_waits_for_the_database() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    append(&dir, &record(0, "user:ada"));
    drop(dir);
    let dir = DataDir::open(&temp.path().join("data"), options()).unwrap();
    dir.flush().unwrap();
    let db = Connection::open(dir.path().join("bartizan.db")).unwrap();
    db.execute_batch("ALTER TABLE data_keys RENAME TO away").unwrap();
    append(&dir, &record(1, "user:ada"));
    append(&dir, &record(2, "user:new"));
    db.execute_batch("ALTER TABLE away RENAME TO data_keys").unwrap();
    dir.flush().unwrap();
    assert_eq!(dir.events(&EventFilter::default()).unwrap().len(), 3);
    let keys: i64 = db.query_row("SELECT count(*) FROM data_keys", [], |row| row.get(0)).unwrap();
    assert_eq!(keys, 2, "who was known keeps the key");
}
