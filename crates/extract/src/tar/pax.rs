//! Extended headers of pax (POSIX.1-2001): records `length key=value`, which say of the next entry what its header has no room for.

use super::header::text;
use crate::charset;

/// Keys whose values are numbers of an entry.
const NUMBERS: &[&str] =
    &["atime", "ctime", "mtime", "uid", "gid", "size", "LIBARCHIVE.creationtime", "SCHILY.dev", "SCHILY.ino", "SCHILY.nlink"];
/// Bytes of a value for programs that may be no text.
const SMALL: usize = 24;

/// What extended headers say of one entry.
#[derive(Default)]
pub struct Pax {
    pub path: Option<String>,
    pub size: Option<u64>,
    pub is_sparse: bool,
    /// What else they say, a line for each.
    pub texts: String,
    pub is_damaged: bool,
    pub has_leftover: bool,
}

impl Pax {
    /// Adds the records of one header. Of two with one key the later counts.
    pub fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some((key, value, after)) = record(rest) else {
                self.is_damaged = true;
                self.texts.extend([&*text(rest), "\n"]);
                return;
            };
            rest = after;
            self.record(&text(key), value);
        }
    }

    fn record(&mut self, key: &str, value: &[u8]) {
        let told = text(value);
        match key {
            "path" | "GNU.sparse.name" => self.path = Some(told.clone()),
            "size" => match told.parse() {
                Ok(size) => self.size = Some(size),
                Err(_) => self.is_damaged = true,
            },
            _ if key.starts_with("GNU.sparse.") => self.is_sparse = true,
            _ => {}
        }
        if value.len() > SMALL && !charset::is_text_like(value) {
            self.has_leftover = true;
        }
        if !(NUMBERS.contains(&key) && is_number(&told)) {
            self.texts.extend([key, "=", &told, "\n"]);
        }
    }
}

/// A count of seconds with its fraction, or a number as short.
fn is_number(value: &str) -> bool {
    let value = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str, most: usize| text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole, 12) && digits(fraction, 9)
}

/// Key and value of the first record, and what is behind it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let len: usize = std::str::from_utf8(bytes.get(..blank)?).ok()?.parse().ok()?;
    let body = bytes.get(blank + 1..len)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', body)?;
    Some((body.get(..equals)?, body.get(equals + 1..)?, bytes.get(len..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_say_their_length() {
        let check = |bytes: &[u8], path: Option<&str>, texts: &str, is_damaged: bool| {
            let mut pax = Pax::default();
            pax.read(bytes);
            assert_eq!((pax.path.as_deref(), pax.texts.as_str(), pax.is_damaged), (path, texts, is_damaged));
        };
        check(b"10 path=a\n", Some("a"), "path=a\n", false);
        check(b"10 path=a\n10 path=b\n", Some("b"), "path=a\npath=b\n", false);
        check(b"20 mtime=1700000000\n", None, "", false);
        check(b"26 mtime=4111111111111111\n", None, "mtime=4111111111111111\n", false);
        check(b"13 comment=a\nb\n", None, "comment=a\nb\n\n", true);
        check(b"15 comment=a\nb\n", None, "comment=a\nb\n", false);
        check(b"0 path=a\n", None, "0 path=a\n\n", true);
        check(b"99999999999999999999 path=a\n", None, "99999999999999999999 path=a\n\n", true);
        check(b"-1 path=a\n", None, "-1 path=a\n\n", true);
        check(b"12 size=-12\n", None, "", true);
    }
}
