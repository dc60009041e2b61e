//! Overlaps: matches that overlap form a cluster; a cluster is resolved once nothing undecided can still join it. The
//! outcome depends on the matches alone, never on how the text arrived.

use crate::WINDOW;
use crate::allow::AllowList;
use crate::candidate::Match;
use crate::normal::Normal;
use crate::plan::{CompiledRule, Origin};

/// Matches waiting for their neighbours, sorted by start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    matches: Vec<Match>,
    /// Those of one cluster while it is resolved; kept for its memory.
    rivals: Vec<Match>,
    /// What is not reported, if anything is allowed.
    pub(crate) allow: Option<AllowList>,
    /// Nothing may start before this: it was reported already.
    pub(crate) floor: usize,
}

/// The first cluster: how many matches, how many more begin behind its limit inside of it, and the position that everything
/// undecided must have passed.
struct Cluster {
    count: usize,
    behind: usize,
    until: usize,
}

impl Waiting {
    /// Adds a match.
    pub(crate) fn add(&mut self, found: Match) {
        let at = self.matches.partition_point(|other| (other.start, other.end, other.rule) < (found.start, found.end, found.rule));
        self.matches.insert(at, found);
    }

    /// The first byte that a waiting match covers.
    pub(crate) fn hold(&self) -> Option<usize> {
        self.matches.first().map(|first| first.start.max(self.floor))
    }

    /// Forgets what was covered meanwhile, and cuts what sticks out.
    pub(crate) fn raise_floor(&mut self, floor: usize) {
        self.floor = self.floor.max(floor);
        let floor = self.floor;
        self.matches.retain_mut(|found| {
            found.start = found.start.max(floor);
            found.start < found.end
        });
    }

    /// Matches that begin within two windows of the first and overlap it or each other.
    fn cluster(&self) -> Option<Cluster> {
        let first = self.matches.first()?;
        let limit = first.start + 2 * WINDOW;
        let mut end = first.end;
        let mut count = 0;
        for found in &self.matches {
            if found.start >= end || found.start >= limit {
                break;
            }
            end = end.max(found.end);
            count += 1;
        }
        let until = end.min(limit + WINDOW);
        let behind = self.matches.iter().skip(count).take_while(|found| found.start < until).count();
        Some(Cluster { count, behind, until })
    }

    /// Where what is reported together with a cluster ends: a token that reaches over its end joins it with what else that
    /// token overlaps. `reach` gives the end of the token that a position lies in, or the position.
    fn together(&self, cluster: &Cluster, reach: &dyn Fn(usize) -> usize) -> usize {
        let (mut until, limit) = (cluster.until, cluster.until + 2 * WINDOW);
        loop {
            let over = reach(until);
            if over == until || over > limit {
                return until;
            }
            until = self.matches.iter().take_while(|found| found.start < over).map(|found| found.end).fold(over, usize::max);
        }
    }

    /// Takes the first cluster out when nothing that starts before its end is undecided, and its winners, in order, into `winners`;
    /// whether there was one.
    pub(crate) fn take(
        &mut self,
        frontier: usize,
        rules: &[CompiledRule],
        text: &Normal,
        reach: &dyn Fn(usize) -> usize,
        winners: &mut Vec<Match>,
    ) -> bool {
        winners.clear();
        let Some(cluster) = self.cluster().filter(|cluster| cluster.until <= frontier && self.together(cluster, reach) <= frontier) else {
            return false;
        };
        if cluster.count == 1 && cluster.behind == 0 && self.allow.is_none() {
            winners.extend(self.matches.drain(..1));
            return true;
        }
        let mut rivals = std::mem::take(&mut self.rivals);
        rivals.clear();
        rivals.extend(self.matches.drain(..cluster.count));
        // What begins behind the limit is not decided yet, but nothing weaker takes its place.
        let behind: Vec<Match> = self.matches.iter().take(cluster.behind).copied().collect();
        rivals.extend(&behind);
        if let Some(allow) = &self.allow {
            let passes = allow.take_out(&mut rivals, cluster.count, text, rules);
            self.matches.retain(|found| passes.is_empty() || !passes.iter().any(|pass| pass.drops(found, rules)));
        }
        if rivals.len() > 1 {
            leave_to_addresses(&mut rivals, rules);
            rivals.sort_by_key(|found| order(found, rules));
        }
        for found in rivals.drain(..) {
            if winners.iter().all(|winner| found.end <= winner.start || winner.end <= found.start) {
                winners.push(found);
            } else if !behind.contains(&found)
                && let Some(rule) = rules.get(found.rule).filter(|rule| keeps_rest(rule, &found) || gives_way(rule, &found, winners, rules))
            {
                let worded = rule.origin != Origin::Machine || !keeps_rest(rule, &found);
                let rest = beside(&found, winners, if found.encoded || worded { 1 } else { REST });
                if worded {
                    let least = if rule.origin == Origin::Machine { 1 } else { LETTERS };
                    winners.extend(rest.into_iter().filter_map(|part| worded_part(part, &found, text, least)));
                } else {
                    winners.extend(rest);
                }
            }
        }
        winners.retain(|found| !behind.contains(found));
        winners.sort_by_key(|found| found.start);
        self.rivals = rivals;
        true
    }
}

/// Shortest rest that counts.
const REST: usize = 6;

/// Whether what a stronger match leaves of this one is reported: a part of a secret is one, a part of a URL is not. Nobody
/// knows which part of an encoded value a match leaves.
fn keeps_rest(rule: &CompiledRule, found: &Match) -> bool {
    found.encoded || (rule.origin != Origin::Machine || rule.rank >= 60) && rule.cover.is_none() && found.score_bp >= rule.threshold_bp
}

/// Whether what is left of it beside a value of a company's own stays a finding: a link does not.
fn gives_way(rule: &CompiledRule, found: &Match, winners: &[Match], rules: &[CompiledRule]) -> bool {
    let own = |winner: &Match| {
        let known = rules.get(winner.rule).is_some_and(|rule| rule.origin == Origin::Own);
        known && winner.start < found.end && found.start < winner.end
    };
    rule.cover.is_none() && found.score_bp >= rule.threshold_bp && rule.label.as_str() != "pii.url" && winners.iter().any(own)
}

/// Up to this score a telephone number inside an address is part of it.
const WEAK_BP: u16 = 6_000;

/// Names give way to rules, except that an address may hold a number that a weak rule took for a telephone's.
fn leave_to_addresses(rivals: &mut Vec<Match>, rules: &[CompiledRule]) {
    let is = |found: &Match, origin: Origin, label: &str| {
        rules
            .get(found.rule)
            .is_some_and(|rule| rule.origin == origin && rule.label.as_str() == label && found.score_bp >= rule.threshold_bp)
    };
    let addresses: Vec<(usize, usize)> =
        rivals.iter().filter(|found| is(found, Origin::Name, "pii.address")).map(|found| (found.start, found.end)).collect();
    if !addresses.is_empty() {
        let inside = |found: &Match| addresses.iter().any(|(start, end)| *start <= found.start && found.end <= *end);
        rivals.retain(|found| found.score_bp > WEAK_BP || !is(found, Origin::Machine, "pii.phone") || !inside(found));
    }
}

/// Fewest letters and digits that count of what others leave of a name or a value of a company's own. Of what a rule found each counts:
/// `jo` of `jo@acme.example` is somebody, also where `acme` is the company's own.
const LETTERS: usize = 3;

/// What is left, without white space and marks at the ends where it was cut.
fn worded_part(part: Match, whole: &Match, text: &Normal, least: usize) -> Option<Match> {
    let bytes = text.slice(part.start, part.end);
    let shown = String::from_utf8_lossy(bytes);
    if shown.len() != bytes.len() || shown.chars().filter(|c| c.is_alphanumeric()).count() < least {
        return None;
    }
    let mark = |c: char| !c.is_alphanumeric();
    let front = if part.start > whole.start { shown.len() - shown.trim_start_matches(mark).len() } else { 0 };
    let back = if part.end < whole.end { shown.len() - shown.trim_end_matches(mark).len() } else { 0 };
    Some(Match { start: part.start + front, end: part.end - back, ..part })
}

/// The parts of a match that no winner covers.
fn beside(found: &Match, winners: &[Match], least: usize) -> Vec<Match> {
    let mut over: Vec<&Match> = winners.iter().filter(|winner| winner.start < found.end && found.start < winner.end).collect();
    over.sort_by_key(|winner| winner.start);
    let mut parts = Vec::new();
    let mut from = found.start;
    for winner in over {
        parts.push(Match { start: from, end: winner.start.max(from), ..*found });
        from = from.max(winner.end);
    }
    parts.push(Match { start: from, end: found.end.max(from), ..*found });
    parts.retain(|part| part.end - part.start >= least);
    parts
}

/// Strongest first: above its threshold, then rank, then length, then start, then score, then rule.
pub(crate) fn order(found: &Match, rules: &[CompiledRule]) -> (bool, bool, u8, usize, usize, u16, usize) {
    let Some(rule) = rules.get(found.rule) else { return (true, true, u8::MAX, usize::MAX, found.start, 0, found.rule) };
    let below = found.score_bp < rule.threshold_bp;
    let length = usize::MAX - (found.end - found.start);
    // Among openings of long findings the earlier one covers the later one.
    let (length, start) = if rule.cover.is_some() { (found.start, length) } else { (length, found.start) };
    (below, rule.cover.is_none() || rule.rank < 70, u8::MAX - rule.rank, length, start, u16::MAX - found.score_bp, found.rule)
}
