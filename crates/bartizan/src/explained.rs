//! What `detect --explain` says: for each match what found it, what moved its score, what it passed, and what became of it.

use std::collections::BTreeMap;

use bartizan_detect::{Check, CodePoints, Detector, Explained, Lost, Moved, Outcome, Place, Reading, Source, Stronger, Threshold, Why};
use bartizan_vocabulary::Finding;
use serde::Serialize;
use serde_json::{Value, json};

use crate::detect::{Found, score};

/// Matches that were ruled out, and are told to people, of one place.
const RULED_OUT: usize = 6;

/// Why a text gives what it gives, with what the flags make of it.
pub struct Explanation {
    /// What was reported, with why.
    reported: Vec<Why>,
    /// What does not reach its threshold.
    below: Vec<Why>,
    lost: Vec<Why>,
    allowed: Vec<Why>,
    ruled_out: Vec<Why>,
    /// How many more were ruled out.
    more: usize,
    /// What stands in the place of all thresholds, in basis points.
    least: Option<u16>,
}

/// A `why` object of the output.
#[derive(Clone, Debug, Serialize)]
pub struct Told(Value);

impl Explanation {
    /// Sorts what is known of a scan by what came of it; `findings` is what counts, and `wants` says which labels are asked for.
    pub fn new(explained: Explained, findings: &[Finding], least: Option<u16>, wants: impl Fn(&str) -> bool) -> Self {
        let mut all = Self { more: explained.more, ..Self::empty(least) };
        let counts = |one: &Finding| {
            let at = findings.partition_point(|finding| finding.start < one.start);
            findings.get(at).is_some_and(|finding| finding == one)
        };
        for why in explained.whys.into_iter().filter(|why| wants(why.finding.label.as_str())) {
            let list = match &why.outcome {
                Outcome::Reported | Outcome::Below if counts(&why.finding) => &mut all.reported,
                Outcome::Reported | Outcome::Below => &mut all.below,
                Outcome::Lost(_) => &mut all.lost,
                Outcome::Allowed => &mut all.allowed,
                Outcome::Failed(_) | Outcome::Negative(_) | Outcome::Wordless => &mut all.ruled_out,
            };
            list.push(why);
        }
        all
    }

    fn empty(least: Option<u16>) -> Self {
        Self { reported: vec![], below: vec![], lost: vec![], allowed: vec![], ruled_out: vec![], more: 0, least }
    }

    fn of(&self, finding: &Finding) -> Option<&Why> {
        let at = self.reported.partition_point(|why| why.finding.start < finding.start);
        self.reported.iter().skip(at).take_while(|why| why.finding.start == finding.start).find(|why| why.finding == *finding)
    }

    /// Why a finding is reported, for people.
    pub fn reported(&self, finding: &Finding) -> String {
        self.of(finding).map(|why| format!("    {}\n", self.sentence(why))).unwrap_or_default()
    }

    /// What is not reported and what was ruled out, for people: where it begins, in order, and the lines about it.
    pub fn not_reported(&self) -> Vec<(usize, String)> {
        let mut lines: Vec<(usize, String)> = Vec::new();
        for why in &self.below {
            let (label, own) = (&why.finding.label, score(why.finding.score_bp));
            let threshold = score(self.least.unwrap_or(why.threshold_bp));
            lines.push((
                why.finding.start,
                format!("not reported: {label} scores {own}, below its threshold {threshold}\n    {}", self.sentence(why)),
            ));
        }
        for why in &self.lost {
            let Outcome::Lost(lost) = &why.outcome else { continue };
            let (label, to) = (&why.finding.label, &lost.to);
            let rule = if to.rule == why.finding.rule { String::new() } else { format!(" (rule {})", to.rule) };
            let what = format!("not reported: {label} lost to {}{rule}: {}\n    {}", to.label, by(lost.by), self.sentence(why));
            lines.push((why.finding.start, what));
        }
        for why in &self.allowed {
            lines.push((why.finding.start, format!("not reported: {} is allowed\n    {}", why.finding.label, self.sentence(why))));
        }
        lines.extend(self.told_ruled_out());
        lines.sort_by_key(|(start, _)| *start);
        lines
    }

    /// What was ruled out, a line for each place.
    fn told_ruled_out(&self) -> Vec<(usize, String)> {
        let mut places: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let mut reach = 0;
        for why in &self.ruled_out {
            // What lies inside of a longer one says nothing more to people.
            if why.finding.end <= reach && !places.contains_key(&why.finding.start) {
                continue;
            }
            reach = reach.max(why.finding.end);
            let (label, rule) = (&why.finding.label, &why.finding.rule);
            let what = if rule.as_str() == label.as_str() { label.to_string() } else { format!("{label} (rule {rule})") };
            let reason = match &why.outcome {
                Outcome::Failed(check) => format!("fails `{}` ({})", name(*check), check.description().trim_end_matches('.')),
                Outcome::Negative(word) => format!("`{word}` beside it makes it something else"),
                _ => "counts only beside a word that tells it".to_owned(),
            };
            places.entry(why.finding.start).or_default().push(format!("{what} {reason}"));
        }
        let line = |(start, mut told): (usize, Vec<String>)| {
            if told.len() > RULED_OUT {
                let more = told.len() - RULED_OUT;
                told.truncate(RULED_OUT);
                told.push(format!("and {more} more (`--format json` has them all)"));
            }
            (start, format!("ruled out: {}", told.join("; ")))
        };
        places.into_iter().map(line).collect()
    }

    /// How many more were ruled out than are kept, for people.
    pub fn more(&self) -> Option<String> {
        (self.more > 0).then(|| format!("{} matches more were ruled out, which are not listed", self.more))
    }

    fn sentence(&self, why: &Why) -> String {
        let mut parts = Vec::new();
        match (why.source, why.base_bp, &why.moved) {
            (Source::Rule, Some(base), None) => parts.push(format!("Rule {} scores {}", why.finding.rule, score(base))),
            (Source::Rule, Some(base), Some(moved)) => {
                let own = score(why.finding.score_bp);
                parts.push(format!("Rule {} scores {}, {} makes it {own}", why.finding.rule, score(base), moved_by(moved)));
            }
            (source, ..) => parts.push(format!("By {}, score {}", source_of(source), score(why.finding.score_bp))),
        }
        if !why.checks.is_empty() {
            let checks: Vec<String> = why.checks.iter().map(|check| format!("`{}`", name(*check))).collect();
            parts.push(format!("passed {}", checks.join(", ")));
        }
        let (threshold, from) = self.threshold(why);
        parts.push(match from.as_str() {
            "label" => format!("threshold {} of its label", score(threshold)),
            flag => format!("threshold {} of `{flag}`", score(threshold)),
        });
        match why.reading {
            Reading::Plain => {}
            Reading::Normalised => parts.push("read through a disguise or an escape".to_owned()),
            Reading::Encoded => parts.push("read out of base64 or hexadecimal".to_owned()),
            Reading::Digits => parts.push("read out of digits that stand apart or are words".to_owned()),
        }
        if why.part_of.is_some() {
            parts.push("what a stronger finding left of it".to_owned());
        }
        format!("{}.", parts.join("; "))
    }

    /// The threshold that counts, and where it comes from.
    fn threshold(&self, why: &Why) -> (u16, String) {
        match (self.least, &why.threshold) {
            (Some(least), _) => (least, "--min-score".to_owned()),
            (None, Threshold::Label) => (why.threshold_bp, "label".to_owned()),
            (None, Threshold::Chosen(word)) => (why.threshold_bp, format!("--threshold {word}")),
        }
    }

    /// The `why` object of a finding.
    pub fn told(&self, finding: &Finding, places: &Places) -> Option<Told> {
        self.of(finding).map(|why| self.object(why, places))
    }

    /// What does not reach its threshold, and what is allowed, each with its `why` object.
    pub fn told_below(&self, places: &Places) -> [Vec<(&Finding, Told)>; 2] {
        [&self.below, &self.allowed].map(|list| list.iter().map(|why| (&why.finding, self.object(why, places))).collect())
    }

    /// Matches that lost, with what to.
    pub fn told_lost(&self, places: &Places) -> Vec<(&Finding, Value)> {
        let of = |why: &Why| {
            let Outcome::Lost(Lost { to, by }) = &why.outcome else { return Value::Null };
            let place = (places.at(to.start), places.at(to.end));
            let to = json!({ "label": to.label, "rule": to.rule, "start": place.0, "end": place.1, "by": word_of(*by) });
            json!({ "lost_to": to, "why": self.object(why, places) })
        };
        self.lost.iter().map(|why| (&why.finding, of(why))).collect()
    }

    /// Matches that were ruled out, with why.
    pub fn told_ruled(&self) -> Vec<(&Finding, Value)> {
        let of = |why: &Why| match &why.outcome {
            Outcome::Failed(check) => json!({ "failed": check }),
            Outcome::Negative(word) => json!({ "word": word }),
            _ => json!({ "wordless": true }),
        };
        self.ruled_out.iter().map(|why| (&why.finding, of(why))).collect()
    }

    fn object(&self, why: &Why, places: &Places) -> Told {
        let (threshold, from) = self.threshold(why);
        let mut object = json!({
            "source": source_word(why.source), "checks": why.checks, "threshold": fraction(threshold), "threshold_from": from,
            "read": match why.reading {
                Reading::Plain => "plain",
                Reading::Normalised => "normalised",
                Reading::Encoded => "encoded",
                Reading::Digits => "digits",
            },
        });
        let mut add = |name: &str, value: Value| {
            if let Some(object) = object.as_object_mut() {
                object.insert(name.to_owned(), value);
            }
        };
        if let Some(base) = why.base_bp {
            add("base", fraction(base).into());
        }
        match &why.moved {
            Some(Moved::Word(place, word)) => add("moved", json!({ "place": place_word(*place), "word": word })),
            Some(Moved::Inside) => add("moved", json!({ "place": "inside" })),
            None => {}
        }
        if let Some((start, end)) = why.part_of {
            add("part_of", json!({ "start": places.at(start), "end": places.at(end) }));
        }
        Told(object)
    }

    /// All offsets that are printed.
    fn offsets(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.reported.iter().chain(&self.below).chain(&self.lost).chain(&self.allowed).chain(&self.ruled_out);
        all.flat_map(|why| {
            let to = if let Outcome::Lost(lost) = &why.outcome { [lost.to.start, lost.to.end] } else { [0, 0] };
            let part = why.part_of.map_or([0, 0], |(start, end)| [start, end]);
            [why.finding.start, why.finding.end].into_iter().chain(to).chain(part)
        })
    }
}

/// The `why` object of a passage that is about a subject.
pub fn told_subject(detector: &Detector, finding: &Finding, least: Option<u16>) -> Told {
    let why = detector.explain_subject(finding);
    let explanation = Explanation::empty(least);
    explanation.object(&why, &Places(None))
}

/// Why a passage counts as being about a subject, for people.
pub fn subject(detector: &Detector, finding: &Finding, least: Option<u16>) -> String {
    let why = detector.explain_subject(finding);
    let explanation = Explanation::empty(least);
    format!("    {}\n", explanation.sentence(&why))
}

/// Offsets as they are printed: code points by bytes, or bytes as they are.
pub struct Places(Option<BTreeMap<usize, usize>>);

impl Places {
    /// Those of an explanation; `chars`: counted in code points.
    pub fn new(text: &str, explanation: &Explanation, chars: bool) -> Self {
        let mut points = CodePoints::new(text);
        let offsets: std::collections::BTreeSet<usize> = explanation.offsets().collect();
        Self(chars.then(|| offsets.into_iter().map(|byte| (byte, points.at(byte))).collect()))
    }

    fn at(&self, byte: usize) -> usize {
        self.0.as_ref().map_or(byte, |points| points.get(&byte).copied().unwrap_or_default())
    }

    /// A finding as it is printed.
    pub fn found(&self, finding: &Finding) -> Found {
        Found {
            label: finding.label.as_str().to_owned(),
            start: self.at(finding.start),
            end: self.at(finding.end),
            score: fraction(finding.score_bp),
            rule: finding.rule.as_str().to_owned(),
            why: None,
        }
    }
}

fn fraction(basis_points: u16) -> f64 {
    f64::from(basis_points) / 10_000.0
}

fn name(check: Check) -> String {
    serde_json::to_value(check).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn source_word(source: Source) -> &'static str {
    match source {
        Source::Rule => "rule",
        Source::Names => "names",
        Source::Table => "table",
        Source::Dictionary => "dictionary",
        Source::Document => "document",
        Source::Subject => "subject",
    }
}

fn source_of(source: Source) -> &'static str {
    match source {
        Source::Rule => "a rule",
        Source::Names => "the recogniser of names",
        Source::Table => "a table of your own",
        Source::Dictionary => "a dictionary of your own",
        Source::Document => "a document of your own",
        Source::Subject => "the recogniser of subjects",
    }
}

fn place_word(place: Place) -> &'static str {
    match place {
        Place::Before => "before",
        Place::Key => "key",
        Place::Given => "given",
        Place::After => "after",
    }
}

fn moved_by(moved: &Moved) -> String {
    match moved {
        Moved::Word(Place::Before, word) => format!("`{word}` before it"),
        Moved::Word(Place::Key, word) => format!("`{word}` in its key"),
        Moved::Word(Place::Given, word) => format!("`{word}`, which was given,"),
        Moved::Word(Place::After, word) => format!("`{word}` after it"),
        Moved::Inside => "a word in what was read".to_owned(),
    }
}

fn word_of(by: Stronger) -> &'static str {
    match by {
        Stronger::Threshold => "threshold",
        Stronger::Opening => "opening",
        Stronger::Rank => "rank",
        Stronger::Longer => "longer",
        Stronger::Earlier => "earlier",
        Stronger::Score => "score",
        Stronger::Order => "order",
        Stronger::Covered => "covered",
    }
}

fn by(by: Stronger) -> &'static str {
    match by {
        Stronger::Threshold => "that reaches its threshold",
        Stronger::Opening => "that is the opening of a long value",
        Stronger::Rank => "higher rank",
        Stronger::Longer => "same rank, longer",
        Stronger::Earlier => "same rank and length, begins earlier",
        Stronger::Score => "same rank and place, higher score",
        Stronger::Order => "same rank and place, its rule comes first",
        Stronger::Covered => "that covers it",
    }
}
