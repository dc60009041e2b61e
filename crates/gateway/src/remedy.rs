//! Judging one direction of an exchange: evaluate, make the edits that are asked for, recompute the facts from them, evaluate again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bartizan_policy::{BlockReason, Facts, Operator, Outcome, Verdict};
use bartizan_vocabulary::{AppliedRemedy, Decision, FiredPolicy, Label, PolicyId, Remedy, Role};
use bartizan_wire::Form;
use bartizan_wire::json::{JsonContext, Place};

use crate::bench::Bench;
use crate::edit::{TextEdit, fit_replacement, number_around, tidy};
use crate::inspect::{Body, InspectError, Unit};
use crate::kept::KEPT;
use crate::signed::removed_from_signed;

/// Edits of one unit.
pub struct UnitEdits {
    /// Position of the unit in the list that was judged.
    pub unit: usize,
    /// Its edits, sorted, not overlapping.
    pub edits: Vec<TextEdit>,
}

/// What came of judging.
pub struct Judged {
    /// What is to happen.
    pub decision: Decision,
    /// Edits to be made.
    pub edits: Vec<UnitEdits>,
    /// What they carry out.
    pub remedies: Vec<AppliedRemedy>,
    /// Policies that decided or recorded.
    pub policies: Vec<FiredPolicy>,
    /// Sentences for the caller.
    pub coach: Vec<Arc<str>>,
    /// Why it was refused, for the caller.
    pub refusal: Option<String>,
    /// The decision input of the first evaluation.
    pub facts: Facts,
}

/// What to do with one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Leave it.
    Keep,
    /// Put something else in its place.
    Edit(Remedy, Option<Operator>),
}

/// Makes the replacement of a finding: (label, its text in the inspected form, remedy, operator, whether it is a bare number).
pub type Replace<'a> = dyn FnMut(&Label, &str, Remedy, Option<Operator>, bool) -> Option<String> + 'a;

/// The action that a verdict asks for.
pub fn action(verdict: &Verdict, label: &Label) -> Action {
    match verdict.remedy_for(label) {
        Some((remedy, operator)) => Action::Edit(remedy, operator),
        None => Action::Keep,
    }
}

/// Adds the findings of units to facts.
pub fn count_findings(facts: &mut Facts, units: &[Unit]) {
    for unit in units {
        for finding in &unit.scan.findings {
            facts.add_finding(unit.role, &finding.label, finding.score_bp);
        }
        let room = KEPT.saturating_sub(facts.context.below_threshold.len());
        for finding in unit.scan.below.iter().take(room) {
            facts.context.below_threshold.push(bartizan_policy::BelowThreshold {
                label: finding.label.clone(),
                score_bp: finding.score_bp,
                length: finding.end - finding.start,
            });
        }
    }
}

/// Judges a whole body.
///
/// # Errors
/// When planning the edits goes on after the deadline.
pub fn judge(
    bench: &Bench<'_>,
    facts: Facts,
    units: &[Unit],
    (body, deadline): (Body<'_>, Instant),
    replace: &mut Replace<'_>,
) -> Result<Judged, InspectError> {
    let first = bench.judge(&facts);
    let mut judged = Judged {
        decision: Decision::Permit,
        edits: Vec::new(),
        remedies: Vec::new(),
        policies: fired(&first),
        coach: first.coach.clone(),
        refusal: None,
        facts,
    };
    match &first.outcome {
        Outcome::Permit => {}
        Outcome::Remedies(_) => carry_out(bench, &mut judged, units, Plan::new(&first, body, deadline, replace))?,
        Outcome::Block(_) | Outcome::Failed => refuse(&mut judged, &first),
    }
    bench.name(&mut judged.facts);
    Ok(judged)
}

fn carry_out<'a>(bench: &Bench<'_>, judged: &mut Judged, units: &'a [Unit], mut plan: Plan<'a, '_>) -> Result<(), InspectError> {
    for (at, unit) in units.iter().enumerate() {
        let edits = plan.unit(unit)?;
        if !edits.is_empty() {
            judged.edits.push(UnitEdits { unit: at, edits });
        }
    }
    if let Some((label, place)) = plan.broken {
        judged.decision = Decision::Blocked;
        judged.refusal = Some(format!("`{label}` was found in {place}, where it cannot be replaced"));
        return Ok(());
    }
    judged.remedies = plan.counts.into_iter().map(|((label, remedy), count)| AppliedRemedy { label, remedy, count }).collect();
    let after = judged.facts.recompute(plan.remaining.iter().map(|(role, label, score)| (*role, *label, *score)));
    let second = bench.judge(&after);
    if second.outcome == Outcome::Permit {
        judged.decision = Decision::Remedied;
        for policy in fired(&second) {
            if !judged.policies.contains(&policy) {
                judged.policies.push(policy);
            }
        }
    } else {
        refuse(judged, &Verdict::clone(&second).settled());
    }
    Ok(())
}

/// Edits being planned for a whole body.
struct Plan<'a, 'b> {
    first: &'a Verdict,
    body: Body<'a>,
    replace: &'a mut Replace<'b>,
    remaining: Vec<(Role, &'a Label, u16)>,
    counts: BTreeMap<(Label, Remedy), u32>,
    /// What cannot be edited, and where it stands.
    broken: Option<(Label, &'static str)>,
    deadline: Instant,
    planned: u32,
}

impl<'a, 'b> Plan<'a, 'b> {
    fn new(first: &'a Verdict, body: Body<'a>, deadline: Instant, replace: &'a mut Replace<'b>) -> Self {
        Self { first, body, replace, remaining: Vec::new(), counts: BTreeMap::new(), broken: None, deadline, planned: 0 }
    }

    /// Looks at the clock now and then.
    fn in_time(&mut self) -> Result<(), InspectError> {
        self.planned = self.planned.wrapping_add(1);
        if self.planned.is_multiple_of(256) && Instant::now() > self.deadline { Err(InspectError::Timeout) } else { Ok(()) }
    }

    fn unit(&mut self, unit: &'a Unit) -> Result<Vec<TextEdit>, InspectError> {
        let parts = self.body.parts(unit);
        // No parts: a header, the query or a file, which cannot be edited.
        let fixed = parts.is_empty() || parts.iter().any(|part| part.fixed);
        let signed = parts.iter().any(|part| part.signed);
        let number = parts.iter().any(|part| part.form == Form::Number);
        let mut edits = Vec::new();
        let mut text = None;
        for finding in &unit.scan.findings {
            let Action::Edit(remedy, operator) = action(self.first, &finding.label) else {
                self.remaining.push((unit.role, &finding.label, finding.score_bp));
                continue;
            };
            if fixed {
                let attached = unit.attached.is_some();
                let place = if attached { "an attachment" } else { "a name, an identifier or a signed part" };
                self.broken = Some((finding.label.clone(), place));
                return Ok(Vec::new());
            }
            self.in_time()?;
            let (text, context) = text.get_or_insert_with(|| {
                let text = self.body.text(parts);
                let mut context = JsonContext::default();
                context.push(&text);
                (text, context)
            });
            // A bare number is replaced as a whole, its sign included, so that is what comes back.
            let around = || number_around(text, finding.start, finding.end);
            let bare = if context.is_json() && context.place(finding.start) == Place::Bare { around() } else { None };
            let (start, end) = bare.unwrap_or((finding.start, finding.end));
            let span = text.get(start..end).unwrap_or_default();
            match (self.replace)(&finding.label, span, remedy, operator, number || bare.is_some()) {
                Some(with) => {
                    let with = if signed { removed_from_signed(&finding.label) } else { with };
                    *self.counts.entry((finding.label.clone(), remedy)).or_default() += 1;
                    let edit = TextEdit { start: finding.start, end: finding.end, with };
                    edits.push(if signed { edit } else { fit_replacement(context, text, edit) });
                }
                None => self.remaining.push((unit.role, &finding.label, finding.score_bp)),
            }
        }
        tidy(&mut edits);
        Ok(edits)
    }
}

/// Policies of a verdict, deciding ones first.
pub fn fired(verdict: &Verdict) -> Vec<FiredPolicy> {
    verdict.policies.iter().chain(&verdict.recorded).cloned().collect()
}

fn refuse(judged: &mut Judged, verdict: &Verdict) {
    let (decision, sentence) = refusal(verdict, &judged.facts);
    judged.decision = decision;
    judged.refusal = Some(sentence);
    judged.edits.clear();
    judged.remedies.clear();
    judged.policies = fired(verdict);
    judged.coach.clone_from(&verdict.coach);
}

/// Decision and sentence of a verdict that does not let pass: what policy, what it says, and what of
/// that which it looks for was found (kinds, never values).
pub fn refusal(verdict: &Verdict, facts: &Facts) -> (Decision, String) {
    let reason = match &verdict.outcome {
        Outcome::Failed => {
            return (Decision::Failed, "a policy could not be evaluated, so the request was refused; tell your administrator".to_owned());
        }
        Outcome::Block(reason) => reason.sentence(),
        Outcome::Permit | Outcome::Remedies(_) => "a policy asks for changes that could not be made",
    };
    // Sentences of policies whose edits were not made, or did not help, say why they ask for edits, not why this is refused.
    let edits_failed = matches!(verdict.outcome, Outcome::Remedies(_) | Outcome::Block(BlockReason::StillForbidden));
    let mut sentence = if verdict.coach.is_empty() || edits_failed { reason.to_owned() } else { verdict.coach.join(" ") };
    let mut forbids: Vec<&str> = verdict.blocking.iter().map(PolicyId::as_str).collect();
    if forbids.is_empty() {
        forbids.extend(verdict.policies.iter().filter(|one| one.effect == "forbid").map(|one| one.id.as_str()));
    }
    if !forbids.is_empty() {
        sentence = format!("{sentence} (policy {})", forbids.join(", "));
    }
    let found: Vec<&str> =
        facts.context.labels.iter().map(|(label, _)| label).filter(|label| verdict.is_about(label)).map(Label::as_str).collect();
    if !found.is_empty() {
        sentence = format!("{sentence} Found: {}.", found.join(", "));
    }
    (Decision::Blocked, sentence)
}
