//! E-mail addresses (RFC 5321, RFC 6531): a local part and a domain that can exist.

use crate::chars::is_spaceless;

/// Endings that are file types, not top-level domains, as in `logo@2x.png`.
const FILES: [&[u8]; 32] = [
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"ico", b"bmp", b"js", b"mjs", b"cjs", b"ts", b"tsx", b"jsx", b"css", b"scss",
    b"html", b"json", b"yaml", b"yml", b"toml", b"lock", b"txt", b"xml", b"csv", b"pdf", b"exe", b"dll", b"jar", b"gz", b"class",
    b"service",
];

/// Endings that people write with a capital letter; others would be the first word of the next sentence.
const COMMON: [&[u8]; 12] =
    [b"info", b"name", b"shop", b"tech", b"club", b"email", b"cloud", b"store", b"online", b"agency", b"museum", b"asia"];

/// Whether local part and domain can belong to an address.
pub(super) fn check(value: &[u8]) -> bool {
    let Some(at) = value.iter().rposition(|byte| *byte == b'@') else { return false };
    let (Some(local), Some(domain)) = (value.get(..at), value.get(at + 1..)) else { return false };
    local_part(local) && self::domain(domain)
}

fn local_part(local: &[u8]) -> bool {
    // `git@host:path` is an address of a repository (git-clone(1)), not of a person.
    !local.is_empty()
        && local != b"git"
        && local.first() != Some(&b'.')
        && local.last() != Some(&b'.')
        && !local.windows(2).any(|pair| pair == b"..")
}

fn domain(domain: &[u8]) -> bool {
    let labels: Vec<&[u8]> = domain.split(|byte| *byte == b'.').collect();
    let whole = labels.iter().all(|label| matches!(label.len(), 1..=63) && label.first() != Some(&b'-') && label.last() != Some(&b'-'));
    let Some(last) = labels.last() else { return false };
    whole && labels.len() >= 2 && domain.len() <= 253 && top_level(last) && !labels.iter().skip(1).any(|label| is_sentence(label))
}

/// ASCII letters that those of a script without spaces follow: `com` with the sentence that goes on behind it.
fn is_sentence(label: &[u8]) -> bool {
    let spaceless = || String::from_utf8_lossy(label).chars().any(is_spaceless);
    !label.is_ascii() && label.first().is_some_and(u8::is_ascii_alphanumeric) && spaceless()
}

/// Two letters or more, in one case, or punycode, or non-ASCII; no file type.
fn top_level(label: &[u8]) -> bool {
    let lower = label.to_ascii_lowercase();
    if lower.starts_with(b"xn--") {
        return label.len() > 5;
    }
    let letters = label.iter().all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    let mixed = label.iter().any(u8::is_ascii_lowercase) && label.iter().skip(1).any(u8::is_ascii_uppercase);
    let sentence = label.len() > 3
        && !COMMON.contains(&lower.as_slice())
        && label.first().is_some_and(u8::is_ascii_uppercase)
        && label.iter().any(u8::is_ascii_lowercase);
    letters && label.len() >= 2 && !mixed && !sentence && !FILES.contains(&lower.as_slice())
}
