//! Basic authentication (RFC 7617): base64 of a user's name, a colon and a password.

use super::jwt::base64url;

/// Whether it decodes to readable characters with a colon among them.
pub(super) fn check(value: &[u8]) -> bool {
    let decoded = base64url(value);
    let readable = decoded.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ' || !byte.is_ascii());
    let colon = decoded.iter().position(|byte| *byte == b':');
    readable && std::str::from_utf8(&decoded).is_ok() && colon.is_some_and(|at| decoded.len() > at + 3)
}
