//! Values made coarser: what is left says something about the person and does not name them. A value that cannot be read for certain
//! becomes a placeholder. What is written here is no finding of its label any more, which a test over all examples of the rules shows.
//!
//! | label | becomes |
//! |---|---|
//! | `pii.date`, `pii.date_of_birth` | the year, when it is written with four digits: `[1984]` |
//! | `pii.age` | a decade, and from 90 on `[90+]` (45 CFR 164.514(b)(2)): `[40-49]` |
//! | `pii.ip` | the network of 24 bits, of 48 for IPv6: `[192.0.2.x]` |
//! | `pii.postcode.*` | the outward part of the United Kingdom's, else the first two characters: `[SW1A]` |
//! | `pii.coordinates` | one decimal of each number: `[54.7, 9.4]` |
//! | `pii.email` | the domain: `[EMAIL at example.com]` |
//! | `pii.url` | the host: `[URL at example.com]` |
//! | `pci.card` | network and last four: `[VISA ending in 1111]` |
//! | `pci.iban` | the country: `[IBAN of DE]` |
//! | anything else | its placeholder |

use core::net::{Ipv4Addr, Ipv6Addr};

use bartizan_vocabulary::Label;

use crate::mask::placeholder;
use crate::normal::normalise;
use crate::validate::Check;

/// The coarser form of a value, or its placeholder.
pub fn generalise(label: &Label, value: &str) -> String {
    let text = normalise(value);
    let text = text.trim();
    let coarse = match label.as_str() {
        "pii.date" | "pii.date_of_birth" => year(text),
        "pii.age" => decade(text),
        "pii.ip" => network(text),
        "pii.coordinates" => place(text),
        "pii.email" => {
            text.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| is_host(domain)).map(|domain| format!("EMAIL at {domain}"))
        }
        "pii.url" => host(text).map(|host| format!("URL at {host}")),
        "pci.card" => card(text),
        "pci.iban" => {
            text.get(..2).filter(|_| Check::Iban.passes(text.as_bytes())).map(|country| format!("IBAN of {}", country.to_ascii_uppercase()))
        }
        label if label.starts_with("pii.postcode.") => postcode(label, text),
        _ => None,
    };
    coarse.map_or_else(|| placeholder(label), |coarse| format!("[{coarse}]"))
}

/// The numbers that stand in a text.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty())
}

/// The one number of four digits that can be a year.
fn year(text: &str) -> Option<String> {
    let mut years = numbers(text).filter(|part| part.len() == 4 && matches!(part.as_bytes().first(), Some(b'1' | b'2')));
    let year = years.next()?;
    years.next().is_none().then(|| year.to_owned())
}

fn decade(text: &str) -> Option<String> {
    let mut all = numbers(text);
    let age: u32 = all.next()?.parse().ok()?;
    let from = age / 10 * 10;
    all.next().is_none().then(|| if age >= 90 { "90+".to_owned() } else { format!("{from}-{}", from + 9) })
}

fn network(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        let [a, b, c, _] = address.octets();
        return Some(format!("{a}.{b}.{c}.x"));
    }
    let address: Ipv6Addr = text.parse().ok()?;
    let [a, b, c, ..] = address.segments();
    Some(format!("{a:x}:{b:x}:{c:x} network"))
}

/// Decimal degrees only: minutes and seconds say more than they seem to.
fn place(text: &str) -> Option<String> {
    let parts = text.split(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).filter(|part| part.contains('.'));
    let coarse = |part: &str| {
        let (whole, decimals) = part.split_once('.')?;
        let degrees: i32 = whole.parse().ok()?;
        let first = decimals.bytes().next().filter(|_| decimals.bytes().all(|byte| byte.is_ascii_digit()))?;
        let sign = if whole.starts_with('-') { "-" } else { "" };
        Some(format!("{sign}{}.{}", degrees.unsigned_abs(), char::from(first)))
    };
    let all: Option<Vec<String>> = parts.map(coarse).collect();
    all.filter(|all| (1..=2).contains(&all.len())).map(|all| all.join(", "))
}

fn is_host(text: &str) -> bool {
    let form = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    text.len() <= 253 && text.contains('.') && text.chars().all(form)
}

fn host(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    // A host can be the address of one machine.
    Some(host).filter(|host| is_host(host) && host.parse::<Ipv4Addr>().is_err())
}

fn card(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let others = text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || matches!(c, '-' | '.'));
    let last = digits.get(digits.len().checked_sub(4)?..).filter(|_| others && (13..=19).contains(&digits.len()))?;
    let prefix: u32 = digits.get(..4)?.parse().ok()?;
    // ISO/IEC 7812 issuer ranges of the networks that have their own.
    let network = match prefix {
        4000..=4999 => "VISA",
        2221..=2720 | 5100..=5599 => "MASTERCARD",
        3400..=3499 | 3700..=3799 => "AMEX",
        3528..=3589 => "JCB",
        6011 | 6440..=6599 => "DISCOVER",
        6200..=6299 => "UNIONPAY",
        _ => "CARD",
    };
    Some(format!("{network} ending in {last}"))
}

fn postcode(label: &str, text: &str) -> Option<String> {
    let code: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    // The inward part of the United Kingdom's has three characters.
    let kept = if label == "pii.postcode.uk" { code.len().checked_sub(3).filter(|kept| *kept >= 2)? } else { 2 };
    code.get(..kept).filter(|_| code.len() >= 5).map(str::to_owned)
}
