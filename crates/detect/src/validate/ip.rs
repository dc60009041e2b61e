//! IP addresses, with an optional zone and prefix length (RFC 4291, RFC 4007, RFC 4632).

use core::net::{Ipv4Addr, Ipv6Addr};

/// Whether the standard library reads it as an address, and the prefix length fits.
pub(super) fn check(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, prefix.parse::<u8>().ok()),
        None => (text, Some(0)),
    };
    let address = address.split_once('%').map_or(address, |(address, _)| address);
    let four = address.parse::<Ipv4Addr>().is_ok() && prefix.is_some_and(|bits| bits <= 32);
    // `dec::bad` is a path in a program: a shortened address without any digit is not taken.
    let plain = !value.iter().any(u8::is_ascii_digit);
    let address = if plain { "" } else { address };
    four || (address.parse::<Ipv6Addr>().is_ok() && prefix.is_some_and(|bits| bits <= 128))
}
