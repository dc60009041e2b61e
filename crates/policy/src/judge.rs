//! Judging: facts in, verdict out. The set is immutable; what it remembers only saves time.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use bartizan_vocabulary::{PolicyId, PolicyVersion, Remedy};
use cedar_policy::{Authorizer, Decision, Effect, Request, Response};
use quick_cache::sync::Cache;

use crate::cedar_input::{Attrs, Scene, context};
use crate::diagnose::LoadErrors;
use crate::load::{self, Source};
use crate::rule::Rule;
use crate::slice::{Index, Possible, Slice};
use crate::verdict::{BlockReason, Outcome, PolicyFailure, Verdict};
use crate::words::labels_in;
use crate::{Action, Facts, KnownWords, encode};

const SLICES: usize = 1_024;
const BUNDLES: usize = 1_024;

/// Policies that are given to Cedar together, and the context attributes they read.
struct Bundle {
    policies: cedar_policy::PolicySet,
    reads: Attrs,
}

/// What Cedar said of one bundle: positions of determining rules, and failures.
struct Answer {
    allowed: bool,
    reasons: Vec<u32>,
    failures: Vec<PolicyFailure>,
}

impl Answer {
    const NOTHING: Self = Self { allowed: false, reasons: Vec::new(), failures: Vec::new() };
}

/// A validated policy set, sliced. Immutable, `Send` and `Sync`.
pub struct PolicySet {
    version: PolicyVersion,
    rules: Vec<Rule>,
    positions: HashMap<String, u32>,
    index: Index,
    authorizer: Authorizer,
    slices: Cache<Box<[u8]>, Arc<Slice>>,
    bundles: Cache<Box<[u32]>, Option<Arc<Bundle>>>,
}

impl fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicySet({} policies, {})", self.rules.len(), self.version)
    }
}

impl PolicySet {
    /// Parses and validates `sources`.
    ///
    /// # Errors
    /// Every mistake in any of them; then nothing is loaded, and whoever has a good set keeps it.
    pub fn load(sources: &[Source]) -> Result<Self, LoadErrors> {
        Ok(Self::from_rules(sources, load::rules(sources, None)?))
    }

    /// As [`load`](Self::load), and every label, route and other word that a policy names must be one that can occur.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_known(sources: &[Source], known: &KnownWords) -> Result<Self, LoadErrors> {
        Ok(Self::from_rules(sources, load::rules(sources, Some(known))?))
    }

    fn from_rules(sources: &[Source], rules: Vec<Rule>) -> Self {
        Self {
            version: load::version(sources),
            positions: (0u32..).zip(&rules).map(|(at, rule)| (rule.id.as_str().to_owned(), at)).collect(),
            index: Index::new(&rules),
            rules,
            authorizer: Authorizer::new(),
            slices: Cache::new(SLICES),
            bundles: Cache::new(BUNDLES),
        }
    }

    /// SHA-256 over the schema version and every source's name and text.
    pub fn version(&self) -> &PolicyVersion {
        &self.version
    }

    /// Number of policies.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no policy at all; such a set permits nothing.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any permit is for this action. Without one, everything of that kind is refused.
    pub fn can_permit(&self, action: Action) -> bool {
        self.rules.iter().any(|rule| rule.effect == Effect::Permit && rule.is_for(action))
    }

    /// Ids of the policies that ask for one of these remedies, in the order of the sources; those in shadow mode, too.
    pub fn asking_for<'a>(&'a self, remedies: &'a [Remedy]) -> impl Iterator<Item = &'a PolicyId> {
        self.rules.iter().filter(|rule| rule.effect == Effect::Forbid && remedies.contains(&rule.terms.remedy)).map(|rule| &rule.id)
    }

    /// The labels, and globs of labels, that each policy names, in the order of the sources.
    pub fn named_labels(&self) -> impl Iterator<Item = (&PolicyId, BTreeSet<String>)> {
        self.rules.iter().map(|rule| {
            let mut named = rule.policy.to_json().map(|json| labels_in(&json)).unwrap_or_default();
            named.extend(rule.terms.labels.iter().map(|pattern| pattern.as_str().to_owned()));
            (&rule.id, named)
        })
    }

    /// Ids of all policies, in the order of the sources.
    pub fn ids(&self) -> impl Iterator<Item = &PolicyId> {
        self.rules.iter().map(|rule| &rule.id)
    }

    /// Whether a policy that is in scope for these facts, matching or not, reads time or counters. Such a verdict must not
    /// be remembered: a forbid that does not match yet would be missed later.
    pub fn reads_time_or_counters(&self, facts: &Facts) -> bool {
        self.slice(&encode::scene(facts), facts).is_volatile
    }

    /// Evaluates the policies that can matter for these facts.
    pub fn judge(&self, facts: &Facts) -> Verdict {
        self.judge_slice(&self.slice(&encode::scene(facts), facts), facts)
    }

    /// Evaluates every policy of the set. Slow; [`judge`](Self::judge) gives the same.
    pub fn judge_whole(&self, facts: &Facts) -> Verdict {
        let Some(scene) = Scene::of(facts) else { return refused_facts() };
        let count = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        let is_recording = |at: &u32| self.rule(*at).is_some_and(|rule| rule.terms.is_recording());
        let (recording, enforcing): (Vec<u32>, Vec<u32>) = (0..count).partition(is_recording);
        let ask = |positions: &[u32]| self.ask(&Bundle { reads: Attrs::ALL, ..self.bundle(positions)? }, &scene, facts);
        self.verdict(ask(&enforcing), ask(&recording))
    }

    fn rule(&self, at: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(at).ok()?)
    }

    fn slice(&self, scene_key: &[u8], facts: &Facts) -> Arc<Slice> {
        if let Some(slice) = self.slices.get(scene_key) {
            return slice;
        }
        let slice = Arc::new(Slice::new(&self.index, &self.rules, facts));
        if scene_key.len() <= encode::MAX_KEY_BYTES {
            self.slices.insert(Box::from(scene_key), slice.clone());
        }
        slice
    }

    fn judge_slice(&self, slice: &Slice, facts: &Facts) -> Verdict {
        let Some(scene) = &slice.scene else { return refused_facts() };
        let ask = |possible: Possible| {
            let asked = if possible.open.is_empty() {
                Some(Answer::NOTHING)
            } else {
                self.ask(&*self.remembered_bundle(possible.open)?, scene, facts)
            };
            asked.map(|answer| self.with_forbids(answer, possible.sure_forbids))
        };
        let (enforcing, recording) = slice.possible(&self.index, &self.rules, facts);
        self.verdict(ask(enforcing), ask(recording))
    }

    /// The answer as it would be if Cedar had evaluated these matching forbids as well.
    fn with_forbids(&self, mut answer: Answer, forbids: Vec<u32>) -> Answer {
        if !forbids.is_empty() {
            answer.allowed = false;
            answer.reasons.retain(|at| self.rule(*at).is_some_and(|rule| rule.effect == Effect::Forbid));
            answer.reasons.extend(forbids);
            answer.reasons.sort_unstable();
        }
        answer
    }

    fn remembered_bundle(&self, positions: Vec<u32>) -> Option<Arc<Bundle>> {
        if let Some(bundle) = self.bundles.get(positions.as_slice()) {
            return bundle;
        }
        let bundle = self.bundle(&positions).map(Arc::new);
        self.bundles.insert(positions.into_boxed_slice(), bundle.clone());
        bundle
    }

    fn bundle(&self, positions: &[u32]) -> Option<Bundle> {
        let rules = || positions.iter().filter_map(|at| self.rule(*at));
        let policies = cedar_policy::PolicySet::from_policies(rules().map(|rule| rule.policy.clone())).ok()?;
        Some(Bundle { policies, reads: rules().map(|rule| rule.reads).fold(Attrs::NONE, Attrs::union) })
    }

    /// `None` when Cedar does not take the request or names a policy that we do not know: no answer is no permit.
    fn ask(&self, bundle: &Bundle, scene: &Scene, facts: &Facts) -> Option<Answer> {
        let context = context(bundle.reads, facts)?;
        let request = Request::new(scene.principal.clone(), scene.action.clone(), scene.resource.clone(), context, None).ok()?;
        let response: Response = self.authorizer.is_authorized(&request, &bundle.policies, &scene.entities);
        let position = |id: &cedar_policy::PolicyId| self.positions.get::<str>(id.as_ref()).copied();
        let mut reasons: Vec<u32> = response.diagnostics().reason().map(position).collect::<Option<_>>()?;
        reasons.sort_unstable();
        let mut failed = Vec::new();
        for error in response.diagnostics().errors() {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            failed.push((position(error.policy_id())?, error.inner().to_string()));
        }
        failed.sort();
        let failures = failed.into_iter().filter_map(|(at, message)| {
            let rule = self.rule(at)?;
            Some(PolicyFailure { policy: rule.id.clone(), message, recording: rule.terms.is_recording() })
        });
        Some(Answer { allowed: response.decision() == Decision::Allow, reasons, failures: failures.collect() })
    }

    fn verdict(&self, enforced: Option<Answer>, recorded: Option<Answer>) -> Verdict {
        let Some(enforced) = enforced else { return refused_facts() };
        let outcome = self.outcome(&enforced);
        let rules = |answer: &[u32]| -> Vec<&Rule> { answer.iter().filter_map(|at| self.rule(*at)).collect() };
        let determining = rules(&enforced.reasons);
        let mut errors = enforced.failures;
        let recording = if let Some(recorded) = recorded {
            errors.extend(recorded.failures);
            rules(&recorded.reasons)
        } else {
            errors.push(refusal(true));
            Vec::new()
        };
        let forbidden = matches!(outcome, Outcome::Block(BlockReason::Forbidden));
        let has_effect = |rule: &Rule| forbidden && !rule.is_edit() || matches!(outcome, Outcome::Remedies(_));
        let telling = determining.iter().filter(|rule| has_effect(rule));
        let coaching = telling.chain(recording.iter().filter(|rule| !rule.terms.shadow));
        Verdict {
            looked_for: looked_for(&outcome, &determining),
            blocking: determining.iter().filter(|rule| forbidden && !rule.is_edit()).map(|rule| rule.id.clone()).collect(),
            coach: coaching.filter_map(|rule| rule.terms.coach.clone()).collect(),
            policies: determining.iter().map(|rule| rule.fired()).collect(),
            recorded: recording.iter().map(|rule| rule.fired()).collect(),
            outcome,
            errors,
        }
    }

    /// Any error is a failure: Cedar skips a policy that errs, so a broken forbid would let everything pass.
    fn outcome(&self, answer: &Answer) -> Outcome {
        if !answer.failures.is_empty() {
            return Outcome::Failed;
        }
        if answer.allowed {
            return Outcome::Permit;
        }
        if answer.reasons.is_empty() {
            return Outcome::Block(BlockReason::NotPermitted);
        }
        let prescriptions = answer.reasons.iter().map(|at| self.rule(*at).and_then(Rule::prescription));
        prescriptions.collect::<Option<Vec<_>>>().map_or(Outcome::Block(BlockReason::Forbidden), Outcome::Remedies)
    }
}

/// Labels that the policies which refuse look for. Where some refuse without an edit, they are the reason, and not the others.
fn looked_for(outcome: &Outcome, determining: &[&Rule]) -> Option<Vec<Arc<str>>> {
    let plain = matches!(outcome, Outcome::Block(BlockReason::Forbidden));
    let refusing = determining.iter().filter(|rule| rule.effect == Effect::Forbid && !(plain && rule.is_edit()));
    let words: Option<Vec<&[String]>> = refusing.map(|rule| rule.looks_for()).collect();
    Some(words?.into_iter().flatten().map(|word| Arc::from(word.as_str())).collect())
}

fn refusal(recording: bool) -> PolicyFailure {
    let message = "cedar refused the facts of this request".to_owned();
    PolicyFailure { policy: PolicyId::from("*"), message, recording }
}

fn refused_facts() -> Verdict {
    Verdict {
        outcome: Outcome::Failed,
        policies: Vec::new(),
        blocking: Vec::new(),
        looked_for: None,
        recorded: Vec::new(),
        coach: Vec::new(),
        errors: vec![refusal(false)],
    }
}

/// A policy set with a bounded memory of its verdicts.
#[derive(Debug)]
pub struct Judge {
    set: PolicySet,
    verdicts: Cache<Box<[u8]>, Arc<Verdict>>,
}

impl Judge {
    /// Remembers at most about `capacity` verdicts.
    pub fn new(set: PolicySet, capacity: usize) -> Self {
        Self { set, verdicts: Cache::new(capacity) }
    }

    /// The policies behind it.
    pub fn policies(&self) -> &PolicySet {
        &self.set
    }

    /// Number of verdicts remembered now.
    pub fn remembered(&self) -> usize {
        self.verdicts.len()
    }

    /// As [`PolicySet::judge`], from memory when the same was asked before and no policy in scope reads time or counters.
    pub fn judge(&self, facts: &Facts) -> Arc<Verdict> {
        let scene = encode::scene(facts);
        let slice = self.set.slice(&scene, facts);
        if slice.is_volatile {
            return Arc::new(self.set.judge_slice(&slice, facts));
        }
        let key = encode::whole(scene, facts);
        if let Some(verdict) = self.verdicts.get(key.as_slice()) {
            return verdict;
        }
        let verdict = Arc::new(self.set.judge_slice(&slice, facts));
        if key.len() <= encode::MAX_KEY_BYTES {
            self.verdicts.insert(key.into_boxed_slice(), verdict.clone());
        }
        verdict
    }
}
