//! JSON inside text, followed in pieces: where strings begin and end, against the tape of the whole text.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_wire::json::{JsonContext, JsonLimits, NodeKind, Place, Tape};
use proptest::prelude::*;

/// `T` for a byte inside a string (or in text that is not JSON-like), `.` for a bare one.
fn check(text: &str, expected: &str) {
    let mut context = JsonContext::default();
    context.push(text);
    let map: String = (0..text.len()).map(|at| if context.place(at) == Place::Text { 'T' } else { '.' }).collect();
    assert_eq!(map, expected, "{text}");
}

#[test]
fn places() {
    check(r#"{"a":1}"#, "..T....");
    check(r#" ["a\"b",12]"#, "...TTTT.....");
    check(r#"["\\",1]"#, "..TT....");
    check(r#"{"open"#, "..TTTT");
    check("plain \"text\"", "TTTTTTTTTTTT");
    check("  ", "TT");
    check("", "");
    check(r#"["","x"]"#, ".....T..");
    check(r#"{\"a"#, "...T");
}

#[test]
fn strings() {
    let mut context = JsonContext::default();
    context.push(r#"{"ab":"c"#);
    assert_eq!(
        [0, 1, 2, 3, 4, 6, 7, 8].map(|at| context.string_at(at)),
        [None, None, Some((2, Some(4))), Some((2, Some(4))), None, None, Some((7, None)), Some((7, None))]
    );
    context.push(r#"d"}"#);
    assert_eq!(context.string_at(7), Some((7, Some(9))));
    context.forget(8);
    assert_eq!((context.string_at(8), context.place(8), context.place(9)), (Some((7, Some(9))), Place::Text, Place::Bare));
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("12".to_owned()),
        Just("null".to_owned()),
        Just("\"\\ud83d\\ude00\\\\\"".to_owned()),
        "[a\"\\\\é{}\\[\\]:,]{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let tree = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(", "))),
            prop::collection::vec(("[a\"\\\\é]{0,4}", inner), 0..4).prop_map(|all| {
                let members: Vec<String> =
                    all.iter().map(|(key, value)| format!("{}: {value}", serde_json::to_string(key).unwrap())).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    });
    ("[ \n]{0,2}", tree).prop_map(|(space, tree)| format!("{space}[{tree}]"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_tape(text in json(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4), forget in any::<prop::sample::Index>()) {
        let mut context = JsonContext::default();
        let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut at: Vec<usize> = cuts.iter().map(|cut| *cut.get(&bounds)).chain([0, text.len()]).collect();
        at.sort_unstable();
        for pair in at.windows(2) {
            context.push(text.get(*pair.first().unwrap()..*pair.last().unwrap()).unwrap());
        }
        let forget = forget.index(text.len());
        context.forget(forget);
        let tape = Tape::read(text.as_bytes(), &JsonLimits::default()).unwrap();
        let strings: Vec<_> = tape.nodes().filter(|(_, node)| matches!(node.kind, NodeKind::Key | NodeKind::String)).map(|(_, node)| node.inner()).collect();
        for offset in forget..text.len() {
            let inside = strings.iter().find(|string| string.contains(&offset));
            prop_assert_eq!(context.place(offset), if inside.is_some() { Place::Text } else { Place::Bare }, "{} at {}", text, offset);
            prop_assert_eq!(context.string_at(offset), inside.map(|string| (string.start, Some(string.end))));
        }
    }
}
