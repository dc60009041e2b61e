//! Facts in Cedar's terms: entity ids, entities, and the context attribute by attribute.
//! Only the attributes that a set of policies reads are built; which those are is found in `compile`.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use bartizan_vocabulary::{Direction, GuardStatus, Label, Principal, PrincipalKind, Role};
use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};

use crate::{Facts, Labels};

/// The schema that every policy set is validated against.
pub const SCHEMA: &str = include_str!("../schema.cedarschema");

/// A set of context attributes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Attrs(u32);

const NAMES: [&str; 16] = [
    "direction",
    "route",
    "stream",
    "labels",
    "by_role",
    "remedied",
    "uninspected",
    "findings",
    "max_score_bp",
    "guards",
    "session",
    "tools",
    "token_estimate",
    "body_bytes",
    "time",
    "provider",
];

impl Attrs {
    /// Nothing is read.
    pub const NONE: Self = Self(0);
    /// Everything is read.
    pub const ALL: Self = Self((1 << NAMES.len()) - 1);
    /// `token_estimate`, `body_bytes` and `time`: what reads them is never cached.
    const VOLATILE: Self = Self(0b111 << 12);

    /// The attribute of this name; an unknown name reads everything.
    pub fn named(name: &str) -> Self {
        NAMES.iter().position(|known| *known == name).map_or(Self::ALL, |bit| Self(1 << bit))
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether what was found is among them: `labels`, `by_role`, `remedied`, `findings` or `max_score_bp`.
    pub fn sees_findings(self) -> bool {
        self.0 & 0b1_1011_1000 != 0
    }

    /// Whether time or a counter is among them.
    pub fn is_volatile(self) -> bool {
        self.0 & Self::VOLATILE.0 != 0
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| *name)
    }
}

/// The Cedar type of a principal.
pub(crate) const fn principal_type(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "User",
        PrincipalKind::Service => "Service",
        PrincipalKind::Anonymous => "Anonymous",
    }
}

/// The plain name of a principal: its id without the prefix of its kind.
pub(crate) fn principal_name(principal: &Principal) -> &str {
    let id = principal.id.as_str();
    let prefix = match principal.kind {
        PrincipalKind::User => "user:",
        PrincipalKind::Service => "service:",
        PrincipalKind::Anonymous => "anonymous:",
    };
    id.strip_prefix(prefix).unwrap_or(id)
}

/// The resource as (type, id).
pub(crate) fn resource_name(facts: &Facts) -> (&'static str, &str) {
    if facts.action.is_on_model() {
        ("Model", facts.resource.model.as_ref().map_or("", |model| model.as_str()))
    } else {
        ("Route", &facts.resource.route)
    }
}

/// Everything above the principal, as (type, id).
pub(crate) fn principal_ancestors(facts: &Facts) -> impl Iterator<Item = (&'static str, &str)> {
    let resource = &facts.resource;
    let house = [("App", &resource.app), ("Team", &resource.team), ("Organisation", &resource.organisation)];
    let house = house.into_iter().filter_map(|(kind, name)| name.as_deref().map(|name| (kind, name)));
    facts.principal.groups.iter().map(|group| ("Group", group.as_str())).chain(house)
}

/// Everything above the resource, as (type, id).
pub(crate) fn resource_ancestors(facts: &Facts) -> impl Iterator<Item = (&'static str, &str)> {
    let provider = facts.resource.provider.as_ref().filter(|_| facts.action.is_on_model());
    provider.into_iter().map(|provider| ("Provider", provider.as_str()))
}

fn type_name(kind: &'static str) -> Option<EntityTypeName> {
    static TYPES: OnceLock<HashMap<&'static str, EntityTypeName>> = OnceLock::new();
    let all = ["User", "Service", "Anonymous", "Model", "Route", "Group", "App", "Team", "Organisation", "Provider", "Action"];
    let types = TYPES.get_or_init(|| all.iter().filter_map(|name| Some((*name, name.parse().ok()?))).collect());
    types.get(kind).cloned()
}

fn uid(kind: &'static str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(type_name(kind)?, EntityId::new(id)))
}

/// The parts of a request that stay the same for a caller and a resource.
pub(crate) struct Scene {
    pub principal: EntityUid,
    pub action: EntityUid,
    pub resource: EntityUid,
    pub entities: Entities,
}

impl Scene {
    /// `None` only if Cedar refused a name or the hierarchy, which then fails the decision.
    pub fn of(facts: &Facts) -> Option<Self> {
        let principal = uid(principal_type(facts.principal.kind), principal_name(&facts.principal))?;
        let (kind, name) = resource_name(facts);
        let resource = uid(kind, name)?;
        let above = |items: &mut dyn Iterator<Item = (&'static str, &str)>| -> Option<HashSet<EntityUid>> {
            items.map(|(kind, name)| uid(kind, name)).collect()
        };
        let principal_parents = above(&mut principal_ancestors(facts))?;
        let resource_parents = above(&mut resource_ancestors(facts))?;
        let entities = Entities::from_entities(
            [Entity::new_no_attrs(principal.clone(), principal_parents), Entity::new_no_attrs(resource.clone(), resource_parents)],
            None,
        );
        Some(Self { principal, action: uid("Action", facts.action.as_str())?, resource, entities: entities.ok()? })
    }
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> RestrictedExpression {
    RestrictedExpression::new_set(words.into_iter().map(|word| RestrictedExpression::new_string(word.to_owned())))
}

fn long(value: impl TryInto<i64>) -> RestrictedExpression {
    RestrictedExpression::new_long(value.try_into().unwrap_or(i64::MAX))
}

fn record(fields: impl IntoIterator<Item = (&'static str, RestrictedExpression)>) -> Option<RestrictedExpression> {
    RestrictedExpression::new_record(fields.into_iter().map(|(name, value)| (name.to_owned(), value))).ok()
}

fn role_facts(labels: &Labels) -> Option<RestrictedExpression> {
    record([("labels", words(labels.with_parents())), ("findings", long(labels.findings())), ("max_score_bp", long(labels.max_score_bp()))])
}

fn guards(facts: &Facts) -> Option<RestrictedExpression> {
    let having = |wanted: GuardStatus| words(facts.context.guards.iter().filter(|(_, s)| **s == wanted).map(|(name, _)| &**name));
    record([
        ("ran", having(GuardStatus::Ran)),
        ("skipped", having(GuardStatus::Skipped)),
        ("failed", having(GuardStatus::Failed)),
        ("failed_open", having(GuardStatus::FailedOpen)),
    ])
}

fn attribute(name: &str, facts: &Facts) -> Option<RestrictedExpression> {
    let context = &facts.context;
    Some(match name {
        "direction" => RestrictedExpression::new_string(direction_word(context.direction).to_owned()),
        "route" => RestrictedExpression::new_string(facts.resource.route.to_string()),
        "stream" => RestrictedExpression::new_bool(context.stream),
        "labels" => words(context.labels.with_parents()),
        "by_role" => {
            let roles = Role::ALL.iter().map(|role| Some((role.as_str(), role_facts(&context.by_role.get(*role).labels)?)));
            record(roles.collect::<Option<Vec<_>>>()?)?
        }
        "remedied" => words(context.remedied.iter().map(Label::as_str)),
        "uninspected" => words(context.labels.uninspected()),
        "findings" => long(context.labels.findings()),
        "max_score_bp" => long(context.labels.max_score_bp()),
        "guards" => guards(facts)?,
        "session" => record([("tainted", RestrictedExpression::new_bool(context.session_tainted))])?,
        "tools" => words(context.tools.iter().map(|tool| &**tool)),
        "provider" => {
            let known = &facts.resource.provider_facts;
            record([
                ("region", RestrictedExpression::new_string(known.region().to_owned())),
                ("training_use", RestrictedExpression::new_string(known.training_use.as_str().to_owned())),
                ("retention_days", long(known.retention_days())),
            ])?
        }
        "token_estimate" => long(context.token_estimate),
        "body_bytes" => long(context.body_bytes),
        "time" => {
            let time = context.time;
            record([("epoch_s", long(time.epoch_s)), ("hour", long(time.hour)), ("weekday", long(time.weekday))])?
        }
        _ => return None,
    })
}

/// The word for a direction in policies.
pub(crate) const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "request",
        Direction::Response => "response",
    }
}

/// The context with the attributes of `attrs`.
pub(crate) fn context(attrs: Attrs, facts: &Facts) -> Option<Context> {
    if attrs == Attrs::NONE {
        return Some(Context::empty());
    }
    let pairs = attrs.names().map(|name| Some((name.to_owned(), attribute(name, facts)?)));
    Context::from_pairs(pairs.collect::<Option<Vec<_>>>()?).ok()
}
