//! Judging a stream while it runs: every finding is judged with all that was found before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bartizan_policy::{Facts, Outcome};
use bartizan_vocabulary::{AppliedRemedy, Decision, EventFinding, Finding, FiredPolicy, Label, Remedy, Role, UninspectedKind};

use crate::exchange::Exchange;
use crate::growing::Choice;
use crate::inspect::InspectError;
use crate::kept::{KEPT, Kept};
use crate::live::Live;
use crate::remedy::{Action, action, fired, refusal};
use crate::replacing::{Replacing, without_value};
use crate::signed::removed_from_signed;

/// So many findings of one role and label that were left alone are judged again with each further one.
const JUDGED_AGAIN: u32 = 256;

/// The judge of one stream.
pub struct Judging {
    live: Arc<Live>,
    /// All that was found so far.
    pub facts: Facts,
    replacing: Replacing,
    remaining: Vec<(Role, Label, u16)>,
    kept: BTreeMap<(Role, Label), u32>,
    unread: Vec<UninspectedKind>,
    counts: BTreeMap<(Label, Remedy), u32>,
    /// The exchange, if what is removed from signed parts is sealed for it.
    pub exchange: Option<Arc<Exchange>>,
    /// When the event that came must be done.
    deadline: Instant,
    /// Looks at the clock that were asked for.
    looks: u32,
    /// Findings for the event.
    pub findings: Kept,
    /// How many there were in all.
    pub found: u64,
    /// Policies that decided or recorded.
    pub policies: Vec<FiredPolicy>,
    /// Sentences for the caller.
    pub coach: Vec<Arc<str>>,
    /// Why the stream stops.
    pub stop: Option<(Decision, String)>,
    /// Remedies that were asked for the first time since the last look: each is a change of decision to be recorded before its effect.
    pub changes: u32,
}

impl Judging {
    /// Begins with the facts of an answer in which nothing was found yet.
    pub fn new(live: Arc<Live>, facts: Facts, replacing: Replacing) -> Self {
        Self {
            live,
            facts,
            replacing,
            remaining: Vec::new(),
            kept: BTreeMap::new(),
            unread: Vec::new(),
            counts: BTreeMap::new(),
            exchange: None,
            deadline: Instant::now(),
            looks: 0,
            findings: Kept::default(),
            found: 0,
            policies: Vec::new(),
            coach: Vec::new(),
            stop: None,
            changes: 0,
        }
    }

    /// Judges the stream before anything was found.
    pub fn open(&mut self) {
        let verdict = self.live.judge.judge(&self.facts);
        self.policies = fired(&verdict);
        self.coach.clone_from(&verdict.coach);
        if matches!(verdict.outcome, Outcome::Block(_) | Outcome::Failed) {
            self.stop = Some(refusal(&verdict, &self.facts));
        }
    }

    /// A next event has come.
    pub fn begin(&mut self) {
        self.deadline = Instant::now() + self.live.settings.limits.inspect;
    }

    /// Looks at the clock now and then. `false`: the event took too long, and the stream stops.
    pub fn in_time(&mut self) -> bool {
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(64) && Instant::now() > self.deadline {
            let sentence = format!("{}, so the answer was stopped", InspectError::Timeout);
            self.stop.get_or_insert((Decision::Failed, sentence));
            return false;
        }
        true
    }

    /// What stands in a signed part in the place of a value.
    pub fn removed(&self, label: &Label, value: Option<&str>) -> String {
        self.exchange.as_ref().map_or_else(|| removed_from_signed(label), |exchange| exchange.removed(label, value))
    }

    /// What the stream's decision is so far.
    pub fn decision(&self) -> Decision {
        match &self.stop {
            Some((decision, _)) => *decision,
            None if self.counts.is_empty() => Decision::Permit,
            None => Decision::Remedied,
        }
    }

    /// Remedies that were carried out.
    pub fn remedies(&self) -> Vec<AppliedRemedy> {
        self.counts.iter().map(|((label, remedy), count)| AppliedRemedy { label: label.clone(), remedy: *remedy, count: *count }).collect()
    }

    /// Keeps a finding below its threshold, for replay.
    pub fn below(&mut self, finding: &Finding) {
        if self.facts.context.below_threshold.len() < KEPT {
            let length = finding.end - finding.start;
            let kept = bartizan_policy::BelowThreshold { label: finding.label.clone(), score_bp: finding.score_bp, length };
            self.facts.context.below_threshold.push(kept);
        }
    }

    /// Judges content that cannot be read, once for each kind.
    pub fn unread(&mut self, kind: UninspectedKind) {
        if self.unread.contains(&kind) || self.stop.is_some() {
            return;
        }
        self.unread.push(kind);
        self.facts.add_uninspected(Role::Assistant, kind);
        let verdict = self.live.judge.judge(&self.facts);
        self.merge(&fired(&verdict), &verdict.coach);
        if matches!(verdict.outcome, Outcome::Block(_) | Outcome::Failed) {
            self.stop = Some(refusal(&verdict, &self.facts));
        }
    }

    /// Judges one finding. Without `text`, because its end has not come, nothing is made of its value. `fixed`: where it stands
    /// nothing can be replaced.
    pub fn choose(&mut self, role: Role, path: &str, finding: &Finding, text: Option<&str>, fixed: bool) -> Choice {
        if self.stop.is_some() || !self.in_time() {
            return Choice::Stop;
        }
        self.note(role, path, finding);
        self.facts.add_finding(role, &finding.label, finding.score_bp);
        let verdict = self.live.judge.judge(&self.facts);
        self.merge(&fired(&verdict), &verdict.coach);
        let chosen = match &verdict.outcome {
            Outcome::Block(_) | Outcome::Failed => {
                self.stop = Some(refusal(&verdict, &self.facts));
                return Choice::Stop;
            }
            Outcome::Permit => Choice::Keep,
            Outcome::Remedies(_) => match action(&verdict, &finding.label) {
                Action::Keep => Choice::Keep,
                Action::Edit(..) if fixed => return self.cannot(&finding.label),
                Action::Edit(remedy, operator) => {
                    let asked = if text.is_some() { (remedy, operator) } else { without_value((remedy, operator)) };
                    match self.replacing.replace(&finding.label, text.unwrap_or_default(), asked) {
                        Some((remedy, with)) => self.edited(&finding.label, remedy, with),
                        None => Choice::Keep,
                    }
                }
            },
        };
        if matches!(chosen, Choice::Keep) {
            let kept = self.kept.entry((role, finding.label.clone())).or_default();
            if *kept < JUDGED_AGAIN {
                *kept += 1;
                self.remaining.push((role, finding.label.clone(), finding.score_bp));
            }
        }
        if matches!(verdict.outcome, Outcome::Remedies(_)) && !self.holds_after_edits() {
            return Choice::Stop;
        }
        chosen
    }

    fn note(&mut self, role: Role, path: &str, finding: &Finding) {
        self.found += 1;
        if self.findings.is_full() {
            self.findings.leave_out(1);
        } else {
            self.findings.push(EventFinding {
                label: finding.label.clone(),
                rule: finding.rule.clone(),
                role,
                path: path.to_owned(),
                start: finding.start,
                end: finding.end,
                score_bp: finding.score_bp,
            });
        }
    }

    fn merge(&mut self, policies: &[FiredPolicy], coach: &[Arc<str>]) {
        for policy in policies {
            if !self.policies.contains(policy) {
                self.policies.push(policy.clone());
            }
        }
        for sentence in coach {
            if !self.coach.contains(sentence) {
                self.coach.push(Arc::clone(sentence));
            }
        }
    }

    fn edited(&mut self, label: &Label, remedy: Remedy, with: String) -> Choice {
        let count = self.counts.entry((label.clone(), remedy)).or_default();
        if *count == 0 {
            self.changes += 1;
        }
        *count += 1;
        Choice::Replace(with)
    }

    fn cannot(&mut self, label: &Label) -> Choice {
        let sentence = format!("`{label}` was found in an identifier of the answer, where it cannot be replaced");
        self.stop = Some((Decision::Blocked, sentence));
        Choice::Stop
    }

    /// Judges again on facts recomputed from the edits that are really made.
    fn holds_after_edits(&mut self) -> bool {
        let after = self.facts.recompute(self.remaining.iter().map(|(role, label, score)| (*role, label, *score)));
        let verdict = self.live.judge.judge(&after);
        self.merge(&fired(&verdict), &verdict.coach);
        if verdict.outcome != Outcome::Permit {
            let settled = bartizan_policy::Verdict::clone(&verdict).settled();
            self.stop = Some(refusal(&settled, &after));
            return false;
        }
        true
    }
}
