//! The hosts that a text names: in URLs, and bare as in `example.com/…`. Where readers of a URL differ on its host, all
//! readings are told apart: browsers end an authority at a backslash, RFC 3986 does not; some decode `%2F` first.

use crate::normal::Normal;

/// Schemes that browsers read with any number of slashes.
const SPECIAL: [&[u8]; 5] = [b"https:", b"http:", b"ftp:", b"wss:", b"ws:"];

/// Longest name of a top-level domain that is taken for one.
const TOP_MAX: usize = 24;

/// A stretch of text in lower case.
pub(crate) struct Run {
    pub(crate) bytes: Vec<u8>,
    /// The same in its own letter case.
    cased: Vec<u8>,
    /// Whether a byte is what the raw text says, not the result of an escape.
    literal: Vec<bool>,
}

/// Where a URL's authority is to be looked for.
#[derive(Clone, Copy)]
pub(crate) struct Authority {
    /// Where its scheme, or the slashes before it, begin.
    pub(crate) begin: usize,
    /// Behind the scheme: slashes follow.
    slashes: usize,
}

/// A host without a scheme.
pub(crate) struct Bare {
    pub(crate) host: String,
    /// Whether what ends it is really there.
    pub(crate) sure: bool,
    /// Whether it is the domain of an e-mail address or stands behind a user's name.
    behind_at: bool,
}

impl Run {
    pub(crate) fn of(text: &Normal, from: usize, to: usize) -> Self {
        let cased = text.slice(from, to).to_vec();
        // `\/` is a slash to everybody.
        let literal =
            (from..from + cased.len()).map(|at| text.is_literal(at) || text.at(at) == Some(b'/') && text.is_backslashed(at)).collect();
        Self { bytes: cased.to_ascii_lowercase(), cased, literal }
    }

    fn at(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// Whether a byte counts in a reading: the strict one knows no escapes.
    fn counts(&self, at: usize, strict: bool) -> bool {
        !strict || self.literal.get(at).copied().unwrap_or(true)
    }

    fn is_slash(&self, at: usize, strict: bool) -> bool {
        self.at(at) == b'/' && self.counts(at, strict) || self.at(at) == b'\\' && !strict
    }

    fn ends_authority(&self, at: usize, strict: bool) -> bool {
        self.is_slash(at, strict) || matches!(self.at(at), b'?' | b'#') && self.counts(at, strict)
    }
}

/// The first URL from `from` on: a scheme, or two slashes.
pub(crate) fn authority(run: &Run, from: usize) -> Option<Authority> {
    (from..run.bytes.len()).find_map(|begin| {
        let rest = run.bytes.get(begin..)?;
        if let Some(scheme) = SPECIAL.iter().find(|scheme| rest.starts_with(scheme)) {
            return Some(Authority { begin, slashes: begin + scheme.len() });
        }
        let double = rest.len() > 1 && run.is_slash(begin, false) && run.is_slash(begin + 1, false);
        double.then_some(Authority { begin, slashes: begin })
    })
}

/// The host of a URL in one reading, and where its authority ends. An authority without an end counts only with `open`.
pub(crate) fn at(run: &Run, authority: Authority, strict: bool, open: bool) -> Option<(String, usize)> {
    let length = run.bytes.len();
    let begin = (authority.slashes..length).find(|at| !run.is_slash(*at, strict)).unwrap_or(length);
    let end = (begin..length).find(|at| run.ends_authority(*at, strict)).or(open.then_some(length))?;
    let user = (begin..end).rfind(|at| run.at(*at) == b'@' && run.counts(*at, strict));
    Some((named(run.bytes.get(user.map_or(begin, |at| at + 1)..end).unwrap_or_default()), end))
}

/// A host with its port, which is left out when it is the usual one (RFC 3986, section 3.2), lower case.
fn named(authority: &[u8]) -> String {
    let from = authority.iter().rposition(|byte| *byte == b']').unwrap_or(0);
    let colon = authority.iter().skip(from).position(|byte| *byte == b':').map(|at| from + at);
    let (host, port) = colon.and_then(|at| authority.split_at_checked(at)).unwrap_or((authority, b""));
    let mut name = String::from_utf8_lossy(host).trim_end_matches('.').to_lowercase();
    if !matches!(port, b"" | b":" | b":80" | b":443") {
        name.push_str(&String::from_utf8_lossy(port));
    }
    name
}

pub(crate) fn is_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || !byte.is_ascii()
}

/// A dotted name whose last label can be a top-level domain, or four numbers.
pub(crate) fn is_name(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let mut labels = name.rsplit(|byte| *byte == b'.');
    let Some(top) = labels.next() else { return false };
    let rest: Vec<&[u8]> = labels.collect();
    let lower = top.iter().all(|byte| byte.is_ascii_lowercase() || !byte.is_ascii());
    let upper = top.iter().all(u8::is_ascii_uppercase);
    let letters = (lower || upper) && (2..=TOP_MAX).contains(&top.len());
    let numeric = name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') && rest.len() == 3;
    !rest.is_empty() && rest.iter().all(|label| !label.is_empty()) && (letters || numeric || top.starts_with(b"xn--"))
}

/// Hosts without a scheme before `to` that something follows: `example.com/…`. With `at_end` they may stand alone.
pub(crate) fn bare(run: &Run, to: usize, at_end: bool) -> Vec<Bare> {
    let mut hosts = Vec::new();
    let mut start = 0;
    for at in 0..=to {
        let byte = run.bytes.get(at).copied().filter(|_| at < to);
        if byte.is_some_and(is_byte) {
            continue;
        }
        let follows = matches!(byte, Some(b'/' | b'?' | b'#' | b'\\' | b':'));
        // Where nothing follows, `done.The` is the end of a sentence.
        let name = if follows { &run.bytes } else { &run.cased };
        if (follows || at_end) && name.get(start..at).is_some_and(is_name) {
            let digits = run.bytes.iter().skip(at + 1).take_while(|byte| byte.is_ascii_digit()).count();
            let end = if byte == Some(b':') && digits > 0 { at + 1 + digits } else { at };
            hosts.push(Bare {
                host: named(run.bytes.get(start..end).unwrap_or_default()),
                sure: byte.is_none() || byte != Some(b'\\') && run.counts(at, true),
                behind_at: start > 0 && run.at(start - 1) == b'@',
            });
        }
        start = at + 1;
    }
    hosts
}

/// Stretches of a text without anything that ends a URL for everybody.
fn runs(text: &str) -> Vec<Run> {
    let mut normal = Normal::new();
    normal.push(text, true);
    let mut runs = Vec::new();
    let mut from = 0;
    for at in 0..=normal.end() {
        if normal.at(at).is_none_or(|byte| byte.is_ascii_whitespace() || b"<>\"'`()[]{},;|".contains(&byte)) {
            if at > from + 2 {
                runs.push(Run::of(&normal, from, at));
            }
            from = at + 1;
        }
    }
    runs
}

fn without_port(host: &str) -> Option<String> {
    host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map(|(name, _)| name.to_owned())
}

/// The hosts that somebody named by writing a text: those of URLs and bare domains, in lower case; not the domains of e-mail
/// addresses, and not a host that readers would disagree on. A port that is not the usual one is part of a name; whoever
/// writes one names the usual ports of that host too.
pub fn hosts(text: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    for run in &runs(text) {
        let mut from = 0;
        let mut first = None;
        while let Some(authority) = authority(run, from) {
            first = first.or(Some(authority.begin));
            let Some((host, end)) = at(run, authority, false, true) else { break };
            if at(run, authority, true, true).is_some_and(|(other, _)| other == host) {
                found.push(host);
            }
            from = end.max(authority.slashes);
        }
        let bare = bare(run, first.unwrap_or(run.bytes.len()), first.is_none());
        found.extend(bare.into_iter().filter(|bare| bare.sure && !bare.behind_at).map(|bare| bare.host));
    }
    let plain: Vec<String> = found.iter().filter_map(|host| without_port(host)).collect();
    found.extend(plain);
    found.retain(|host| !host.is_empty());
    found.into_iter()
}

/// The hosts that carrying out a text could reach, in any reading: those of URLs, bare domains, domains behind an at sign.
pub fn hosts_reached(text: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    for run in &runs(text) {
        let mut from = 0;
        let mut first = None;
        while let Some(authority) = authority(run, from) {
            first = first.or(Some(authority.begin));
            let Some((host, end)) = at(run, authority, false, true) else { break };
            found.push(host);
            found.extend(at(run, authority, true, true).map(|(host, _)| host));
            from = end.max(authority.slashes);
        }
        found.extend(bare(run, first.unwrap_or(run.bytes.len()), first.is_none()).into_iter().map(|bare| bare.host));
    }
    found.retain(|host| !host.is_empty());
    found.into_iter()
}
