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

/// Whether the value is a secret.
pub(super) fn check(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let placeholder = PLACEHOLDERS.iter().any(|word| memchr::memmem::find(&lower, word).is_some());
    let code = matches!(value.first(), Some(b'$' | b'<' | b'{' | b'[' | b'(' | b'%' | b'&' | b'/' | b'.'))
        || value.iter().any(|byte| b"(){}<>".contains(byte));
    !placeholder && !code && !NAMES.contains(&lower.as_slice()) && !is_reference(value) && mixed(value)
}

/// `config.auth.token`, `settings::KEY`, `some-words-with-dashes`, `SOME_CONSTANT`, `pathLikeThis`: words without digits.
fn is_reference(value: &[u8]) -> bool {
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
    let switches = value.windows(2).filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase())).count();
    let bits = entropy::shannon(value);
    let random_letters = digits == 0 && kinds >= 2 && value.len() >= 20 && switches >= 3 && bits >= 3.8;
    let with_digits = digits > 0 && kinds >= 2 && bits >= if value.len() >= 16 { 3.0 } else { 2.5 };
    let with_marks = digits == 0 && kinds >= 3 && has(u8::is_ascii_punctuation) == 1 && value.len() >= 8 && bits >= 2.8;
    with_digits || random_letters || with_marks
}
