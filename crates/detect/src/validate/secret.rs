//! Values beside a word such as `password`: what somebody chose or generated, not a placeholder, a type, a call or prose.

use super::entropy;

/// Parts of values that stand for a secret without being one.
const PLACEHOLDERS: [&[u8]; 26] = [
    b"example",
    b"changeme",
    b"change_me",
    b"change-me",
    b"placeholder",
    b"your_",
    b"your-",
    b"yourpass",
    b"yoursecret",
    b"yourtoken",
    b"dummy",
    b"redacted",
    b"insert",
    b"xxxx",
    b"****",
    b"....",
    b"todo",
    b"undefined",
    b"process.env",
    b"os.environ",
    b"getenv",
    b"secrets.",
    b"<your",
    b"replace",
    b"notreal",
    b"fake_",
];

/// Words that make a value a name of something, not the thing.
const NAMES: [&[u8]; 12] =
    [b"null", b"none", b"true", b"false", b"string", b"bearer", b"basic", b"required", b"optional", b"default", b"password", b"secret"];

/// What stands for a secret where a program or a person is to put one.
const BEGINNINGS: [&[u8]; 8] = [b"your", b"<your", b"process.env", b"os.environ", b"getenv", b"secrets.", b"env.", b"import.meta"];

/// How much of `value` can belong to it: `&next=` begins the next field of a query.
pub(super) fn reach(value: &[u8]) -> usize {
    let field = |at: &usize| {
        let name = value.get(at + 1..).unwrap_or_default();
        let name = name.strip_prefix(b"amp;").unwrap_or(name);
        let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)).count();
        length > 0 && name.get(length) == Some(&b'=')
    };
    memchr::memchr_iter(b'&', value).find(field).unwrap_or(value.len())
}

/// Whether the value is a secret.
pub(super) fn check(value: &[u8]) -> bool {
    !value.iter().any(|byte| b"(){}<>".contains(byte)) && chosen(value)
}

/// Whether what stands between quotation marks is one. Prose is not: the first word must look like a secret by itself.
pub(super) fn quoted(value: &[u8]) -> bool {
    let cut = value.iter().position(|byte| byte.is_ascii_whitespace() || b"`'\"<>,;(){}[]|\\".contains(byte)).unwrap_or(value.len());
    let head = value.get(..cut).unwrap_or_default();
    let call = value.get(cut) == Some(&b'(')
        && head.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.:".contains(byte))
        && value.ends_with(b")");
    let spaced = value.iter().any(u8::is_ascii_whitespace);
    !call && if head.len() >= 8 { check(head) } else { !spaced && chosen(value) && !value.iter().any(|byte| b"{}<>".contains(byte)) }
}

/// Neither a placeholder nor a reference, and random enough.
fn chosen(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let code = match value {
        [b'$', b'{' | b'(' | b'[', ..] | [b'%', .., b'%'] | [] => true,
        [b'$', name @ ..] => name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'),
        [first, ..] => b"<{[(&.".contains(first),
    };
    let named = is_reference(value) || is_path(value) || is_constant(value) || is_number(value);
    !is_placeholder(&lower) && !code && !NAMES.contains(&lower.as_slice()) && !named && mixed(value)
}

/// `nl80211::AUTHTYPE_2`: identifiers joined by double colons.
fn is_path(value: &[u8]) -> bool {
    let identifiers = value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(byte));
    identifiers && memchr::memmem::find(value, b"::").is_some()
}

/// `D3D_TOKENTYPE`: a name in capitals with a real word in it.
fn is_constant(value: &[u8]) -> bool {
    let words = || value.split(|byte| *byte == b'_');
    let capitals = value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let named = words().all(|word| !word.first().is_some_and(u8::is_ascii_digit));
    capitals
        && named
        && digits <= 3
        && words().count() > 1
        && words().any(|word| word.len() >= 4 && word.iter().all(u8::is_ascii_uppercase))
}

/// `1.25e-06` beside `cost_per_token`.
fn is_number(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| text.parse::<f64>().is_ok())
}

/// Whether the case of letters changes as in random ones, not once a word as in `someLongName`.
pub(super) fn scrambled(value: &[u8]) -> bool {
    let letters: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphabetic).collect();
    let runs = || letters.chunk_by(|a, b| a.is_ascii_uppercase() == b.is_ascii_uppercase());
    let capitals = runs().filter(|run| run.len() >= 2 && run.iter().all(u8::is_ascii_uppercase)).count();
    let changes = runs().count().saturating_sub(1);
    letters.len() >= 12 && (changes * 5 >= letters.len() * 2 || capitals >= 2 && changes >= 5)
}

/// Whether words that stand for a secret make up a third of the value or more, or begin it.
pub(super) fn is_placeholder(lower: &[u8]) -> bool {
    if BEGINNINGS.iter().any(|word| lower.starts_with(word)) {
        return true;
    }
    let mut covered = 0;
    // Hardly any value holds one, and this runs for every end of a value that is tried.
    if !PLACEHOLDERS.iter().any(|word| memchr::memmem::find(lower, word).is_some()) {
        return false;
    }
    let mut at = 0;
    while at < lower.len() {
        let rest = lower.get(at..).unwrap_or_default();
        let length = PLACEHOLDERS.iter().filter(|word| rest.starts_with(word)).map(|word| word.len()).max();
        covered += length.unwrap_or(0);
        at += length.unwrap_or(1);
    }
    covered * 3 >= lower.len()
}

/// `config.auth.token`, `settings::KEY`, `some-words-with-dashes`, `SOME_CONSTANT`, `pathLikeThis`: words without digits.
pub(super) fn is_reference(value: &[u8]) -> bool {
    let words: Vec<&[u8]> = value.split(|byte| matches!(byte, b'.' | b'_' | b'-' | b':' | b'/' | b'+')).collect();
    let plain = |word: &&[u8]| word.iter().all(u8::is_ascii_alphabetic) || word.iter().all(u8::is_ascii_digit);
    let named = |word: &&[u8]| {
        let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        letters >= 1 && (letters >= 3 || word.len() <= 3) && word.len() - letters <= 2 && word.iter().skip(letters).all(u8::is_ascii_digit)
    };
    words.len() > 1 && words.iter().all(|word| plain(word) || named(word))
}

/// Enough kinds of characters and enough entropy for its length: `hunter2` is too short to tell, `Tr0ub4dor&3` is not.
fn mixed(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| usize::from(value.iter().any(test));
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let kinds = has(u8::is_ascii_lowercase) + has(u8::is_ascii_uppercase) + has(u8::is_ascii_digit) + has(u8::is_ascii_punctuation);
    let bits = entropy::shannon(value);
    let random_letters = digits == 0 && kinds >= 2 && value.len() >= 20 && scrambled(value) && bits >= 3.8;
    let with_digits = digits > 0 && kinds >= 2 && bits >= if value.len() >= 16 { 3.0 } else { 2.5 };
    let with_marks = digits == 0 && kinds >= 3 && has(u8::is_ascii_punctuation) == 1 && value.len() >= 8 && bits >= 2.8;
    with_digits || random_letters || with_marks
}
