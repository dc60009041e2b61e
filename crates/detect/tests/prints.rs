//! Fingerprints: which excerpts of documents are found in a text, and that it does not matter how a text arrives.

#![cfg(test)]
#![expect(clippy::string_slice, reason = "offsets of findings")]

use std::sync::Arc;

use bartizan_detect::known::{IndexError, IndexKey, KnownScan};
use bartizan_detect::prints::{Prints, PrintsBuilder};
use bartizan_detect::{Detector, Hint};
use bartizan_vocabulary::Finding;
use proptest::prelude::*;

const KEY: [u8; 32] = [42; 32];

/// Excerpts that are tried.
const TRIES: usize = 500;

/// A seeded generator (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    /// A word; few of them make most of a text, as in a language.
    fn word(&mut self) -> String {
        let spread = [30, 300, 3_000][self.below(3)];
        let mut number = self.below(spread) + 7;
        let mut word = String::new();
        while number > 0 {
            word.push_str(["bo", "lo", "me", "ri", "su", "ten", "da", "ko"][number % 8]);
            number /= 8;
        }
        word
    }

    fn words(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.word()).collect()
    }
}

fn document(seed: u64) -> Vec<String> {
    Random(seed).words(600)
}

fn prints(documents: u64) -> Prints {
    let mut builder = PrintsBuilder::new(&IndexKey::new(KEY), "proprietary.document").unwrap();
    for seed in 0..documents {
        let text = document(seed).join(" ");
        builder.add(Some(&format!("doc{seed}")), [text.as_str()]).unwrap();
    }
    Prints::load(Arc::new(builder.finish().unwrap().bytes), &IndexKey::new(KEY)).unwrap()
}

fn pieces(prints: &Prints, pieces: &[&str]) -> Vec<Finding> {
    let mut scan = KnownScan::prints(prints);
    let (mut found, mut taken, mut settled) = (Vec::new(), 0, 0);
    for piece in pieces {
        scan.push(piece);
        taken += piece.len();
        let before: usize = found.iter().map(|finding: &Finding| finding.end).max().unwrap_or(0);
        scan.drain(&mut found);
        if let Some(last) = found.last() {
            assert!(last.end <= scan.settled() && (last.end == before || last.end > settled), "{last:?}, {settled} were released");
        }
        assert!(scan.settled() >= settled && scan.settled() <= taken);
        settled = scan.settled();
    }
    scan.finish();
    scan.drain(&mut found);
    assert_eq!(scan.settled(), taken);
    found
}

/// How much of the excerpt's words is covered, in percent, and whether anything else is.
fn covered(text: &str, excerpt: std::ops::Range<usize>, findings: &[Finding]) -> (usize, bool) {
    let inside: usize = findings.iter().map(|one| one.end.min(excerpt.end).saturating_sub(one.start.max(excerpt.start))).sum();
    let outside = findings.iter().any(|one| one.start + 40 < excerpt.start || one.end > excerpt.end + 40);
    assert!(findings.iter().all(|one| text.get(one.start..one.end).is_some()));
    (inside * 100 / excerpt.len(), outside)
}

#[test]
fn excerpts_of_forty_words_are_found_when_words_were_changed() {
    let prints = prints(20);
    let mut random = Random(4711);
    let (mut found, mut cover, mut strays) = (0, 0, 0);
    for _ in 0..TRIES {
        let seed = u64::try_from(random.below(20)).unwrap();
        let from = random.below(560);
        let mut excerpt = document(seed)[from..from + 40].to_vec();
        // A word changed, left out or put in in every part of thirteen words.
        for part in 0..3 {
            let at = part * 13 + random.below(13);
            match random.below(3) {
                0 => excerpt[at] = "changed".to_owned(),
                1 => excerpt[at].clear(),
                _ => excerpt[at].push_str(", indeed"),
            }
        }
        let (before, behind) = (random.words(60).join(" "), random.words(60).join(" "));
        let excerpt = excerpt.join(" ").to_uppercase();
        let text = format!("{before} {excerpt}, {behind}");
        let findings = prints.scan(&text);
        let (percent, stray) = covered(&text, before.len() + 1..before.len() + 1 + excerpt.len(), &findings);
        let right = findings.iter().any(|one| one.rule.as_str() == format!("document:doc{seed}"));
        found += usize::from(right && percent > 50);
        cover += percent;
        strays += usize::from(stray);
    }
    println!("{found} of {TRIES} found, {} % of their text, {strays} strays", cover / TRIES);
    assert!(found >= TRIES * 97 / 100, "{found} of {TRIES}");
    assert!(cover / TRIES >= 75, "{} % of the text", cover / TRIES);
    assert_eq!(strays, 0);
}

#[test]
fn what_only_sounds_like_a_document_is_none() {
    let prints = prints(50);
    let other = Random(99).words(30_000).join(" ");
    assert_eq!(prints.scan(&other), []);
    // Nor are fifteen words of one.
    let short = document(3)[100..115].join(" ");
    assert_eq!(prints.scan(&format!("see {short} and so on")), []);
    // Nor the words of one in another order.
    let mut turned = document(3);
    turned.reverse();
    assert_eq!(prints.scan(&turned.join(" ")), []);
}

#[test]
fn a_whole_document_is_one_finding() {
    let prints = prints(3);
    let text = format!("Dear all,\n{}\n", document(1).join(" \n- "));
    let findings = prints.scan(&text);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].label.as_str(), findings[0].rule.as_str()), ("proprietary.document", "document:doc1"));
    assert!(findings[0].end - findings[0].start > text.len() * 98 / 100);
    // A secret inside keeps its place.
    let key = "AKIAQ3EGRZ5L7XW2MB4T";
    let with_key = text.replacen(" \n- ", &format!(" {key} "), 300).replacen(&format!(" {key} "), " ", 299);
    let scan = Detector::builtin().unwrap().with_prints(prints).scan(&with_key, Hint::default());
    let labels: Vec<&str> = scan.findings.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["proprietary.document", "secret.aws_access_key", "proprietary.document"]);
}

/// A long word or a long line of marks ends whatever has begun: a stream does not wait for what follows it.
#[test]
fn nothing_is_held_back_for_what_follows_a_long_stretch_without_words() {
    let prints = prints(3);
    let text = document(1);
    let begun = [String::from("a few words"), text[..12].join(" "), text[..60].join(" ")];
    for filler in ["x", "0a", "-", " ", "=\n"] {
        for begun in &begun {
            let whole = format!("{begun} {} {}", filler.repeat(2_000), text[60..120].join(" "));
            let mut scan = KnownScan::prints(&prints);
            for (at, _) in whole.char_indices() {
                scan.push(&whole[at..=at]);
                let inside = at > begun.len() + 400 && at < begun.len() + 2_000;
                assert!(!inside || at + 1 - scan.settled() < 400, "{filler:?}: at {at} only {} is settled", scan.settled());
            }
            scan.finish();
            let mut found = Vec::new();
            scan.drain(&mut found);
            assert_eq!(found, prints.scan(&whole), "{filler:?}");
            assert!(found.len() > usize::from(begun.len() > 300), "{filler:?}: {found:?}");
        }
    }
}

#[test]
fn documents_that_are_alike_are_told_by_the_first() {
    let mut builder = PrintsBuilder::new(&IndexKey::new(KEY), "proprietary.contracts").unwrap();
    let text = document(7).join(" ");
    for _ in 0..30 {
        builder.add(None, [text.as_str()]).unwrap();
    }
    assert_eq!(builder.add(Some("short"), ["a few words only"]).unwrap(), 4);
    let built = builder.finish().unwrap();
    assert_eq!(built.documents.len(), 30);
    let prints = Prints::load(Arc::new(built.bytes), &IndexKey::new(KEY)).unwrap();
    let findings = prints.scan(&text);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].rule.as_str(), format!("document:{}", built.documents[0].0));
    let empty = PrintsBuilder::new(&IndexKey::new(KEY), "proprietary.contracts").unwrap();
    assert_eq!(empty.finish().err(), Some(IndexError::Empty));
}

#[test]
fn an_index_holds_no_plain_text_and_damage_is_told() {
    let mut builder = PrintsBuilder::new(&IndexKey::new(KEY), "proprietary.document").unwrap();
    let text = document(5).join(" ");
    builder.add(None, [text.as_str()]).unwrap();
    let good = builder.finish().unwrap().bytes;
    for word in document(5).iter().filter(|word| word.len() > 5) {
        assert!(!good.windows(word.len()).any(|part| part == word.as_bytes()), "{word}");
    }
    let load = |bytes: &[u8]| Prints::load(Arc::new(bytes.to_vec()), &IndexKey::new(KEY));
    assert_eq!(Prints::load(Arc::new(good.clone()), &IndexKey::new([1; 32])).err(), Some(IndexError::Key));
    for cut in 0..good.len() {
        assert!(matches!(load(&good[..cut]).err(), Some(IndexError::Form | IndexError::Length { .. })), "cut at {cut}");
    }
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 4;
        assert!(load(&bad).is_err(), "byte {at} changed");
    }
    assert!(load(&good).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn however_a_text_is_cut(
        parts in proptest::collection::vec((0_u64..6, 0_usize..500, 1_usize..90), 1..6),
        cuts in proptest::collection::vec(1_usize..90, 1..20),
    ) {
        let prints = prints(4);
        let text: Vec<String> = parts.iter().map(|(seed, from, count)| document(*seed)[*from..*from + *count].join(" ")).collect();
        let text = text.join(". \u{200b}");
        let (mut rest, mut parts) = (text.as_str(), Vec::new());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (head, tail) = rest.split_at(rest.ceil_char_boundary((*cut).min(rest.len())));
            parts.push(head);
            rest = tail;
        }
        prop_assert_eq!(pieces(&prints, &parts), prints.scan(&text));
    }

    #[test]
    fn any_bytes_as_an_index(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        bartizan_detect::prints::fuzz_prints(&data);
    }
}
