//! Randomness of a key: Shannon entropy over its bytes, measured against what a random string of that length has.

/// Bits per byte of a string.
pub(super) fn shannon(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX)).max(1.0);
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total).map(|share| -share * share.log2()).sum()
}

/// Whether a key looks generated: not a third of it one character, enough different ones, no alphabet. What has the form of
/// a key and is only padded is one too: hiding a specimen costs nothing, a padded key that passes is a leak.
pub(super) fn random_key(value: &[u8]) -> bool {
    let tail = value.get(value.len() / 4..).unwrap_or_default();
    let limit = if value.len() >= 32 { 3.0 } else { 2.6 };
    let run = value.windows((value.len() / 3).max(8)).any(|window| window.iter().all(|byte| Some(byte) == window.first()));
    !run && shannon(tail) >= limit && !sequence(value)
}

/// Whether most neighbours differ by one, as in `abcdefgh` or `12345678`.
fn sequence(value: &[u8]) -> bool {
    let steps = value.windows(2).filter(|pair| matches!(pair, [a, b] if b.wrapping_sub(*a) == 1)).count();
    value.len() >= 8 && steps * 3 >= value.len() * 2
}
