//! Judging one direction of an exchange: evaluate, make the edits that are asked for, recompute the facts from them, evaluate again.

mod files;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bartizan_policy::{BlockReason, Facts, Operator, Outcome, Verdict};
use bartizan_vocabulary::{AppliedRemedy, Decision, Finding, FiredPolicy, Label, PolicyId, Remedy, Role};
use bartizan_wire::json::{JsonContext, NodeId, Place};
use bartizan_wire::{Form, Part};

use crate::attachments::Files;
use crate::bench::Bench;
use crate::edit::{TextEdit, fit_replacement, number_around, tidy};
use crate::guard::GuardError;
use crate::inspect::{Body, InspectError, Unit};
use crate::kept::KEPT;
use crate::replacing::{Asked, Replaced, without_value};
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
    /// Files that are to be replaced by these texts.
    pub files: Vec<(NodeId, String)>,
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

/// Makes the replacement of a finding: (label, its text in the inspected form, what is asked for, whether it is a bare number).
pub type Replace<'a> = dyn FnMut(&Label, &str, Asked, bool) -> Option<Replaced> + 'a;

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
/// `files`: where files may be replaced by their text.
///
/// # Errors
/// When planning the edits goes on after the deadline, or texts of files do not fit into the budget.
pub fn judge(
    bench: &Bench<'_>,
    facts: Facts,
    units: &[Unit],
    (body, deadline): (Body<'_>, Instant),
    replace: &mut Replace<'_>,
    files: Option<&mut Files<'_>>,
) -> Result<Judged, GuardError> {
    let first = bench.judge(&facts);
    let mut judged = Judged {
        decision: Decision::Permit,
        edits: Vec::new(),
        files: Vec::new(),
        remedies: Vec::new(),
        policies: fired(&first),
        coach: first.coach.clone(),
        refusal: None,
        facts,
    };
    match &first.outcome {
        Outcome::Permit => {}
        Outcome::Remedies(_) => carry_out(bench, &mut judged, units, Plan::new(&first, (body, deadline), replace, files))?,
        Outcome::Block(_) | Outcome::Failed => refuse(&mut judged, &first),
    }
    bench.name(&mut judged.facts);
    Ok(judged)
}

fn carry_out(bench: &Bench<'_>, judged: &mut Judged, units: &[Unit], mut plan: Plan<'_, '_, '_>) -> Result<(), GuardError> {
    for unit in units {
        if let Some(node) = unit.attached {
            judged.files.extend(plan.file(unit, node)?.map(|text| (node, text)));
        }
    }
    plan.gone.sort_by_key(|range| range.start);
    for (at, unit) in units.iter().enumerate().filter(|(_, unit)| unit.attached.is_none()) {
        let edits = plan.unit(unit)?;
        if !edits.is_empty() {
            judged.edits.push(UnitEdits { unit: at, edits });
        }
    }
    if let Some((label, place)) = plan.broken {
        judged.decision = Decision::Blocked;
        judged.refusal = Some(format!("`{label}` was found in {place}, where it cannot be replaced"));
        judged.files.clear();
        return Ok(());
    }
    judged.remedies = plan.counts.into_iter().map(|((label, remedy), count)| AppliedRemedy { label, remedy, count }).collect();
    let after = judged.facts.recompute(plan.remaining.iter().map(|(role, label, score)| (*role, label, *score)));
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
struct Plan<'a, 'b, 'c> {
    first: &'a Verdict,
    body: Body<'a>,
    replace: &'a mut Replace<'b>,
    files: Option<&'a mut Files<'c>>,
    remaining: Vec<(Role, Label, u16)>,
    counts: BTreeMap<(Label, Remedy), u32>,
    /// Stretches of the body that go with files.
    gone: Vec<Range<usize>>,
    /// What cannot be edited, and where it stands.
    broken: Option<(Label, &'static str)>,
    deadline: Instant,
    planned: u32,
}

impl<'a, 'b, 'c> Plan<'a, 'b, 'c> {
    fn new(
        first: &'a Verdict,
        (body, deadline): (Body<'a>, Instant),
        replace: &'a mut Replace<'b>,
        files: Option<&'a mut Files<'c>>,
    ) -> Self {
        Self {
            first,
            body,
            replace,
            files,
            remaining: Vec::new(),
            counts: BTreeMap::new(),
            gone: Vec::new(),
            broken: None,
            deadline,
            planned: 0,
        }
    }

    /// Looks at the clock now and then.
    fn in_time(&mut self) -> Result<(), InspectError> {
        self.planned = self.planned.wrapping_add(1);
        if self.planned.is_multiple_of(256) && Instant::now() > self.deadline { Err(InspectError::Timeout) } else { Ok(()) }
    }

    /// What a finding may stay as, where it stays.
    fn leave(&mut self, role: Role, finding: &Finding) {
        self.remaining.push((role, finding.label.clone(), finding.score_bp));
    }

    /// Whether a text goes with a file: its name, or its bytes where they are few.
    fn is_gone(&self, parts: &[Part]) -> bool {
        let within = |part: &Part| {
            let at = self.body.tape.node(part.node).map_or(usize::MAX, |node| node.start as usize);
            let next = self.gone.partition_point(|range| range.end <= at);
            self.gone.get(next).is_some_and(|range| range.start <= at)
        };
        !self.gone.is_empty() && !parts.is_empty() && parts.iter().all(within)
    }

    fn unit(&mut self, unit: &Unit) -> Result<Vec<TextEdit>, InspectError> {
        let parts = self.body.parts(unit);
        // No parts: a header or the query, which cannot be edited.
        let fixed = parts.is_empty() || parts.iter().any(|part| part.fixed);
        let (signed, number) = (parts.iter().any(|part| part.signed), parts.iter().any(|part| part.form == Form::Number));
        let written = Written { signed, number, file: false };
        let edited = |finding: &&Finding| action(self.first, &finding.label) != Action::Keep;
        match unit.scan.findings.iter().find(edited) {
            None => {
                unit.scan.findings.iter().for_each(|finding| self.leave(unit.role, finding));
                return Ok(Vec::new());
            }
            Some(_) if self.is_gone(parts) => return Ok(Vec::new()),
            Some(finding) if fixed => {
                let place = if unit.about.is_some() { "a passage as a whole" } else { "a name, an identifier or a signed part" };
                self.broken = Some((finding.label.clone(), place));
                return Ok(Vec::new());
            }
            Some(_) => {}
        }
        let (edits, left) = self.edits(&self.body.text(parts), &unit.scan.findings, written)?;
        for finding in left {
            self.leave(unit.role, finding);
        }
        Ok(edits)
    }

    /// The edits of one text, and the findings that stay.
    fn edits<'f>(
        &mut self,
        text: &str,
        findings: &'f [Finding],
        Written { signed, number, file }: Written,
    ) -> Result<(Vec<TextEdit>, Vec<&'f Finding>), InspectError> {
        let mut context = JsonContext::default();
        context.push(text);
        let (mut edits, mut left) = (Vec::new(), Vec::new());
        for finding in findings {
            let Action::Edit(remedy, operator) = action(self.first, &finding.label) else {
                left.push(finding);
                continue;
            };
            self.in_time()?;
            // A bare number is replaced as a whole, its sign included, so that is what comes back.
            let around = || number_around(text, finding.start, finding.end);
            let bare = if context.is_json() && context.place(finding.start) == Place::Bare { around() } else { None };
            let (start, end) = bare.unwrap_or((finding.start, finding.end));
            let span = text.get(start..end).unwrap_or_default();
            // A file's text is looked over once more as it goes on, and an invented value would be found there; a signed part holds none.
            let fixed = signed || file && remedy == Remedy::Surrogate;
            let asked = if fixed { without_value((remedy, operator)) } else { (remedy, operator) };
            match (self.replace)(&finding.label, span, asked, number || bare.is_some()) {
                Some((remedy, with)) => {
                    let with = if signed { removed_from_signed(&finding.label) } else { with };
                    *self.counts.entry((finding.label.clone(), remedy)).or_default() += 1;
                    let edit = TextEdit { start: finding.start, end: finding.end, with };
                    edits.push(if signed { edit } else { fit_replacement(&context, text, edit) });
                }
                None => left.push(finding),
            }
        }
        tidy(&mut edits);
        Ok((edits, left))
    }
}

/// How a text stands in its body.
#[derive(Clone, Copy, Default)]
struct Written {
    /// A provider signed it.
    signed: bool,
    /// It is a number literal.
    number: bool,
    /// It goes on in the place of a file.
    file: bool,
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
    judged.files.clear();
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
