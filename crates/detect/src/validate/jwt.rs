//! JSON Web Tokens (RFC 7515): the first part decodes to a JSON object that names an algorithm.

/// Whether the part before the first dot is a JOSE header.
pub(super) fn check(value: &[u8]) -> bool {
    let header = value.split(|byte| *byte == b'.').next().unwrap_or_default();
    let decoded = base64url(header);
    let text = String::from_utf8_lossy(&decoded);
    let names = ["\"alg\"", "\"enc\"", "\"typ\"", "\"kid\""];
    text.trim_start().starts_with('{') && names.iter().any(|name| text.contains(name))
}

/// What base64 of either alphabet stands for.
pub(super) fn base64url(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xFF).unwrap_or(0));
        }
    }
    out
}
