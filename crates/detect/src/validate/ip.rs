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

/// `1.0.0.0` alone is a version.
fn machine(address: Ipv4Addr, network: bool) -> bool {
    let version = !network && matches!(address.octets(), [_, 0, 0, 0]);
    !version && !address.is_loopback() && !address.is_unspecified()
}

/// `dec::bad` is a path in a program and `[::2]` a slice: a shortened address needs a digit, and more than one short group.
fn is_code(address: &str) -> bool {
    let slice = address.strip_prefix("::").is_some_and(|rest| rest.len() < 4 && !rest.contains(':'));
    slice || !address.bytes().any(|byte| byte.is_ascii_digit())
}
