//! What a gate looks for: the detector that `[guard]` asks for, and the wider one of detection as a service.

use std::ops::RangeInclusive;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bartizan_detect::exact::Exact;
use bartizan_detect::names::Names;
use bartizan_detect::prints::Prints;
use bartizan_detect::subjects::Subjects;
use bartizan_detect::{AllowList, Detector, RuleFile, Thresholds};
use bartizan_gateway::PackSettings;

use crate::config::{GuardConfig, SubjectsConfig};
use crate::output::read_bytes;
use crate::own_rules::OwnRules;
use crate::pack::Installed;
use crate::{allowed, exact, fingerprint, scores};

/// Seconds that an accuracy pack may be given for a request, and is given.
const PACK_SECONDS: RangeInclusive<f64> = 0.01..=60.0;
const USUAL_PACK_SECONDS: f64 = 1.0;

/// The detector of a gate, with what it was made of.
pub struct Detectors {
    gate: Detector,
    /// Its rules and words alone.
    base: Detector,
    parts: Parts,
    pack: Option<PackSettings>,
    /// What somebody chose that does not do what it may be meant to do.
    warnings: Vec<String>,
    /// The same with names, once somebody asked for it.
    named: OnceLock<Detector>,
}

/// The built-in subjects, and those of a file. A file with subjects of the program stands in the place of the built-in ones.
///
/// # Errors
/// When the file cannot be read or is no recogniser of subjects.
pub fn subjects(asked: &SubjectsConfig) -> Result<Vec<Subjects>> {
    let builtin = || Subjects::builtin().context("the built-in subjects cannot be loaded");
    let file = match asked {
        SubjectsConfig::Off => return Ok(Vec::new()),
        SubjectsConfig::Builtin => return Ok(vec![builtin()?]),
        SubjectsConfig::File(file) => file,
    };
    let own = Subjects::load(read_bytes(file)?.into()).with_context(|| format!("`{}` cannot be used", file.display()))?;
    Ok(if own.are_own() { vec![builtin()?, own] } else { vec![own] })
}

/// What `[guard]` names, read.
struct Parts {
    names: bool,
    own: OwnRules,
    exact: Vec<Exact>,
    prints: Vec<Prints>,
    subjects: Vec<Subjects>,
    thresholds: Thresholds,
    allow: AllowList,
}

impl Detectors {
    /// Reads what the configuration names and makes the gate's detector.
    ///
    /// # Errors
    /// When a file that the configuration names cannot be read or used, which the error says.
    pub fn read(guard: &GuardConfig) -> Result<Self> {
        let key = guard.index_key.as_deref();
        let exact = guard.exact.iter().map(|file| exact::load(file, key)).collect::<Result<_>>();
        let prints = guard.fingerprints.iter().map(|file| fingerprint::load(file, key)).collect::<Result<_>>();
        let parts = Parts {
            names: guard.names,
            own: OwnRules::read(&guard.own_rules).context("`guard.own_rules` cannot be used")?,
            exact: exact.context("`guard.exact` cannot be used")?,
            prints: prints.context("`guard.fingerprints` cannot be used")?,
            subjects: subjects(&guard.subjects).context("`guard.subjects` cannot be used")?,
            thresholds: scores::thresholds(&guard.thresholds).context("`guard.thresholds` cannot be used")?,
            allow: allowed::list(&guard.allow).context("`guard.allow` cannot be used")?,
        };
        let pack = pack(guard)?;
        let base = parts.base()?;
        let gate = parts.complete(&base, guard.names)?;
        let labels = scores::labels(&gate)?;
        scores::known(guard.thresholds.keys(), &labels).context("`guard.thresholds` cannot be used")?;
        allowed::known(&guard.allow, &labels).context("`guard.allow` cannot be used")?;
        let mut warnings = scores::without_effect(&guard.thresholds, &gate);
        warnings.extend(allowed::without_effect(&guard.allow, &gate));
        Ok(Self { gate, base, parts, pack, warnings, named: OnceLock::new() })
    }

    /// What helps the gate with names.
    pub fn pack(&self) -> Option<&PackSettings> {
        self.pack.as_ref()
    }

    /// What of the configuration does not do what it may be meant to do, a sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What the gate looks for.
    pub fn gate(&self) -> &Detector {
        &self.gate
    }

    /// What the gate looks for; `names`: with names although the gate does not.
    ///
    /// # Errors
    /// When the weights of the recogniser of names are damaged.
    pub fn with_names(&self, names: bool) -> Result<Detector> {
        if !names || self.parts.names {
            return Ok(self.gate.clone());
        }
        if self.named.get().is_none() {
            let _somebody_else_was_faster = self.named.set(self.parts.complete(&self.base, true)?);
        }
        self.named.get().cloned().context("the detector is not there; try again")
    }
}

/// The accuracy pack that `[guard]` names. What it does not say in time, the built-in recogniser must: it is never alone.
fn pack(guard: &GuardConfig) -> Result<Option<PackSettings>> {
    let seconds = guard.pack_deadline.unwrap_or(USUAL_PACK_SECONDS);
    let (least, most) = (PACK_SECONDS.start(), PACK_SECONDS.end());
    ensure!(PACK_SECONDS.contains(&seconds), "`guard.pack_deadline` is {seconds}; it must be from {least} to {most} seconds");
    let Some(folder) = &guard.pack else { return Ok(None) };
    ensure!(guard.names, "`guard.pack` helps with names, and the gate does not look for them: write `names = true` below `[guard]`, too");
    let installed = Installed::load(folder).context("`guard.pack` cannot be used")?;
    Ok(Some(installed.settings(Duration::from_secs_f64(seconds))))
}

impl Parts {
    /// Rules and words.
    fn base(&self) -> Result<Detector> {
        let base = Detector::builtin().context("the built-in rules cannot be compiled")?;
        self.own.add(base, || Ok(RuleFile::builtin()?)).context("`guard.own_rules` cannot be used")
    }

    /// With what else the configuration names.
    fn complete(&self, base: &Detector, names: bool) -> Result<Detector> {
        let mut detector = base.clone();
        if names {
            detector = detector.with_names(Names::builtin().context("the built-in weights cannot be loaded")?);
        }
        for exact in &self.exact {
            detector = detector.with_exact(exact.clone());
        }
        for prints in &self.prints {
            detector = detector.with_prints(prints.clone());
        }
        for subjects in &self.subjects {
            detector = detector.with_subjects(subjects.clone()).context("`guard.subjects` cannot be used")?;
        }
        // Last, so that it holds for all of that.
        Ok(detector.with_thresholds(&self.thresholds).with_allowed(&self.allow))
    }
}
