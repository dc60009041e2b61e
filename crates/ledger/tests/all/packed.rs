//! Packed events: what was packed comes back, JSON stays as it is, and bytes keep their meaning.

use bartizan_ledger::canonical::{self, Object};
use bartizan_ledger::packed::{Key, unpacked};
use proptest::prelude::*;

/// The table is a format: what was written with it lies on disks.
#[test]
fn bytes_keep_their_meaning() {
    let shown: Vec<String> = (0..=255_u8)
        .filter_map(|byte| {
            let out = unpacked(&[byte]);
            (out != [byte]).then(|| format!("{byte:02x}={}", String::from_utf8_lossy(&out)))
        })
        .collect();
    assert_eq!(
        shown.join(" ").replace(['"', ':'], ""),
        "01=schema 02=id 03=time 04=request_id 05=principal 06=groups 07=route 08=provider 0b=model 0c=stream 0e=direction \
         0f=decision 10=remedies 11=policies 12=policy_version 13=findings 14=guards 15=status 16=end 17=bytes_in 18=bytes_out \
         19=latency_us 1a=total 1b=gate 1c=facts 1d=effect 1e=mode 1f=name c0=micros c1=kind f5=action f6=resource f7=context \
         f8=labels f9=token_estimate fa=body_bytes fb=epoch_s fc=hour fd=weekday fe=label ff=path"
    );
}

#[test]
fn an_object_comes_back() {
    let mut out = Vec::new();
    let mut object = Object::new(&mut out);
    object.number(Key::new("schema"), 1);
    object.text(Key::new("id"), "a\u{1}\"\u{10FFFF}\u{7f}");
    object.word(Key::new("seldom"), "x");
    object.texts(Key::new("groups"), ["a", "b"].into_iter());
    let mut inner = Object::new(object.key(Key::new("facts")));
    inner.word(Key::new("seldom"), "y");
    inner.word(Key::new("kind"), "z");
    inner.any_key("other \n").extend_from_slice(b"null");
    inner.end();
    object.key(Key::new("context")).extend_from_slice(b"{}");
    object.end();
    let plain = String::from_utf8(unpacked(&out)).expect("UTF-8");
    assert_eq!(
        plain,
        "{\"schema\":1,\"id\":\"a\\u0001\\\"\u{10FFFF}\u{7f}\",\"seldom\":\"x\",\"groups\":[\"a\",\"b\"],\
         \"facts\":{\"seldom\":\"y\",\"kind\":\"z\",\"other \\n\":null},\"context\":{}}"
    );
    assert!(out.len() + 35 < plain.len(), "{} and {}", out.len(), plain.len());
}

proptest! {
    #[test]
    fn json_stays_as_it_is(text in any::<String>(), space in "[ \t\r\n]{0,9}") {
        let mut json = space.into_bytes();
        canonical::string(&mut json, &text);
        prop_assert_eq!(unpacked(&json), json);
    }

    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(unpacked(&bytes).len() <= bytes.len() * 18);
    }
}
