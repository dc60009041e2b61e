//! Policies asked for several providers at once, where it is not known which one will be called: what they ask for any of them is done.

use std::cell::Cell;
use std::sync::Arc;

use bartizan_policy::{Facts, Judge, Outcome, Resource, Verdict};
use bartizan_vocabulary::ProviderName;

use crate::exchange::Exchange;

/// The judge, and the places besides the one that the facts name.
pub struct Bench<'a> {
    judge: &'a Judge,
    elsewhere: Vec<Resource>,
    /// Which of these refused, if it was one of them.
    decided: Cell<Option<usize>>,
}

impl<'a> Bench<'a> {
    /// For what the facts name, and for other providers of the same.
    pub fn new(exchange: &'a Exchange, facts: &Facts, elsewhere: &[ProviderName]) -> Self {
        let other = |name: &ProviderName| {
            let mut resource = facts.resource.clone();
            exchange.place(&mut resource, Some(name));
            resource
        };
        Self { judge: &exchange.live.judge, elsewhere: elsewhere.iter().map(other).collect(), decided: Cell::new(None) }
    }

    /// The strictest of all verdicts: a refusal of any, else all remedies of all.
    pub fn judge(&self, facts: &Facts) -> Arc<Verdict> {
        self.decided.set(None);
        let first = self.judge.judge(facts);
        if self.elsewhere.is_empty() || is_refusal(&first) {
            return first;
        }
        let mut all = Verdict::clone(&first);
        let mut there = facts.clone();
        for (at, resource) in self.elsewhere.iter().enumerate() {
            there.resource = resource.clone();
            let verdict = self.judge.judge(&there);
            if is_refusal(&verdict) {
                self.decided.set(Some(at));
                return verdict;
            }
            if matches!(all.outcome, Outcome::Permit) {
                let before = std::mem::replace(&mut all, Verdict::clone(&verdict));
                join(&mut all, &before);
            } else {
                join(&mut all, &verdict);
            }
        }
        Arc::new(all)
    }

    /// Lets facts name the place for which it was refused: so they are kept.
    pub fn name(&self, facts: &mut Facts) {
        if let Some(resource) = self.decided.get().and_then(|at| self.elsewhere.get(at)) {
            facts.resource = resource.clone();
        }
    }
}

fn is_refusal(verdict: &Verdict) -> bool {
    matches!(verdict.outcome, Outcome::Block(_) | Outcome::Failed)
}

/// Adds what one more verdict asks for. Of several remedies for one label the strongest is carried out anyway.
fn join(all: &mut Verdict, more: &Verdict) {
    if let (Outcome::Remedies(asked), Outcome::Remedies(further)) = (&mut all.outcome, &more.outcome) {
        unite(asked, further);
    }
    unite(&mut all.policies, &more.policies);
    unite(&mut all.recorded, &more.recorded);
    unite(&mut all.coach, &more.coach);
    unite(&mut all.errors, &more.errors);
}

fn unite<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
    for one in more {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
}
