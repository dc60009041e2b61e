//! The entry: compiled rules, and the scan of a whole text.

use std::sync::Arc;

use bartizan_vocabulary::{Finding, Label};

use crate::allow::AllowList;
use crate::beside::Beside;
use crate::compile::{Compiled, builtin, compile};
use crate::exact::Exact;
use crate::names::{Given, Kind, Names};
use crate::phrases::Phrases;
use crate::plan::{CompiledRule, LabelInfo};
use crate::prints::{Prints, is_excerpt};
use crate::rules::{RuleError, RuleFile};
use crate::stream::{Event, TextScan};
use crate::subjects::{ModelError, SubjectSet, Subjects};
use crate::thresholds::Thresholds;
use crate::token::{TokenHit, cut_findings};

/// Compiled rules. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Detector {
    compiled: Arc<Compiled>,
    /// Whether base64 in texts is read.
    encoded: bool,
    /// What else reads the text.
    beside: Vec<Beside>,
    /// Whether something of it is no part of the program.
    own: bool,
    /// What texts may be about.
    subjects: SubjectSet,
    /// What is not reported.
    allow: Option<AllowList>,
    digest: [u8; 32],
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
    /// Whether the text is given out as it comes. E-mail addresses in words are not looked for then: each word would have to wait for the
    /// character after the space behind it.
    pub at_once: bool,
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
                Event::Found { finding, .. } => match self.findings.last_mut() {
                    // An excerpt is reported in parts.
                    Some(last) if is_excerpt(&finding) && last.rule == finding.rule && last.end == finding.start => last.end = finding.end,
                    _ => self.findings.push(finding),
                },
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
        builtin().map(Self::of)
    }

    /// Compiles rules.
    ///
    /// # Errors
    /// When a rule is not of the documented form; see [`RuleError`].
    pub fn from_rules(files: &[RuleFile]) -> Result<Self, RuleError> {
        compile(files).map(|compiled| Self { own: true, ..Self::of(compiled) })
    }

    fn of(compiled: Arc<Compiled>) -> Self {
        Self {
            digest: compiled.digest,
            compiled,
            encoded: true,
            beside: Vec::new(),
            own: false,
            subjects: SubjectSet::default(),
            allow: None,
        }
    }

    /// The same with names of persons, places and organisations.
    #[must_use]
    pub fn with_names(&self, names: Names) -> Self {
        let digest = names.digest();
        self.with((Kind::ALL.map(Kind::rule), Kind::ALL.map(Kind::info)), digest, |first| Beside::Names(names, first))
    }

    /// The same with one more table of a company's own values. They come before what rules and names find, except secrets; what they
    /// leave of another finding stays one.
    #[must_use]
    pub fn with_exact(&self, exact: Exact) -> Self {
        let (rule, info, digest) = (exact.rule(), exact.info(), exact.digest());
        self.with(([rule], [info]), digest, |first| Beside::Exact(exact, first))
    }

    /// The same with one more dictionary. Its phrases count as values of a table do.
    #[must_use]
    pub fn with_phrases(&self, phrases: Phrases) -> Self {
        let (rule, info, digest) = (phrases.compiled(), phrases.info(), phrases.digest());
        self.with(([rule], [info]), digest, |first| Beside::Phrases(phrases, first))
    }

    /// The same with fingerprints of a company's own documents. What else is found inside an excerpt keeps its place; the excerpt is
    /// what is left.
    #[must_use]
    pub fn with_prints(&self, prints: Prints) -> Self {
        let (info, digest) = (prints.info(), prints.digest());
        let rules: Vec<CompiledRule> = prints.rules().collect();
        self.with((rules, [info]), digest, |first| Beside::Prints(prints, first))
    }

    /// The same with one more recogniser of subjects. A scan does not ask it: [`Detector::subjects`] does.
    ///
    /// # Errors
    /// When a subject of the same name is known already.
    pub fn with_subjects(&self, subjects: Subjects) -> Result<Self, ModelError> {
        let infos = subjects.infos();
        if let Some(known) = infos.iter().find(|info| self.label(&info.label).is_some()) {
            return Err(ModelError::Known(known.label.as_str().to_owned()));
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.digest).update(&subjects.digest());
        let (compiled, _) = self.compiled.with([], infos);
        Ok(Self { compiled, subjects: self.subjects.with(subjects), digest: *hasher.finalize().as_bytes(), ..self.clone() })
    }

    /// Whether it knows subjects.
    pub fn knows_subjects(&self) -> bool {
        !self.subjects.is_empty()
    }

    /// What the passages of a text are about, sorted by start; byte offsets. A text may come in parts, which are read one behind the
    /// other. `floor_bp` stands for the labels' own threshold. `None` when `go_on` said no; it is asked every few words.
    ///
    /// They are no part of a [`Scan`]: they stand beside its findings, which lie inside of them or not (decision 030).
    pub fn subjects(&self, parts: &[&str], floor_bp: Option<u16>, go_on: &mut dyn FnMut() -> bool) -> Option<Vec<Finding>> {
        self.subjects.find(parts, floor_bp, go_on)
    }

    fn with(
        &self,
        (rules, labels): (impl IntoIterator<Item = CompiledRule>, impl IntoIterator<Item = LabelInfo>),
        digest: [u8; 32],
        beside: impl FnOnce(usize) -> Beside,
    ) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.digest);
        hasher.update(&digest);
        let (compiled, first) = self.compiled.with(rules, labels);
        let added = beside(first);
        let own = self.own || !matches!(added, Beside::Names(..));
        let beside = self.beside.iter().cloned().chain([added]).collect();
        Self { compiled, beside, own, digest: *hasher.finalize().as_bytes(), ..self.clone() }
    }

    /// The same without names, for what is no prose: identifiers, enumerations, header fields. A recogniser of names guesses about
    /// words, and those have none.
    #[must_use]
    pub fn without_names(&self) -> Self {
        let mut rules = self.clone();
        rules.beside.retain(|beside| !matches!(beside, Beside::Names(..)));
        rules
    }

    /// Whether it may find a plain word: rules, tables, dictionaries and documents of a company's own may be about any word, while none of
    /// the built-in rules is about one of small letters only.
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// Digest over the rules, what reads the text beside them and the version of the machine: two detectors with the same digest
    /// find the same.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// All labels with their thresholds and rules.
    pub fn labels(&self) -> Vec<LabelInfo> {
        self.compiled.labels.clone()
    }

    /// What is known of one label.
    pub fn label(&self, label: &Label) -> Option<LabelInfo> {
        self.compiled.labels.iter().find(|info| info.label == *label).cloned()
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    pub(crate) fn beside(&self) -> &[Beside] {
        &self.beside
    }

    pub(crate) fn subject_set(&self) -> &SubjectSet {
        &self.subjects
    }

    /// The same by rules of which the thresholds were changed.
    pub(crate) fn with_compiled(&self, compiled: Compiled, thresholds: &Thresholds, digest: [u8; 32]) -> Self {
        let subjects = self.subjects.with_thresholds(thresholds.clone());
        Self { compiled: Arc::new(compiled), subjects, digest, ..self.clone() }
    }

    /// The same with what is not reported.
    pub(crate) fn with_allow_list(&self, allow: AllowList, digest: [u8; 32]) -> Self {
        Self { allow: Some(allow), digest, ..self.clone() }
    }

    pub(crate) fn allow_list(&self) -> Option<&AllowList> {
        self.allow.as_ref()
    }

    /// The same for what is no text, where base64 is not read once more.
    pub(crate) fn without_base64(&self) -> Self {
        Self {
            compiled: Arc::clone(&self.compiled),
            encoded: false,
            beside: Vec::new(),
            own: self.own,
            subjects: SubjectSet::default(),
            allow: None,
            digest: self.compiled.digest,
        }
    }

    /// Begins a scan of a text of which something else has found the names already. They come on top of those that the built-in
    /// recogniser finds, and count for nothing where the detector looks for no names.
    pub fn stream_given(&self, hint: Hint<'_>, names: Given) -> TextScan {
        let first = self.beside.iter().find_map(|beside| if let Beside::Names(_, first) = beside { Some(*first) } else { None });
        let mut scan = self.stream(hint);
        if let Some(rule) = first {
            scan.give(names, rule);
        }
        scan
    }

    /// Scans a whole text of which something else has found the names already.
    pub fn scan_given(&self, text: &str, hint: Hint<'_>, names: Given) -> Scan {
        Self::scanned(self.stream_given(hint, names), text)
    }

    /// Scans a whole text.
    pub fn scan(&self, text: &str, hint: Hint<'_>) -> Scan {
        self.scan_raised(text, hint, &[])
    }

    /// The same; these words count as words of context as if they stood before every match.
    pub fn scan_raised(&self, text: &str, hint: Hint<'_>, words: &[String]) -> Scan {
        let mut stream = self.stream(hint);
        stream.raise(words);
        Self::scanned(stream, text)
    }

    fn scanned(mut stream: TextScan, text: &str) -> Scan {
        let mut scan = Scan::default();
        let mut events = Vec::new();
        stream.push_all(text, &mut |events_of_piece| scan.absorb(events_of_piece.drain(..)), &mut events);
        scan
    }

    /// Begins a scan of a text that arrives in pieces. The findings are those of [`Detector::scan`] over all of it.
    pub fn stream(&self, hint: Hint<'_>) -> TextScan {
        let mut scan = TextScan::new(Arc::clone(&self.compiled), hint, self.encoded, &self.beside);
        scan.waiting.allow.clone_from(&self.allow);
        scan
    }
}
