//! Which policies can matter for a request: by scope, prepared at load and kept per caller and resource, then by what
//! their conditions certainly need. Leaving out the others changes no decision, no determining policy and no error.

use std::collections::HashMap;

use crate::Facts;
use crate::cedar_input::{Attrs, Scene, principal_ancestors, principal_name, principal_type, resource_ancestors, resource_name};
use crate::condition::{EntityTest, Known};
use crate::rule::Rule;

type Filed = HashMap<String, HashMap<String, Vec<u32>>>;

/// Positions of rules, filed under the entity that their scope names.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_principal: Filed,
    by_resource: Filed,
    anywhere: Vec<u32>,
}

impl Index {
    pub fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (position, rule) in (0u32..).zip(rules) {
            let place = if let Some((kind, id)) = named(&rule.principal) {
                index.by_principal.entry(kind).or_default().entry(id).or_default()
            } else if let Some((kind, id)) = named(&rule.resource) {
                index.by_resource.entry(kind).or_default().entry(id).or_default()
            } else {
                &mut index.anywhere
            };
            place.push(position);
        }
        index
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

    /// Positions of the enforcing rules that are not certainly false.
    pub fn enforcing(&self, rules: &[Rule], facts: &Facts) -> Vec<u32> {
        possible(&self.enforcing, rules, facts)
    }

    /// Positions of the recording rules that are not certainly false.
    pub fn recording(&self, rules: &[Rule], facts: &Facts) -> Vec<u32> {
        possible(&self.recording, rules, facts)
    }
}

fn possible(positions: &[u32], rules: &[Rule], facts: &Facts) -> Vec<u32> {
    let is_possible = |at: &u32| rule(rules, *at).is_none_or(|rule| rule.cond.known(facts) != Known::False);
    positions.iter().copied().filter(is_possible).collect()
}
