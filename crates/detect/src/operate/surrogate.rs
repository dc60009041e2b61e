//! Invented values that keep the form of the value: deterministic under a key, and outside of what is given to anybody.
//!
//! | label | form | why it is nobody's |
//! |---|---|---|
//! | `pci.card` | as many digits and the same separators, passes Luhn | begins as the numbers that schemes and processors publish for tests: 400000, 378282, 305693 |
//! | `pii.phone` | `555-01xx` of a North American area | reserved for fiction (ATIS-0300115) |
//! | `pii.email` | at `example.org` | RFC 2606 |
//! | `pii.us_ssn` | area 666 | never assigned (SSA POMS RM 10201) |
//! | `pci.iban` | a German one with good check digits | its bank code begins with 9, which no clearing area has |
//! | `pii.ip` | TEST-NET-1 to 3, `2001:db8::/32` | RFC 5737, RFC 3849 |
//! | `pii.url` | at `example.org` | RFC 2606 |
//!
//! Other labels have no form here; they get a token.

use core::net::Ipv6Addr;
use std::collections::HashSet;

use super::keyed;

/// So many are tried before it is a token after all.
const TRIES: u32 = 64;

/// Invents values, and remembers which forms have none left: whoever asks for one more in vain would try all of them each time.
#[derive(Clone, Debug, Default)]
pub(super) struct Inventor {
    /// Label, and whether it is the form with colons of an address.
    full: HashSet<(String, bool)>,
}

impl Inventor {
    /// An invented value that is not taken; `None` where there is no form, or none is free.
    pub(super) fn invent(
        &mut self,
        (label, value, canonical): (&str, &str, &str),
        key: &[u8; 32],
        taken: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        let form = (label.to_owned(), canonical.contains(':'));
        if self.full.contains(&form) {
            return None;
        }
        for attempt in 0..TRIES {
            let mut noise = Noise { bytes: keyed(key, "bartizan surrogate 1", &[label, canonical], attempt), at: 0 };
            // What has no form has none at any attempt.
            let made = shaped(label, value, canonical, &mut noise)?;
            if made != value && !taken(&made) {
                return Some(made);
            }
        }
        self.full.insert(form);
        None
    }
}

/// A value of the form of another one; `None` where there is no form.
fn shaped(label: &str, value: &str, canonical: &str, noise: &mut Noise) -> Option<String> {
    match label {
        "pci.card" => card(value, canonical, noise),
        "pii.phone" => Some(phone(value, canonical, noise)),
        "pii.email" => Some(format!("user.{}@example.org", noise.letters(10))),
        "pii.us_ssn" => grouped(value, &format!("666{:02}{:04}", noise.below(99) + 1, noise.below(9_999) + 1)),
        "pci.iban" => Some(iban(value, noise)),
        "pii.ip" => Some(address(canonical, noise)),
        "pii.url" => Some(format!("https://example.org/{}", noise.letters(10))),
        _ => None,
    }
}

/// Bytes that look random.
struct Noise {
    bytes: [u8; 32],
    at: usize,
}

impl Noise {
    fn next(&mut self) -> u32 {
        let byte = self.bytes.get(self.at % 32).copied().unwrap_or_default();
        self.at += 1;
        u32::from(byte)
    }

    /// A number below a bound that is far below 2^24.
    fn below(&mut self, bound: u32) -> u32 {
        (self.next() << 16 | self.next() << 8 | self.next()) % bound
    }

    fn letters(&mut self, count: usize) -> String {
        (0..count).filter_map(|_| char::from_digit(10 + self.next() % 26, 36)).collect()
    }

    fn digit(&mut self) -> char {
        char::from_digit(self.next() % 10, 10).unwrap_or('0')
    }
}

/// Digits in the place of a value's digits; `None` when it has not as many, or anything but digits and separators.
fn grouped(value: &str, digits: &str) -> Option<String> {
    let plain = value.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.'));
    if value.chars().filter(char::is_ascii_digit).count() != digits.len() || !plain {
        return Some(digits.to_owned());
    }
    let mut next = digits.chars();
    value.chars().map(|c| if c.is_ascii_digit() { next.next() } else { Some(c) }).collect()
}

fn card(value: &str, canonical: &str, noise: &mut Noise) -> Option<String> {
    let prefix = match canonical.len() {
        13 | 16 | 19 => "400000",
        15 => "378282",
        14 => "305693",
        _ => return None,
    };
    let mut digits = prefix.to_owned();
    digits.extend((prefix.len() + 1..canonical.len()).map(|_| noise.digit()));
    let check = ('0'..='9').find(|check| luhn(&format!("{digits}{check}")))?;
    digits.push(check);
    grouped(value, &digits)
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

/// A North American number: every area has a `555-01xx`.
fn phone(value: &str, canonical: &str, noise: &mut Noise) -> String {
    let national = format!("{}{}{}55501{:02}", noise.below(8) + 2, noise.below(9), noise.below(10), noise.below(100));
    let same = match canonical.len() {
        10 => Some(national.clone()),
        11 if canonical.starts_with('1') => Some(format!("1{national}")),
        _ => None,
    };
    let plain = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '+' | '/');
    if let Some(digits) =
        same.filter(|digits| value.chars().all(plain) && value.chars().filter(char::is_ascii_digit).count() == digits.len())
    {
        let mut next = digits.chars();
        return value.chars().filter_map(|c| if c.is_ascii_digit() { next.next() } else { Some(c) }).collect();
    }
    let (area, rest) = national.split_at_checked(3).unwrap_or_default();
    let (exchange, line) = rest.split_at_checked(3).unwrap_or_default();
    format!("+1 {area}-{exchange}-{line}")
}

fn iban(value: &str, noise: &mut Noise) -> String {
    let account: String = std::iter::once('9').chain((0..17).map(|_| noise.digit())).collect();
    // ISO 7064 mod 97-10 over the account, `DE` as 1314, and two zeros.
    let rest = account.chars().chain("131400".chars()).filter_map(|c| c.to_digit(10)).fold(0, |rest, digit| (rest * 10 + digit) % 97);
    let plain = format!("DE{:02}{account}", 98 - rest);
    if !value.contains(' ') {
        return plain;
    }
    let spaced = plain.chars().enumerate().flat_map(|(at, c)| (at > 0 && at % 4 == 0).then_some(' ').into_iter().chain([c]));
    spaced.collect()
}

fn address(canonical: &str, noise: &mut Noise) -> String {
    if canonical.contains(':') {
        let mut part = || u16::try_from(noise.below(0xFFFF)).unwrap_or_default() + 1;
        return Ipv6Addr::new(0x2001, 0xDB8, part(), part(), part(), part(), part(), part()).to_string();
    }
    let network = match noise.below(3) {
        0 => "192.0.2",
        1 => "198.51.100",
        _ => "203.0.113",
    };
    format!("{network}.{}", noise.below(254) + 1)
}
