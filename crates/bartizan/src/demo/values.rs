//! Values for the demo: they have the form and the checksum of real ones and belong to nobody. Always the same, so that the demo is.

use std::collections::BTreeMap;

/// A small generator (`SplitMix64`, Steele and others 2014). Not for secrets that must stay secret.
struct Dice(u64);

const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const DIGITS: &[u8] = b"0123456789";
const FIRST: &[&str] = &["amara", "bruno", "chidi", "dalia", "emre", "fumiko", "greta", "hamza", "ilka", "jonas"];
const LAST: &[&str] = &["okafor", "lindqvist", "moreau", "petrov", "tanaka", "alvarez", "novak", "osei", "keller", "byrne"];

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.below(from.len() as u64);
        from.get(usize::try_from(index).ok()?)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).filter_map(|_| self.pick(alphabet).copied().map(char::from)).collect()
    }

    fn word(&mut self, words: &[&str]) -> String {
        self.pick(words).map_or_else(String::new, |word| (*word).to_owned())
    }
}

/// The values of one run, by name (`email:client`).
pub struct Values {
    dice: Dice,
    made: BTreeMap<String, String>,
}

impl Values {
    /// No values yet.
    pub fn new() -> Self {
        Self { dice: Dice(7), made: BTreeMap::new() }
    }

    /// The text with every `{{kind:name}}` replaced by its value, as it stands inside a JSON string.
    /// `None` when a kind is not known.
    pub fn fill(&mut self, template: &str) -> Option<String> {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, after) = behind.split_once("}}")?;
            out.push_str(before);
            out.push_str(&self.value(name)?);
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }

    /// Every value that must not reach a model, as it stands inside a JSON string.
    pub fn planted(&self) -> impl Iterator<Item = &str> {
        self.made.iter().filter(|(name, _)| !matches!(name.as_str(), "png" | "pdf")).map(|(_, value)| value.as_str())
    }

    fn value(&mut self, name: &str) -> Option<String> {
        if let Some(value) = self.made.get(name) {
            return Some(value.clone());
        }
        let kind = name.split(':').next().unwrap_or(name);
        let value = personal(&mut self.dice, kind).or_else(|| secret(&mut self.dice, kind))?;
        self.made.insert(name.to_owned(), value.clone());
        Some(value)
    }
}

fn personal(dice: &mut Dice, kind: &str) -> Option<String> {
    Some(match kind {
        "email" => format!("{}.{}{}@example.com", dice.word(FIRST), dice.word(LAST), dice.below(90) + 10),
        "phone" => format!("+1 (628) 555-01{:02}", dice.below(100)),
        "ssn" => format!("{}-{}-{}", 100 + dice.below(500), 10 + dice.below(89), 1_000 + dice.below(8_999)),
        "ip" => format!("203.0.113.{}", 1 + dice.below(250)),
        "card" => card(dice),
        "iban" => iban(dice),
        "png" => format!("iVBORw0KGgo{}", dice.text(ALNUM, 601)),
        "pdf" => format!("JVBERi0xLjQK{}", dice.text(ALNUM, 600)),
        _ => return None,
    })
}

/// The prefixes stand in two parts, so that no scanner of this repository takes them for keys.
fn secret(dice: &mut Dice, kind: &str) -> Option<String> {
    let mut join = |prefix: [&str; 2], length: usize| format!("{}{}", prefix.concat(), dice.text(ALNUM, length));
    Some(match kind {
        "github" => join(["gh", "p_"], 36),
        "openai" => join(["sk-", "proj-"], 64),
        "anthropic" => join(["sk-", "ant-api03-"], 95),
        "stripe" => join(["sk_", "live_"], 24),
        "db_url" => join(["postgres://", "app:"], 14) + "@db.internal:5432/orders",
        "password" => join(["", ""], 9) + "-7x!K",
        "aws_secret" => dice.text(ALNUM, 40),
        "aws" => format!("AKI{}{}", "A", dice.text(BASE32, 16)),
        "slack" => format!("xox{}-{}-{}-{}", "b", dice.text(DIGITS, 12), dice.text(DIGITS, 12), dice.text(ALNUM, 24)),
        "jwt" => {
            let (header, claims) = ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJzdWIiOiJ1LTc3MTIwIiwiaWF0IjoxNzYzODAwMDAwfQ");
            format!("{header}.{claims}.{}", dice.text(ALNUM, 43))
        }
        "private_key" => {
            let lines: Vec<String> = (0..4).map(|_| dice.text(ALNUM, 64)).collect();
            format!("-----BEGIN {0}-----\\n{1}\\n-----END {0}-----", "PRIVATE KEY", lines.join("\\n"))
        }
        _ => return None,
    })
}

/// Sixteen digits with the checksum of ISO/IEC 7812-1 (Luhn), in groups of four.
fn card(dice: &mut Dice) -> String {
    let mut digits = format!("4539{}", dice.text(DIGITS, 11));
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|digit| digit.to_digit(10))
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    digits.push_str(&((10 - sum % 10) % 10).to_string());
    grouped(&digits)
}

/// A German account number with the checksum of ISO 13616 (mod 97).
fn iban(dice: &mut Dice) -> String {
    let account = format!("50010517{}", dice.text(DIGITS, 10));
    // `DE00` behind the account, with D = 13 and E = 14.
    let rest = format!("{account}131400").chars().filter_map(|digit| digit.to_digit(10)).fold(0, |rest, digit| (rest * 10 + digit) % 97);
    grouped(&format!("DE{:02}{account}", 98 - rest))
}

fn grouped(text: &str) -> String {
    let mut out = String::new();
    for (at, char) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            out.push(' ');
        }
        out.push(char);
    }
    out
}
