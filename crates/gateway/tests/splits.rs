//! Split invariance: however the bytes of a stream are cut, the client gets the same bytes; however its texts are cut over events, the
//! client reads the same texts. Every stream fixture of the repository is taken from its folder, so a new one is split too.
//!
//! `BARTIZAN_SPLITS` is how many random splits each stream gets, `BARTIZAN_SPLITS_SEED` what they are drawn from. With 1,000 splits or
//! more every two-way split is tried, however long the stream is. `BARTIZAN_SPLITS_STREAM` takes only streams whose name holds it.

mod sources;
mod story;

use std::env;

use bartizan_testkit::stats::Dice;
use serde_json::{Value, json};

use self::story::{Cuts, OWN, Story, places};
use crate::harness::{House, Plan, Reply};

/// Streams up to this many bytes are cut in two at every byte.
const EXHAUSTIVE: usize = 2_048;
/// So many two-way splits of others.
const SAMPLE: usize = 24;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Random splits of each stream.
    splits: usize,
    /// What they are drawn from.
    seed: u64,
}

impl Effort {
    fn asked(splits: usize) -> Self {
        let number = |name: &str| env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("`{name}` is `{value}`")));
        let splits = number("BARTIZAN_SPLITS").map_or(splits, |asked: u64| usize::try_from(asked).unwrap());
        Self { splits, seed: number("BARTIZAN_SPLITS_SEED").unwrap_or(1) }
    }

    fn dice(self, story: &Story) -> Dice {
        // Each stream has its own, so that a stream that is added does not change what the others get.
        let name = story.name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Dice::new(self.seed ^ name)
    }

    /// Places to cut something of a length in two.
    fn halves(self, length: usize, exhaustive: usize, sample: usize) -> impl Iterator<Item = usize> {
        let step = if length <= exhaustive || self.splits >= 1_000 { 1 } else { length.div_ceil(sample) };
        (1..length).step_by(step)
    }
}

/// Sends a stream, its bytes cut so: what the client got.
fn pass(house: &House, story: &Story, bytes: &str, cuts: &[usize]) -> Reply {
    house.journal.clear();
    house.upstream.push(story.answer(bytes, cuts));
    let reply = house.send(&story.call());
    house.upstream.forget();
    reply
}

/// What the end of it records.
fn record(house: &House) -> Value {
    let event = house.journal.wait_for("end").event.unwrap();
    json!([event["decision"], event["end"], event["findings"], event["remedies"], event["facts"]["context"]["labels"]])
}

/// The bytes of a stream in one piece, in two at `halves`, in many by chance, and one by one: always the same for the client.
fn same_bytes(house: &House, story: &Story, bytes: &str, halves: impl Iterator<Item = usize>, effort: Effort) -> Reply {
    let expected = pass(house, story, bytes, &[]);
    let recorded = record(house);
    // An error may name the request.
    let text = |reply: &Reply| reply.text().replace(reply.header("bartizan-request-id").unwrap(), "(request)");
    let check = |cuts: &[usize]| {
        let reply = pass(house, story, bytes, cuts);
        let told = || format!("{} with seed {} cut at {cuts:?}", story.name, effort.seed);
        assert_eq!((reply.status, text(&reply), reply.whole), (expected.status, text(&expected), expected.whole), "{}", told());
        if cuts.len() > 1 {
            assert_eq!(record(house), recorded, "{}", told());
        }
    };
    halves.for_each(|cut| check(&[cut]));
    let mut dice = effort.dice(story);
    for number in 0..effort.splits {
        // Few pieces and many, in turn.
        let pieces = 3 + dice.below(if number % 2 == 0 { 6 } else { 200 });
        check(&places(bytes.len(), pieces, &mut dice));
    }
    check(&(1..bytes.len()).collect::<Vec<_>>());
    expected
}

/// The values that no client may read.
fn check_hidden(name: &str, text: &str) {
    for value in ["eve.adams", "5500005555", "ghp_16C7"] {
        assert!(!text.contains(value), "{name}: {text}");
    }
}

/// What a client must have read of a story.
fn check_read(story: &Story, token: &str, reply: &Reply, told: &str) {
    assert!(reply.status == 200 && reply.whole, "{} {told}: {}", story.name, reply.text());
    check_hidden(&story.name, &reply.text());
    for (text, heard) in story.text.iter().zip(story.heard(reply)).filter(|(text, _)| !text.aside) {
        assert_eq!(heard, Story::expected(text, token), "{} {told}: `{}` in {}", story.name, text.name, reply.text());
    }
}

/// Every text cut in two at `most` places or more, while the others come in small pieces, and all of them cut by chance.
fn same_texts(house: &House, story: &Story, token: &str, effort: Effort, most: usize) {
    let check = |cuts: &Cuts| {
        let told = format!("with seed {} and texts cut at {cuts:?}", effort.seed);
        let reply = pass(house, story, &story.bytes(token, cuts), &[]);
        check_read(story, token, &reply, &told);
    };
    let lengths: Vec<usize> = story.text.iter().map(|text| Story::said(text, token).chars().count()).collect();
    for (number, length) in lengths.iter().enumerate() {
        for cut in effort.halves(*length, most, most) {
            let mut cuts = story.usual(token);
            cuts[number] = vec![cut];
            check(&cuts);
        }
    }
    let mut dice = effort.dice(story);
    for number in 0..effort.splits {
        let most = if number % 2 == 0 { 6 } else { 60 };
        let cuts = lengths.iter().map(|length| {
            let pieces = 1 + dice.below(most);
            places(*length, pieces, &mut dice)
        });
        check(&cuts.collect());
    }
    check(&lengths.iter().map(|length| (1..*length).collect()).collect());
}

/// The streams whose name holds `BARTIZAN_SPLITS_STREAM`, if that is set.
fn asked_for(stories: Vec<Story>) -> impl Iterator<Item = Story> {
    let name = env::var("BARTIZAN_SPLITS_STREAM").unwrap_or_default();
    stories.into_iter().filter(move |story| story.name.contains(&name))
}

fn house() -> House {
    House::build(Plan { any: true, ..Plan::default() })
}

#[test]
fn every_split_of_the_bytes_gives_the_same_bytes() {
    bytes_of(|story| story.reads.is_none());
}

#[test]
fn every_split_of_the_bytes_gives_the_same_bytes_translated() {
    bytes_of(|story| story.reads.is_some());
}

fn bytes_of(wanted: fn(&Story) -> bool) {
    let (house, effort) = (house(), Effort::asked(20));
    for story in asked_for(sources::own()).filter(wanted) {
        let token = story.token(&house);
        let bytes = story.bytes(&token, &story.usual(&token));
        let halves = effort.halves(bytes.len(), EXHAUSTIVE, SAMPLE);
        let reply = same_bytes(&house, &story, &bytes, halves, effort);
        check_read(&story, &token, &reply, "uncut");
        assert!(reply.text().contains(OWN) && reply.text().contains("REDACTED"), "{}: {}", story.name, reply.text());
    }
}

#[test]
fn every_split_of_the_texts_gives_the_same_texts() {
    let (house, effort) = (house(), Effort::asked(30));
    for story in asked_for(sources::own()) {
        let token = story.token(&house);
        same_texts(&house, &story, &token, effort, 100);
    }
}

/// Where a policy blocks, the bytes before the block are the same too.
#[test]
fn every_split_of_the_bytes_blocks_at_the_same_place() {
    let more = r#"@id("no-cards") forbid (principal, action == Action::"complete", resource) when { context.labels.contains("pci") };"#;
    let house = House::build(Plan { any: true, more, ..Plan::default() });
    let effort = Effort::asked(5);
    for story in asked_for(sources::own()) {
        let token = story.token(&house);
        let bytes = story.bytes(&token, &story.usual(&token));
        let reply = same_bytes(&house, &story, &bytes, effort.halves(bytes.len(), 0, 30), effort);
        check_hidden(&story.name, &reply.text());
        assert!(!reply.text().contains("REDACTED_CARD") && house.journal.all().pop().unwrap().decision == "blocked", "{}", story.name);
    }
}

#[test]
fn streams_of_other_tests_are_the_same_for_every_split() {
    let (house, effort) = (house(), Effort::asked(8));
    for story in asked_for(sources::of_others()) {
        let bytes = story.bytes("", &Vec::new());
        // One stream for several clients is tried everywhere for the one of its own format.
        let exhaustive = if story.translated { 0 } else { EXHAUSTIVE };
        let reply = same_bytes(&house, &story, &bytes, effort.halves(bytes.len(), exhaustive, SAMPLE), effort);
        assert!(reply.status == 200 && reply.whole, "{}: {}", story.name, reply.text());
    }
}

#[test]
fn streams_are_the_same_for_every_split_where_names_are_looked_for() {
    let (house, effort) = (House::build(Plan { any: true, names: true, ..Plan::default() }), Effort::asked(1));
    for story in asked_for(sources::own().into_iter().chain(sources::of_others()).collect()) {
        let bytes = story.bytes("", &story.usual(""));
        let reply = same_bytes(&house, &story, &bytes, effort.halves(bytes.len(), 0, 4), effort);
        assert!(reply.status == 200 && reply.whole, "{}: {}", story.name, reply.text());
    }
}

/// Many streams, so that each gets few splits: `make leaks` tries all of them.
#[test]
fn streams_of_the_leak_matrix_are_the_same_for_every_split() {
    let (house, effort) = (house(), Effort::asked(2));
    for story in asked_for(sources::of_the_matrix()) {
        let token = story.token(&house);
        let bytes = story.bytes(&token, &story.usual(&token));
        let reply = same_bytes(&house, &story, &bytes, effort.halves(bytes.len(), 0, 3), effort);
        check_hidden(&story.name, &reply.text());
        if !story.text[0].aside {
            same_texts(&house, &story, &token, effort, 5);
        }
    }
}
