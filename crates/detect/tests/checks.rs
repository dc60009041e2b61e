//! Check digits: an example with another digit is no value, and all ways to write a code are one value.

use bartizan_detect::{Detector, Hint, RuleFile, canonical};

/// Checks of the form of a value alone: another digit makes another value.
const FORMS: [&str; 71] = [
    "age",
    "base58",
    "bic",
    "birth",
    "capitals",
    "card_expiry",
    "coordinates",
    "date",
    "de_bsnr",
    "de_plate",
    "de_postcode",
    "de_tax_number",
    "dk_person",
    "eg_identity",
    "email",
    "entropy",
    "icd10",
    "id_identity",
    "in_gstin",
    "in_pan",
    "in_plate",
    "ip",
    "jwt",
    "kr_driver",
    "kr_foreigner",
    "kr_resident",
    "mac",
    "my_identity",
    "ndc",
    "phone_international",
    "phone_labelled",
    "phone_national",
    "phone_plain",
    "secret",
    "secret_quoted",
    "ssn",
    "tr_plate",
    "uk_driver",
    "uk_nino",
    "uk_plate",
    "uk_postcode",
    "uniform",
    "url",
    "url_domain",
    "url_password",
    "us_itin",
    "username",
    "varied",
    "basic",
    "card_number",
    "ethereum",
    "de_identity",
    "card_track",
    "bech32",
    "ripple",
    "lv_person",
    "cz_birth",
    "fr_vat",
    "vin",
    "nl_vat",
    "es_cif",
    "base64_text",
    "bot_token",
    "digits",
    "generated",
    "key",
    "login",
    "masked",
    "one_case",
    "open_key",
    "slack",
];

#[test]
fn another_digit_is_another_number() {
    let mut tried = 0;
    for file in RuleFile::builtin().expect("rules") {
        let detector = Detector::from_rules(std::slice::from_ref(&file)).expect("loads");
        for rule in &file.rules {
            let forms = rule.checks.iter().all(|check| FORMS.contains(&name_of(*check).as_str()));
            if forms {
                continue;
            }
            for example in &rule.examples {
                let (mut passed, mut changed) = (0, 0);
                for (at, _) in example.find.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
                    let digit = example.find.as_bytes().get(at).map_or(0, |byte| byte - b'0');
                    let mut value = example.find.clone();
                    value.replace_range(at..=at, &((digit + 1) % 10).to_string());
                    let scan = detector.scan(&example.text.replace(&example.find, &value), Hint::default());
                    let found = scan
                        .findings
                        .iter()
                        .chain(&scan.below)
                        .any(|finding| finding.rule.as_str() == rule.id && finding.end - finding.start >= value.len());
                    changed += 1;
                    passed += usize::from(found);
                }
                assert!(passed * 3 <= changed, "{}: {passed} of {changed} other digits pass in {:?}", rule.id, example.text);
                tried += changed;
            }
        }
    }
    assert!(tried > 2_000, "{tried}");
}

/// The name of a check as rules write it.
fn name_of(check: bartizan_detect::Check) -> String {
    let mut name = String::new();
    for c in format!("{check:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

#[test]
fn all_ways_to_write_a_code_are_one_value() {
    for (label, one, other) in [
        ("phi.mbi", "1EG4-TR5-MK73", "1EG4TR5MK73"),
        ("pii.id.uk_nino", "JK 48 27 19 B", "jk482719b"),
        ("pii.id.ch_ahv", "756.4827.1936.02", "7564827193602"),
        ("pii.device.mac", "3c:07:71:a8:2e:94", "3C-07-71-A8-2E-94"),
        ("pii.vehicle.de_plate", "HH-KR 482", "HH KR 482"),
    ] {
        assert_eq!(canonical(label, one), canonical(label, other), "{label}");
    }
    let wallets =
        ["1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1boatslrhtknngkdxeeobr76b53lettpyt"].map(|wallet| canonical("pci.crypto_wallet", wallet));
    assert!(wallets.windows(2).all(|pair| pair.first() != pair.last()));
}
