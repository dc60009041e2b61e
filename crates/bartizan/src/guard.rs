//! What a gate looks for: the detector that `[guard]` asks for.

use anyhow::{Context, Result};
use bartizan_detect::names::Names;
use bartizan_detect::subjects::Subjects;
use bartizan_detect::{Detector, RuleFile};

use crate::config::{GuardConfig, RuleSet, SubjectsConfig};
use crate::output::read_bytes;
use crate::{exact, fingerprint, own_rules};

/// The detector of a gate.
///
/// # Errors
/// When a file that the configuration names cannot be read or used, which the error says.
pub fn detector(guard: &GuardConfig) -> Result<Detector> {
    let mut detector = rules(guard)?;
    if guard.names {
        detector = detector.with_names(Names::builtin().context("the built-in weights cannot be loaded")?);
    }
    let key = guard.index_key.as_deref();
    for file in &guard.exact {
        detector = detector.with_exact(exact::load(file, key).context("`guard.exact` cannot be used")?);
    }
    for file in &guard.fingerprints {
        detector = detector.with_prints(fingerprint::load(file, key).context("`guard.fingerprints` cannot be used")?);
    }
    subjects(detector, &guard.subjects).context("`guard.subjects` cannot be used")
}

/// The same with the built-in subjects, and those of a file. A file with subjects of the program stands in the place of the built-in ones.
///
/// # Errors
/// When the file cannot be read or is no recogniser of subjects.
pub fn subjects(detector: Detector, asked: &SubjectsConfig) -> Result<Detector> {
    let file = match asked {
        SubjectsConfig::Off => return Ok(detector),
        SubjectsConfig::Builtin => None,
        SubjectsConfig::File(file) => Some(file),
    };
    let with_builtin =
        |detector: Detector| Ok(detector.with_subjects(Subjects::builtin().context("the built-in subjects cannot be loaded")?)?);
    let Some(file) = file else { return with_builtin(detector) };
    let failed = || format!("`{}` cannot be used", file.display());
    let bytes = read_bytes(file)?;
    let own = Subjects::load(bytes.into()).with_context(failed)?;
    let detector = if own.are_own() { with_builtin(detector)? } else { detector };
    detector.with_subjects(own).with_context(failed)
}

fn rules(guard: &GuardConfig) -> Result<Detector> {
    let base = match guard.rules {
        RuleSet::Core => Detector::core(),
        RuleSet::All => Detector::builtin(),
    };
    let base = base.context("the built-in rules cannot be compiled")?;
    let built_in = || {
        let mut files = RuleFile::builtin()?;
        files.retain(|file| file.core || guard.rules == RuleSet::All);
        Ok(files)
    };
    own_rules::add(&guard.own_rules, base, built_in).context("`guard.own_rules` cannot be used")
}
