//! The scan of a text that arrives in pieces. Whole texts go the same way, in pieces of a fixed size.

use std::fmt;
use std::sync::Arc;

use bartizan_vocabulary::Finding;

use crate::anchors::{self, Crowd};
use crate::automaton::Bytes;
use crate::beside::{Beside, Reader};
use crate::candidate::{self, Candidate, Desk, Match, Surroundings, keep_from};
use crate::compile::Compiled;
use crate::context::Key;
use crate::cover::{Cover, Covering};
use crate::detector::Hint;
use crate::encoded::Runs;
use crate::heard::{Heard, Sorting};
use crate::names::Given;
use crate::normal::Normal;
use crate::plan::Start;
use crate::resolve::Waiting;
use crate::rules::Class;
use crate::spelled::Spelled;
use crate::token::{TokenHit, TokenWatch};
use crate::words::{AT, BLOCK, COLON, DIGIT, HEARD, SPELLED, UNDERSCORE, WORD, Walk};

/// Largest piece that is taken in at once.
const PIECE: usize = 4096;
/// New text of this length is walked over in two halves at once.
const LONG: usize = 1024;
/// History is dropped when it is at least this long, so that dropping costs little per byte.
const HISTORY: usize = 2048;

/// Something that is decided. Offsets are bytes of the raw text; events come in the order of their starts, except that a
/// token inside a finding follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A finding at or above its threshold.
    Found {
        /// What and where; `end` is what is known so far when it is open.
        finding: Finding,
        /// Whether more bytes may belong to it.
        open: bool,
    },
    /// The finding reported last reaches further: its bytes now end at `end`.
    Extended {
        /// Where its bytes ended before.
        start: usize,
        /// Where they end now.
        end: usize,
        /// Whether more bytes may belong to it.
        open: bool,
    },
    /// A finding below its threshold.
    Below(Finding),
    /// A string of the form of a pseudonym token.
    Token(TokenHit),
}

/// An incremental scan.
#[derive(Clone)]
pub struct TextScan {
    compiled: Arc<Compiled>,
    key: Key,
    text: Normal,
    /// Normalised position up to which anchors were looked for.
    seen: usize,
    walk: Walk,
    /// What is asked of the walk.
    asked: u32,
    /// What has come in the new text that rules begin at, and where.
    anchors: Vec<(usize, u32)>,
    /// Keywords at the end of the text, and where each ends: what follows them has not come.
    left: Vec<(u16, usize)>,
    crowd: Crowd,
    /// Words of contexts.
    heard: Heard,
    live: Vec<Candidate>,
    pub(crate) desk: Desk,
    fresh: Vec<Match>,
    pub(crate) waiting: Waiting,
    winners: Vec<Match>,
    tokens: TokenWatch,
    /// Nothing in what base64 stands for, which is read one level deep, and in what is no text.
    runs: Option<Runs>,
    /// Nothing where there are no runs.
    spelled: Option<Spelled>,
    beside: Vec<Reader>,
    covering: Option<Covering>,
    events: Vec<Event>,
    settled: usize,
    finished: bool,
    /// Whether the text is given out as it comes.
    at_once: bool,
}

impl fmt::Debug for TextScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextScan").field("settled", &self.settled).finish_non_exhaustive()
    }
}

impl TextScan {
    /// Words that count as if they stood before every match. Given before the text.
    pub(crate) fn raise(&mut self, words: &[String]) {
        self.key.raise(words, &self.compiled);
    }

    pub(crate) fn new(compiled: Arc<Compiled>, hint: Hint<'_>, encoded: bool, beside: &[Beside]) -> Self {
        let mut scan = Self {
            key: Key::new(hint.key, &compiled),
            text: Normal::new(),
            seen: 0,
            walk: Walk::default(),
            asked: WORD | HEARD | DIGIT | AT | COLON | if hint.tokens { UNDERSCORE } else { 0 } | if encoded { SPELLED } else { 0 },
            anchors: Vec::new(),
            left: Vec::new(),
            crowd: Crowd::default(),
            live: Vec::new(),
            heard: Heard::default(),
            desk: Desk::default(),
            fresh: Vec::new(),
            waiting: Waiting::default(),
            winners: Vec::new(),
            tokens: TokenWatch::new(hint.tokens, hint.json),
            runs: encoded.then(Runs::default),
            spelled: encoded.then(Spelled::default),
            beside: beside.iter().map(Beside::reader).collect(),
            covering: None,
            events: Vec::new(),
            settled: 0,
            finished: false,
            at_once: hint.at_once,
            compiled,
        };
        scan.start_by_key();
        scan
    }

    /// Adds names that something else found; `rule` is the index of the first rule for names.
    pub(crate) fn give(&mut self, names: Given, rule: usize) {
        self.beside.push(Reader::Given { names, rule, next: 0 });
    }

    /// Takes in more text, cut anywhere between characters.
    pub fn push(&mut self, text: &str) {
        self.pieces(text, &mut |_| {});
    }

    /// Says that the text is complete: everything is settled afterwards.
    pub fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            self.take_in("");
        }
    }

    /// Raw offset up to which everything is decided: those bytes may be released once their events are carried out.
    pub fn settled(&self) -> usize {
        self.settled
    }

    /// Takes what was decided since the last call.
    pub fn drain(&mut self, out: &mut Vec<Event>) {
        out.append(&mut self.events);
    }

    /// The raw start of the long finding that the text is inside of: every byte until its end belongs to it.
    pub fn covering(&self) -> Option<usize> {
        self.covering.as_ref().map(|covering| covering.start)
    }

    /// Bytes of memory that the scan holds for text, for bounds.
    pub fn held(&self) -> usize {
        let runs = self.runs.as_ref().map_or(0, Runs::held);
        self.text.held() + self.live.capacity() * size_of::<Candidate>() + self.heard.held() + runs
    }

    /// Scans a whole text, handing events on piece by piece.
    pub(crate) fn push_all(&mut self, text: &str, sink: &mut dyn FnMut(&mut Vec<Event>), events: &mut Vec<Event>) {
        self.pieces(text, &mut |scan| {
            if !scan.events.is_empty() {
                scan.drain(events);
                sink(events);
            }
        });
        self.finish();
        self.drain(events);
        sink(events);
    }

    fn pieces(&mut self, text: &str, after: &mut dyn FnMut(&mut Self)) {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
            self.take_in(piece);
            after(self);
            rest = tail;
        }
    }

    fn take_in(&mut self, piece: &str) {
        let last = self.finished;
        self.text.push(piece, last);
        self.find_anchors();
        let compiled = Arc::clone(&self.compiled);
        let around = Surroundings { text: &self.text, compiled: &compiled, key: &self.key, heard: &self.heard, last };
        let (fresh, desk) = (&mut self.fresh, &mut self.desk);
        self.live.retain_mut(|candidate| !candidate.step(&around, desk, fresh));
        for (keyword, end) in std::mem::take(&mut self.left) {
            self.follow_keyword(&compiled, keyword, end);
        }
        for index in 0..self.anchors.len() {
            if let Some((position, come)) = self.anchors.get(index).copied() {
                self.follow(&compiled, position, come);
            }
        }
        self.anchors.clear();
        self.tokens.step(&self.text, last);
        if let Some(runs) = &mut self.runs {
            runs.step(&self.text, last, &compiled, &mut self.fresh);
        }
        let numbers = self.fresh.len();
        if let Some(spelled) = &mut self.spelled {
            spelled.step(&self.text, last, &compiled, &mut self.fresh);
        }
        for reader in &mut self.beside {
            reader.step(&self.text, last, &mut self.fresh);
        }
        if let Some(trace) = &mut self.desk.trace {
            let around = Surroundings { text: &self.text, compiled: &compiled, key: &self.key, heard: &self.heard, last };
            trace.accepted(&self.fresh, numbers, &around);
        }
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.drain(..).for_each(|found| self.accept(found));
        self.fresh = fresh;
        self.report();
        self.forget();
    }

    /// Rules that go by the object key: the whole value is a candidate.
    fn start_by_key(&mut self) {
        if self.key.is_empty() {
            return;
        }
        let compiled = Arc::clone(&self.compiled);
        for keyword in self.key.names(&compiled.key_words) {
            let Some(machine) = compiled.by_key.get(keyword.as_usize()) else { continue };
            let known = self.live.iter().any(|candidate| candidate.machine == *machine);
            if !known {
                self.live.extend(Candidate::at_value(*machine, &compiled, 0));
            }
        }
    }

    /// Looks at each new byte once.
    fn find_anchors(&mut self) {
        let words = &self.compiled.anchors;
        let (asked, mut from) = (self.asked, self.seen);
        let mut rest = self.text.from(from);
        let mut walk = self.walk;
        if rest.len() >= LONG.max(4 * words.longest) {
            let (mut second, mut second_heard) = (Vec::with_capacity(BLOCK), Heard::with_capacity(BLOCK));
            let mut sorting = Sorting::new();
            walk.halves(words, asked, rest, |later, offset, come| {
                let (anchors, heard) = if later { (&mut second, &mut second_heard) } else { (&mut self.anchors, &mut self.heard) };
                sorting.sort(come, from + offset, asked, anchors, heard);
            });
            self.anchors.append(&mut second);
            self.heard.append(second_heard);
            rest = &[];
        }
        while let Some((offset, come)) = walk.next(words, asked, rest) {
            if come & asked & !HEARD != 0 {
                self.anchors.push((from + offset, come));
            }
            if come & HEARD != 0 {
                self.heard.note(&[(from + offset + 1, walk)]);
            }
            rest = rest.get(offset + 1..).unwrap_or_default();
            from += offset + 1;
        }
        self.walk = walk;
        self.seen = self.text.end();
    }

    /// Starts what begins with the byte at `position`, or with the keywords that it ends.
    fn follow(&mut self, compiled: &Compiled, position: usize, come: u32) {
        if come & SPELLED != 0
            && let Some(spelled) = &mut self.spelled
        {
            spelled.word(position);
        }
        match come & self.asked & !(WORD | HEARD | SPELLED) {
            0 => {}
            DIGIT => {
                if let Some(spelled) = &mut self.spelled {
                    spelled.group(position);
                }
                self.start_class(compiled, Class::Digits, Some(position));
                self.start_class(compiled, Class::Digits, anchors::sign_start(&self.text, position));
                for start in anchors::code_starts(&self.text, position).into_iter().flatten() {
                    self.start_class(compiled, Class::Code, Some(start));
                }
            }
            AT => self.start_class(compiled, Class::At, anchors::email_start(&self.text, position)),
            COLON => self.start_class(compiled, Class::Colons, anchors::ipv6_start(&self.text, position)),
            _ => self.tokens.anchor(&self.text, position),
        }
        if come & WORD != 0 {
            for keyword in Walk::at(come).words(&compiled.anchors) {
                self.follow_keyword(compiled, *keyword, position + 1);
            }
        }
    }

    fn follow_keyword(&mut self, compiled: &Compiled, word: u16, end: usize) {
        let Some(keyword) = compiled.keywords.get(usize::from(word)) else { return };
        let next = self.text.at(end);
        if let Some(any) = &keyword.next {
            match next {
                Some(next) if !any.has(next) => return,
                None if !self.finished => {
                    self.left.push((word, end));
                    return;
                }
                _ => {}
            }
        }
        let begin = end - keyword.length;
        let fits = |bytes: &Bytes| next.is_none_or(|next| bytes.has(next));
        let long = |start: &Start| match start {
            Start::Class(_) => true,
            Start::Machine(machine, bytes) => fits(bytes) && compiled.machines.get(*machine).is_some_and(|parts| parts.before.is_some()),
        };
        if keyword.starts.iter().any(long) && self.crowd.is_full(&self.text, end) {
            return;
        }
        for start in &keyword.starts {
            match start {
                Start::Class(Class::Spoken) if self.at_once => {}
                Start::Class(class) => self.start_class(compiled, *class, anchors::scheme_start(&self.text, begin)),
                Start::Machine(machine, bytes) if fits(bytes) => {
                    let Some(parts) = compiled.machines.get(*machine) else { continue };
                    let rule = parts.rules.first().and_then(|rule| compiled.rules.get(*rule));
                    if rule.is_some_and(|rule| rule.left.left(&self.text, begin)) {
                        self.start(compiled, *machine, if parts.before.is_some() { end } else { begin });
                    }
                }
                Start::Machine(..) => {}
            }
        }
    }

    fn start_class(&mut self, compiled: &Compiled, class: Class, start: Option<usize>) {
        let Some(start) = start else { return };
        let sieve = compiled.sieves.get(class as usize).and_then(Option::as_ref);
        let sifted = sieve.map_or(0, |sieve| candidate::sift(sieve, &self.text, start, self.finished));
        if sifted == 0 && sieve.is_some_and(|sieve| !sieve.shape.rest) {
            return;
        }
        for (place, machine) in compiled.classes.get(class as usize).into_iter().flatten().enumerate() {
            if sieve.is_none_or(|sieve| sieve.passes(place, sifted)) {
                self.start(compiled, *machine, start);
            }
        }
    }

    fn start(&mut self, compiled: &Compiled, machine: usize, start: usize) {
        let around = Surroundings { text: &self.text, compiled, key: &self.key, heard: &self.heard, last: self.finished };
        let Some(mut candidate) = Candidate::new(machine, &around, start, &mut self.desk) else { return };
        if candidate.step(&around, &mut self.desk, &mut self.fresh) {
            self.desk.clear_away(candidate);
        } else {
            self.live.push(candidate);
        }
    }

    fn accept(&mut self, mut found: Match) {
        found.start = found.start.max(self.waiting.floor);
        if found.start < found.end {
            self.waiting.add(found);
        }
    }

    /// The first normalised byte that something undecided may still cover, tokens left out.
    fn frontier(&self) -> usize {
        let end = self.text.end();
        let live = self.live.iter().map(Candidate::hold).min().unwrap_or(end);
        let tail = if self.finished { end } else { anchors::tail_hold(&self.text, !self.at_once) };
        // Where the text is over, all that they know was told.
        let beside = if self.finished { None } else { self.beside.iter().map(|reader| reader.hold(&self.text)).min() };
        let beside = beside.unwrap_or(end);
        live.min(tail).min(beside).min(self.encoded(end))
    }

    /// The first normalised byte that an undecided run of base64 or chain of digits may cover, or `end`.
    fn encoded(&self, end: usize) -> usize {
        let runs = self.runs.as_ref().and_then(Runs::hold).unwrap_or(end);
        runs.min(self.spelled.as_ref().and_then(Spelled::hold).unwrap_or(end))
    }

    fn report(&mut self) {
        let compiled = Arc::clone(&self.compiled);
        let hold;
        let others = self.frontier();
        let mut winners = std::mem::take(&mut self.winners);
        loop {
            if !self.extend_cover() {
                hold = self.covering.as_ref().map_or(self.text.end(), |covering| covering.cover.sure);
                break;
            }
            let frontier = self.tokens.apart(self.tokens.undecided().map_or(others, |token| token.min(others)));
            if !self.waiting.take(frontier, &compiled.rules, &self.text, &|end| self.tokens.over(end), &mut winners) {
                hold = frontier.min(self.waiting.hold().unwrap_or(frontier)).max(self.waiting.floor);
                break;
            }
            self.report_winners(&winners, &compiled);
        }
        self.winners = winners;
        let hold = self.tokens.release(hold, &mut self.events);
        let settled = match &self.covering {
            // What is left out of the normalised text behind a long finding may still lie inside it.
            Some(covering) if hold >= covering.cover.sure => covering.told,
            _ if hold >= self.text.end() => self.text.raw_end(),
            _ => self.text.raw_start(hold),
        };
        self.settled = self.settled.max(settled);
    }

    fn report_winners(&mut self, winners: &[Match], compiled: &Compiled) {
        let mut rest = winners.iter().copied();
        while let Some(found) = rest.next() {
            let Some(rule) = compiled.rules.get(found.rule) else { continue };
            let finding = Finding {
                start: self.text.raw_start(found.start),
                end: self.text.raw_stop(found.end),
                label: rule.label.clone(),
                rule: rule.id.clone(),
                score_bp: found.score_bp,
            };
            self.tokens.release(found.start, &mut self.events);
            self.waiting.raise_floor(found.end);
            if found.score_bp < rule.threshold_bp {
                self.events.push(Event::Below(finding));
                continue;
            }
            let Some(kind) = rule.cover.filter(|_| !found.encoded) else {
                self.events.push(Event::Found { finding, open: false });
                continue;
            };
            let cover = Cover::new(kind, found.end, self.text.before(found.end));
            self.covering = Some(Covering { cover, first: found.start, start: finding.start, told: finding.end });
            self.events.push(Event::Found { finding, open: true });
            rest.by_ref().for_each(|later| self.waiting.add(later));
        }
    }

    /// Goes on with a long finding; true when there is none (any more).
    fn extend_cover(&mut self) -> bool {
        let Some(covering) = &mut self.covering else { return true };
        let next = covering.cover.next;
        let ended = covering.cover.eat(self.text.from(next)) || self.finished;
        let (first, sure) = (covering.first, covering.cover.sure);
        let end = self.text.raw_stop(sure);
        if ended || end > covering.told {
            self.events.push(Event::Extended { start: covering.told, end, open: !ended });
        }
        covering.told = end;
        if ended {
            self.covering = None;
        }
        self.tokens.cover(first, sure);
        self.waiting.raise_floor(sure);
        ended
    }

    /// Drops history that nothing can look back at any more.
    fn forget(&mut self) {
        let end = self.text.end();
        let live = self.live.iter().map(Candidate::hold).min().unwrap_or(end);
        let waiting = self.waiting.hold().unwrap_or(end);
        let cover = self.covering.as_ref().map_or(end, |covering| covering.cover.sure.saturating_sub(1));
        let beside = self.beside.iter().map(|reader| reader.keep(&self.text)).min().unwrap_or(end);
        let keep = live.min(beside).min(waiting).min(cover).min(self.encoded(end)).min(self.tokens.hold().unwrap_or(end));
        if self.text.forget_before(keep_from(keep), HISTORY) {
            self.heard.forget_before(self.text.base());
        }
    }
}
