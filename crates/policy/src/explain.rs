//! The judging protocol: judge, edit, judge again; and its simulation for people.

use bartizan_vocabulary::{Decision, FiredPolicy, Label, Remedy};
use serde::Serialize;

use crate::verdict::{Operator, Outcome, PolicyFailure, Verdict};
use crate::{Facts, PolicySet};

/// How a judged interaction ends: the last verdict, the facts it rests on, and whether edits were made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling<V> {
    /// What to tell the caller.
    pub decision: Decision,
    /// Every evaluation in order, with its facts: one, or two when edits were made.
    pub steps: Vec<(Facts, V)>,
}

/// Judges `facts`; when only remedies stand in the way, lets `edit` carry them out and judges what it gives back, once.
/// `edit` makes the edits and returns the facts recomputed from those that it really made ([`Facts::recompute`]).
/// A remedy that is still asked for afterwards is a block, so exactly the bytes judged last may be sent, or none.
pub fn settle<V: AsRef<Verdict>>(facts: Facts, judge: impl Fn(&Facts) -> V, edit: impl FnOnce(&Facts, &Verdict) -> Facts) -> Ruling<V> {
    let first = judge(&facts);
    let decision = match &first.as_ref().outcome {
        Outcome::Permit => Decision::Permit,
        Outcome::Block(_) => Decision::Blocked,
        Outcome::Failed => Decision::Failed,
        Outcome::Remedies(_) => {
            let after = edit(&facts, first.as_ref());
            let second = judge(&after);
            let decision = match &second.as_ref().outcome {
                Outcome::Permit => Decision::Remedied,
                Outcome::Remedies(_) | Outcome::Block(_) => Decision::Blocked,
                Outcome::Failed => Decision::Failed,
            };
            return Ruling { decision, steps: vec![(facts, first), (after, second)] };
        }
    };
    Ruling { decision, steps: vec![(facts, first)] }
}

impl AsRef<Self> for Verdict {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// What would be done with findings of one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedRemedy {
    /// The label.
    pub label: Label,
    /// What is done.
    pub remedy: Remedy,
    /// How exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
}

/// One evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedStep {
    /// Policies that determined the outcome.
    pub policies: Vec<FiredPolicy>,
    /// `log`, `coach` and shadow policies that matched.
    pub recorded: Vec<FiredPolicy>,
    /// Policies that could not be evaluated.
    pub errors: Vec<PolicyFailure>,
    /// Labels that were judged, parents included.
    pub labels: Vec<Label>,
    /// What is asked for, per label that was found.
    pub remedies: Vec<ExplainedRemedy>,
    /// Sentences for the caller.
    pub coach: Vec<String>,
}

/// How a decision comes about, as `policy explain` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The end of it.
    pub decision: Decision,
    /// Why there is no permit, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Every evaluation in order.
    pub steps: Vec<ExplainedStep>,
}

impl PolicySet {
    /// Judges as the gate would if it carried out every remedy.
    pub fn explain(&self, facts: &Facts) -> Explanation {
        let edit = |facts: &Facts, verdict: &Verdict| facts.without(|label| verdict.remedy_for(label).is_some());
        let ruling = settle(facts.clone(), |facts| self.judge(facts), edit);
        let last = ruling.steps.last().map(|(_, verdict)| verdict.clone());
        let last = if ruling.steps.len() > 1 { last.map(Verdict::settled) } else { last };
        let reason = last.and_then(|verdict| match verdict.outcome {
            Outcome::Block(reason) => Some(reason.sentence().to_owned()),
            Outcome::Failed => Some("a policy could not be evaluated".to_owned()),
            Outcome::Permit | Outcome::Remedies(_) => None,
        });
        Explanation { decision: ruling.decision, reason, steps: ruling.steps.into_iter().map(step).collect() }
    }
}

fn step((facts, verdict): (Facts, Verdict)) -> ExplainedStep {
    let remedies = facts.context.labels.iter().filter_map(|(label, _)| {
        let (remedy, operator) = verdict.remedy_for(label)?;
        Some(ExplainedRemedy { label: label.clone(), remedy, operator })
    });
    ExplainedStep {
        remedies: remedies.collect(),
        labels: facts.context.labels.with_parents().into_iter().map(Label::from).collect(),
        coach: verdict.coach.iter().map(ToString::to_string).collect(),
        policies: verdict.policies,
        recorded: verdict.recorded,
        errors: verdict.errors,
    }
}
