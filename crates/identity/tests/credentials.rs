//! Keys and tokens as text, as hashes, and in headers.

use bartizan_identity::{Credential, CredentialKind, ParseCredentialError, fuzz_parse_key, presented, same_hash};
use proptest::prelude::*;

fn text(kind: CredentialKind, fill: u8) -> String {
    Credential::from_random(kind, [fill; 32]).text().reveal().to_string()
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed(bytes: [u8; 32], token: bool) {
        let kind = if token { CredentialKind::Token } else { CredentialKind::Key };
        let text = Credential::from_random(kind, bytes).text();
        let parsed = Credential::parse(text.reveal()).unwrap();
        prop_assert_eq!(parsed.kind(), kind);
        let again = parsed.text();
        prop_assert_eq!(again.reveal().as_str(), text.reveal().as_str());
        prop_assert_eq!(text.reveal().len(), 47);
    }

    #[test]
    fn nothing_else_is_parsed(text in "(bzk_|bzt_|BZK_|)[A-Za-z0-9_=+/-]{0,60}") {
        if let Ok(parsed) = Credential::parse(&text) {
            let printed = parsed.text();
            prop_assert_eq!(printed.reveal().as_str(), text.as_str());
        }
        fuzz_parse_key(text.as_bytes());
    }

    #[test]
    fn hashes_differ_by_key_kind_and_bytes(a: [u8; 32], b: [u8; 32], key: [u8; 32], other: [u8; 32]) {
        prop_assume!(a != b && key != other);
        let hash = Credential::from_random(CredentialKind::Key, a).hash(&key);
        prop_assert!(same_hash(&hash, &Credential::from_random(CredentialKind::Key, a).hash(&key)));
        prop_assert!(!same_hash(&hash, &Credential::from_random(CredentialKind::Key, b).hash(&key)));
        prop_assert!(!same_hash(&hash, &Credential::from_random(CredentialKind::Token, a).hash(&key)));
        prop_assert!(!same_hash(&hash, &Credential::from_random(CredentialKind::Key, a).hash(&other)));
    }
}

#[test]
fn hash_is_hmac_sha_256_of_the_text() {
    // Independent value: printf %s bzk_AAAA…A | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
    let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let hash = Credential::from_random(CredentialKind::Key, [0; 32]).hash(&key);
    let expected = "5eacc5bc07bacfa89b1ca9457c2651ca0628690225df7313f97de4de969568a0";
    let pairs = hash.iter().zip((0..32).map(|at| u8::from_str_radix(expected.get(at * 2..at * 2 + 2).unwrap(), 16).unwrap()));
    pairs.for_each(|(actual, expected)| assert_eq!(*actual, expected));
}

#[test]
fn nothing_prints_a_key() {
    let credential = Credential::from_random(CredentialKind::Key, [0xAB; 32]);
    let shown = format!("{credential:?} {:?}", credential.text());
    assert!(!shown.contains("171") && !shown.to_lowercase().contains("ab") && !shown.contains("q6ur"), "{shown}");
}

#[test]
fn bad_texts_are_refused() {
    let good = text(CredentialKind::Key, 7);
    let cut: String = good.chars().take(46).collect();
    let rows = [
        ("", ParseCredentialError::Prefix),
        ("sk-abc", ParseCredentialError::Prefix),
        ("bzk_", ParseCredentialError::Body),
        (&format!("{good}A"), ParseCredentialError::Body),
        (&format!("{good}="), ParseCredentialError::Body),
        (&cut, ParseCredentialError::Body),
        // The last character carries four bits; the other two must be zero.
        (&format!("{cut}x"), ParseCredentialError::Body),
        (&format!("{cut}+"), ParseCredentialError::Body),
        (&good.replace("bzk_", "bzk_ "), ParseCredentialError::Body),
        (&"bzk_".repeat(100_000), ParseCredentialError::Body),
    ];
    for (bad, expected) in rows {
        assert_eq!(Credential::parse(bad).err(), Some(expected), "{bad:.60}");
    }
}

/// `+` a key was found, `-` none, `foreign` another key was seen too, else the error.
fn outcome(wanted: CredentialKind, headers: &[(&str, String)]) -> String {
    match presented(wanted, headers.iter().map(|(name, value)| (*name, value.as_bytes()))) {
        Ok(found) => {
            let sign = if found.credential.is_some() { "+" } else { "-" };
            format!("{sign}{}", if found.foreign { " foreign" } else { "" })
        }
        Err(error) => format!("{error:?}"),
    }
}

/// Name, what is wanted, headers, outcome.
type Row<'a> = (&'a str, CredentialKind, Vec<(&'a str, String)>, &'a str);

#[test]
fn keys_are_found_in_headers() {
    use CredentialKind::{Key, Token};
    let (a, b, t) = (text(Key, 1), text(Key, 2), text(Token, 3));
    let damaged: String = a.chars().take(40).collect();
    let bearer = |key: &str| ("authorization", format!("Bearer {key}"));
    let rows: Vec<Row> = vec![
        ("nothing", Key, vec![], "-"),
        ("bearer", Key, vec![bearer(&a)], "+"),
        ("bearer, other case and spaces", Key, vec![("authorization", format!(" bEARER   {a} "))], "+"),
        ("x-api-key", Key, vec![("x-api-key", a.clone())], "+"),
        ("x-goog-api-key", Key, vec![("x-goog-api-key", a.clone())], "+"),
        ("another header", Key, vec![("x-other", a.clone())], "-"),
        ("the same twice", Key, vec![bearer(&a), ("x-api-key", a.clone())], "+"),
        ("two keys", Key, vec![bearer(&a), ("x-api-key", b.clone())], "Conflict"),
        ("two values of one header", Key, vec![bearer(&a), bearer(&b)], "Conflict"),
        ("with the provider's own key", Key, vec![bearer("sk-proj-1"), ("x-api-key", a.clone())], "+ foreign"),
        ("only the provider's own key", Key, vec![bearer("sk-proj-1")], "- foreign"),
        ("basic", Key, vec![("authorization", "Basic abc".to_owned())], "- foreign"),
        ("empty", Key, vec![("x-api-key", String::new())], "-"),
        ("no scheme", Key, vec![("authorization", a.clone())], "NoScheme"),
        ("damaged", Key, vec![bearer(&damaged)], "Damaged(Body)"),
        ("a good and a damaged one", Key, vec![bearer(&a), ("x-api-key", damaged.clone())], "Damaged(Body)"),
        ("a token at the gate", Key, vec![bearer(&t)], "WrongKind"),
        ("a key at the admin API", Token, vec![bearer(&a)], "WrongKind"),
        ("a token at the admin API", Token, vec![bearer(&t)], "+"),
        ("a token in a key header", Token, vec![("x-api-key", t.clone())], "-"),
    ];
    for (name, wanted, headers, expected) in rows {
        assert_eq!(outcome(wanted, &headers), expected, "{name}");
    }
}
