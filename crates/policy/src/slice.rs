//! Which policies can matter for a request: by scope, prepared at load and kept per caller and resource, then by what
//! their conditions certainly need. Leaving out the others changes no decision, no determining policy and no error.

use std::collections::HashMap;

use bartizan_vocabulary::Role;
use cedar_policy::Effect;

use crate::cedar_input::{Attrs, Scene, principal_ancestors, principal_name, principal_type, resource_ancestors, resource_name};
use crate::condition::{EntityTest, Known, required_labels};
use crate::rule::Rule;
use crate::{Facts, Labels};

type Filed = HashMap<String, HashMap<String, Vec<u32>>>;

/// Positions of rules, filed under the entity that their scope names.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_principal: Filed,
    by_resource: Filed,
    anywhere: Vec<u32>,
    /// For everyone and everything, but certainly false unless one of these labels is there.
    by_label: HashMap<String, Vec<u32>>,
}

impl Index {
    pub fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (position, rule) in (0u32..).zip(rules) {
            let place = if let Some((kind, id)) = named(&rule.principal) {
                index.by_principal.entry(kind).or_default().entry(id).or_default()
            } else if let Some((kind, id)) = named(&rule.resource) {
                index.by_resource.entry(kind).or_default().entry(id).or_default()
            } else if let Some(labels) = required_labels(&rule.cond).filter(|_| !rule.reads.is_volatile()) {
                for label in labels {
                    index.by_label.entry(label.clone()).or_default().push(position);
                }
                continue;
            } else {
                &mut index.anywhere
            };
            place.push(position);
        }
        index
    }

    /// Positions of the rules that wait for one of the labels that are there, in order.
    fn by_label(&self, facts: &Facts) -> Vec<u32> {
        if self.by_label.is_empty() {
            return Vec::new();
        }
        let by_role = Role::ALL.iter().map(|role| &facts.context.by_role.get(*role).labels);
        let all = by_role.chain([&facts.context.labels]).flat_map(Labels::words);
        let mut found: Vec<u32> = all.filter_map(|word| self.by_label.get(word)).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Positions of all rules whose scope fits, in order.
    fn in_scope(&self, rules: &[Rule], facts: &Facts) -> Vec<u32> {
        let kind = principal_type(facts.principal.kind);
        let principals = principal_ancestors(facts).chain([(kind, principal_name(&facts.principal))]);
        let resources = resource_ancestors(facts).chain([resource_name(facts)]);
        let by_principal = principals.filter_map(|(kind, id)| self.by_principal.get(kind)?.get(id));
        let by_resource = resources.filter_map(|(kind, id)| self.by_resource.get(kind)?.get(id));
        let candidates = by_principal.chain(by_resource).flatten().chain(&self.anywhere).copied();
        let mut fitting: Vec<u32> = candidates.filter(|at| rule(rules, *at).is_some_and(|rule| rule.is_in_scope(facts))).collect();
        fitting.sort_unstable();
        fitting.dedup();
        fitting
    }
}

fn named(tests: &[EntityTest]) -> Option<(String, String)> {
    tests.iter().find_map(|test| match test {
        EntityTest::Same(kind, id) | EntityTest::Under(kind, id) => Some((kind.clone(), id.clone())),
        EntityTest::Is(_) => None,
    })
}

fn rule(rules: &[Rule], at: u32) -> Option<&Rule> {
    rules.get(usize::try_from(at).ok()?)
}

/// The rules in scope for one caller, action and resource, with Cedar's view of these.
pub(crate) struct Slice {
    /// `None` when Cedar refused a name: such a request fails.
    pub scene: Option<Scene>,
    enforcing: Vec<u32>,
    recording: Vec<u32>,
    /// Some rule of it, matching or not, reads time or counters.
    pub is_volatile: bool,
}

impl Slice {
    pub fn new(index: &Index, rules: &[Rule], facts: &Facts) -> Self {
        let in_scope = index.in_scope(rules, facts);
        let reads = in_scope.iter().filter_map(|at| rule(rules, *at)).map(|rule| rule.reads).fold(Attrs::NONE, Attrs::union);
        let (recording, enforcing) = in_scope.into_iter().partition(|at| rule(rules, *at).is_some_and(|rule| rule.terms.is_recording()));
        Self { scene: Scene::of(facts), enforcing, recording, is_volatile: reads.is_volatile() }
    }

    /// The enforcing and the recording rules that these facts do not rule out.
    pub fn possible(&self, index: &Index, rules: &[Rule], facts: &Facts) -> (Possible, Possible) {
        let (mut enforcing, mut recording) = (Possible::default(), Possible::default());
        for at in index.by_label(facts) {
            let Some(rule) = rule(rules, at).filter(|rule| rule.is_in_scope(facts)) else { continue };
            let place = if rule.terms.is_recording() { &mut recording } else { &mut enforcing };
            place.sort_in(at, rule, facts);
        }
        for (positions, place) in [(&self.enforcing, &mut enforcing), (&self.recording, &mut recording)] {
            positions.iter().filter_map(|at| Some((*at, rule(rules, *at)?))).for_each(|(at, rule)| place.sort_in(at, rule, facts));
            place.settle();
        }
        (enforcing, recording)
    }
}

/// Positions of the rules that matter for a request.
///
/// A forbid that certainly matches needs no second opinion: if we were wrong about it, something would be refused, never
/// let through. A permit is always left to Cedar.
#[derive(Debug, Default)]
pub(crate) struct Possible {
    /// Forbids that certainly match.
    pub sure_forbids: Vec<u32>,
    /// What Cedar is to evaluate, in order.
    pub open: Vec<u32>,
    /// Permits that cannot err.
    harmless_permits: Vec<u32>,
}

impl Possible {
    fn sort_in(&mut self, at: u32, rule: &Rule, facts: &Facts) {
        match (rule.cond.known(facts), rule.effect) {
            (Known::False, _) => {}
            (Known::True, Effect::Forbid) => self.sure_forbids.push(at),
            (Known::True | Known::Either, Effect::Permit) => self.harmless_permits.push(at),
            _ => self.open.push(at),
        }
    }

    /// Beside a matching forbid a permit matters only if it could end in an error.
    fn settle(&mut self) {
        if self.sure_forbids.is_empty() {
            self.open.append(&mut self.harmless_permits);
        }
        self.open.sort_unstable();
    }
}
