//! What is still owed to the journal when a client leaves in the middle of it: nobody is told any more, and it is recorded all the same.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bartizan_vocabulary::{Decision, EndState};

use crate::exchange::{Exchange, Moment, Phase};
use crate::refuse::Refusal;

/// Makes the last entry of an interaction whose first one was made, unless somebody else does.
#[derive(Default)]
pub struct Pending {
    /// The place where it was last sent, and what was decided of the request there; `None` before anything was recorded.
    last: Option<(Arc<Exchange>, Decision)>,
    disarmed: bool,
}

impl Pending {
    /// The request is about to be recorded, for this place.
    pub fn begun(&mut self, exchange: &Arc<Exchange>, request: &Phase) {
        self.last = Some((Arc::clone(exchange), request.decision.unwrap_or(Decision::Permit)));
    }

    /// The first entry was not made after all.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// Whether there is an entry that needs a last one.
    pub fn is_begun(&self) -> bool {
        self.last.is_some()
    }

    /// Somebody else makes the last entry: the answer, or this refusal. A refusal after the first entry is the last one, whatever it was
    /// going to be.
    pub fn hand_over<T>(mut self, result: Result<T, Box<Refusal>>) -> Result<T, Box<Refusal>> {
        self.disarmed = true;
        result.map_err(|mut refusal| {
            if self.is_begun() && refusal.moment == Moment::Request {
                refusal.moment = Moment::End(EndState::Blocked);
            }
            refusal
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let last = self.last.take().filter(|(exchange, _)| !self.disarmed && !exchange.ended.load(Ordering::Acquire));
        if let Some((exchange, decision)) = last {
            let phase = Phase::decided(decision);
            let _nobody_is_left_to_tell = exchange.record(Moment::End(exchange.gate.left()), &phase, 0, None);
        }
    }
}

/// A refusal of one place that is not yet the answer: another one may be permitted. It is recorded in any case.
pub struct Owed(Option<Box<Refusal>>);

impl Owed {
    /// Not recorded so far.
    pub fn new(refusal: Box<Refusal>) -> Self {
        Self(Some(refusal))
    }

    /// It is the answer after all, and recorded as that.
    pub fn take(mut self) -> Option<Box<Refusal>> {
        self.0.take()
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(refusal) = self.0.take() {
            pass_over(&refusal);
        }
    }
}

/// A place that may not be called is not; that is recorded, and the request goes on to the next one.
pub fn pass_over(refusal: &Refusal) {
    if let Some(exchange) = &refusal.exchange {
        tracing::info!(request_id = %exchange.request_id, reason = refusal.reason.code(), "a place was passed over");
        let _unrecorded_refusals_are_counted = exchange.record(Moment::Request, &refusal.phase, refusal.reason.status(), None);
    }
}
