//! URLs (RFC 3986): where one ends in running text, and which passwords inside one are passwords.

use super::count;

/// Whether it has a host and does not end in punctuation that belongs to the sentence.
pub(super) fn check(value: &[u8]) -> bool {
    let ends_well = match value.last() {
        Some(b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'"' | b'*' | b'_' | b'~' | b']' | b'}') | None => false,
        Some(b')') => count(value, b'(') >= count(value, b')'),
        Some(_) => true,
    };
    if !ends_well {
        return false;
    }
    let after = value.windows(3).position(|window| window == b"://").map_or(0, |at| at + 3);
    let host = value.get(after..).unwrap_or_default();
    host.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[' || !byte.is_ascii())
}

/// Top-level domains of bare domains: the usual ones, and those of countries whose letters no field or file type has.
const TOP: [&[u8]; 60] = [
    b"com", b"org", b"net", b"edu", b"gov", b"mil", b"int", b"info", b"biz", b"eu", b"uk", b"de", b"fr", b"es", b"pt", b"nl", b"be", b"lu",
    b"ch", b"at", b"dk", b"se", b"no", b"fi", b"ie", b"pl", b"cz", b"sk", b"hu", b"ro", b"bg", b"gr", b"hr", b"si", b"ee", b"lv", b"lt",
    b"ua", b"ru", b"tr", b"il", b"ae", b"sa", b"eg", b"za", b"ng", b"ke", b"cn", b"jp", b"kr", b"tw", b"hk", b"sg", b"au", b"nz", b"ca",
    b"mx", b"br", b"cl", b"example",
];

/// A domain without a scheme, and a path that ends well.
pub(super) fn domain(value: &[u8]) -> bool {
    let host = value.split(|byte| b"/?#".contains(byte)).next().unwrap_or_default();
    let last = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default().to_ascii_lowercase();
    check(value) && is_top(&last)
}

/// Whether it is one of the usual top-level domains, in lower case.
pub(super) fn is_top(label: &[u8]) -> bool {
    TOP.contains(&label)
}

/// Whether the part between `user:` and `@` is a password.
pub(super) fn password(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let port = digits > 0 && matches!(value.get(digits), Some(b'/' | b'?' | b'#'));
    let variable = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
    let placeholder = matches!(value, [b'$', b'{' | b'(' | b'[', ..] | [b'<' | b'{' | b'[', ..] | [b'%', .., b'%'])
        || matches!(value, [b'$', name @ ..] if variable(name))
        || value.iter().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.'));
    let word = value.to_ascii_lowercase();
    let example = [&b"password"[..], b"pass", b"pwd", b"passwd", b"secret"].contains(&word.as_slice());
    !port && !placeholder && !example && value.len() >= 3
}
