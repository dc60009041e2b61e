//! From Cedar's own JSON form of a policy to what `condition` knows of it, and to the attributes that it reads.

use std::str::FromStr;

use bartizan_vocabulary::{GuardStatus, Role};
use serde_json::Value;

use crate::cedar_input::Attrs;
use crate::condition::{Cond, EntityTest, FlagField, LongField, Number, Order, SetField, Side, WordField};

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
pub(crate) fn path(expr: &Value) -> Option<Vec<&str>> {
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

/// The set of words that an expression names.
pub(crate) fn set_field(expr: &Value) -> Option<SetField> {
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
        ["provider", "retention_days"] => Some(LongField::RetentionDays),
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

fn number(expr: &Value) -> Option<Number> {
    if let Some(field) = long_field(expr) {
        return Some(Number::Field(field));
    }
    let (name, operand) = operator(expr)?;
    let part = |key: &str| operand.get(key).and_then(number).map(Box::new);
    match name {
        "Value" => operand.as_i64().map(Number::Literal),
        "neg" => Some(Number::Negative(part("arg")?)),
        "+" => Some(Number::Sum(part("left")?, part("right")?)),
        "-" => Some(Number::Difference(part("left")?, part("right")?)),
        "*" => Some(Number::Product(part("left")?, part("right")?)),
        _ => None,
    }
}

fn compare(left: &Value, order: Order, right: &Value) -> Option<Cond> {
    Some(Cond::Compare(number(left)?, order, number(right)?))
}

fn equal(left: &Value, right: &Value) -> Option<Cond> {
    let one_way = |left: &Value, right: &Value| {
        if let (Some(side), Some((kind, id))) = (side(left), entity(right)) {
            return Some(Cond::Entity(side, EntityTest::Same(kind, id)));
        }
        match (path(left)?.as_slice(), literal(right)?) {
            (["direction"], word) => Some(Cond::Word(WordField::Direction, word.to_owned())),
            (["provider", "region"], word) => Some(Cond::Word(WordField::Region, word.to_owned())),
            (["provider", "training_use"], word) => Some(Cond::Word(WordField::TrainingUse, word.to_owned())),
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
