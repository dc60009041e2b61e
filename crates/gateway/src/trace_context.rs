//! W3C Trace Context, level 2: reading `traceparent` and `tracestate`, and what of them goes on.
//!
//! Source: <https://www.w3.org/TR/trace-context-2/>. What is not as written there is dropped, never repaired. `baggage` is text of the
//! caller's and does not go on.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The header that names trace and parent.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header that tracing systems add to.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Length of a `traceparent` of version 00.
const LENGTH: usize = 55;
/// Bytes of `tracestate` that go on.
const STATE: usize = 512;
/// Members of `tracestate`.
const MEMBERS: usize = 32;
/// A member longer than this is the first to go.
const LONG: usize = 128;
/// Bytes of a key, and of a value.
const WORD: usize = 256;

/// Whether whoever called records what it does.
const SAMPLED: u8 = 1;
/// Whether the trace's id is random.
const RANDOM: u8 = 2;

/// What is known of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace.
    pub trace: [u8; 16],
    /// What of it calls.
    pub span: [u8; 8],
    flags: u8,
}

impl Parent {
    /// A new trace. Its id is random, and says so.
    pub fn new(trace: [u8; 16], span: [u8; 8], sampled: bool) -> Self {
        Self { trace, span, flags: RANDOM | if sampled { SAMPLED } else { 0 } }
    }

    /// The same trace, seen from another span.
    pub fn at(self, span: [u8; 8]) -> Self {
        Self { span, ..self }
    }

    /// Whether whoever called records what it does.
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The one valid `traceparent` of a request.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        Self::parse(value.as_bytes())
    }

    /// The same, where it may leave: towards a provider, or a collector.
    pub fn trusted(headers: &HeaderMap) -> Option<Self> {
        Self::of(headers).filter(|parent| !parent.looks_like_a_card())
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let version: [u8; 1] = hex(known.get(..2)?)?;
        // Of a later version the first four fields are those of this one, and more may follow.
        let good = match version {
            [0] => rest.is_empty(),
            [255] => false,
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let dashes = [2, 35, 52].iter().all(|at| known.get(*at) == Some(&b'-'));
        let (trace, span) = (hex(known.get(3..35)?)?, hex(known.get(36..52)?)?);
        let [flags] = hex(known.get(53..)?)?;
        // Of the flags only those are passed on that are known here.
        let read = Self { trace, span, flags: flags & (SAMPLED | RANDOM) };
        (good && dashes && trace != [0; 16] && span != [0; 8]).then_some(read)
    }

    /// As a header, in version 00.
    pub fn value(self) -> HeaderValue {
        let mut out = Vec::with_capacity(LENGTH);
        out.extend_from_slice(b"00-");
        write_hex(&self.trace, &mut out);
        out.push(b'-');
        write_hex(&self.span, &mut out);
        out.push(b'-');
        write_hex(&[self.flags], &mut out);
        // Only digits and dashes.
        HeaderValue::from_bytes(&out).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// Whether the caller's span could be taken for the number of a card: then the request would be refused for it.
    fn looks_like_a_card(self) -> bool {
        let digits = self.span.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut sum = 0_u32;
        for (place, digit) in digits.enumerate() {
            if digit > 9 {
                return false;
            }
            let twice = u32::from(digit) * if place % 2 == 0 { 2 } else { 1 };
            sum += if twice > 9 { twice - 9 } else { twice };
        }
        sum.is_multiple_of(10)
    }
}

/// Lower-case hexadecimal digits.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = (digit(high)? << 4) | digit(low)?;
    }
    Some(out)
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |four: u8| if four < 10 { b'0' + four } else { b'a' + four - 10 };
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

/// Passes on what is valid of a client's trace context, and nothing else of it. Without a valid `traceparent` there is no `tracestate`.
pub fn pass_on(client: &HeaderMap, out: &mut HeaderMap) {
    let Some(parent) = Parent::trusted(client) else { return };
    out.insert(TRACEPARENT, parent.value());
    if let Some(state) = state(client) {
        out.insert(TRACESTATE, state);
    }
}

/// The members of `tracestate`, over all headers of that name. What cannot be read is dropped as a whole; what is too long loses its long
/// members first, then those at the end.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut members: Vec<&[u8]> = Vec::new();
    for value in headers.get_all(TRACESTATE) {
        for member in value.as_bytes().split(|byte| *byte == b',').map(trimmed).filter(|member| !member.is_empty()) {
            let key = key_of(member)?;
            if members.len() == MEMBERS || members.iter().any(|known| key_of(known) == Some(key)) {
                return None;
            }
            members.push(member);
        }
    }
    let length = |members: &[&[u8]]| members.iter().map(|member| member.len() + 1).sum::<usize>().saturating_sub(1);
    while length(&members) > STATE {
        let at = members.iter().rposition(|member| member.len() > LONG).unwrap_or(members.len().saturating_sub(1));
        members.remove(at);
    }
    let joined = members.join(&b","[..]);
    HeaderValue::from_bytes(&joined).ok().filter(|_| !joined.is_empty())
}

/// Optional white space around a member is no part of it.
fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The key of a member that is as it should be.
fn key_of(member: &[u8]) -> Option<&[u8]> {
    let at = member.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (member.get(..at)?, member.get(at + 1..)?);
    let begins = key.first().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let of_key = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(byte);
    let of_value = |byte: &u8| matches!(byte, b' '..=b'~') && !b",=".contains(byte);
    let lengths = (1..=WORD).contains(&key.len()) && (1..=WORD).contains(&value.len());
    (begins && lengths && key.iter().all(of_key) && value.iter().all(of_value)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn passed(parents: &[&str], states: &[&str]) -> (Option<String>, Option<String>) {
        let (mut headers, mut out) = (HeaderMap::new(), HeaderMap::new());
        for (name, values) in [(TRACEPARENT, parents), (TRACESTATE, states)] {
            for value in values {
                headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
            }
        }
        pass_on(&headers, &mut out);
        let text = |name: &HeaderName| out.get(name).map(|value| value.to_str().unwrap().to_owned());
        (text(&TRACEPARENT), text(&TRACESTATE))
    }

    /// The `tracestate` that goes on.
    fn state_of(states: &[&str]) -> Option<String> {
        let (parent, state) = passed(&[GOOD], states);
        assert_eq!(parent.as_deref(), Some(GOOD), "the state never spoils the parent");
        state
    }

    #[test]
    fn a_valid_parent_goes_on_unchanged() {
        for flags in ["00", "01", "02", "03"] {
            let text = format!("{}{flags}", &GOOD.get(..53).unwrap());
            assert_eq!(passed(&[&text], &[]), (Some(text.clone()), None));
        }
        // A later version goes on as this one, without what nobody here can read; so do flags that are not known.
        for later in ["cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", &GOOD.replacen("00-", "01-", 1)] {
            assert_eq!(passed(&[later], &[]).0.as_deref(), Some(GOOD));
            assert_eq!(passed(&[&format!("{later}-what-the-future-brings")], &[]).0.as_deref(), Some(GOOD));
        }
        assert_eq!(passed(&[&GOOD.replace("-01", "-fd")], &[]).0.as_deref(), Some(GOOD));
    }

    #[test]
    fn anything_else_is_dropped_with_its_state() {
        let bad = [
            "",
            "00-aa-bb-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01,",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            // The number of a card.
            "00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111111-01",
        ];
        for text in bad {
            assert_eq!(passed(&[text], &["a=1"]), (None, None), "{text}");
        }
        assert_eq!(passed(&[GOOD, GOOD], &["a=1"]), (None, None), "two are none");
        assert_eq!(passed(&[], &["a=1"]), (None, None));
        assert!(passed(&["00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111112-01"], &[]).0.is_some(), "no card has this number");
    }

    #[test]
    fn the_state_keeps_its_order_over_several_headers() {
        assert_eq!(state_of(&["a=1 , b=x y", "", "2c@d=3,"]).as_deref(), Some("a=1,b=x y,2c@d=3"));
        assert_eq!(state_of(&[]), None);
        assert_eq!(state_of(&["", " , "]), None);
    }

    #[test]
    fn a_state_that_cannot_be_read_is_dropped() {
        let many = (0..33).map(|at| format!("k{at}=1")).collect::<Vec<_>>();
        assert_eq!(state_of(&[&many.join(",")]), None);
        assert_eq!(state_of(&[&many.get(1..).unwrap().join(",")]).unwrap().split(',').count(), 32);
        let long = "x".repeat(257);
        let (key, value) = (format!("{long}=1"), format!("a={long}"));
        for bad in ["a", "a=", "=1", "A=1", "a=1,a=2", "_a=1", "a b=1", "a=1=2", &key, &value] {
            assert_eq!(state_of(&[bad]), None, "{bad}");
        }
    }

    #[test]
    fn a_state_that_is_too_long_loses_its_long_members_first() {
        let long = format!("l={}", "x".repeat(200));
        let short: Vec<String> = (0..9).map(|at| format!("s{at}={}", "y".repeat(47))).collect();
        let (head, tail) = (short.get(..4).unwrap().join(","), short.get(4..).unwrap().join(","));
        assert_eq!(state_of(&[&format!("{head},{long},{tail}")]), Some(short.join(",")));
        let all: Vec<String> = (0..12).map(|at| format!("m{at:02}={}", "y".repeat(46))).collect();
        assert_eq!(state_of(&[&all.join(",")]), Some(all.get(..10).unwrap().join(",")));
        assert_eq!(state_of(&[&all.join(",")]).unwrap().len(), 509);
    }
}
