//! The JSON reader: what it accepts, where it says a text is wrong, and that it agrees with `serde_json`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use bartizan_wire::json::{JsonError, JsonLimits, Tape};
use proptest::prelude::*;

/// `Ok` is the number of nodes.
fn check(input: impl AsRef<[u8]>, expected: Result<usize, JsonError>) {
    let input = input.as_ref();
    let found = Tape::read(input, &JsonLimits { depth: 5, nodes: 12 }).map(|tape| tape.len());
    assert_eq!(found, expected, "{}", String::from_utf8_lossy(input));
}

fn syntax(at: usize, expected: &'static str) -> Result<usize, JsonError> {
    Err(JsonError::Syntax(at, expected))
}

#[test]
fn values() {
    for (input, nodes) in [
        ("{}", 1),
        ("[]", 1),
        (" \t\r\n[ ] \n", 1),
        ("null", 1),
        ("true", 1),
        ("false", 1),
        ("\"\"", 1),
        ("\"é\u{10FFFF}\u{7f}\"", 1),
        (r#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#, 1),
        (r#""\ud800""#, 1),
        (r#""\udc00\ud800""#, 1),
        (r#""\u0000""#, 1),
        (r#"{"a":1,"a":2}"#, 5),
        (r#"{"":""}"#, 3),
        ("[1,[2,[3]]]", 6),
        ("[[[[[]]]]]", 5),
        ("[1,2,3,4,5,6,7,8,9,10,11]", 12),
    ] {
        check(input, Ok(nodes));
    }
}

#[test]
fn numbers() {
    for good in ["0", "-0", "10", "1.5", "0.0", "1e5", "1E+5", "1e-5", "-1.25e10", "1e999", "123456789012345678901234567890"] {
        check(good, Ok(1));
    }
    check("-", syntax(1, "a digit"));
    check("+1", syntax(0, "a value"));
    check(".5", syntax(0, "a value"));
    check("1.", syntax(2, "a digit"));
    check("1e", syntax(2, "a digit"));
    check("1e+", syntax(3, "a digit"));
    check("01", Err(JsonError::Trailing(1)));
    check("-01", Err(JsonError::Trailing(2)));
    check("0x10", Err(JsonError::Trailing(1)));
    check("1_0", Err(JsonError::Trailing(1)));
    check("[1 2]", syntax(3, "`,` or `]`"));
    check("NaN", syntax(0, "a value"));
    check("-Infinity", syntax(1, "a digit"));
}

#[test]
fn broken_structure() {
    check("", syntax(0, "a value"));
    check("  ", syntax(2, "a value"));
    check("[1,]", syntax(3, "a value"));
    check("[,1]", syntax(1, "a value"));
    check("[1", syntax(2, "`,` or `]`"));
    check("[1}", syntax(2, "`,` or `]`"));
    check("{\"a\":1]", syntax(6, "`,` or `}`"));
    check("{\"a\":1,}", syntax(7, "a key in double quotes"));
    check("{\"a\"}", syntax(4, "`:` after a key"));
    check("{\"a\":}", syntax(5, "a value"));
    check("{a:1}", syntax(1, "a key in double quotes"));
    check("{'a':1}", syntax(1, "a key in double quotes"));
    check("{1:1}", syntax(1, "a key in double quotes"));
    check("]", syntax(0, "a value"));
    check("nul", syntax(0, "a value"));
    check("True", syntax(0, "a value"));
    check("[1]//x", Err(JsonError::Trailing(3)));
    check("/**/1", syntax(0, "a value"));
    check("{} {}", Err(JsonError::Trailing(3)));
    check("nulll", Err(JsonError::Trailing(4)));
    check("[1]\u{0}", Err(JsonError::Trailing(3)));
    check("\u{feff}{}", syntax(0, "a value"));
    check("\u{a0}1", syntax(0, "a value"));
    check("[\u{b}1]", syntax(1, "a value"));
}

#[test]
fn broken_strings() {
    check("\"", syntax(1, "the end of a string"));
    check("\"abcdefghij", syntax(11, "the end of a string"));
    check("\"a\\", syntax(2, "an escape such as `\\n`"));
    check("\"\\x\"", syntax(1, "an escape such as `\\n`"));
    check("\"\\u12g4\"", syntax(1, "four hex digits after `\\u`"));
    check("\"\\u+123\"", syntax(1, "four hex digits after `\\u`"));
    check("\"\\u12", syntax(1, "four hex digits after `\\u`"));
    check("\"\\U0041\"", syntax(1, "an escape such as `\\n`"));
    for control in [0_u8, 9, 10, 13, 31] {
        for lead in [0, 3, 7, 8, 20] {
            let text = format!("\"{}{}\"", "x".repeat(lead), char::from(control));
            check(text, syntax(lead + 1, "an escape for a control character"));
        }
    }
    check(b"\"\xff\"", Err(JsonError::Utf8(1)));
    check(b"[1] \x80", Err(JsonError::Utf8(4)));
    check(b"\"\xed\xa0\x80\"", Err(JsonError::Utf8(1)));
    check(b"\"\xc0\xaf\"", Err(JsonError::Utf8(1)));
    check(b"\xff\xfe[\0]\0", Err(JsonError::Utf8(0)));
}

#[test]
fn limits() {
    check("[[[[[[]]]]]]", Err(JsonError::Depth(5)));
    check("[[[[[{}]]]]]", Err(JsonError::Depth(5)));
    check("[1,2,3,4,5,6,7,8,9,10,11,12]", Err(JsonError::Nodes(12)));
    check(r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}"#, Err(JsonError::Nodes(12)));
    let deep = "[".repeat(2_000_000);
    check(deep, Err(JsonError::Depth(5)));
}

/// Bytes that are often JSON, and often nearly.
fn jsonish() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u0041\"",
        "\"\\ud83d\\ude00\"",
        "\"é\"",
        "\"\\\"\"",
        "\"",
        "\\",
        "0",
        "1",
        "-",
        ".",
        "e",
        "5E+1",
        "-0.5e-3",
        "01",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\n",
        "\u{0}",
        "\u{feff}",
        "{}",
        "[]",
        "\"k\":",
        "\"\\n",
        "12345678",
    ]);
    prop_oneof![
        4 => prop::collection::vec(token, 0..14).prop_map(|tokens| tokens.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..10),
        2 => (arbitrary_json(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(|(json, at, byte, keep)| {
            let mut bytes = json.into_bytes();
            let at = at.index(bytes.len());
            if !keep { bytes[at] = byte; }
            bytes
        }),
    ]
}

fn arbitrary_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(" ,"))),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|all| {
                let members: Vec<String> =
                    all.iter().map(|(key, value)| format!("{}: {value}", serde_json::to_string(key).unwrap())).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Where `serde_json` decides otherwise: it refuses lone surrogates, and numbers whose exponent it cannot hold.
fn differs_by_design(error: &serde_json::Error) -> bool {
    let text = error.to_string();
    ["surrogate", "hex escape", "number out of range"].iter().any(|word| text.contains(word))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_serde_json(bytes in jsonish()) {
        let ours = Tape::read(&bytes, &JsonLimits { depth: 100, nodes: 1_000 });
        match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(_) => prop_assert!(ours.is_ok(), "{ours:?}"),
            Err(error) => prop_assert!(ours.is_err() || differs_by_design(&error), "{error}"),
        }
    }
}
