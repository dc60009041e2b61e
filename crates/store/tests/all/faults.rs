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
