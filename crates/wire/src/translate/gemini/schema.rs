//! Google's own kind of schema (a part of `OpenAPI` 3.0) as a JSON schema: types in lower case, counts as numbers, `nullable` as a type.

use super::super::json::{Object, object};
use super::super::look::Look;
use crate::json::NodeKind;
use crate::translate::TranslateError;

/// Members that mean the same in both.
const SAME: &[&str] = &["description", "title", "format", "enum", "required", "pattern", "minimum", "maximum", "default"];

/// Counts, which Google writes as strings.
const COUNTS: &[&str] = &["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];

/// Levels of a schema that are read, whatever a body may have.
const LEVELS: usize = 128;

const ALL: &[&str] = &[
    "type",
    "nullable",
    "properties",
    "items",
    "anyOf",
    "description",
    "title",
    "format",
    "enum",
    "required",
    "pattern",
    "minimum",
    "maximum",
    "default",
    "example",
    "propertyOrdering",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
];

/// The JSON schema that says the same.
pub(super) fn to_json_schema(schema: Look<'_>) -> Result<String, TranslateError> {
    let mut out = Vec::new();
    object(&mut out, |target| write(schema, target, LEVELS))?;
    String::from_utf8(out).map_err(|_| schema.must_be("text"))
}

fn write(schema: Look<'_>, out: &mut Object<'_>, levels: usize) -> Result<(), TranslateError> {
    let levels = levels.checked_sub(1).ok_or_else(|| schema.wrong("is nested too deep for a schema"))?;
    let fields = schema.fields_of_google(ALL)?;
    if let Some(kind) = fields.get("type") {
        let word = kind.string()?.to_ascii_lowercase();
        let nullable = fields.get("nullable").map_or(Ok(false), Look::flag)?;
        if nullable {
            out.list("type", |list| {
                list.text(&word);
                list.text("null");
            });
        } else if word != "type_unspecified" {
            out.text("type", &word);
        }
    }
    for name in SAME {
        // The order of properties and an example are told by the schema itself or not at all.
        if let Some(value) = fields.get(name) {
            out.raw(name, value.raw());
        }
    }
    for name in COUNTS {
        if let Some(value) = fields.get(name) {
            let text = value.text();
            let digits = text.as_deref().unwrap_or(value.raw());
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.is_empty() {
                return Err(value.must_be("a whole number"));
            }
            out.raw(name, digits);
        }
    }
    if let Some(items) = fields.get("items") {
        out.object("items", |inner| write(items, inner, levels))?;
    }
    if let Some(kinds) = fields.get("anyOf") {
        let kinds: Vec<Look<'_>> = kinds.list()?.collect();
        out.list("anyOf", |list| kinds.iter().try_for_each(|one| list.object(|inner| write(*one, inner, levels))))?;
    }
    if let Some(properties) = fields.get("properties") {
        if !properties.is(NodeKind::Object) {
            return Err(properties.must_be("an object"));
        }
        out.object("properties", |target| {
            properties.members().try_for_each(|(name, value)| target.object(&name, |inner| write(value, inner, levels)))
        })?;
    }
    Ok(())
}
