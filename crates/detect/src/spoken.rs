//! Where an e-mail address begins that is written in words, seen from the word that tells it: `(at)`, `arroba`, or ` dot ` with an
//! `at` before it. And what must be held back at the end of a text because such a word may follow. What the words make is told in
//! `validate`.

use crate::anchors::local_start;
use crate::normal::Normal;
use crate::validate::spoken::{AT, BRACKETS, DOT, TELLING, WEAK};

/// Most parts of a local part, and of a domain before the word that tells it.
const PARTS: usize = 3;
/// Most spaces beside a word.
const SPACES: usize = 2;
/// Longest joint: spaces, brackets and the longest word.
const JOINT: usize = 20;

/// What a joint stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    At,
    /// An at sign that only a word for a dot behind it tells.
    WeakAt,
    Dot,
}

/// All words, and what each stands for without brackets.
fn words() -> impl Iterator<Item = (&'static str, Kind)> {
    let at = AT.iter().map(|word| (*word, Kind::At));
    at.chain([(WEAK, Kind::WeakAt)]).chain(DOT.iter().map(|word| (*word, Kind::Dot)))
}

/// The text without spaces at its end, at most so many.
fn without_spaces(text: &Normal, end: usize, most: usize) -> usize {
    let spaces = (1..=most).take_while(|back| end.checked_sub(*back).and_then(|at| text.at(at)) == Some(b' ')).count();
    end - spaces
}

/// The joint that ends at `end`: where it begins, and what it stands for.
fn joint_before(text: &Normal, end: usize) -> Option<(usize, Kind)> {
    // Most parts have none before them.
    text.before(end).filter(|last| *last == b' ' || BRACKETS.iter().any(|(_, close)| close == last))?;
    let inner = without_spaces(text, end, SPACES);
    let open = text.before(inner).and_then(|last| BRACKETS.iter().find(|(_, close)| *close == last)).map(|(open, _)| *open);
    let stop = if open.is_some() { without_spaces(text, inner - 1, 1) } else { inner };
    let (start, kind) = words().find_map(|(word, kind)| {
        let start = stop.checked_sub(word.len())?;
        text.slice(start, stop).eq_ignore_ascii_case(word.as_bytes()).then_some((start, kind))
    })?;
    let Some(open) = open else {
        let begin = without_spaces(text, start, SPACES);
        return (begin < start && inner < end).then_some((begin, kind));
    };
    let begin = without_spaces(text, start, 1);
    let bracket = begin.checked_sub(1).filter(|at| text.at(*at) == Some(open))?;
    Some((without_spaces(text, bracket, SPACES), if kind == Kind::Dot { Kind::Dot } else { Kind::At }))
}

/// Where a part begins that ends at `end`.
fn part_before(text: &Normal, end: usize) -> Option<usize> {
    let mut start = local_start(text, end);
    while start < end && matches!(text.at(start), Some(b'.' | b'-' | b'+')) {
        start += 1;
    }
    (start < end).then_some(start)
}

/// Where parts begin that words for dots join, the last of which ends at `end`.
fn parts_before(text: &Normal, end: usize) -> Option<usize> {
    let mut start = part_before(text, end)?;
    for _ in 1..PARTS {
        let Some((joint, Kind::Dot)) = joint_before(text, start) else { break };
        let Some(part) = part_before(text, joint) else { break };
        start = part;
    }
    Some(start)
}

/// Where an address begins whose host, or the beginning of it, ends at `end`, behind an at sign that is not told yet.
fn weak_before(text: &Normal, end: usize) -> Option<usize> {
    match joint_before(text, part_before(text, end).unwrap_or(end)) {
        Some((joint, Kind::WeakAt)) => parts_before(text, joint),
        _ => None,
    }
}

/// Where an address begins with one of the keywords of its class at `keyword`.
pub(crate) fn start(text: &Normal, keyword: usize) -> Option<usize> {
    let end = without_spaces(text, keyword, SPACES);
    let ahead = text.slice(keyword, keyword + JOINT).trim_ascii_start();
    let open = ahead.first().is_some_and(|first| BRACKETS.iter().any(|(open, _)| open == first));
    let word = ahead.get(usize::from(open)..).unwrap_or_default().trim_ascii_start();
    let tells = |known: &&str| word.get(..known.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(known.as_bytes()));
    if TELLING.iter().any(tells) { weak_before(text, end) } else { parts_before(text, end) }
}

/// Whether a joint can begin so.
fn begins_joint(bytes: &[u8]) -> bool {
    let spaces = bytes.iter().take_while(|byte| **byte == b' ').count();
    let rest = bytes.get(spaces..).unwrap_or_default();
    let Some(first) = rest.first() else { return (1..=SPACES).contains(&spaces) };
    let is_open = BRACKETS.iter().any(|(open, _)| open == first);
    if spaces > SPACES || spaces == 0 && !is_open {
        return false;
    }
    let word = rest.get(usize::from(is_open)..).unwrap_or_default();
    let word = if is_open { word.strip_prefix(b" ").unwrap_or(word) } else { word };
    words().any(|(known, _)| {
        let known = known.as_bytes();
        match word.split_at_checked(known.len()) {
            Some((begin, behind)) => begin.eq_ignore_ascii_case(known) && ends_joint(behind, is_open),
            None => known.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word)),
        }
    })
}

/// Whether a joint can go on so behind its word.
fn ends_joint(behind: &[u8], is_open: bool) -> bool {
    let is_close = |byte: &u8| BRACKETS.iter().any(|(_, close)| close == byte);
    match behind {
        [b' ', rest @ ..] | rest if is_open => match rest {
            [close, rest @ ..] => is_close(close) && rest.len() <= SPACES && rest.iter().all(|byte| *byte == b' '),
            [] => true,
        },
        rest => rest.len() <= SPACES && rest.iter().all(|byte| *byte == b' '),
    }
}

/// The first byte at the end of the text that such an address may cover whose telling word has not come yet.
pub(crate) fn hold(text: &Normal) -> usize {
    let end = text.end();
    let at = |cut: usize| [parts_before(text, cut), weak_before(text, cut)].into_iter().flatten().min();
    let may_begin = |cut: &usize| matches!(text.at(*cut), Some(b' ' | b'(' | b'[' | b'{' | b'<'));
    let floor = end.saturating_sub(JOINT + SPACES);
    let cuts = (floor..end).filter(|cut| may_begin(cut) && begins_joint(text.slice(*cut, end)));
    cuts.chain([end]).filter_map(at).min().unwrap_or(end)
}
