//! What can be known about a policy's conditions without asking Cedar.
//!
//! A condition is compiled from Cedar's own JSON form of it into a small three-valued formula. A policy whose formula is
//! certainly false is neither satisfied nor in error, so leaving it out changes nothing; everything else goes to Cedar.
//! In doubt a part is opaque, and an opaque part that could end in an error hides whatever stands to its right.

use std::str::FromStr;

use bartizan_vocabulary::{GuardStatus, Role};
use serde_json::Value;

use crate::cedar_input::{Attrs, direction_word, principal_ancestors, principal_name, principal_type, resource_ancestors, resource_name};
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
    Long(LongField, Order, i64),
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

#[derive(Clone, Copy, Debug)]
pub(crate) enum LongField {
    Findings(Option<Role>),
    MaxScore(Option<Role>),
    TokenEstimate,
    BodyBytes,
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
            Self::Long(field, order, value) => sure(order.holds(field.value(facts), *value)),
            Self::Flag(FlagField::Stream) => sure(facts.context.stream),
            Self::Flag(FlagField::Tainted) => sure(facts.context.session_tainted),
            Self::Word(WordField::Direction, word) => sure(direction_word(facts.context.direction) == word),
            Self::Word(WordField::Route, word) => sure(*facts.resource.route == **word),
            Self::Entity(side, test) => sure(test.holds(*side, facts)),
            Self::Opaque { total: true } => Known::Either,
            Self::Opaque { total: false } => Known::Nothing,
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

impl LongField {
    fn value(self, facts: &Facts) -> i64 {
        let context = &facts.context;
        match self {
            Self::Findings(role) => SetField::labels(facts, role).findings().into(),
            Self::MaxScore(role) => SetField::labels(facts, role).max_score_bp().into(),
            Self::TokenEstimate => i64::try_from(context.token_estimate).unwrap_or(i64::MAX),
            Self::BodyBytes => i64::try_from(context.body_bytes).unwrap_or(i64::MAX),
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

    /// The same relation with its sides exchanged.
    const fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal => Self::Equal,
        }
    }
}

/// The conditions of a policy in Cedar's JSON form: all `when`, and no `unless`, left to right.
pub(crate) fn compile(policy: &Value) -> Cond {
    let clauses = policy.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let compiled = clauses.iter().map(|clause| {
        let body = clause.get("body").map_or(Cond::Opaque { total: false }, expression);
        match clause.get("kind").and_then(Value::as_str) {
            Some("when") => body,
            Some("unless") => Cond::Not(Box::new(body)),
            _ => Cond::Opaque { total: false },
        }
    });
    Cond::All(compiled.collect())
}

fn expression(expr: &Value) -> Cond {
    simple(expr).unwrap_or_else(|| Cond::Opaque { total: is_total(expr) })
}

/// The operator and its operand object.
fn operator(expr: &Value) -> Option<(&str, &Value)> {
    expr.as_object().filter(|object| object.len() == 1)?.iter().next().map(|(name, operand)| (name.as_str(), operand))
}

fn simple(expr: &Value) -> Option<Cond> {
    let (name, operand) = operator(expr)?;
    let (left, right) = (operand.get("left"), operand.get("right"));
    match name {
        "Value" => operand.as_bool().map(Cond::Const),
        "!" => Some(Cond::Not(Box::new(expression(operand.get("arg")?)))),
        "&&" => Some(join(expression(left?), expression(right?), true)),
        "||" => Some(join(expression(left?), expression(right?), false)),
        "contains" => Some(Cond::HasAny(set_field(left?)?, vec![literal(right?)?.to_owned()])),
        "containsAny" => Some(Cond::HasAny(set_field(left?)?, literals(right?)?)),
        "containsAll" => match set_field(left?) {
            Some(field) => Some(Cond::HasAll(field, literals(right?)?)),
            None => Some(Cond::Within(set_field(right?)?, literals(left?)?)),
        },
        "isEmpty" => Some(Cond::Within(set_field(operand.get("arg")?)?, Vec::new())),
        "." => flag(expr),
        "<" => compare(left?, Order::Less, right?),
        "<=" => compare(left?, Order::LessOrEqual, right?),
        ">" => compare(left?, Order::Greater, right?),
        ">=" => compare(left?, Order::GreaterOrEqual, right?),
        "==" => equal(left?, right?),
        "!=" => Some(Cond::Not(Box::new(equal(left?, right?)?))),
        "in" => entity(right?).and_then(|(kind, id)| Some(Cond::Entity(side(left?)?, EntityTest::Under(kind, id)))),
        "is" if operand.get("in").is_none() => {
            let kind = operand.get("entity_type")?.as_str()?.to_owned();
            Some(Cond::Entity(side(left?)?, EntityTest::Is(kind)))
        }
        _ => None,
    }
}

/// Keeps chains flat, so that a long policy is not a deep one.
fn join(left: Cond, right: Cond, and: bool) -> Cond {
    let mut parts = match (left, and) {
        (Cond::All(parts), true) | (Cond::Any(parts), false) => parts,
        (other, _) => vec![other],
    };
    parts.push(right);
    if and { Cond::All(parts) } else { Cond::Any(parts) }
}

/// The attribute names of `context.a.b`.
fn path(expr: &Value) -> Option<Vec<&str>> {
    let (name, operand) = operator(expr)?;
    match name {
        "Var" if operand.as_str() == Some("context") => Some(Vec::new()),
        "." => {
            let mut names = path(operand.get("left")?)?;
            names.push(operand.get("attr")?.as_str()?);
            Some(names)
        }
        _ => None,
    }
}

fn set_field(expr: &Value) -> Option<SetField> {
    match path(expr)?.as_slice() {
        ["labels"] => Some(SetField::Labels(None)),
        ["by_role", role, "labels"] => Some(SetField::Labels(Some(Role::from_str(role).ok()?))),
        ["remedied"] => Some(SetField::Remedied),
        ["uninspected"] => Some(SetField::Uninspected),
        ["tools"] => Some(SetField::Tools),
        ["guards", "ran"] => Some(SetField::Guards(GuardStatus::Ran)),
        ["guards", "skipped"] => Some(SetField::Guards(GuardStatus::Skipped)),
        ["guards", "failed"] => Some(SetField::Guards(GuardStatus::Failed)),
        ["guards", "failed_open"] => Some(SetField::Guards(GuardStatus::FailedOpen)),
        _ => None,
    }
}

fn long_field(expr: &Value) -> Option<LongField> {
    match path(expr)?.as_slice() {
        ["findings"] => Some(LongField::Findings(None)),
        ["max_score_bp"] => Some(LongField::MaxScore(None)),
        ["by_role", role, "findings"] => Some(LongField::Findings(Some(Role::from_str(role).ok()?))),
        ["by_role", role, "max_score_bp"] => Some(LongField::MaxScore(Some(Role::from_str(role).ok()?))),
        ["token_estimate"] => Some(LongField::TokenEstimate),
        ["body_bytes"] => Some(LongField::BodyBytes),
        ["time", "hour"] => Some(LongField::Hour),
        ["time", "weekday"] => Some(LongField::Weekday),
        ["time", "epoch_s"] => Some(LongField::Epoch),
        _ => None,
    }
}

fn flag(expr: &Value) -> Option<Cond> {
    match path(expr)?.as_slice() {
        ["stream"] => Some(Cond::Flag(FlagField::Stream)),
        ["session", "tainted"] => Some(Cond::Flag(FlagField::Tainted)),
        _ => None,
    }
}

fn literal(expr: &Value) -> Option<&str> {
    expr.get("Value")?.as_str()
}

fn literals(expr: &Value) -> Option<Vec<String>> {
    let items = expr.get("Set")?.as_array()?;
    items.iter().map(|item| literal(item).map(str::to_owned)).collect()
}

fn compare(left: &Value, order: Order, right: &Value) -> Option<Cond> {
    let number = |expr: &Value| expr.get("Value").and_then(Value::as_i64);
    if let (Some(field), Some(value)) = (long_field(left), number(right)) {
        return Some(Cond::Long(field, order, value));
    }
    Some(Cond::Long(long_field(right)?, order.flipped(), number(left)?))
}

fn equal(left: &Value, right: &Value) -> Option<Cond> {
    let one_way = |left: &Value, right: &Value| {
        if let (Some(side), Some((kind, id))) = (side(left), entity(right)) {
            return Some(Cond::Entity(side, EntityTest::Same(kind, id)));
        }
        match (path(left)?.as_slice(), literal(right)?) {
            (["direction"], word) => Some(Cond::Word(WordField::Direction, word.to_owned())),
            (["route"], word) => Some(Cond::Word(WordField::Route, word.to_owned())),
            _ => None,
        }
    };
    compare(left, Order::Equal, right).or_else(|| one_way(left, right)).or_else(|| one_way(right, left))
}

fn side(expr: &Value) -> Option<Side> {
    match expr.get("Var")?.as_str()? {
        "principal" => Some(Side::Principal),
        "resource" => Some(Side::Resource),
        _ => None,
    }
}

fn entity(expr: &Value) -> Option<(String, String)> {
    let entity = expr.get("Value")?.get("__entity")?;
    Some((entity.get("type")?.as_str()?.to_owned(), entity.get("id")?.as_str()?.to_owned()))
}

/// Whether Cedar can evaluate a validated expression without an error: no arithmetic, no extension call, no tag, and no
/// attribute but those of the context, which are always there.
fn is_total(expr: &Value) -> bool {
    if path(expr).is_some() {
        return true;
    }
    let Some((name, operand)) = operator(expr) else { return false };
    let operand_is_total = |key: &str| operand.get(key).is_some_and(is_total);
    match name {
        "Value" | "Var" => true,
        "!" | "isEmpty" => operand_is_total("arg"),
        "&&" | "||" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "contains" | "containsAll" | "containsAny" => {
            operand_is_total("left") && operand_is_total("right")
        }
        "has" | "like" => operand_is_total("left"),
        "is" => operand_is_total("left") && operand.get("in").is_none_or(is_total),
        "if-then-else" => ["if", "then", "else"].into_iter().all(operand_is_total),
        "Set" => operand.as_array().is_some_and(|items| items.iter().all(is_total)),
        _ => false,
    }
}

/// The context attributes that an expression reads, wherever they stand in it.
pub(crate) fn reads(expr: &Value) -> Attrs {
    match expr {
        Value::Array(items) => items.iter().map(reads).fold(Attrs::NONE, Attrs::union),
        Value::Object(fields) => {
            let is_context = |expr: Option<&Value>| expr.and_then(|e| e.get("Var")).and_then(Value::as_str) == Some("context");
            if fields.get("Var").and_then(Value::as_str) == Some("context") {
                return Attrs::ALL;
            }
            if let (true, Some(name)) = (is_context(fields.get("left")), fields.get("attr").and_then(Value::as_str)) {
                return Attrs::named(name);
            }
            fields.values().map(reads).fold(Attrs::NONE, Attrs::union)
        }
        _ => Attrs::NONE,
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
