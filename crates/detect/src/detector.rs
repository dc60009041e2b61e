//! The entry: compiled rules, and the scan of a whole text.

use std::sync::Arc;

use bartizan_vocabulary::{Finding, Label};

use crate::compile::{Compiled, builtin, compile, core};
use crate::known::Own;
use crate::names::{Kind, Names, merge};
use crate::plan::LabelInfo;
use crate::rules::{RuleError, RuleFile};
use crate::stream::{Event, TextScan};
use crate::token::{TokenHit, cut_findings};

/// Compiled rules. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Detector {
    compiled: Arc<Compiled>,
    /// Whether base64 in texts is read.
    encoded: bool,
    /// The recogniser of names, if it was asked for.
    names: Option<Names>,
    /// What a company knows of its own.
    own: Own,
}

/// What is known about a text besides its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hint<'a> {
    /// The object key that the text stands under; a context word there counts, and `password` makes the whole value a candidate.
    pub key: Option<&'a str>,
    /// Whether pseudonym tokens are recognised.
    pub tokens: bool,
    /// Whether the text is JSON source, such as the deltas of a tool call's arguments: quotation marks then end a URL.
    pub json: bool,
}

/// What was found in a text. Offsets are bytes of the raw text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Sorted by start, not overlapping, at or above their label's threshold.
    pub findings: Vec<Finding>,
    /// The same for those below the threshold, kept for replay.
    pub below: Vec<Finding>,
    /// Strings of the form of a token, sorted by start; they may lie inside a finding.
    pub tokens: Vec<TokenHit>,
}

impl Scan {
    /// Adds what a stream reported, joining a long finding with what it covered later.
    pub fn absorb(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            match event {
                Event::Found { finding, .. } => self.findings.push(finding),
                Event::Extended { end, .. } => {
                    if let Some(finding) = self.findings.last_mut() {
                        finding.end = end;
                    }
                }
                Event::Below(finding) => self.below.push(finding),
                Event::Token(hit) => self.tokens.push(hit),
            }
        }
    }

    /// Known tokens come before findings: what one covers is not reported, what reaches further is cut around it.
    pub fn give_way(&mut self, known: &dyn Fn(&TokenHit) -> bool) {
        cut_findings(&mut self.findings, &self.tokens, known);
    }
}

impl Detector {
    /// The rules that are part of the program. They were compiled when it was built, so this takes little.
    ///
    /// # Errors
    /// When what was made of them then is damaged, which the tests of this crate exclude.
    pub fn builtin() -> Result<Self, RuleError> {
        builtin().map(|compiled| Self { compiled, encoded: true, names: None, own: Own::default() })
    }

    /// Those of them that are marked as the core: what a gate looks for that is not told to look for everything.
    ///
    /// # Errors
    /// As [`Detector::builtin`].
    pub fn core() -> Result<Self, RuleError> {
        core().map(|compiled| Self { compiled, encoded: true, names: None, own: Own::default() })
    }

    /// Compiles rules.
    ///
    /// # Errors
    /// When a rule is not of the documented form; see [`RuleError`].
    pub fn from_rules(files: &[RuleFile]) -> Result<Self, RuleError> {
        compile(files).map(|compiled| Self { compiled, encoded: true, names: None, own: Own::default() })
    }

    /// The same with names of persons, places and organisations, in whole texts. Streams do not know them yet.
    #[must_use]
    pub fn with_names(&self, names: Names) -> Self {
        Self { names: Some(names), ..self.clone() }
    }

    /// The same with a change to what a company knows of its own.
    pub(crate) fn with_own(&self, change: impl FnOnce(&mut Own)) -> Self {
        let mut detector = self.clone();
        change(&mut detector.own);
        detector
    }

    /// Digest over the rules, the names, what else was added, and the version of the machine: two detectors with the same digest find the same.
    pub fn digest(&self) -> [u8; 32] {
        let mut added = self.names.iter().map(Names::digest).chain(self.own.digests()).peekable();
        if added.peek().is_none() {
            return self.compiled.digest;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.compiled.digest);
        for digest in added {
            hasher.update(&digest);
        }
        *hasher.finalize().as_bytes()
    }

    /// All labels with their thresholds and rules.
    pub fn labels(&self) -> Vec<LabelInfo> {
        let known = |info: &LabelInfo| self.compiled.labels.iter().any(|label| label.label == info.label);
        let names = self.names.iter().flat_map(|_| Kind::ALL).map(Kind::info).filter(|info| !known(info));
        let mut labels: Vec<LabelInfo> = self.compiled.labels.iter().cloned().chain(names).collect();
        for info in self.own.labels() {
            match labels.iter_mut().find(|known| known.label == info.label) {
                Some(known) => known.rules.extend(info.rules.into_iter().filter(|rule| !known.rules.contains(rule)).collect::<Vec<_>>()),
                None => labels.push(info),
            }
        }
        labels
    }

    /// What is known of one label.
    pub fn label(&self, label: &Label) -> Option<LabelInfo> {
        let known = self.compiled.labels.iter().find(|info| info.label == *label).cloned();
        let named = || self.names.iter().flat_map(|_| Kind::ALL).find(|kind| kind.label() == label.as_str()).map(Kind::info);
        known.or_else(named).or_else(|| self.own.labels().find(|info| info.label == *label))
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The same for what is no text, where base64 is not read once more.
    pub(crate) fn without_base64(&self) -> Self {
        Self { compiled: Arc::clone(&self.compiled), encoded: false, names: None, own: Own::default() }
    }

    /// Scans a whole text.
    pub fn scan(&self, text: &str, hint: Hint<'_>) -> Scan {
        let mut stream = self.stream(hint);
        let mut scan = Scan::default();
        let mut events = Vec::new();
        stream.push_all(text, &mut |events_of_piece| scan.absorb(events_of_piece.drain(..)), &mut events);
        if let Some(names) = &self.names {
            merge(text, &names.scan(text), &mut scan.findings, &mut scan.below);
        }
        self.own.merge(text, &mut scan.findings);
        scan
    }

    /// Begins a scan of a text that arrives in pieces. The findings are those of [`Detector::scan`] over all of it.
    pub fn stream(&self, hint: Hint<'_>) -> TextScan {
        TextScan::new(Arc::clone(&self.compiled), hint, self.encoded)
    }
}
