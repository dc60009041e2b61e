//! From texts to a policy set: parse, check annotations, validate strictly, digest. Everything wrong is reported at once.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use bartizan_vocabulary::{PolicyId, PolicyVersion};
use cedar_policy::{Policy, Schema, ValidationMode, ValidationWarning, Validator};
use sha2::{Digest, Sha256};

use crate::annotate;
use crate::cedar_input::SCHEMA;
use crate::condition::globs_in_sets;
use crate::diagnose::{Diagnostic, LoadErrors};
use crate::rule::Rule;
use crate::scan::{Piece, pieces};
use crate::words::{self, KnownWords, Unknown};

/// Version of the schema; part of every policy set's digest.
const SCHEMA_VERSION: u32 = 1;
const MAX_POLICY_BYTES: usize = 64 * 1024;

/// A policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// File name, for messages.
    pub name: String,
    /// Cedar text.
    pub text: String,
}

/// Where a rule came from, to place what the validator says.
struct Origin<'a> {
    source: &'a Source,
    offset: usize,
}

/// Digest over the schema version and every name and text, whatever the order of the sources.
pub(crate) fn version(sources: &[Source]) -> PolicyVersion {
    let mut sorted: Vec<&Source> = sources.iter().collect();
    sorted.sort_by(|a, b| (&a.name, &a.text).cmp(&(&b.name, &b.text)));
    let mut hasher = Sha256::new();
    hasher.update(SCHEMA_VERSION.to_be_bytes());
    for part in sorted.iter().flat_map(|source| [&source.name, &source.text]) {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let hex: String = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|n| char::from_digit(n.into(), 16)).collect();
    PolicyVersion::new(format!("sha256:{hex}"))
}

/// Reads every source; with `known`, other words are mistakes. Either all policies are good, or all mistakes are returned.
pub(crate) fn rules(sources: &[Source], known: Option<&KnownWords>) -> Result<Vec<Rule>, LoadErrors> {
    let mut found = Vec::new();
    let mut rules = Vec::new();
    let mut origins: HashMap<String, Origin<'_>> = HashMap::new();
    for source in sources {
        for (index, piece) in pieces(&source.text).into_iter().enumerate() {
            let Some((rule, id)) = read(source, &piece, index + 1, &mut found) else { continue };
            if let Some(first) = origins.get(&id) {
                let first_at = Diagnostic::at(&first.source.name, &first.source.text, first.offset, "", None);
                let at = piece.annotations.iter().find(|a| a.name == "id").map_or(piece.offset, |a| a.value_offset);
                let message = format!("duplicate `@id(\"{id}\")`: the first is at {}:{}", first_at.file, first_at.line);
                found.push(Diagnostic::at(&source.name, &source.text, at, message, "give each policy its own id".to_owned()));
                continue;
            }
            if let Some(known) = known {
                found.extend(unknown_words(source, &piece, &rule, known));
            }
            origins.insert(id, Origin { source, offset: piece.offset });
            rules.push(rule);
        }
    }
    validate(&rules, &origins, &mut found);
    if found.is_empty() { Ok(rules) } else { Err(LoadErrors(in_order(sources, found))) }
}

/// One policy, or nothing when it cannot be parsed.
fn read(source: &Source, piece: &Piece<'_>, number: usize, found: &mut Vec<Diagnostic>) -> Option<(Rule, String)> {
    let (file, text) = (&source.name, &source.text);
    if piece.text.len() > MAX_POLICY_BYTES {
        let message = format!("a policy of {} bytes is too long", piece.text.len());
        found.push(Diagnostic::at(file, text, piece.offset, message, format!("split it; the limit is {MAX_POLICY_BYTES} bytes")));
        return None;
    }
    let fallback = format!("{file}#{number}");
    let parsed = match Policy::parse(Some(cedar_policy::PolicyId::new(&fallback)), piece.text) {
        Ok(parsed) => parsed,
        Err(errors) => {
            for error in errors.iter() {
                found.push(placed(source, piece.offset, error, "docs.cedarpolicy.com describes the language"));
            }
            return None;
        }
    };
    let terms = annotate::read(file, text, piece, &parsed, found);
    let id = terms.id.clone().unwrap_or(fallback);
    let policy = parsed.new_id(cedar_policy::PolicyId::new(&id));
    let rule = Rule::new(policy, terms, PolicyId::new(id.as_str()))?;
    for glob in globs_in_sets(&rule.cond) {
        let at = piece.text.find(&format!("\"{glob}\"")).map_or(0, |at| at + 1);
        let message = format!("`{glob}` is compared as a plain word: a set knows no globs");
        let help = "name the label, or its parent without `.*`; globs are for `@labels`".to_owned();
        found.push(Diagnostic::at(file, text, piece.offset + at, message, help));
    }
    Some((rule, id))
}

/// Words of a policy that no facts can hold, each at its place.
fn unknown_words(source: &Source, piece: &Piece<'_>, rule: &Rule, known: &KnownWords) -> Vec<Diagnostic> {
    let at = |offset: usize, one: Unknown| Diagnostic::at(&source.name, &source.text, offset, one.message, one.help);
    // What stands behind the annotations: a label often stands in one of them as well.
    let annotated = piece.annotations.iter().map(|annotation| annotation.value_offset).max().unwrap_or(piece.offset);
    let json = rule.policy.to_json().unwrap_or_default();
    let in_conditions = words::unknown_in(&json, known).into_iter().map(|one| {
        let quoted = format!("\"{}\"", one.word);
        let place = source.text.get(annotated..).and_then(|text| text.find(&quoted)).map(|at| annotated + at + 1);
        at(place.unwrap_or(piece.offset), one)
    });
    let labels = piece.annotations.iter().find(|annotation| annotation.name == "labels").map_or(piece.offset, |one| one.value_offset);
    let patterns = rule.terms.labels.iter().filter_map(|pattern| known.reject_pattern(pattern.as_str()));
    in_conditions.chain(patterns.map(|one| at(labels, one))).collect()
}

/// A Cedar error at its place, `offset` being where the policy begins in its source.
fn placed(source: &Source, offset: usize, error: &dyn miette::Diagnostic, help: &str) -> Diagnostic {
    let label = error.labels().and_then(|mut labels| labels.next());
    let within = label.as_ref().map_or(0, miette::LabeledSpan::offset);
    let hint = label.as_ref().and_then(|label| label.label()).map(str::to_owned);
    let said = error.help().map(|help| without_policy(&help.to_string()).to_owned()).or(hint);
    let help = said.unwrap_or_else(|| help.to_owned());
    Diagnostic::at(&source.name, &source.text, offset + within, without_policy(&error.to_string()), help)
}

/// Cedar names the policy in front; file and line say that already.
fn without_policy(message: &str) -> &str {
    let rest = message.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, "));
    rest.map_or(message, |(_, rest)| rest)
}

/// The schema never changes, so it is read once.
fn validator() -> Option<&'static Validator> {
    static VALIDATOR: OnceLock<Option<Validator>> = OnceLock::new();
    let read = || Schema::from_cedarschema_str(SCHEMA).ok().map(|(schema, _)| Validator::new(schema));
    VALIDATOR.get_or_init(read).as_ref()
}

fn validate(rules: &[Rule], origins: &HashMap<String, Origin<'_>>, found: &mut Vec<Diagnostic>) {
    let set = cedar_policy::PolicySet::from_policies(rules.iter().map(|rule| rule.policy.clone()));
    let (Ok(set), Some(validator)) = (set, validator()) else {
        found.push(Diagnostic::at("", "", 0, "the policies cannot be put together with the schema", None));
        return;
    };
    let result = validator.validate(&set, ValidationMode::Strict);
    let mut report = |id: &cedar_policy::PolicyId, error: &dyn miette::Diagnostic, help: &str| match origins.get::<str>(id.as_ref()) {
        Some(origin) => found.push(placed(origin.source, origin.offset, error, help)),
        None => found.push(Diagnostic::at(id.as_ref(), "", 0, error.to_string(), None)),
    };
    let mut wrong: HashSet<&cedar_policy::PolicyId> = HashSet::new();
    for error in result.validation_errors() {
        report(error.policy_id(), error, "schema.cedarschema says what policies can speak about");
        wrong.insert(error.policy_id());
    }
    // A warning means a policy that can never apply, or a text that reads otherwise than it is: both are holes.
    let is_impossible = |warning: &&ValidationWarning| matches!(warning, ValidationWarning::ImpossiblePolicy(_));
    let (impossible, others): (Vec<_>, Vec<_>) = result.validation_warnings().partition(is_impossible);
    for warning in others.into_iter().chain(impossible) {
        if wrong.insert(warning.policy_id()) {
            report(warning.policy_id(), warning, "no request can match it as it stands; correct or remove it");
        }
    }
}

/// By source in the given order, then by place; one for each place, since Cedar repeats itself for every action.
fn in_order(sources: &[Source], mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let position = |diagnostic: &Diagnostic| sources.iter().position(|source| source.name == diagnostic.file);
    found.sort_by_key(|one| (position(one), one.line, one.column, one.message.clone()));
    found.dedup_by(|b, a| (&a.file, a.line, a.column) == (&b.file, b.line, b.column));
    found
}
