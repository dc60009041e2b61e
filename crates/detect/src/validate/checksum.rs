//! Checksums inside access tokens. GitHub and npm: the last six characters are the CRC-32 of the thirty before them, in base 62 with
//! digits, capital and small letters in that order, filled up with zeros
//! (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>).

/// Characters of the checksum.
const LENGTH: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether the end of a token is the checksum of what stands between it and the prefix, which ends in an underscore.
pub(super) fn base62(value: &[u8]) -> bool {
    let body = value.split(|byte| *byte == b'_').next_back().unwrap_or_default();
    let Some((body, sum)) = body.len().checked_sub(LENGTH).and_then(|at| body.split_at_checked(at)) else { return false };
    let read = sum.iter().try_fold(0u64, |total, byte| {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
        Some(total * 62 + digit as u64)
    });
    read == Some(u64::from(crc32(body)))
}

/// CRC-32 as in ISO 3309 and gzip (RFC 1952).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}
