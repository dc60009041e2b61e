//! What a policy's annotations say, and what is wrong with them.

use std::str::FromStr;
use std::sync::Arc;

use bartizan_vocabulary::Remedy;
use cedar_policy::{Effect, Policy};

use crate::diagnose::{Diagnostic, nearest};
use crate::scan::Piece;
use crate::verdict::{LabelPattern, Operator};

const NAMES: [&str; 6] = ["id", "remedy", "labels", "coach", "mode", "operator"];
const NOT_BUILT: [Remedy; 3] = [Remedy::Hold, Remedy::Reroute, Remedy::Sanitise];

/// A policy's annotations, checked.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub id: Option<String>,
    pub remedy: Remedy,
    pub labels: Arc<[LabelPattern]>,
    pub coach: Option<Arc<str>>,
    pub shadow: bool,
    pub operator: Option<Operator>,
}

impl Terms {
    /// Whether the policy only records: `log`, `coach`, and everything in shadow mode.
    pub fn is_recording(&self) -> bool {
        self.shadow || matches!(self.remedy, Remedy::Coach | Remedy::Log)
    }
}

/// Reads one policy's annotations; mistakes go to `found`.
pub(crate) fn read(file: &str, source: &str, piece: &Piece<'_>, policy: &Policy, found: &mut Vec<Diagnostic>) -> Terms {
    let mut reader = Reader { file, source, piece, policy, found };
    reader.check_names();
    let remedy = reader.remedy();
    let labels = reader.labels(remedy);
    let operator = reader.operator(remedy);
    let shadow = reader.is_shadow();
    let coach = reader.coach(remedy);
    let id = reader.id();
    Terms { id, remedy: remedy.unwrap_or(Remedy::Block), labels, coach, shadow, operator }
}

struct Reader<'a> {
    file: &'a str,
    source: &'a str,
    piece: &'a Piece<'a>,
    policy: &'a Policy,
    found: &'a mut Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn value(&self, name: &str) -> Option<&'a str> {
        self.policy.annotation(name)
    }

    /// Reports at an annotation's value, or at the policy when the annotation is missing.
    fn report(&mut self, name: &str, message: String, help: impl Into<String>) {
        let annotation = self.piece.annotations.iter().find(|annotation| annotation.name == name);
        let offset = annotation.map_or(self.piece.offset, |annotation| annotation.value_offset);
        self.found.push(Diagnostic::at(self.file, self.source, offset, message, help.into()));
    }

    fn check_names(&mut self) {
        for annotation in &self.piece.annotations {
            let name = annotation.name;
            let (message, help) = if !NAMES.contains(&name) {
                let help =
                    nearest(name, &NAMES).map_or_else(|| format!("known are {}", list(&NAMES)), |near| format!("did you mean `@{near}`?"));
                (format!("unknown annotation `@{name}`"), help)
            } else if self.policy.effect() == Effect::Permit && name != "id" {
                (format!("`@{name}` on a permit has no effect"), "move it to a forbid, or remove it: a permit takes `@id` only".to_owned())
            } else {
                continue;
            };
            self.found.push(Diagnostic::at(self.file, self.source, annotation.name_offset, message, help));
        }
    }

    fn remedy(&mut self) -> Option<Remedy> {
        let word = self.value("remedy")?;
        let built: Vec<&str> = Remedy::ALL.iter().filter(|remedy| !NOT_BUILT.contains(remedy)).map(|remedy| remedy.as_str()).collect();
        match Remedy::from_str(word) {
            Ok(remedy) if NOT_BUILT.contains(&remedy) => {
                self.report("remedy", format!("the remedy `{word}` is not built yet"), format!("use one of {}", list(&built)));
            }
            Ok(remedy) => return Some(remedy),
            Err(_) => {
                let help =
                    nearest(word, &built).map_or_else(|| format!("known are {}", list(&built)), |near| format!("did you mean `{near}`?"));
                self.report("remedy", format!("unknown remedy `{word}`"), help);
            }
        }
        None
    }

    fn labels(&mut self, remedy: Option<Remedy>) -> Arc<[LabelPattern]> {
        let edits = remedy.is_some_and(is_edit);
        let Some(value) = self.value("labels") else {
            if let (true, Some(remedy)) = (edits, remedy) {
                self.report(
                    "remedy",
                    format!("`@remedy(\"{remedy}\")` needs `@labels`"),
                    "say which findings to edit, such as `@labels(\"pii.email\")`",
                );
            }
            return Arc::from([]);
        };
        if !edits && self.value("remedy").is_none_or(|word| Remedy::from_str(word).is_ok()) {
            self.report(
                "labels",
                "`@labels` has no effect here".to_owned(),
                "only `redact`, `mask`, `surrogate`, `encrypt` and `tokenise` edit findings; remove it",
            );
        }
        let mut patterns = Vec::new();
        for pattern in value.split(',').map(str::trim) {
            if !is_pattern(pattern) {
                let help = "write labels such as `pii.email`, `pii.*` or `*`, separated by commas";
                self.report("labels", format!("`{pattern}` is not a label or a glob of labels"), help);
            } else if pattern == "uninspected" || pattern.starts_with("uninspected.") {
                self.report("labels", format!("`{pattern}` cannot be edited"), "what could not be read can only be logged or blocked");
            } else {
                patterns.push(LabelPattern::new(pattern));
            }
        }
        Arc::from(patterns)
    }

    fn operator(&mut self, remedy: Option<Remedy>) -> Option<Operator> {
        let value = self.value("operator")?;
        let keep = value.strip_prefix("keep_last:").map(|count| count.parse::<u8>().ok().filter(|count| (1..=8).contains(count)));
        match (value, keep, remedy) {
            ("hash", _, Some(Remedy::Redact)) => return Some(Operator::Hash),
            (_, Some(Some(count)), Some(Remedy::Mask)) => return Some(Operator::KeepLast(count)),
            ("generalise", _, Some(Remedy::Mask)) => return Some(Operator::Generalise),
            ("generalise", ..) => {
                self.report("operator", "`generalise` refines `mask` only".to_owned(), "use it with `@remedy(\"mask\")`");
            }
            ("hash", ..) => self.report("operator", "`hash` refines `redact` only".to_owned(), "use it with `@remedy(\"redact\")`"),
            (_, Some(Some(_)), _) => {
                self.report("operator", "`keep_last` refines `mask` only".to_owned(), "use it with `@remedy(\"mask\")`");
            }
            (_, Some(None), _) => self.report("operator", format!("`{value}` needs a number from 1 to 8"), "write `keep_last:4`"),
            ("encrypt" | "surrogate", ..) => {
                self.report("operator", format!("`{value}` is a remedy of its own"), format!("write `@remedy(\"{value}\")`"));
            }
            _ => self.report(
                "operator",
                format!("unknown operator `{value}`"),
                "use `keep_last:N` or `generalise` with `mask`, or `hash` with `redact`",
            ),
        }
        None
    }

    fn is_shadow(&mut self) -> bool {
        match self.value("mode") {
            None | Some("enforce") => false,
            Some("shadow") => true,
            Some(other) => {
                let modes = ["enforce", "shadow"];
                let help =
                    nearest(other, &modes).map_or_else(|| format!("known are {}", list(&modes)), |near| format!("did you mean `{near}`?"));
                self.report("mode", format!("unknown mode `{other}`"), help);
                false
            }
        }
    }

    fn coach(&mut self, remedy: Option<Remedy>) -> Option<Arc<str>> {
        match self.value("coach") {
            None if remedy == Some(Remedy::Coach) => {
                self.report(
                    "remedy",
                    "`@remedy(\"coach\")` needs `@coach`".to_owned(),
                    "write the sentence for the caller: `@coach(\"…\")`",
                );
                None
            }
            Some(sentence) if sentence.trim().is_empty() => {
                self.report("coach", "`@coach` is empty".to_owned(), "write the sentence for the caller");
                None
            }
            // The sentence travels in a header as well.
            Some(sentence) if sentence.chars().any(char::is_control) || sentence.len() > 500 => {
                self.report("coach", "`@coach` is not one sentence".to_owned(), "keep it on one line of at most 500 bytes");
                None
            }
            sentence => sentence.map(Arc::from),
        }
    }

    fn id(&mut self) -> Option<String> {
        let id = self.value("id")?;
        if id.is_empty() || id.len() > 100 || !id.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c)) {
            self.report("id", format!("`{id}` is not an id"), "use up to 100 letters, digits and `.`, `_`, `-`, `/`");
        }
        Some(id.to_owned())
    }
}

/// Whether a remedy edits what was found.
pub(crate) const fn is_edit(remedy: Remedy) -> bool {
    matches!(remedy, Remedy::Redact | Remedy::Mask | Remedy::Surrogate | Remedy::Encrypt | Remedy::Tokenise)
}

fn is_pattern(pattern: &str) -> bool {
    let body = match pattern.strip_suffix('*') {
        Some("") => return true,
        Some(head) => match head.strip_suffix('.') {
            Some(body) => body,
            None => return false,
        },
        None => pattern,
    };
    body.split('.').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
