//! What can be known about a policy's conditions without asking Cedar.
//!
//! A condition is a small formula, made by `compile`, of which it is known whether it is certainly false. Such a policy is
//! neither satisfied nor in error, so leaving it out changes nothing; everything else goes to Cedar. In doubt a part is
//! opaque, and a part that could end in an error hides whatever stands to its right, as Cedar evaluates left to right.

use bartizan_vocabulary::{GuardStatus, Role};

use crate::cedar_input::{direction_word, principal_ancestors, principal_name, principal_type, resource_ancestors, resource_name};
use crate::{Facts, Labels};

/// A compiled condition.
#[derive(Debug)]
pub(crate) enum Cond {
    Const(bool),
    Not(Box<Cond>),
    All(Vec<Cond>),
    Any(Vec<Cond>),
    /// The set has at least one of the words.
    HasAny(SetField, Vec<String>),
    /// The set has all of the words.
    HasAll(SetField, Vec<String>),
    /// The set has no other than the words.
    Within(SetField, Vec<String>),
    Compare(Number, Order, Number),
    Flag(FlagField),
    Word(WordField, String),
    Entity(Side, EntityTest),
    /// Only Cedar can tell; `total` when it cannot end in an error.
    Opaque {
        total: bool,
    },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum SetField {
    Labels(Option<Role>),
    Remedied,
    Uninspected,
    Tools,
    Guards(GuardStatus),
}

/// Cedar's checked 64-bit arithmetic.
#[derive(Debug)]
pub(crate) enum Number {
    Literal(i64),
    Field(LongField),
    Negative(Box<Number>),
    Sum(Box<Number>, Box<Number>),
    Difference(Box<Number>, Box<Number>),
    Product(Box<Number>, Box<Number>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum LongField {
    Findings(Option<Role>),
    MaxScore(Option<Role>),
    TokenEstimate,
    BodyBytes,
    RetentionDays,
    Hour,
    Weekday,
    Epoch,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum FlagField {
    Stream,
    Tainted,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum WordField {
    Direction,
    Route,
    Region,
    TrainingUse,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Principal,
    Resource,
}

/// A test on the principal or the resource: also what a policy's scope consists of.
#[derive(Clone, Debug)]
pub(crate) enum EntityTest {
    Same(String, String),
    Under(String, String),
    Is(String),
}

/// What is known of a condition's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    False,
    True,
    /// Either, but never an error.
    Either,
    /// Either, or an error.
    Nothing,
}

impl EntityTest {
    pub fn holds(&self, side: Side, facts: &Facts) -> bool {
        let (kind, name) = match side {
            Side::Principal => (principal_type(facts.principal.kind), principal_name(&facts.principal)),
            Side::Resource => resource_name(facts),
        };
        match self {
            Self::Is(wanted) => wanted == kind,
            Self::Same(wanted, id) => wanted == kind && id == name,
            Self::Under(wanted, id) => {
                let is_it = |(kind, name): (&str, &str)| wanted == kind && id == name;
                is_it((kind, name))
                    || match side {
                        Side::Principal => principal_ancestors(facts).any(is_it),
                        Side::Resource => resource_ancestors(facts).any(is_it),
                    }
            }
        }
    }
}

impl Cond {
    /// What is known of the value for these facts.
    pub fn known(&self, facts: &Facts) -> Known {
        let sure = |value: bool| if value { Known::True } else { Known::False };
        match self {
            Self::Const(value) => sure(*value),
            Self::Not(inner) => match inner.known(facts) {
                Known::True => Known::False,
                Known::False => Known::True,
                unsure => unsure,
            },
            Self::All(parts) => fold(parts, facts, Known::True, Known::False),
            Self::Any(parts) => fold(parts, facts, Known::False, Known::True),
            Self::HasAny(field, words) => sure(words.iter().any(|word| field.contains(facts, word))),
            Self::HasAll(field, words) => sure(words.iter().all(|word| field.contains(facts, word))),
            Self::Within(field, words) => sure(field.is_within(facts, words)),
            // An overflow is an error, and Cedar is to say so.
            Self::Compare(left, order, right) => match (left.value(facts), right.value(facts)) {
                (Some(left), Some(right)) => sure(order.holds(left, right)),
                _ => Known::Nothing,
            },
            Self::Flag(FlagField::Stream) => sure(facts.context.stream),
            Self::Flag(FlagField::Tainted) => sure(facts.context.session_tainted),
            Self::Word(WordField::Direction, word) => sure(direction_word(facts.context.direction) == word),
            Self::Word(WordField::Region, word) => sure(facts.resource.provider_facts.region() == word),
            Self::Word(WordField::TrainingUse, word) => sure(facts.resource.provider_facts.training_use.as_str() == word),
            Self::Word(WordField::Route, word) => sure(*facts.resource.route == **word),
            Self::Entity(side, test) => sure(test.holds(*side, facts)),
            Self::Opaque { total: true } => Known::Either,
            Self::Opaque { total: false } => Known::Nothing,
        }
    }
}

impl Cond {
    /// Whether evaluating it can never be an error.
    fn is_total(&self) -> bool {
        match self {
            Self::Opaque { total } => *total,
            Self::Not(inner) => inner.is_total(),
            Self::All(parts) | Self::Any(parts) => parts.iter().all(Self::is_total),
            Self::Compare(left, _, right) => left.is_plain() && right.is_plain(),
            _ => true,
        }
    }
}

/// Cedar's left-to-right short circuit: `neutral` goes on, `end` decides.
fn fold(parts: &[Cond], facts: &Facts, neutral: Known, end: Known) -> Known {
    let mut so_far = neutral;
    for part in parts {
        match part.known(facts) {
            Known::Nothing => return Known::Nothing,
            Known::Either => so_far = Known::Either,
            known if known == end => return end,
            _ => {}
        }
    }
    so_far
}

impl SetField {
    fn labels(facts: &Facts, role: Option<Role>) -> &Labels {
        role.map_or(&facts.context.labels, |role| &facts.context.by_role.get(role).labels)
    }

    fn contains(self, facts: &Facts, word: &str) -> bool {
        match self {
            Self::Labels(role) => Self::labels(facts, role).contains(word),
            Self::Remedied => facts.context.remedied.contains(word),
            Self::Uninspected => facts.context.labels.uninspected().any(|kind| kind == word),
            Self::Tools => facts.context.tools.contains(word),
            Self::Guards(status) => facts.context.guards.get(word) == Some(&status),
        }
    }

    fn is_within(self, facts: &Facts, words: &[String]) -> bool {
        let listed = |item: &str| words.iter().any(|word| word == item);
        let context = &facts.context;
        match self {
            Self::Labels(role) => Self::labels(facts, role).with_parents().into_iter().all(listed),
            Self::Remedied => context.remedied.iter().all(|label| listed(label.as_str())),
            Self::Uninspected => context.labels.uninspected().all(listed),
            Self::Tools => context.tools.iter().all(|tool| listed(tool)),
            Self::Guards(wanted) => context.guards.iter().all(|(name, status)| *status != wanted || listed(name)),
        }
    }
}

impl Number {
    /// Without arithmetic, so without overflow.
    const fn is_plain(&self) -> bool {
        matches!(self, Self::Literal(_) | Self::Field(_))
    }

    fn value(&self, facts: &Facts) -> Option<i64> {
        match self {
            Self::Literal(value) => Some(*value),
            Self::Field(field) => Some(field.value(facts)),
            Self::Negative(inner) => inner.value(facts)?.checked_neg(),
            Self::Sum(left, right) => left.value(facts)?.checked_add(right.value(facts)?),
            Self::Difference(left, right) => left.value(facts)?.checked_sub(right.value(facts)?),
            Self::Product(left, right) => left.value(facts)?.checked_mul(right.value(facts)?),
        }
    }
}

impl LongField {
    fn value(self, facts: &Facts) -> i64 {
        let context = &facts.context;
        match self {
            Self::Findings(role) => SetField::labels(facts, role).findings().into(),
            Self::MaxScore(role) => SetField::labels(facts, role).max_score_bp().into(),
            Self::TokenEstimate => i64::try_from(context.token_estimate).unwrap_or(i64::MAX),
            Self::BodyBytes => i64::try_from(context.body_bytes).unwrap_or(i64::MAX),
            Self::RetentionDays => facts.resource.provider_facts.retention_days(),
            Self::Hour => context.time.hour.into(),
            Self::Weekday => context.time.weekday.into(),
            Self::Epoch => context.time.epoch_s,
        }
    }
}

impl Order {
    const fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
        }
    }
}

/// Labels of which at least one must be there, or else the condition is certainly false.
pub(crate) fn required_labels(cond: &Cond) -> Option<&[String]> {
    match cond {
        Cond::HasAny(SetField::Labels(_), words) => Some(words),
        // Everything to the left of it must be unable to err.
        Cond::All(parts) => {
            let sure = parts.iter().position(|part| !part.is_total()).unwrap_or(parts.len());
            parts.iter().take(sure).find_map(required_labels)
        }
        _ => None,
    }
}

/// Words with a `*` that are looked up in a set of labels: a set knows no globs, so the policy would never match.
pub(crate) fn globs_in_sets(cond: &Cond) -> Vec<&str> {
    match cond {
        Cond::Not(inner) => globs_in_sets(inner),
        Cond::All(parts) | Cond::Any(parts) => parts.iter().flat_map(globs_in_sets).collect(),
        Cond::HasAny(SetField::Labels(_) | SetField::Remedied, words)
        | Cond::HasAll(SetField::Labels(_) | SetField::Remedied, words)
        | Cond::Within(SetField::Labels(_) | SetField::Remedied, words) => {
            words.iter().map(String::as_str).filter(|word| word.contains('*')).collect()
        }
        _ => Vec::new(),
    }
}
