//! Text of strings, offsets into it, and edits that are spliced back.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "tests")]

use std::collections::BTreeMap;

use bartizan_wire::json::{JsonLimits, NodeKind, Splice, Tape, escape_into, raw_offsets, splice, unescape};
use proptest::prelude::*;
use serde_json::Value;

fn read(bytes: &[u8]) -> Tape {
    Tape::read(bytes, &JsonLimits::default()).unwrap()
}

#[test]
fn text_of_strings() {
    for (raw, text) in [
        ("", ""),
        ("plain é", "plain é"),
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\u0041\u00e9\u20ac", "Aé€"),
        (r"\uD83D\uDE00", "😀"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00x", "\u{fffd}x"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"a\u0000b", "a\0b"),
        // Not JSON, yet met in text that only looks like it: no panic, and nothing is lost from sight.
        ("\\", "\\"),
        (r"\q", "q"),
        (r"\u12", "\u{fffd}12"),
        (r"\u+123", "\u{fffd}+123"),
        ("\\é", "\\é"),
    ] {
        assert_eq!(unescape(raw.as_bytes()), text, "{raw}");
    }
}

#[test]
fn offsets_inside_an_escaped_character_lead_to_its_start() {
    assert_eq!(raw_offsets(br"a\u00e9\ud83d\ude00b", &[0, 1, 2, 3, 5, 7, 8]), [0, 1, 1, 7, 7, 19, 20]);
}

#[test]
fn splices() {
    fn check(edits: &[(usize, usize, &str)], expected: Option<&str>) {
        let edits: Vec<Splice> =
            edits.iter().map(|(from, to, with)| Splice { range: *from..*to, with: with.as_bytes().to_vec() }).collect();
        assert_eq!(splice(b"0123456789", &edits), expected.map(|text| text.as_bytes().to_vec()));
    }
    check(&[], Some("0123456789"));
    check(&[(0, 10, "")], Some(""));
    check(&[(0, 1, "a"), (1, 2, "b"), (9, 10, "c")], Some("ab2345678c"));
    check(&[(9, 10, "c"), (0, 1, "a")], Some("a12345678c"));
    check(&[(3, 3, "-")], Some("012-3456789"));
    check(&[(10, 10, "-")], Some("0123456789-"));
    check(&[(2, 5, "a"), (4, 6, "b")], None);
    check(&[(9, 11, "a")], None);
    check(&[(11, 11, "a")], None);
    check(&[(std::ops::Range { start: 5, end: 4 }.start, 4, "a")], None);
}

#[test]
fn pointers() {
    let bytes = br#"{"a/b~c":[{"x":"1"},{"\u0079":"2"}],"":3}"#;
    let tape = read(bytes);
    let all: Vec<String> = tape.nodes().map(|(id, _)| tape.pointer(bytes, id, |_| false)).collect();
    assert_eq!(
        all,
        ["", "/a~1b~0c", "/a~1b~0c", "/a~1b~0c/0", "/a~1b~0c/0/x", "/a~1b~0c/0/x", "/a~1b~0c/1", "/a~1b~0c/1/y", "/a~1b~0c/1/y", "/", "/"]
    );
    assert_eq!(tape.pointer(bytes, 8, |key| key == 1), "/<key>/1/y");
    assert_eq!(tape.key(bytes, 7).unwrap(), "y");
    assert_eq!(tape.key(bytes, 8).unwrap(), "y");
    assert_eq!(tape.key(bytes, 3), None);
    assert_eq!(tape.key(bytes, 0), None);
}

#[test]
fn long_pointers_are_cut() {
    let show = |text: &str| {
        let tape = read(text.as_bytes());
        let last = u32::try_from(tape.len() - 1).unwrap();
        tape.pointer(text.as_bytes(), last, |_| false)
    };
    let long = "k".repeat(64);
    assert_eq!(show(&format!(r#"{{"{long}":1}}"#)), format!("/{long}"));
    assert_eq!(show(&format!(r#"{{"{long}l":1}}"#)), format!("/{long}\u{2026}"));
    // An escape counts as what it stands for, and a character is left out as a whole.
    assert_eq!(show(&format!(r#"{{"{}":1}}"#, "\\u0041".repeat(64))), format!("/{}", "A".repeat(64)));
    assert_eq!(show(&format!(r#"{{"k{}":1}}"#, "\u{e4}".repeat(32))), format!("/k{}\u{2026}", "\u{e4}".repeat(31)));
    assert_eq!(show(&format!(r#"{{"{}":1}}"#, "~".repeat(64))), format!("/{}", "~0".repeat(64)));
    assert_eq!(show(&format!("{}1{}", "[".repeat(128), "]".repeat(128))), "/0".repeat(128));
    let names: Vec<String> = (10..74).map(|at| format!("\u{e4}{at}")).collect();
    let deep = names.iter().rev().fold("1".to_owned(), |inner, name| format!("{{\"{name}\":{inner}}}"));
    let (cut, whole) = (show(&deep), format!("/{}", names.join("/")));
    let (head, tail) = cut.split_once('\u{2026}').unwrap();
    assert!(whole.starts_with(head) && whole.ends_with(tail), "{cut}");
    assert!((240..=256).contains(&cut.len()), "{}", cut.len());
}

/// The pointer of a node, however long.
fn exact(tape: &Tape, bytes: &[u8], id: u32) -> String {
    let node = tape.node(id).unwrap();
    if node.parent == id {
        return String::new();
    }
    let segment = tape.key(bytes, id).map_or(node.slot.to_string(), |key| key.replace('~', "~0").replace('/', "~1"));
    format!("{}/{segment}", exact(tape, bytes, node.parent))
}

#[test]
fn members_and_their_cost() {
    let bytes = br#"{"a":[[1,2],3],"b":{"a":4},"a":5}"#;
    let tape = read(bytes);
    assert_eq!(tape.member(bytes, 0, "a").map(|id| tape.text(bytes, id).into_owned()), Some("5".to_owned()));
    assert_eq!(tape.members(0).count(), 3);
    assert_eq!(tape.children(0).count(), 6);
    assert_eq!(tape.members(2).count(), 2);
    assert_eq!(tape.members(999).count(), 0);
    assert_eq!(tape.members(1).count(), 0, "a key holds nothing");
}

fn arbitrary_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5).prop_map(|map: BTreeMap<String, Value>| map.into_iter().collect()),
        ]
    })
}

/// A text of a string with every kind of escape, and what it stands for.
fn raw_string() -> impl Strategy<Value = Vec<(String, String)>> {
    let escaped = |char: char| {
        let mut units = [0; 2];
        char.encode_utf16(&mut units).iter().fold(String::new(), |raw, unit| format!("{raw}\\u{unit:04x}"))
    };
    let one = prop_oneof![
        3 => any::<char>().prop_map(|char| {
            let mut out = Vec::new();
            escape_into(&char.to_string(), &mut out);
            (String::from_utf8(out).unwrap(), char.to_string())
        }),
        2 => any::<char>().prop_map(move |char| (escaped(char), char.to_string())),
        1 => prop::sample::select(vec![(r"\/", "/"), (r"\b", "\u{8}"), (r"\f", "\u{c}"), (r"\ud800\n", "\u{fffd}\n"), (r"\udfffx", "\u{fffd}x")])
            .prop_map(|(raw, text)| (raw.to_owned(), text.to_owned())),
    ];
    prop::collection::vec(one, 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_no_change(value in arbitrary_value()) {
        let bytes = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(splice(&bytes, &[]), Some(bytes.clone()));
        let tape = read(&bytes);
        for (id, node) in tape.nodes() {
            let same = Splice { range: node.outer(), with: bytes[node.outer()].to_vec() };
            prop_assert_eq!(splice(&bytes, &[same]), Some(bytes.clone()));
            let inside = tape.nodes().filter(|(other, _)| *other > id && *other < node.next).all(|(_, other)| other.start >= node.start && other.end <= node.end);
            prop_assert!(inside, "everything before `next` is inside");
            let by_parent = tape.nodes().filter(|(other, child)| child.parent == id && *other != 0).map(|(other, _)| other);
            prop_assert!(by_parent.eq(tape.children(id).map(|(other, _)| other)));
        }
    }

    #[test]
    fn an_edit_changes_one_place(value in arbitrary_value(), pick in any::<prop::sample::Index>(), with in any::<String>()) {
        let bytes = serde_json::to_vec(&value).unwrap();
        let tape = read(&bytes);
        let editable: Vec<u32> = tape.nodes().filter(|(_, node)| matches!(node.kind, NodeKind::String | NodeKind::Number)).map(|(id, _)| id).collect();
        prop_assume!(!editable.is_empty());
        let id = editable[pick.index(editable.len())];
        let mut quoted = vec![b'"'];
        escape_into(&with, &mut quoted);
        quoted.push(b'"');
        let edited = splice(&bytes, &[Splice { range: tape.node(id).unwrap().outer(), with: quoted }]).unwrap();
        let mut expected = value;
        *expected.pointer_mut(&exact(&tape, &bytes, id)).unwrap() = Value::from(with);
        prop_assert_eq!(serde_json::from_slice::<Value>(&edited).unwrap(), expected);
    }

    #[test]
    fn an_edited_key_keeps_its_value(value in arbitrary_value(), pick in any::<prop::sample::Index>()) {
        let bytes = serde_json::to_vec(&value).unwrap();
        let tape = read(&bytes);
        let keys: Vec<u32> = tape.nodes().filter(|(_, node)| node.kind == NodeKind::Key).map(|(id, _)| id).collect();
        prop_assume!(!keys.is_empty());
        let key = keys[pick.index(keys.len())];
        let node = *tape.node(key).unwrap();
        let edited = splice(&bytes, &[Splice { range: node.inner(), with: b"NEW_0123456789".to_vec() }]).unwrap();
        let mut expected = value;
        let holder = expected.pointer_mut(&exact(&tape, &bytes, node.parent)).unwrap().as_object_mut().unwrap();
        let moved = holder.remove(tape.text(&bytes, key).as_ref()).unwrap();
        holder.insert("NEW_0123456789".to_owned(), moved);
        prop_assert_eq!(serde_json::from_slice::<Value>(&edited).unwrap(), expected);
    }

    #[test]
    fn offsets_lead_back(pieces in raw_string()) {
        let raw: String = pieces.iter().map(|(raw, _)| raw.as_str()).collect();
        let text: String = pieces.iter().map(|(_, text)| text.as_str()).collect();
        prop_assert_eq!(&unescape(raw.as_bytes()), &text);
        let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mapped = raw_offsets(raw.as_bytes(), &offsets);
        prop_assert_eq!(mapped.len(), offsets.len());
        for (offset, at) in offsets.iter().zip(&mapped) {
            prop_assert_eq!(unescape(&raw.as_bytes()[..*at]), &text[..*offset]);
            prop_assert_eq!(unescape(&raw.as_bytes()[*at..]), &text[*offset..]);
        }
        prop_assert_eq!(raw_offsets(raw.as_bytes(), &[text.len() + 5]), vec![raw.len()]);
    }

    #[test]
    fn escaping_is_what_serde_json_reads(text in any::<String>()) {
        let mut out = vec![b'"'];
        escape_into(&text, &mut out);
        out.push(b'"');
        prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}
