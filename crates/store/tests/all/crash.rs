//! SIGKILL at any moment: nothing acknowledged is lost, nothing is there twice, the log verifies and continues every checkpoint that
//! was ever published. Disk full: refused at once, counted, and recorded as a gap when writing works again.
//!
//! The processes that die are this test binary itself, started with an environment variable.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bartizan_ledger::{Appended, JournalError, verify_log};
use bartizan_store::{DataDir, EventFilter, Limits, Options};

use crate::help::{frame, options, record};

const CHILD: &str = "BARTIZAN_TEST_CHILD";
const ROUNDS: u64 = 20;

fn small_segments() -> Options {
    Options { limits: Limits { segment_bytes: 200_000, backlog_bytes: 1 << 30 }, ..options() }
}

fn child(test: &str, mode: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, mode).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Numbers that a child printed as acknowledged; the last line may be cut off by the kill.
fn acknowledged(output: &str) -> Vec<u64> {
    let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
    // The test harness writes its own words before the first one.
    whole.lines().filter_map(|line| line.rsplit_once("ack ")?.1.parse().ok()).collect()
}

fn entries(dir: &DataDir) -> HashMap<u64, u32> {
    let mut seen = HashMap::new();
    for event in dir.events(&EventFilter::default()).unwrap() {
        let json: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
        *seen.entry(json["n"].as_u64().unwrap_or_else(|| panic!("unopened: {json}"))).or_default() += 1;
    }
    seen
}

fn append_as_child(spec: &str) {
    let (path, first) = spec.split_once('|').unwrap();
    let first: u64 = first.parse().unwrap();
    let dir = DataDir::open(path.as_ref(), small_segments()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let journal = dir.journal();
            scope.spawn(move || {
                for number in (first + thread..).step_by(4) {
                    let person = format!("user:{}", number % 7);
                    if matches!(journal.append(&record(number, &person)), Appended::Done(Ok(()))) {
                        std::io::stdout().write_all(format!("ack {number}\n").as_bytes()).unwrap();
                    }
                    // So that the log keeps up, and kills hit every stage of it.
                    std::thread::sleep(Duration::from_micros(300));
                }
            });
        }
    });
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost_or_doubled() {
    if let Ok(spec) = std::env::var(CHILD) {
        append_as_child(&spec);
    }
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    drop(DataDir::open(&path, small_segments()).unwrap());
    let (mut acks, mut published) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let spec = format!("{}|{}", path.display(), round * 10_000_000);
        let mut child = child("crash::killed_at_any_moment_nothing_acknowledged_is_lost_or_doubled", &spec).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            stdout.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        // The moments are spread over opening, first batches and publications.
        std::thread::sleep(Duration::from_millis(60 + round * 7_919 % 700));
        child.kill().unwrap();
        child.wait().unwrap();
        acks.extend(acknowledged(&reader.join().unwrap()));
        published.push(std::fs::read_to_string(path.join("ledger/checkpoint")).unwrap());
    }
    let sizes: Vec<u64> = published.iter().map(|note| note.lines().nth(1).unwrap().parse().unwrap()).collect();
    let grown = sizes.windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!(grown > 10, "the log grew in {grown} rounds only ({sizes:?}): this proves nothing");
    let dir = DataDir::open(&path, small_segments()).unwrap();
    let seen = entries(&dir);
    let lost: Vec<_> = acks.iter().filter(|number| !seen.contains_key(number)).collect();
    let doubled: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    eprintln!("{} acknowledged; published {sizes:?}", acks.len());
    assert!(acks.len() > 1_000, "only {} records were acknowledged: this proves nothing", acks.len());
    assert_eq!((lost, doubled), (vec![], vec![]), "of {} acknowledged", acks.len());
    for checkpoint in published {
        let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), Some(&checkpoint)).unwrap();
        assert_eq!(report.damage, vec![]);
        assert_eq!(report.size, seen.values().map(|count| u64::from(*count)).sum::<u64>());
    }
}

#[test]
fn torn_records_in_a_journal_are_passed_over() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    crate::help::append(&dir, &record(0, "user:ada"));
    drop(dir);
    let segment = crate::help::files(&path.join("journal")).pop().unwrap();
    let whole = frame(&bartizan_ledger::Entry::Stop { time: crate::help::time(1) });
    let mut bytes = std::fs::read(&segment).unwrap();
    for torn in [1, 8, whole.len() / 2, whole.len() - 1] {
        bytes.extend_from_slice(&whole[..torn]);
        bytes.extend_from_slice(&whole);
    }
    bytes.extend_from_slice(&whole[..5]);
    std::fs::write(&segment, bytes).unwrap();
    let dir = DataDir::open(&path, options()).unwrap();
    dir.flush().unwrap();
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap();
    assert_eq!((report.size, report.damage), (6, vec![]), "and one gap entry, since whole records follow torn bytes");
    assert_eq!(gaps(&path), ["\"count\":4"]);
}

/// The counts of all gap entries.
fn gaps(path: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in crate::help::files(&path.join("ledger/tile/entries")) {
        let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        let of_gap = |part: &str| part.contains("\"kind\":\"gap\"").then(|| part.split(',').next().unwrap().to_owned());
        found.extend(text.split('{').filter_map(of_gap));
    }
    found
}

#[test]
fn records_of_one_append_are_taken_or_refused_together() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let dir = DataDir::open(&path, options()).unwrap();
    let (first, second, mut long) = (record(1, "user:ada"), record(2, "user:grace"), record(3, "user:ada"));
    let bartizan_ledger::Entry::Request(it) = &mut long.entry else { panic!("a request") };
    it.route = Some("x".repeat(70_000));
    let refused = dir.journal().append_all(&[first.clone(), long]);
    assert!(matches!(refused, Appended::Done(Err(JournalError::TooLong))), "the second is too long, so neither is written");
    assert!(matches!(dir.journal().append_all(&[first, second]), Appended::Done(Ok(()))));
    dir.flush().unwrap();
    let found: Vec<String> =
        dir.events(&EventFilter::default()).unwrap().into_iter().map(|it| String::from_utf8(it.json).unwrap()).collect();
    let numbers: Vec<bool> = found.iter().zip([1, 2]).map(|(json, number)| json.starts_with(&format!("{{\"n\":{number},"))).collect();
    assert_eq!(numbers, [true, true], "{found:?}");
    assert_eq!(gaps(&path), ["\"count\":2"], "both count as refused");
    assert_eq!(verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap().size, 3);
}

#[test]
fn a_damaged_record_of_a_journal_is_said_and_a_torn_tail_is_not() {
    let whole = frame(&bartizan_ledger::Entry::Stop { time: crate::help::time(1) });
    let mut rotten = whole.clone();
    rotten[20] ^= 1;
    let mut unknown = Vec::new();
    let start = bartizan_ledger::start_frame(&mut unknown, 9);
    unknown.push(0);
    bartizan_ledger::finish_frame(&mut unknown, start).unwrap();
    let torn = whole[..whole.len() - 3].to_vec();
    for (bytes, size, said) in [
        ([whole.clone(), rotten.clone(), whole.clone()].concat(), 3, vec!["\"count\":1"]),
        ([whole.clone(), rotten.clone()].concat(), 2, vec!["\"count\":1"]),
        ([unknown, whole.clone()].concat(), 2, vec!["\"count\":1"]),
        ([whole.clone(), torn].concat(), 1, vec![]),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        drop(DataDir::open(&path, options()).unwrap());
        let segment = crate::help::files(&path.join("journal")).pop().unwrap();
        std::fs::write(&segment, bytes).unwrap();
        let dir = DataDir::open(&path, options()).unwrap();
        dir.flush().unwrap();
        let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap();
        assert_eq!((report.size, gaps(&path)), (size, said.into_iter().map(str::to_owned).collect()));
    }
}

fn fill_as_child(path: &str) -> ! {
    let dir = DataDir::open(path.as_ref(), options()).unwrap();
    let journal = dir.journal();
    let say = |text: String| std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
    let try_one = |number: u64| match journal.append(&record(number, "user:ada")) {
        Appended::Done(result) => result,
        Appended::Later(_) => panic!("not power-loss safe here"),
    };
    let mut number = 0;
    let refused = loop {
        match try_one(number) {
            Ok(()) => say(format!("ack {number}")),
            // Health is that of a moment: a fresh segment is tried within 100 ms, and here it works.
            Err(error) => break error,
        }
        number += 1;
    };
    say(format!("refused {refused:?}"));
    let end = Instant::now() + Duration::from_secs(10);
    while try_one(number).is_err() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    say(format!("ack {number}"));
    // Like a crash: nothing is tidied up.
    std::process::exit(0);
}

#[test]
fn a_full_disk_refuses_at_once_and_leaves_a_gap_entry() {
    if let Ok(path) = std::env::var(CHILD) {
        fill_as_child(&path);
    }
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    drop(DataDir::open(&path, options()).unwrap());
    let inner = child("crash::a_full_disk_refuses_at_once_and_leaves_a_gap_entry", "");
    let mut words =
        vec!["trap '' XFSZ; ulimit -f 1500; exec \"$@\"".to_owned(), "sh".to_owned(), inner.get_program().to_string_lossy().into_owned()];
    words.extend(inner.get_args().map(|word| word.to_string_lossy().into_owned()));
    let output = Command::new("sh").arg("-c").args(words).env(CHILD, &path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("refused DiskFull"), "{}", text.lines().rfind(|line| !line.starts_with("ack")).unwrap_or(""));

    let acks = acknowledged(&text);
    let dir = DataDir::open(&path, options()).unwrap();
    let seen = entries(&dir);
    assert!(acks.len() > 100);
    assert!(acks.iter().all(|number| seen.get(number) == Some(&1)), "acknowledged records are there, the refused one is not doubled");
    assert_eq!(seen.len(), acks.len());
    let report = verify_log(&dir.ledger_reader(), &dir.verifier_key(), None).unwrap();
    assert_eq!(report.damage, vec![]);
    assert_eq!(report.size, acks.len() as u64 + 1, "and one gap entry");
    let gap = crate::help::files(&path.join("ledger"))
        .iter()
        .any(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains("\"kind\":\"gap\""));
    assert!(gap);
    assert_eq!(dir.journal().health(), Ok::<(), JournalError>(()));
}
