//! Why a text gives the findings that it gives: a scan that writes down what came up, and what became of each match. Scans for real
//! know nothing of it.

use bartizan_vocabulary::{Finding, RuleId};

use crate::WINDOW;
use crate::allow::Pass;
use crate::beside::Beside;
use crate::candidate::Match;
use crate::context::Place;
use crate::detector::{Detector, Hint, Scan};
use crate::names::Given;
use crate::plan::{CompiledRule, Origin};
use crate::prints::is_excerpt;
use crate::resolve::order;
use crate::stream::TextScan;
use crate::trace::{Reading, Ruled, RuledOut, Trace, Traced};
use crate::validate::Check;

/// A scan, and why it is what it is.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    /// What [`Detector::scan`] gives.
    pub scan: Scan,
    /// All that came up in the text, sorted by start.
    pub whys: Vec<Why>,
    /// How many matches more were ruled out.
    pub more: usize,
}

/// A match, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What it is, or would have been. The score of what was ruled out is 0.
    pub finding: Finding,
    /// What became of it.
    pub outcome: Outcome,
    /// What found it.
    pub source: Source,
    /// The score of its rule where nothing moves it; only rules have one.
    pub base_bp: Option<u16>,
    /// What moved the score.
    pub moved: Option<Moved>,
    /// What the value passed.
    pub checks: Vec<Check>,
    /// From which score on it counts.
    pub threshold_bp: u16,
    /// Where that comes from.
    pub threshold: Threshold,
    /// How it stood in the text.
    pub reading: Reading,
    /// The whole match, in bytes, where the finding is what a stronger one left of it.
    pub part_of: Option<(usize, usize)>,
}

/// What became of a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is a finding.
    Reported,
    /// It does not reach its threshold.
    Below,
    /// Something else at the same place was stronger.
    Lost(Lost),
    /// It is allowed, or dropped with what is.
    Allowed,
    /// It does not pass this check.
    Failed(Check),
    /// This word makes it something else.
    Negative(String),
    /// Its rule counts for nothing without a word beside it.
    Wordless,
}

/// What a match lost to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The finding that stands there instead, or that stays below its threshold.
    pub to: Finding,
    /// What made it the stronger one.
    pub by: Stronger,
}

/// What makes one match stronger than another; the first that tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stronger {
    /// It reaches its threshold.
    Threshold,
    /// It is the opening of a long value, such as a private key.
    Opening,
    /// It is of a higher rank: secrets, then payment data, then personal data.
    Rank,
    /// It is longer.
    Longer,
    /// It begins earlier.
    Earlier,
    /// Its score is higher.
    Score,
    /// Its rule comes first.
    Order,
    /// It lies before it and reaches into it, or is an address that holds it.
    Covered,
}

/// What found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A rule, of the program or of a company's own.
    Rule,
    /// The recogniser of names, or an encoder that helps it.
    Names,
    /// A table of a company's own values.
    Table,
    /// A dictionary.
    Dictionary,
    /// A document of a company's own.
    Document,
    /// The recogniser of subjects.
    Subject,
}

/// What moved a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// This word at this place; in small letters.
    Word(Place, String),
    /// A word in what base64 or digits stand for, or before them.
    Inside,
}

/// Where a threshold comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// The label has it.
    Label,
    /// Somebody chose it for this label or family.
    Chosen(String),
}

impl Detector {
    /// Scans a whole text and says why the scan is what it is. Slower than [`Detector::scan`], of which it gives the findings.
    pub fn explain(&self, text: &str, hint: Hint<'_>) -> Explained {
        self.explained(self.stream(hint), text)
    }

    /// The same with names that something else has found already, as [`Detector::scan_given`].
    pub fn explain_given(&self, text: &str, hint: Hint<'_>, names: Given) -> Explained {
        self.explained(self.stream_given(hint, names), text)
    }

    fn explained(&self, mut stream: TextScan, text: &str) -> Explained {
        stream.desk.trace = Some(Box::new(Trace::new(self.allow_list())));
        let (mut scan, mut events) = (Scan::default(), Vec::new());
        stream.push_all(text, &mut |piece| scan.absorb(piece.drain(..)), &mut events);
        let trace = stream.desk.trace.take().unwrap_or_default();
        let more = trace.more;
        let whys = Explaining::new(self, &scan, *trace).whys();
        Explained { scan, whys, more }
    }

    /// Why a passage counts as being about a subject.
    pub fn explain_subject(&self, finding: &Finding) -> Why {
        let known = self.label(&finding.label).map_or(0, |info| info.threshold_bp);
        let chosen = self.subject_set().thresholds();
        Why {
            threshold_bp: chosen.of(finding.label.as_str()).unwrap_or(known),
            ..self.bare(finding.clone(), Source::Subject, Outcome::Reported)
        }
    }

    fn bare(&self, finding: Finding, source: Source, outcome: Outcome) -> Why {
        let chosen = self.subject_set().thresholds().deciding(finding.label.as_str());
        Why {
            threshold: chosen.map_or(Threshold::Label, |word| Threshold::Chosen(word.to_owned())),
            finding,
            outcome,
            source,
            base_bp: None,
            moved: None,
            checks: Vec::new(),
            threshold_bp: 0,
            reading: Reading::Plain,
            part_of: None,
        }
    }

    /// What finds what a rule stands for.
    fn source(&self, rule: usize) -> Source {
        let of = |beside: &Beside| match beside {
            Beside::Names(_, first) => (*first, Source::Names),
            Beside::Exact(_, first) => (*first, Source::Table),
            Beside::Phrases(_, first) => (*first, Source::Dictionary),
            Beside::Prints(_, first) => (*first, Source::Document),
        };
        let last = self.beside().iter().map(of).filter(|(first, _)| *first <= rule).max_by_key(|(first, _)| *first);
        last.map_or(Source::Rule, |(_, source)| source)
    }
}

/// How well a match fits a finding: their scores, starts and ends are equal, and it holds all of it.
type Fit = (bool, bool, bool, bool);

/// A record beside the scan that it is of.
struct Explaining<'a> {
    detector: &'a Detector,
    /// Findings, and what stays below, by start; they do not overlap. With each the match that it comes from.
    winners: Vec<(&'a Finding, bool, Option<usize>)>,
    matches: Vec<Traced>,
    ruled_out: Vec<RuledOut>,
    /// What is allowed.
    passes: Vec<Pass>,
}

impl<'a> Explaining<'a> {
    fn new(detector: &'a Detector, scan: &'a Scan, trace: Trace) -> Self {
        let of = |findings: &'a [Finding], below| findings.iter().map(move |finding| (finding, below, None));
        let mut winners: Vec<_> = of(&scan.findings, false).chain(of(&scan.below, true)).collect();
        winners.sort_by_key(|(finding, ..)| finding.start);
        let mut matches = trace.matches;
        matches.sort_by_key(|one| (one.found.start, one.found.end, one.found.rule, one.passed_over, one.found.encoded));
        matches.dedup_by_key(|one| (one.found.start, one.found.end, one.found.rule));
        let passes = matches.iter().filter_map(|one| one.pass).collect();
        let mut explaining = Self { detector, winners, matches, ruled_out: trace.ruled_out, passes };
        explaining.trace_back();
        explaining
    }

    fn rule(&self, index: usize) -> Option<&'a CompiledRule> {
        self.detector.compiled().rules.get(index)
    }

    /// The winners that a place of the raw text overlaps.
    fn over(&self, (start, end): (usize, usize)) -> std::ops::Range<usize> {
        let first = self.winners.partition_point(|(finding, ..)| finding.end <= start);
        first..first.max(self.winners.partition_point(|(finding, ..)| finding.start < end))
    }

    /// Finds the match that each winner comes from.
    fn trace_back(&mut self) {
        let mut best: Vec<Option<(Fit, usize)>> = vec![None; self.winners.len()];
        for (index, one) in self.matches.iter().enumerate().filter(|(_, one)| !one.passed_over) {
            let id = self.rule(one.found.rule).map(|rule| &rule.id);
            for place in self.over(one.raw) {
                let (Some((finding, ..)), Some(best)) = (self.winners.get(place), best.get_mut(place)) else { continue };
                let fit = (
                    one.found.score_bp == finding.score_bp,
                    one.raw.0 == finding.start,
                    one.raw.1 == finding.end,
                    one.raw.0 <= finding.start && finding.end <= one.raw.1,
                );
                if id == Some(&finding.rule) && best.is_none_or(|(other, _)| other < fit) {
                    *best = Some((fit, index));
                }
            }
        }
        for ((_, _, from), best) in self.winners.iter_mut().zip(best) {
            *from = best.map(|(_, index)| index);
        }
    }

    fn whys(&self) -> Vec<Why> {
        let mut whys: Vec<Why> = self.winners.iter().map(|winner| self.winner(winner)).collect();
        let mut is_source = vec![false; self.matches.len()];
        for from in self.winners.iter().filter_map(|(_, _, from)| *from) {
            if let Some(is_source) = is_source.get_mut(from) {
                *is_source = true;
            }
        }
        let others = self.matches.iter().zip(is_source).filter(|(_, is_source)| !is_source);
        whys.extend(others.filter_map(|(one, _)| self.loser(one)));
        whys.extend(self.ruled_out.iter().filter_map(|one| self.ruled_out(one)));
        whys.sort_by_key(|why| why.finding.start);
        whys
    }

    fn winner(&self, (finding, below, from): &(&Finding, bool, Option<usize>)) -> Why {
        let outcome = if *below { Outcome::Below } else { Outcome::Reported };
        let Some(one) = from.and_then(|from| self.matches.get(from)) else {
            return self.detector.bare((*finding).clone(), Source::Rule, outcome);
        };
        let mut why = self.why(one, (*finding).clone(), outcome);
        let grows = is_excerpt(finding) || self.rule(one.found.rule).is_some_and(|rule| rule.cover.is_some());
        why.part_of = Some(one.raw).filter(|raw| !grows && *raw != (finding.start, finding.end));
        why
    }

    /// What a match lost to; nothing of one that is a part of a finding.
    fn loser(&self, one: &Traced) -> Option<Why> {
        let rule = self.rule(one.found.rule)?;
        let rules = &self.detector.compiled().rules;
        let source = |place: usize| {
            let (finding, _, from) = self.winners.get(place)?;
            Some((*finding, self.matches.get((*from)?)?))
        };
        let finding = || self.finding(one.found.rule, one.raw, one.found.score_bp);
        let near = self.passes.partition_point(|pass| pass.start() + 2 * WINDOW < one.found.start);
        let mut near = self.passes.iter().skip(near).take_while(|pass| pass.start() <= one.found.start);
        if near.any(|pass| pass.drops(&one.found, rules)) {
            return Some(self.why(one, finding()?, Outcome::Allowed));
        }
        let (to, winner) = self.over(one.raw).filter_map(source).min_by_key(|(_, winner)| order(&winner.found, rules))?;
        if is_excerpt(to) && to.rule == rule.id {
            return None;
        }
        let there = self.rule(winner.found.rule)?;
        let by = if one.passed_over && winner.found.start == one.found.start && to.score_bp < there.threshold_bp {
            // Of what stays below its threshold at one place, the score does not count.
            match there.rank > rule.rank {
                true => Stronger::Rank,
                false if winner.found.end > one.found.end => Stronger::Longer,
                false => Stronger::Order,
            }
        } else {
            stronger(&winner.found, &one.found, rules)
        };
        Some(self.why(one, finding()?, Outcome::Lost(Lost { to: to.clone(), by })))
    }

    fn ruled_out(&self, one: &RuledOut) -> Option<Why> {
        // What is found anyway was ruled out for nothing.
        if self.over(one.raw).any(|place| self.winners.get(place).is_some_and(|(_, below, _)| !below)) {
            return None;
        }
        let rule = self.rule(one.rule)?;
        let outcome = match one.ruled {
            Ruled::Check(check) => Outcome::Failed(check),
            Ruled::Word(Some(word)) => Outcome::Negative(self.word(word)),
            Ruled::Word(None) => Outcome::Wordless,
        };
        Some(Why {
            base_bp: Some(rule.score_bp),
            threshold_bp: rule.threshold_bp,
            ..self.detector.bare(self.finding(one.rule, one.raw, 0)?, Source::Rule, outcome)
        })
    }

    fn finding(&self, rule: usize, (start, end): (usize, usize), score_bp: u16) -> Option<Finding> {
        let rule = self.rule(rule)?;
        Some(Finding { start, end, label: rule.label.clone(), rule: RuleId::clone(&rule.id), score_bp })
    }

    fn word(&self, word: u16) -> String {
        self.detector.compiled().words.get(usize::from(word)).cloned().unwrap_or_default()
    }

    fn why(&self, one: &Traced, finding: Finding, outcome: Outcome) -> Why {
        let source = self.detector.source(one.found.rule);
        let bare = self.detector.bare(finding, source, outcome);
        let Some(rule) = self.rule(one.found.rule) else { return bare };
        let moved = match one.word {
            Some((place, word)) => Some(Moved::Word(place, self.word(word))),
            None if one.found.encoded && one.found.score_bp != rule.score_bp => Some(Moved::Inside),
            None => None,
        };
        Why {
            base_bp: (rule.origin == Origin::Machine).then_some(rule.score_bp),
            moved,
            checks: rule.checks.clone(),
            threshold_bp: rule.threshold_bp,
            reading: one.reading,
            ..bare
        }
    }
}

/// What made a winner stronger, by the order in which matches are taken.
fn stronger(winner: &Match, loser: &Match, rules: &[CompiledRule]) -> Stronger {
    let (one, other) = (order(winner, rules), order(loser, rules));
    if one > other {
        return Stronger::Covered;
    }
    let openings = [winner, loser].map(|found| rules.get(found.rule).is_some_and(|rule| rule.cover.is_some()));
    let equal = [one.0 == other.0, one.1 == other.1, one.2 == other.2, one.3 == other.3, one.4 == other.4, one.5 == other.5];
    match equal.iter().position(|equal| !equal) {
        Some(0) => Stronger::Threshold,
        Some(1) => Stronger::Opening,
        Some(2) => Stronger::Rank,
        // Of openings the earlier one counts, then the longer one.
        Some(3) if openings == [true, true] => Stronger::Earlier,
        Some(3) => Stronger::Longer,
        Some(4) if openings == [true, true] => Stronger::Longer,
        Some(4) => Stronger::Earlier,
        Some(5) => Stronger::Score,
        _ => Stronger::Order,
    }
}
