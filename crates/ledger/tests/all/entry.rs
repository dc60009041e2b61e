//! Entries: canonical bytes, judged by a general JSON library; framing of journal records.

use bartizan_ledger::{Entry, Frame, Frames, Interaction, KeyAction, commit, finish_frame, start_frame};
use bartizan_vocabulary::{Decision, Direction, EndState, GuardStatus, KeyId, Label, Remedy, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

/// RFC 8785 by way of a general library, for objects whose numbers are small integers: sort keys by UTF-16, no spaces.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            let fields: Vec<String> = keys.iter().map(|key| format!("{}:{}", Value::from(key.as_str()), canonical(&map[*key]))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn check(entry: &Entry) -> Value {
    let bytes = entry.to_bytes().unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), canonical(&value));
    assert_eq!(value["kind"], entry.kind());
    assert_eq!(value["time"], entry.time().to_string());
    assert_eq!(value["v"], 1);
    value
}

fn interaction() -> Interaction {
    Interaction {
        time: Timestamp::from_micros(1_790_000_000_123_456),
        request_id: "0199".into(),
        decision: Decision::Remedied,
        direction: Direction::Response,
        route: Some("POST /v1/messages".to_owned()),
        provider: Some("main".into()),
        model: Some("m \"1\"\n".into()),
        policy_version: "sha256:00".into(),
        policies: vec!["b".into(), "a".into()],
        labels: vec![("pii.phone".into(), 1), ("pii.email".into(), 2), ("pii.email".into(), 3)],
        remedies: vec![("pii.email".into(), Remedy::Tokenise)],
        guards: vec![("policy".to_owned(), GuardStatus::FailedOpen)],
        status: Some(200),
        end: Some(EndState::ClientGone),
        principal: Some([1; 32]),
        body: Some([2; 32]),
    }
}

#[test]
fn every_kind_is_canonical() {
    let time = Timestamp::from_micros(5);
    let value = check(&Entry::End(interaction()));
    assert_eq!(value["labels"]["pii.email"], 5);
    assert_eq!(value["remedies"]["pii.email"], "tokenise");
    assert_eq!(value["guards"]["policy"], "failed_open");
    assert_eq!((&value["end"], &value["direction"]), (&Value::from("client_gone"), &Value::from("response")));
    let bare =
        Interaction { route: None, provider: None, model: None, status: None, end: None, principal: None, body: None, ..interaction() };
    for entry in [
        Entry::Request(bare.clone()),
        Entry::Response(Interaction { labels: vec![], remedies: vec![], guards: vec![], ..bare.clone() }),
        Entry::Change(bare),
        Entry::Refusals { time, peer: [3; 32], count: 4 },
        Entry::Gap { time, from: time, to: time, count: u64::MAX },
        Entry::Config { time, version: "sha256:1".to_owned() },
        Entry::Policy { time, version: "sha256:2".into() },
        Entry::Key { time, id: KeyId::from("k"), action: KeyAction::Revoked },
        Entry::Erasure { time, principal: [4; 32], data_keys: vec!["00ff".to_owned()], keys: vec![KeyId::from("k")] },
        Entry::Start { time, software: "0.1.0".to_owned() },
        Entry::Stop { time },
    ] {
        check(&entry);
    }
    let old = bartizan_ledger::SignerKey::new("a", &[1; 32]).unwrap();
    let new = bartizan_ledger::SignerKey::new("a", &[2; 32]).unwrap();
    check(&Entry::rotation(time, &old, &new));
}

#[test]
fn an_entry_that_no_bundle_can_hold_is_refused() {
    let long = Interaction { route: Some("x".repeat(66_000)), ..interaction() };
    assert!(Entry::Request(long).to_bytes().is_err());
}

#[test]
fn commitments_depend_on_domain_salt_and_value() {
    let all = [commit("a", &[1; 32], b"v"), commit("b", &[1; 32], b"v"), commit("a", &[2; 32], b"v"), commit("a", &[1; 32], b"w")];
    assert!(all.iter().enumerate().all(|(place, one)| !all[..place].contains(one)));
}

proptest! {
    #[test]
    fn any_text_is_canonical(route in any::<String>(), labels in prop::collection::vec((any::<String>(), any::<u32>()), 0..8)) {
        let labels = labels.into_iter().map(|(label, count)| (Label::from(label), count)).collect();
        check(&Entry::Request(Interaction { route: Some(route), labels, ..interaction() }));
    }

    /// Whatever is torn off or flipped, the records before and after it are read and nothing else is.
    #[test]
    fn framing_survives_a_torn_record(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..6), pick in any::<usize>(), keep in any::<usize>(), flip in any::<bool>()) {
        let frames: Vec<Vec<u8>> = payloads.iter().map(|payload| frame(payload)).collect();
        let torn = pick % frames.len();
        let mut bytes = Vec::new();
        for (place, frame) in frames.iter().enumerate() {
            let mut frame = frame.clone();
            let length = frame.len();
            if place == torn && flip {
                frame[keep % length] ^= 0x10;
            } else if place == torn {
                frame.truncate(keep % length);
            }
            bytes.extend(frame);
        }
        let read = read_all(&bytes);
        let expected: Vec<Vec<u8>> = payloads.iter().enumerate().filter(|(place, _)| *place != torn).map(|(_, payload)| payload.clone()).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
    // A frame begins where its buffer ends.
    let mut out = vec![1, 2, 3];
    let start = start_frame(&mut out, 7);
    out.extend_from_slice(payload);
    finish_frame(&mut out, start).unwrap();
    out.split_off(start)
}

fn read_all(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut frames, mut read) = (Frames::new(bytes), Vec::new());
    while let Some(frame) = frames.next() {
        match frame {
            Frame::Record { payload, .. } => read.push(payload.to_vec()),
            Frame::Broken { next: Some(next) } => frames.skip_to(next),
            Frame::Broken { next: None } => break,
        }
    }
    read
}
