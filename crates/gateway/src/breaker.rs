//! A circuit: after many failures whatever stands behind it is left alone for a while, then one call tries whether it is back.
//!
//! What one caller asks may make any model fail. So the failures of one caller open it for that caller alone, and for all only when others
//! fail, too. While nothing fails, a call costs a few loads and no write.

mod pause;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bartizan_vocabulary::{PrincipalId, Timestamp};
use pause::{NOW, Pause, later};

use crate::settings::Breaking;

/// Callers for whom one circuit may be open alone.
const ALONE: usize = 1_024;

/// How a circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Calls pass.
    Closed,
    /// The next call tries.
    HalfOpen,
    /// No call passes, or one is trying.
    Open,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The work was done.
    Good,
    /// It was not.
    Bad,
    /// There was an answer that counts neither for nor against, such as a rate limit: whoever gives one is there.
    Neither,
    /// Nothing was learnt.
    Unsaid,
}

/// Whose call it is; `None` where it cannot be for what a caller asks that it fails.
pub type Who<'a> = Option<&'a PrincipalId>;

/// One circuit.
#[derive(Debug, Default)]
pub struct Breaker {
    /// For all callers.
    all: Pause,
    opened: AtomicU64,
    /// Failures in the window.
    ill: AtomicU32,
    /// Callers for whom alone it is not closed.
    alone: AtomicUsize,
    past: Mutex<Past>,
}

/// A call that is over.
#[derive(Debug)]
enum Seen {
    Good,
    /// Whose failure it was; `None`: nobody's.
    Bad(Option<PrincipalId>),
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Past {
    /// The last calls, the newest at the end.
    window: VecDeque<Seen>,
    /// Callers for whom alone it is not closed.
    alone: HashMap<PrincipalId, Arc<Pause>>,
    /// Whose call was the last that tried for all and failed.
    doubted: Option<PrincipalId>,
}

/// Leave to make one call. One that tries whether all is well again gives its turn back when it is dropped without a word: the client
/// left, or the call was not made in the end.
#[derive(Debug)]
#[must_use]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    who: Who<'a>,
    /// Of a call that tries for all: until when it holds the others off.
    trial: Option<i64>,
    /// The same of one that tries for its caller.
    own: Option<(Arc<Pause>, i64)>,
}

impl Past {
    fn failures(&self) -> impl Iterator<Item = Option<&PrincipalId>> {
        self.window.iter().filter_map(|seen| match seen {
            Seen::Good => None,
            Seen::Bad(who) => Some(who.as_ref()),
        })
    }

    /// Failures of one caller.
    fn of(&self, who: &PrincipalId) -> u32 {
        count(self.failures().filter(|failed| *failed == Some(who)).count())
    }

    /// Failures as they count for all: of one caller half of what is needed at most, and none if there is nobody else.
    fn of_all(&self, breaking: &Breaking) -> u32 {
        let mut callers: HashMap<&PrincipalId, u32> = HashMap::new();
        let mut nobodys = 0_u32;
        for failed in self.failures() {
            match failed {
                Some(who) => *callers.entry(who).or_default() += 1,
                None => nobodys += 1,
            }
        }
        let most = breaking.failures.div_ceil(2);
        let several = callers.len() > 1 || nobodys > 0;
        nobodys + callers.values().filter(|_| several).map(|failed| (*failed).min(most)).sum::<u32>()
    }
}

impl Breaker {
    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands for a caller alone.
    fn own(&self, who: Who<'_>) -> Option<Arc<Pause>> {
        if self.alone.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.past().alone.get(who?).cloned()
    }

    /// How it stands: for all, or for the caller for whom it stands worst.
    pub fn circuit(&self, now: Timestamp, breaking: &Breaking) -> Circuit {
        let all = self.all.circuit(now, breaking);
        if all == Circuit::Open || self.alone.load(Ordering::Acquire) == 0 {
            return all;
        }
        let mut past = self.past();
        self.forget_old(&mut past, now, breaking);
        let worst = past.alone.values().map(|pause| pause.circuit(now, breaking)).max_by_key(|circuit| *circuit as u8);
        worst.filter(|own| *own as u8 > all as u8).unwrap_or(all)
    }

    /// Whether a call would pass; none is let through by asking.
    pub fn passes(&self, who: Who<'_>, now: Timestamp, breaking: &Breaking) -> bool {
        self.all.passes(now, breaking) && self.own(who).is_none_or(|own| own.passes(now, breaking))
    }

    /// How long it stays open for a caller.
    pub fn left(&self, who: Who<'_>, now: Timestamp) -> Duration {
        self.all.left(now).max(self.own(who).map(|own| own.left(now)).unwrap_or_default())
    }

    /// How often it opened.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// A call is about to be made. `None`: it must not be. After a pause one call tries, and holds the others off until it is known how
    /// it went, at most for as long again.
    pub fn enter<'a>(&'a self, who: Who<'a>, now: Timestamp, breaking: &Breaking) -> Option<Permit<'a>> {
        let mut permit = Permit { breaker: self, who, trial: self.all.enter(now, breaking)?, own: None };
        if let Some(own) = self.own(who) {
            // What the first gave is given back with the permit.
            permit.own = own.enter(now, breaking)?.map(|held| (own, held));
        }
        Some(permit)
    }

    /// The call that tried for all is over.
    fn tried(&self, who: Who<'_>, held: i64, health: Health, now: Timestamp, breaking: &Breaking) {
        match health {
            Health::Good | Health::Neither => {
                // It is back: what was before does not count against it, nor against anybody.
                let mut past = self.past();
                *past = Past::default();
                self.ill.store(0, Ordering::Relaxed);
                self.alone.store(0, Ordering::Release);
                self.all.close();
            }
            Health::Bad => {
                let mut past = self.past();
                // Another caller tries before all wait once more: this one's request may be what fails.
                let again = match who {
                    Some(who) if past.doubted.as_ref().is_none_or(|before| before == who) => {
                        past.doubted = Some(who.clone());
                        self.open_alone(&mut past, who, now, breaking);
                        NOW
                    }
                    _ => {
                        past.doubted = None;
                        later(now, breaking)
                    }
                };
                self.all.pass_on(held, again);
            }
            Health::Unsaid => self.all.pass_on(held, NOW),
        }
    }

    /// The call that tried for its caller is over.
    fn tried_alone(&self, who: Who<'_>, (own, held): (&Pause, i64), health: Health, now: Timestamp, breaking: &Breaking) {
        match health {
            Health::Good | Health::Neither => {
                let mut past = self.past();
                for seen in &mut past.window {
                    if matches!(seen, Seen::Bad(failed) if who.is_some() && failed.as_ref() == who) {
                        *seen = Seen::Good;
                    }
                }
                who.map(|who| past.alone.remove(who));
                self.ill.store(count(past.failures().count()), Ordering::Relaxed);
                self.alone.store(past.alone.len(), Ordering::Release);
                own.close();
            }
            Health::Bad => own.pass_on(held, later(now, breaking)),
            Health::Unsaid => own.pass_on(held, NOW),
        }
    }

    /// A call that did not try is over. If it began before the circuit opened, it neither closes it nor keeps it open for longer.
    fn called(&self, who: Who<'_>, health: Health, now: Timestamp, breaking: &Breaking) {
        match health {
            Health::Unsaid | Health::Neither => return,
            Health::Good if self.ill.load(Ordering::Relaxed) == 0 => return,
            Health::Good | Health::Bad => {}
        }
        let mut past = self.past();
        past.window.push_back(if health == Health::Bad { Seen::Bad(who.cloned()) } else { Seen::Good });
        let longest = usize::try_from(breaking.window.clamp(1, 64)).unwrap_or(64);
        while past.window.len() > longest {
            past.window.pop_front();
        }
        let ill = count(past.failures().count());
        self.ill.store(ill, Ordering::Relaxed);
        if health == Health::Good || breaking.failures == 0 || ill < breaking.failures {
            return;
        }
        if past.of_all(breaking) >= breaking.failures {
            if self.all.open(now, breaking) {
                past.doubted = None;
                self.opened.fetch_add(1, Ordering::Relaxed);
            }
        } else if let Some(who) = who.filter(|who| past.of(who) >= breaking.failures)
            && !past.alone.contains_key(who)
            && self.open_alone(&mut past, who, now, breaking)
        {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Opens it for one caller, if there is room for one more.
    fn open_alone(&self, past: &mut Past, who: &PrincipalId, now: Timestamp, breaking: &Breaking) -> bool {
        self.forget_old(past, now, breaking);
        if past.alone.len() >= ALONE && !past.alone.contains_key(who) {
            return false;
        }
        past.alone.insert(who.clone(), Arc::new(Pause::open_from(now, breaking)));
        self.alone.store(past.alone.len(), Ordering::Release);
        true
    }

    /// Callers that did not come back for long after their pause begin anew.
    fn forget_old(&self, past: &mut Past, now: Timestamp, breaking: &Breaking) {
        past.alone.retain(|_, pause| !pause.is_long_past(now, breaking));
        self.alone.store(past.alone.len(), Ordering::Release);
    }
}

fn count(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}

impl Permit<'_> {
    /// The call ended.
    pub fn note(mut self, health: Health, now: Timestamp, breaking: &Breaking) {
        let (trial, own) = (self.trial.take(), self.own.take());
        if trial.is_none() && own.is_none() {
            return self.breaker.called(self.who, health, now, breaking);
        }
        if let Some((own, held)) = own {
            self.breaker.tried_alone(self.who, (&own, held), health, now, breaking);
        }
        if let Some(held) = trial {
            self.breaker.tried(self.who, held, health, now, breaking);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(held) = self.trial.take() {
            self.breaker.all.pass_on(held, NOW);
        }
        if let Some((own, held)) = self.own.take() {
            own.pass_on(held, NOW);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKING: Breaking = Breaking { window: 4, failures: 3, pause: Duration::from_secs(10) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000)
    }

    fn call(breaker: &Breaker, health: Health, seconds: i64) -> bool {
        let permit = breaker.enter(None, at(seconds), &BREAKING);
        let passed = permit.is_some();
        if let Some(permit) = permit {
            permit.note(health, at(seconds), &BREAKING);
        }
        passed
    }

    fn ill(breaker: &Breaker, times: u32) {
        (0..times).for_each(|_| assert!(call(breaker, Health::Bad, 0)));
    }

    fn stands(breaker: &Breaker, seconds: i64) -> Circuit {
        breaker.circuit(at(seconds), &BREAKING)
    }

    #[test]
    fn it_opens_after_so_many_of_the_last_calls() {
        let breaker = Breaker::default();
        ill(&breaker, 2);
        (0..3).for_each(|_| assert!(call(&breaker, Health::Good, 0)));
        ill(&breaker, 2);
        assert_eq!(stands(&breaker, 0), Circuit::Closed, "the first two are out of the window");
        ill(&breaker, 1);
        assert_eq!((stands(&breaker, 0), breaker.opened()), (Circuit::Open, 1));
        assert!(!call(&breaker, Health::Good, 9) && breaker.left(None, at(9)) == Duration::from_secs(1));
    }

    #[test]
    fn one_call_tries_and_any_answer_that_is_not_bad_closes() {
        for (health, closes) in [(Health::Good, true), (Health::Neither, true), (Health::Bad, false)] {
            let breaker = Breaker::default();
            ill(&breaker, 3);
            assert_eq!(stands(&breaker, 10), Circuit::HalfOpen);
            let permit = breaker.enter(None, at(10), &BREAKING);
            assert!(permit.is_some() && breaker.enter(None, at(10), &BREAKING).is_none(), "only one tries");
            if let Some(permit) = permit {
                permit.note(health, at(11), &BREAKING);
            }
            assert_eq!(stands(&breaker, 11) == Circuit::Closed, closes, "{health:?}");
            assert_eq!((breaker.passes(None, at(20), &BREAKING), breaker.passes(None, at(21), &BREAKING)), (closes, true), "{health:?}");
            if closes {
                ill(&breaker, 2);
                assert_eq!(stands(&breaker, 11), Circuit::Closed, "what was before does not count");
            }
            assert_eq!(breaker.opened(), 1);
        }
    }

    #[test]
    fn a_call_that_tries_and_tells_nothing_gives_its_turn_back() {
        let breaker = Breaker::default();
        ill(&breaker, 3);
        drop(breaker.enter(None, at(10), &BREAKING));
        assert_eq!(stands(&breaker, 10), Circuit::HalfOpen, "nobody waited for it any more");
        assert!(call(&breaker, Health::Unsaid, 10));
        assert_eq!(stands(&breaker, 10), Circuit::HalfOpen);
        // One that never ends holds the others off for one more pause; then another one tries, whose turn it does not give away.
        let (late, next) = (breaker.enter(None, at(10), &BREAKING), breaker.enter(None, at(20), &BREAKING));
        assert!(late.is_some() && next.is_some());
        drop(late);
        assert_eq!(stands(&breaker, 20), Circuit::Open);
        drop(next);
        assert_eq!(stands(&breaker, 20), Circuit::HalfOpen);
    }

    #[test]
    fn a_late_call_that_tried_opens_nothing_that_another_one_has_closed() {
        let breaker = Breaker::default();
        ill(&breaker, 3);
        let late = breaker.enter(None, at(10), &BREAKING);
        assert!(call(&breaker, Health::Good, 20) && late.is_some());
        if let Some(late) = late {
            late.note(Health::Bad, at(21), &BREAKING);
        }
        assert_eq!((stands(&breaker, 21), breaker.opened()), (Circuit::Closed, 1));
    }

    #[test]
    fn calls_from_before_it_opened_change_nothing() {
        for health in [Health::Good, Health::Bad] {
            let breaker = Breaker::default();
            let early = breaker.enter(None, at(0), &BREAKING);
            ill(&breaker, 3);
            if let Some(permit) = early {
                permit.note(health, at(9), &BREAKING);
            }
            assert_eq!((stands(&breaker, 9), stands(&breaker, 10)), (Circuit::Open, Circuit::HalfOpen), "{health:?}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nothing_closed_off() {
        let breaker = Breaker::default();
        ill(&breaker, 3);
        assert!(call(&breaker, Health::Good, -86_400));
        assert_eq!(stands(&breaker, -86_400), Circuit::Closed);
    }

    #[test]
    fn a_rate_limit_and_a_breaker_that_is_off_open_nothing() {
        let breaker = Breaker::default();
        (0..100).for_each(|_| assert!(call(&breaker, Health::Neither, 0)));
        assert_eq!(stands(&breaker, 0), Circuit::Closed);
        let off = Breaking { failures: 0, ..BREAKING };
        for permit in (0..100).filter_map(|_| breaker.enter(None, at(0), &off)) {
            permit.note(Health::Bad, at(0), &off);
        }
        assert_eq!(breaker.circuit(at(0), &off), Circuit::Closed);
        // Switched off while it is open.
        let breaker = Breaker::default();
        ill(&breaker, 3);
        assert!(breaker.enter(None, at(0), &off).is_some() && breaker.passes(None, at(0), &off));
    }

    fn by(breaker: &Breaker, who: &str, health: Health, seconds: i64) -> bool {
        let who = PrincipalId::new(who);
        let Some(permit) = breaker.enter(Some(&who), at(seconds), &BREAKING) else { return false };
        permit.note(health, at(seconds), &BREAKING);
        true
    }

    #[test]
    fn one_caller_opens_it_for_nobody_else() {
        let breaker = Breaker::default();
        (0..3).for_each(|_| assert!(by(&breaker, "a", Health::Bad, 0)));
        assert!(!by(&breaker, "a", Health::Good, 9) && by(&breaker, "b", Health::Good, 9));
        assert_eq!((stands(&breaker, 9), breaker.opened()), (Circuit::Open, 1), "for one");
        // Its turn comes back, and fails, and comes back.
        assert!(by(&breaker, "a", Health::Bad, 10) && !by(&breaker, "a", Health::Good, 19) && by(&breaker, "b", Health::Good, 19));
        assert!(by(&breaker, "a", Health::Good, 20));
        assert_eq!(stands(&breaker, 20), Circuit::Closed);
        (0..2).for_each(|_| assert!(by(&breaker, "a", Health::Bad, 20)));
        assert!(by(&breaker, "a", Health::Good, 20), "what was before does not count");
    }

    #[test]
    fn several_callers_open_it_for_all() {
        let breaker = Breaker::default();
        for who in ["a", "a", "b"] {
            assert!(by(&breaker, who, Health::Bad, 0));
        }
        assert!(["a", "b", "c"].iter().all(|who| !by(&breaker, who, Health::Good, 9)));
        assert_eq!(breaker.opened(), 1);
        assert!(by(&breaker, "c", Health::Good, 10));
        assert!(["a", "b", "c"].iter().all(|who| by(&breaker, who, Health::Good, 10)));
    }

    #[test]
    fn many_failures_of_one_and_one_of_another_are_no_outage() {
        let breaking = Breaking { window: 20, failures: 10, ..BREAKING };
        let breaker = Breaker::default();
        let (one, other) = (PrincipalId::new("a"), PrincipalId::new("b"));
        for who in std::iter::once(&other).chain(std::iter::repeat_n(&one, 18)) {
            if let Some(permit) = breaker.enter(Some(who), at(0), &breaking) {
                permit.note(Health::Bad, at(0), &breaking);
            }
        }
        assert!(breaker.passes(Some(&other), at(0), &breaking) && !breaker.passes(Some(&one), at(0), &breaking));
    }

    #[test]
    fn one_caller_does_not_keep_it_open_for_the_others() {
        let breaker = Breaker::default();
        for who in ["a", "a", "b"] {
            assert!(by(&breaker, who, Health::Bad, 0));
        }
        assert!(by(&breaker, "a", Health::Bad, 10) && !by(&breaker, "a", Health::Bad, 10), "one call tries, and another caller's next");
        assert!(by(&breaker, "b", Health::Bad, 11) && !by(&breaker, "c", Health::Good, 20), "two that failed are enough");
        assert!(by(&breaker, "a", Health::Bad, 21) && by(&breaker, "c", Health::Good, 21));
        assert!(["a", "b", "c"].iter().all(|who| by(&breaker, who, Health::Good, 21)));
    }

    #[test]
    fn whoever_does_not_come_back_is_forgotten() {
        let breaker = Breaker::default();
        for number in 0..ALONE + 9 {
            (0..4).for_each(|_| {
                by(&breaker, "good", Health::Good, 0);
            });
            let who = format!("{number}");
            (0..3).for_each(|_| {
                by(&breaker, &who, Health::Bad, 0);
            });
        }
        assert_eq!(breaker.alone.load(Ordering::Relaxed), ALONE);
        assert_eq!((stands(&breaker, 0), stands(&breaker, 20)), (Circuit::Open, Circuit::HalfOpen));
        assert_eq!((stands(&breaker, 10_000), breaker.alone.load(Ordering::Relaxed)), (Circuit::Closed, 0));
    }
}
