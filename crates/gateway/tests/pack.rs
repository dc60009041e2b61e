//! An encoder beside the built-in names: asked for requests, under a deadline, and stood in for when it does not answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bartizan_detect::names::{Kind, Name};
use bartizan_gateway::{NameReader, PackSettings};
use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Reply, events};

/// What a reader does with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    Slow,
    /// Looks at no clock.
    Stuck,
    Panics,
    Fails,
    /// Names that lie nowhere.
    Garbage,
}

/// Knows one name, and counts what it is asked.
struct Reader {
    mood: Mutex<Mood>,
    asked: AtomicUsize,
    texts: Mutex<Vec<String>>,
    /// Texts that it has begun and not left.
    inside: AtomicUsize,
}

/// No built-in recogniser knows this for a name.
const NAME: &str = "zqux vrenn";

impl NameReader for Reader {
    fn names(&self, normalised: &str, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Vec<Name>>, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.texts.lock().unwrap().push(normalised.to_owned());
        self.inside.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        while mood == Mood::Slow && go_on() {
            std::thread::sleep(Duration::from_millis(2));
        }
        while *self.mood.lock().unwrap() == Mood::Stuck {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
        let found = |start: usize, end: usize| Name { kind: Kind::Person, start, end, score_bp: 9_000 };
        match mood {
            Mood::Well => Ok(Some(normalised.match_indices(NAME).map(|(at, name)| found(at, at + name.len())).collect())),
            Mood::Slow | Mood::Stuck => Ok(None),
            Mood::Panics => panic!("the reader panics"),
            Mood::Fails => Err("no".to_owned()),
            Mood::Garbage => Ok(Some(vec![found(9, 3), found(0, usize::MAX), found(1 << 40, 1 << 41)])),
        }
    }

    fn digest(&self) -> [u8; 32] {
        [5; 32]
    }
}

fn reader(mood: Mood) -> Arc<Reader> {
    Arc::new(Reader { mood: Mutex::new(mood), asked: AtomicUsize::new(0), texts: Mutex::default(), inside: AtomicUsize::new(0) })
}

fn settings(reader: &Arc<Reader>) -> PackSettings {
    PackSettings { reader: Arc::clone(reader) as Arc<dyn NameReader>, deadline: Duration::from_secs(30), threads: 1, queue: 4 }
}

fn house_of(settings: PackSettings) -> House {
    let house = House::build(Plan { names: true, pack: Some(settings), ..Plan::default() });
    house.upstream.always(Answer::json(canned::chat("m", "Fine.")));
    house
}

fn asked(text: &str) -> String {
    json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}).to_string()
}

/// What the provider reads of a text, which passes.
fn sent(house: &House, text: &str) -> String {
    let reply = house.chat(&asked(text));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen: Value = serde_json::from_str(&house.seen()).unwrap();
    seen["messages"][0]["content"].as_str().unwrap().to_owned()
}

/// The runs of the pack that were recorded for requests: status and reason.
fn runs(house: &House) -> Vec<(String, String)> {
    let word = |run: &Value, name: &str| run[name].as_str().unwrap_or_default().to_owned();
    let of_event = |event: &Value| {
        let runs = event["guards"].as_array().cloned().unwrap_or_default();
        runs.iter().filter(|run| run["name"] == "pack").map(|run| (word(run, "status"), word(run, "reason"))).collect::<Vec<_>>()
    };
    events(house).iter().filter(|event| event["direction"] == "request").flat_map(of_event).collect()
}

fn fallbacks(house: &House) -> u64 {
    house.gate.metrics().pack_fallbacks_total.get()
}

/// Long enough to be remembered.
fn text() -> String {
    format!(
        "we met {NAME} there, and afterwards everybody went home by the way along the river that leads to the mill. I am ada@example.org"
    )
}

fn falls_back(mood: Mood, reason: &str) {
    let reader = reader(mood);
    let deadline = if mood == Mood::Slow { Duration::from_millis(60) } else { Duration::from_secs(30) };
    let house = house_of(PackSettings { deadline, ..settings(&reader) });
    let seen = sent(&house, &text());
    assert!(seen.contains(NAME), "{mood:?}: {seen}");
    assert!(seen.contains("EMAIL_") && !seen.contains("ada@"), "{mood:?}: the rules are still there: {seen}");
    assert_eq!(runs(&house), [("skipped".to_owned(), format!("{reason}: the built-in recogniser read the rest"))], "{mood:?}");
    assert_eq!(fallbacks(&house), 1, "{mood:?}");
    // What was found without the pack is not taken for what it finds, and its threads are still there.
    *reader.mood.lock().unwrap() = Mood::Well;
    // A busy machine may need longer than the deadline for a thread to wake up.
    let within = Instant::now() + Duration::from_secs(20);
    let mut seen = sent(&house, &text());
    while seen.contains(NAME) && Instant::now() < within {
        seen = sent(&house, &text());
    }
    assert!(!seen.contains(NAME) && seen.contains("PERSON_"), "{mood:?}: {seen}");
}

#[test]
fn a_name_that_only_the_pack_knows_gets_a_pseudonym() {
    let reader = reader(Mood::Well);
    let house = house_of(settings(&reader));
    let seen = sent(&house, &text());
    assert!(seen.contains("PERSON_") && !seen.contains(NAME), "{seen}");
    assert_eq!(runs(&house), [("ran".to_owned(), String::new())]);
    assert_eq!((fallbacks(&house), house.gate.metrics().pack_texts_total.get()), (0, 1));
}

#[test]
fn a_text_is_asked_for_once() {
    let reader = reader(Mood::Well);
    let house = house_of(settings(&reader));
    for _ in 0..3 {
        assert!(!sent(&house, &text()).contains(NAME));
    }
    let twice = json!({"model": "gpt-4o-mini", "messages": [
        {"role": "user", "content": text()}, {"role": "assistant", "content": "Fine."}, {"role": "user", "content": text()}]});
    assert_eq!(house.chat(&twice.to_string()).status, 200);
    assert_eq!(reader.asked.load(Ordering::SeqCst), 2, "the text, and the assistant's");
}

#[test]
fn when_it_is_late_the_built_in_names_do() {
    falls_back(Mood::Slow, "late");
}

#[test]
fn when_it_panics_the_built_in_names_do() {
    falls_back(Mood::Panics, "failed");
}

#[test]
fn when_it_fails_the_built_in_names_do() {
    falls_back(Mood::Fails, "failed");
}

#[test]
fn names_that_lie_nowhere_are_none() {
    let house = house_of(settings(&reader(Mood::Garbage)));
    let seen = sent(&house, &text());
    assert!(seen.contains(NAME) && seen.contains("EMAIL_"), "{seen}");
}

#[test]
fn when_too_many_wait_the_built_in_names_do() {
    let reader = reader(Mood::Stuck);
    let house = house_of(PackSettings { deadline: Duration::from_secs(1), queue: 1, ..settings(&reader) });
    let ask = |text: String| {
        let (address, body) = (house.address, asked(&text));
        std::thread::spawn(move || -> Reply {
            let mut wire = crate::harness::Wire::open(address);
            wire.send(&Call::chat(body));
            wire.reply()
        })
    };
    let first = ask("the first text".to_owned());
    let patience = Instant::now() + Duration::from_secs(20);
    while reader.inside.load(Ordering::SeqCst) == 0 && Instant::now() < patience {
        std::thread::yield_now();
    }
    // One is read, one waits, and of the others none has room.
    let others: Vec<_> = (0..3).map(|number| ask(format!("text {number} that waits"))).collect();
    for asked in others.into_iter().chain([first]) {
        assert_eq!(asked.join().unwrap().status, 200);
    }
    let reasons: Vec<String> = runs(&house).into_iter().map(|(_, reason)| reason.split(':').next().unwrap().to_owned()).collect();
    assert!(reasons.iter().filter(|reason| *reason == "busy").count() >= 2, "{reasons:?}");
    assert_eq!(fallbacks(&house), 4);
    // What waited beyond its deadline is dropped once there is time, and what comes then is read.
    *reader.mood.lock().unwrap() = Mood::Well;
    let within = Instant::now() + Duration::from_secs(20);
    while sent(&house, &text()).contains(NAME) && Instant::now() < within {}
    let texts = reader.texts.lock().unwrap();
    assert!(texts.len() >= 2 && !texts.iter().any(|text| text.contains("that waits")), "{texts:?}");
}

#[test]
fn a_text_that_no_deadline_suffices_for_is_not_asked_for() {
    let reader = reader(Mood::Well);
    let house = house_of(settings(&reader));
    let seen = sent(&house, &format!("{} {NAME}", "so it goes on. ".repeat(2_000)));
    assert!(seen.contains(NAME));
    assert_eq!((reader.asked.load(Ordering::SeqCst), fallbacks(&house)), (0, 1));
    assert!(runs(&house)[0].1.starts_with("too long"));
}

#[test]
fn definitions_of_tools_and_identifiers_are_not_asked_for() {
    let reader = reader(Mood::Well);
    let house = house_of(settings(&reader));
    let tool =
        json!({"type": "function", "function": {"name": "find", "description": "Finds a customer", "parameters": {"type": "object"}}});
    let body = json!({"model": "gpt-4o-mini", "tools": [tool], "user": "u1", "messages": [{"role": "user", "content": "hello there"}]});
    assert_eq!(house.chat(&body.to_string()).status, 200);
    assert_eq!(reader.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_policy_may_ask_for_the_pack() {
    let more = r#"@id("only-with-the-pack") forbid(principal, action == Action::"prompt", resource)
        when { context.guards.skipped.contains("pack") };"#;
    let reader = reader(Mood::Fails);
    let house = House::build(Plan { names: true, pack: Some(settings(&reader)), more, ..Plan::default() });
    house.upstream.always(Answer::json(canned::chat("m", "Fine.")));
    assert_eq!(house.chat(&asked("who is there")).status, 403);
    *reader.mood.lock().unwrap() = Mood::Well;
    assert_eq!(house.chat(&asked("who is there")).status, 200);
}

#[test]
fn verdicts_for_other_gateways_know_its_names() {
    let house = house_of(settings(&reader(Mood::Well)));
    let ask = |body: Value| house.send(&Call::new("POST", "/v1/decide", body.to_string())).json().to_string();
    let said = ask(json!({"direction": "request", "text": text()}));
    assert!(said.contains("PERSON_") && !said.contains(NAME), "{said}");
}
