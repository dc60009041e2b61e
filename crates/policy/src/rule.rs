//! One loaded policy with what is known of it before any request.

use bartizan_vocabulary::{FiredPolicy, PolicyId};
use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, PrincipalConstraint, ResourceConstraint};

use crate::annotate::{Terms, is_edit};
use crate::cedar_input::Attrs;
use crate::compile::{compile, reads};
use crate::condition::{Cond, EntityTest, Side, required_labels};
use crate::verdict::Prescription;
use crate::{Action, Facts};

/// A policy, its scope, its conditions as far as they are known, and what it asks for.
#[derive(Debug)]
pub(crate) struct Rule {
    pub id: PolicyId,
    pub effect: Effect,
    pub terms: Terms,
    pub policy: Policy,
    pub cond: Cond,
    pub reads: Attrs,
    /// All must hold of the principal.
    pub principal: Vec<EntityTest>,
    /// All must hold of the resource.
    pub resource: Vec<EntityTest>,
    /// Ids of the actions it is for; `None` is all.
    actions: Option<Vec<String>>,
}

impl Rule {
    /// `None` when Cedar cannot show the policy's form, which a parsed static policy always has.
    pub fn new(policy: Policy, terms: Terms, id: PolicyId) -> Option<Self> {
        let json = policy.to_json().ok()?;
        Some(Self {
            id,
            effect: policy.effect(),
            terms,
            cond: compile(&json),
            reads: json.get("conditions").map_or(Attrs::NONE, reads),
            principal: match policy.principal_constraint() {
                PrincipalConstraint::Any => Vec::new(),
                PrincipalConstraint::Eq(uid) => vec![same(&uid)],
                PrincipalConstraint::In(uid) => vec![under(&uid)],
                PrincipalConstraint::Is(kind) => vec![EntityTest::Is(kind.to_string())],
                PrincipalConstraint::IsIn(kind, uid) => vec![EntityTest::Is(kind.to_string()), under(&uid)],
            },
            resource: match policy.resource_constraint() {
                ResourceConstraint::Any => Vec::new(),
                ResourceConstraint::Eq(uid) => vec![same(&uid)],
                ResourceConstraint::In(uid) => vec![under(&uid)],
                ResourceConstraint::Is(kind) => vec![EntityTest::Is(kind.to_string())],
                ResourceConstraint::IsIn(kind, uid) => vec![EntityTest::Is(kind.to_string()), under(&uid)],
            },
            actions: match policy.action_constraint() {
                ActionConstraint::Any => None,
                ActionConstraint::Eq(uid) => Some(vec![plain(&uid)]),
                ActionConstraint::In(uids) => Some(uids.iter().map(plain).collect()),
            },
            policy,
        })
    }

    /// Whether the scope (the part in parentheses) fits. Cedar cannot err on a scope.
    pub fn is_in_scope(&self, facts: &Facts) -> bool {
        self.is_for(facts.action)
            && self.principal.iter().all(|test| test.holds(Side::Principal, facts))
            && self.resource.iter().all(|test| test.holds(Side::Resource, facts))
    }

    /// Whether it is for this action.
    pub fn is_for(&self, action: Action) -> bool {
        self.actions.as_ref().is_none_or(|actions| actions.iter().any(|id| id == action.as_str()))
    }

    /// As it is named in events.
    pub fn fired(&self) -> FiredPolicy {
        let effect = if self.effect == Effect::Permit { "permit" } else { "forbid" };
        let mode = if self.terms.shadow { "shadow" } else { "enforce" };
        FiredPolicy { id: self.id.clone(), effect: effect.into(), mode: mode.into() }
    }

    /// Labels of which one must be there for it to match: none when it reads no findings, `None` when it is not known which.
    pub fn looks_for(&self) -> Option<&[String]> {
        if self.reads.sees_findings() { required_labels(&self.cond) } else { Some(&[]) }
    }

    /// Whether it asks for an edit rather than a block.
    pub fn is_edit(&self) -> bool {
        is_edit(self.terms.remedy)
    }

    /// What it asks for, if it asks for an edit rather than a block.
    pub fn prescription(&self) -> Option<Prescription> {
        self.is_edit().then(|| Prescription {
            labels: self.terms.labels.clone(),
            remedy: self.terms.remedy,
            operator: self.terms.operator,
            policy: self.id.clone(),
        })
    }
}

fn plain(uid: &EntityUid) -> String {
    uid.id().unescaped().to_owned()
}

fn same(uid: &EntityUid) -> EntityTest {
    EntityTest::Same(uid.type_name().to_string(), plain(uid))
}

fn under(uid: &EntityUid) -> EntityTest {
    EntityTest::Under(uid.type_name().to_string(), plain(uid))
}
