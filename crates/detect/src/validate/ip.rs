//! IP addresses, with an optional zone and prefix length (RFC 4291, RFC 4007, RFC 4632).

use core::net::{Ipv4Addr, Ipv6Addr};

/// Whether the standard library reads it as an address of some machine, and the prefix length fits. Loopback and unspecified
/// addresses tell nothing about anybody.
pub(super) fn check(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, prefix.parse::<u8>().ok()),
        None => (text, Some(0)),
    };
    let Some(bits) = prefix else { return false };
    let plain = address.split_once('%').map_or(address, |(address, _)| address);
    match (address.parse::<Ipv4Addr>(), plain.parse::<Ipv6Addr>()) {
        (Ok(four), _) => bits <= 32 && machine(four, text.contains('/')),
        (_, Ok(six)) => bits <= 128 && !six.is_loopback() && !six.is_unspecified() && !is_code(plain),
        _ => false,
    }
}

/// `1.0.0.0` alone is a version; `10.0.0.0` names the private network (RFC 1918) more often.
fn machine(address: Ipv4Addr, network: bool) -> bool {
    let version = !network && matches!(address.octets(), [..=9 | 11.., 0, 0, 0]);
    !version && !address.is_loopback() && !address.is_unspecified()
}

/// `dec::bad` and `C::C1` are paths in a program and `[::2]` a slice: a shortened address needs a digit, and more than one short
/// group; where it has two groups, the first one is a prefix with a digit in it, such as `fe80`.
fn is_code(address: &str) -> bool {
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let slice = address.strip_prefix("::").is_some_and(|rest| rest.len() < 4 && !rest.contains(':'));
    let path = address.split_once("::").is_some_and(|(head, tail)| {
        !(head.is_empty() || head.contains(':') || tail.contains([':', '.']) || head.len() >= 3 && has_digit(head))
    });
    slice || path || !has_digit(address)
}
