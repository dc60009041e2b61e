//! Owners of what providers keep: found by nobody else, after restarts and kills, and gone with their owner.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bartizan_identity::{Binding, Chain, ObjectKind, ObjectsError, Pair};
use bartizan_store::{DataDir, Options, StoreError};
use bartizan_vocabulary::{Hidden, PrincipalId, ProviderName, Timestamp, UninspectedKind};

use crate::help::{append, options, record, search, time, wrapped_keys};

const CHILD: &str = "BARTIZAN_TEST_CHILD";
const DAY_US: u64 = 86_400_000_000;

fn pair(token: &str, surface: &str) -> Pair {
    Pair { token: token.to_owned(), surface: Hidden::new(surface.to_owned()), was_number: surface.starts_with('4') }
}

fn chain(id: u8, pairs: &[(&str, &str)]) -> Arc<Chain> {
    let pairs = pairs.iter().map(|(token, surface)| pair(token, surface)).collect();
    Arc::new(Chain { id: [id; 16], conversation: format!("planted conversation {id}"), pairs })
}

fn bind(dir: &DataDir, owner: &str, chain: &Arc<Chain>, fresh: Option<usize>, id: &str) -> Result<(), ObjectsError> {
    bind_since(dir, owner, chain, fresh, id, time(5_000_001))
}

fn bind_since(
    dir: &DataDir,
    owner: &str,
    chain: &Arc<Chain>,
    fresh: Option<usize>,
    id: &str,
    since: Timestamp,
) -> Result<(), ObjectsError> {
    let (owner, provider) = (PrincipalId::new(owner), ProviderName::new("main"));
    let objects = [(ObjectKind::Response, id.to_owned()), (ObjectKind::Item, format!("{id}_item"))];
    dir.objects().bind(&Binding { owner: &owner, since, provider: &provider, chain, fresh, objects: &objects, unread: &[] })
}

/// The chain of a response, as its owner finds it.
fn found(dir: &DataDir, owner: &str, id: &str) -> Option<Arc<Chain>> {
    let found = dir.objects().look_up(&PrincipalId::new(owner), &[(ObjectKind::Response, id.to_owned())]).unwrap();
    found.into_iter().next().unwrap().map(|object| object.chain)
}

fn rows(path: &std::path::Path, table: &str) -> i64 {
    let db = rusqlite::Connection::open(path.join("bartizan.db")).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn an_object_is_its_owners_after_a_restart_too() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let first = chain(1, &[("EMAIL_0000000001", "ada@planted.example")]);
    let second = chain(1, &[("EMAIL_0000000001", "ada@planted.example"), ("CARD_0000000002", "4111111111111111")]);
    let dir = DataDir::open(&path, options()).unwrap();
    bind(&dir, "user:ada", &first, Some(0), "resp_planted_a").unwrap();
    bind(&dir, "user:ada", &second, Some(1), "resp_planted_b").unwrap();
    let ada = PrincipalId::new("user:ada");
    assert_eq!(dir.objects().at_hand(&ada, ObjectKind::Item, "resp_planted_a_item").unwrap().chain, first);
    assert!(dir.objects().at_hand(&ada, ObjectKind::Item, "resp_planted_a").is_none(), "an item is no response");
    assert_eq!(found(&dir, "user:bob", "resp_planted_a"), None);
    // In order, and without anything that was written by hand.
    drop(dir);
    for word in ["planted", "ada@", "EMAIL_0000000001", "4111111111111111", "user:ada"] {
        assert_eq!(search(&path, word.as_bytes()), Vec::<String>::new(), "{word}");
    }
    let dir = DataDir::open(&path, options()).unwrap();
    assert!(dir.objects().at_hand(&ada, ObjectKind::Response, "resp_planted_a").is_none());
    assert_eq!(found(&dir, "user:ada", "resp_planted_b"), Some(Arc::clone(&second)));
    assert_eq!(found(&dir, "user:ada", "resp_planted_a").map(|chain| chain.id), Some([1; 16]));
    assert!(dir.objects().at_hand(&ada, ObjectKind::Response, "resp_planted_a").is_some(), "the next turn does not read again");
    assert_eq!((found(&dir, "user:bob", "resp_planted_b"), found(&dir, "user:ada", "resp_x")), (None, None));
    dir.objects().forget(&PrincipalId::new("user:bob"), ObjectKind::Response, "resp_planted_b");
    dir.flush_objects().unwrap();
    assert!(found(&dir, "user:ada", "resp_planted_b").is_some());
    dir.objects().forget(&ada, ObjectKind::Response, "resp_planted_b");
    dir.flush_objects().unwrap();
    assert_eq!(found(&dir, "user:ada", "resp_planted_b"), None);
}

#[test]
fn what_somebody_made_first_stays_theirs() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    let (own, others) = (chain(1, &[("EMAIL_0000000001", "ada@x")]), chain(2, &[("EMAIL_0000000002", "bob@x")]));
    bind(&dir, "user:ada", &own, Some(0), "resp_a").unwrap();
    dir.flush_objects().unwrap();
    bind(&dir, "user:bob", &others, Some(0), "resp_a").unwrap();
    dir.flush_objects().unwrap();
    for _ in 0..2 {
        assert_eq!((found(&dir, "user:ada", "resp_a"), found(&dir, "user:bob", "resp_a")), (Some(Arc::clone(&own)), None));
    }
    // Made again by the same: the newer chain counts.
    let again = chain(3, &[]);
    bind(&dir, "user:ada", &again, Some(0), "resp_a").unwrap();
    drop(dir);
    let dir = DataDir::open(&path, options()).unwrap();
    assert_eq!((found(&dir, "user:ada", "resp_a"), found(&dir, "user:bob", "resp_a")), (Some(again), None));
}

#[test]
fn with_a_person_go_their_objects_and_pseudonyms() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    append(&dir, &record(1, "user:ada"));
    let (own, others) = (chain(1, &[("EMAIL_0000000001", "ada@x")]), chain(2, &[("EMAIL_0000000002", "bob@x")]));
    bind(&dir, "user:ada", &own, Some(0), "resp_a").unwrap();
    bind(&dir, "user:bob", &others, Some(0), "resp_b").unwrap();
    dir.flush().unwrap();
    dir.flush_objects().unwrap();
    let keys = wrapped_keys(&path);
    let copy = temp.path().join("copy");
    dir.backup(&copy).unwrap();
    let receipt = dir.erase(&PrincipalId::new("user:ada")).unwrap();
    assert_eq!(receipt.data_keys, 1);
    assert_eq!(dir.objects().at_hand(&PrincipalId::new("user:ada"), ObjectKind::Response, "resp_a"), None);
    assert_eq!((found(&dir, "user:ada", "resp_a"), found(&dir, "user:bob", "resp_b")), (None, Some(others)));
    assert_eq!((rows(&path, "objects"), rows(&path, "object_maps")), (2, 1));
    let left = keys.iter().filter(|key| !search(&path, key).is_empty()).count();
    assert_eq!((keys.len(), left), (2, 1), "the key is in no file any more");
    // What began before the erasure ends without a trace of them.
    assert_eq!(bind_since(&dir, "user:ada", &own, Some(0), "resp_a", time(4_000_000)), Err(ObjectsError::Erased));
    assert_eq!(found(&dir, "user:ada", "resp_a"), None);
    drop(dir);
    // A backup from before it does not bring them back.
    let restored = bartizan_store::restore(&copy, &path, options()).unwrap();
    assert_eq!(restored.erasures_applied, 1);
    let dir = DataDir::open(&path, options()).unwrap();
    assert_eq!(found(&dir, "user:ada", "resp_a"), None);
    assert!(found(&dir, "user:bob", "resp_b").is_some());
    dir.flush_objects().unwrap();
    assert_eq!((rows(&path, "objects"), rows(&path, "object_maps")), (2, 1));
}

#[test]
fn they_expire() -> Result<(), StoreError> {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    let options = Options { object_days: 3, ..Options::new(Arc::new(move || time(clock.load(Ordering::SeqCst)))) };
    let dir = DataDir::open(&path, options.clone())?;
    let own = chain(1, &[("EMAIL_0000000001", "ada@x")]);
    bind(&dir, "user:ada", &own, Some(0), "resp_a").unwrap();
    dir.flush_objects()?;
    now.store(2 * DAY_US, Ordering::SeqCst);
    // A later answer keeps what the chain needs.
    bind(&dir, "user:ada", &own, None, "resp_b").unwrap();
    now.store(3 * DAY_US, Ordering::SeqCst);
    assert_eq!((found(&dir, "user:ada", "resp_a"), found(&dir, "user:ada", "resp_b")), (None, Some(Arc::clone(&own))));
    drop(dir);
    let dir = DataDir::open(&path, options.clone())?;
    assert_eq!((found(&dir, "user:ada", "resp_a"), found(&dir, "user:ada", "resp_b")), (None, Some(own)));
    assert_eq!((rows(&path, "objects"), rows(&path, "object_maps")), (2, 1));
    drop(dir);
    now.store(5 * DAY_US, Ordering::SeqCst);
    let dir = DataDir::open(&path, options)?;
    dir.flush_objects()?;
    assert_eq!((rows(&path, "objects"), rows(&path, "object_maps")), (0, 0));
    Ok(())
}

fn bind_as_child(path: &str) {
    let dir = DataDir::open(path.as_ref(), options()).unwrap();
    for number in 0_u64.. {
        let who = format!("user:{}", number % 3);
        let mut own = Chain::clone(&chain(1, &[("EMAIL_0000000001", who.as_str())]));
        own.id[..8].copy_from_slice(&number.to_le_bytes());
        let own = Arc::new(own);
        while bind(&dir, &who, &own, Some(0), &format!("resp_{number}")).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Killed between an answer and its binding: what is lost is nobody's, what is there is its owner's with its own pseudonyms.
#[test]
fn killed_at_any_moment_nobody_gets_what_is_somebody_elses() {
    if let Ok(path) = std::env::var(CHILD) {
        bind_as_child(&path);
    }
    let (mut known, mut lost) = (0, 0);
    for round in 0..5 {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        let test = "objects::killed_at_any_moment_nobody_gets_what_is_somebody_elses";
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([test, "--exact", "--nocapture"]).env(CHILD, &path).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200 + round * 97));
        child.kill().unwrap();
        child.wait().unwrap();
        let dir = DataDir::open(&path, options()).unwrap();
        for number in 0..900_u64 {
            let id = format!("resp_{number}");
            for who in 0..3_u64 {
                let owner = format!("user:{who}");
                match found(&dir, &owner, &id) {
                    Some(chain) if who == number % 3 => {
                        known += 1;
                        assert!(chain.pairs.iter().all(|pair| *pair.surface.reveal() == owner), "{id}");
                    }
                    Some(_) => panic!("{id} was given to {owner}"),
                    None => lost += u64::from(who == number % 3),
                }
            }
        }
    }
    assert!(known > 100 && lost > 0, "{known} known, {lost} lost");
}

/// What of a file was not read is known after a restart, and a list is asked about as a whole.
#[test]
fn a_file_is_its_owners_with_what_was_not_read() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let (ada, bob, main) = (PrincipalId::new("user:ada"), PrincipalId::new("user:bob"), ProviderName::new("main"));
    let file = |id: &str| vec![(ObjectKind::File, id.to_owned())];
    let dir = DataDir::open(&path, options()).unwrap();
    for (owner, id, unread) in [
        (&ada, "file_planted_a", [UninspectedKind::Image, UninspectedKind::OverLimit].as_slice()),
        (&ada, "file_planted_b", &[]),
        (&bob, "file_planted_c", &[UninspectedKind::File]),
    ] {
        let (since, chain, objects) = (time(5_000_001), chain(7, &[]), file(id));
        let binding = Binding { owner, since, provider: &main, chain: &chain, fresh: Some(0), objects: &objects, unread };
        dir.objects().bind(&binding).unwrap();
    }
    let found = |dir: &DataDir, owner, id| dir.objects().look_up(owner, &file(id)).unwrap().remove(0).map(|file| file.unread.to_vec());
    let ids = ["file_planted_c", "file_x", "file_planted_a", "file_planted_b"].map(str::to_owned);
    let owns =
        |dir: &DataDir, owner, provider: &str| dir.objects().owns(owner, &ProviderName::new(provider), ObjectKind::File, &ids).unwrap();
    let check = |dir: &DataDir| {
        assert_eq!(found(dir, &ada, "file_planted_a"), Some(vec![UninspectedKind::Image, UninspectedKind::OverLimit]));
        assert_eq!((found(dir, &ada, "file_planted_b"), found(dir, &ada, "file_planted_c")), (Some(vec![]), None));
        assert_eq!(dir.objects().look_up(&ada, &[(ObjectKind::Response, "file_planted_a".to_owned())]).unwrap(), [None]);
        assert_eq!(owns(dir, &ada, "main"), [false, false, true, true]);
        assert_eq!(owns(dir, &bob, "main"), [true, false, false, false]);
        assert_eq!(owns(dir, &ada, "other"), [false; 4]);
    };
    check(&dir);
    // More than are looked up at once: one answer for each, in their order.
    let many: Vec<String> = (0..130).map(|at| if at % 65 == 64 { "file_planted_b".to_owned() } else { format!("file_{at}") }).collect();
    let own = dir.objects().owns(&ada, &main, ObjectKind::File, &many).unwrap();
    assert_eq!(own, (0..130).map(|at| at % 65 == 64).collect::<Vec<_>>());
    drop(dir);
    assert_eq!(search(&path, b"file_planted"), Vec::<String>::new());
    let dir = DataDir::open(&path, options()).unwrap();
    assert_eq!(owns(&dir, &ada, "main"), [false, false, true, true], "from the disk alone");
    check(&dir);
    dir.objects().forget(&ada, ObjectKind::File, "file_planted_a");
    dir.flush_objects().unwrap();
    assert_eq!(owns(&dir, &ada, "main"), [false, false, false, true]);
}

/// A conversation is bound again and again, each time with what more was minted in it.
#[test]
fn a_conversation_grows() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let (ada, main, since) = (PrincipalId::new("user:ada"), ProviderName::new("main"), time(5_000_001));
    let wanted = [(ObjectKind::Conversation, "conv_planted_a".to_owned())];
    let pairs = [("EMAIL_0000000001", "ada@x"), ("EMAIL_0000000002", "bob@x"), ("EMAIL_0000000003", "eve@x")];
    let found = |dir: &DataDir, owner: &str| {
        let found = dir.objects().look_up(&PrincipalId::new(owner), &wanted).unwrap().remove(0);
        found.map(|object| object.chain.pairs.iter().map(|pair| pair.surface.reveal().clone()).collect::<Vec<_>>())
    };
    let dir = DataDir::open(&path, options()).unwrap();
    append(&dir, &record(1, "user:ada"));
    let grow = |dir: &DataDir, known: usize, count: usize| {
        let (chain, fresh) = (chain(9, &pairs[..count]), (count > known).then_some(known));
        let binding = Binding { owner: &ada, since, provider: &main, chain: &chain, fresh, objects: &wanted, unread: &[] };
        dir.objects().bind(&binding).unwrap();
    };
    grow(&dir, 0, 1);
    grow(&dir, 1, 2);
    // A turn in which nothing was replaced.
    grow(&dir, 2, 2);
    assert_eq!((found(&dir, "user:ada"), found(&dir, "user:bob")), (Some(vec!["ada@x".to_owned(), "bob@x".to_owned()]), None));
    drop(dir);
    let dir = DataDir::open(&path, options()).unwrap();
    assert_eq!(found(&dir, "user:ada").map(|all| all.len()), Some(2), "from the disk alone");
    grow(&dir, 2, 3);
    drop(dir);
    assert_eq!(search(&path, b"conv_planted"), Vec::<String>::new());
    let dir = DataDir::open(&path, options()).unwrap();
    assert_eq!(found(&dir, "user:ada").map(|all| all.join(" ")), Some("ada@x bob@x eve@x".to_owned()));
    assert_eq!((rows(&path, "objects"), rows(&path, "object_maps")), (1, 3));
    dir.erase(&ada).unwrap();
    assert_eq!(found(&dir, "user:ada"), None);
    assert_eq!((rows(&path, "objects"), rows(&path, "object_maps")), (0, 0));
}
