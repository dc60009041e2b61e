//! Files in which something has to be replaced: the text that goes on in the place of the file. What goes on is that text and nothing
//! else, and it is inspected as it goes on.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Instant;

use bartizan_extract::View;
use bartizan_vocabulary::Finding;
use bartizan_wire::json::NodeId;

use super::{Action, Plan, Written, action};
use crate::attachments::{AsText, FoundValue, letters};
use crate::edit::{TextEdit, apply};
use crate::guard::GuardError;
use crate::inspect::{InspectError, Unit};
use crate::replacing::without_value;

/// So many letters may be looked over for values that were found in another view of a file.
const MOST_LETTERS: usize = 1 << 32;

/// Shorter values are taken for the same only where the text itself does not show them.
const SHORT: usize = 6;

impl Plan<'_, '_, '_> {
    /// The text that goes on in the place of a file, if the file may not.
    pub(super) fn file(&mut self, unit: &Unit, node: NodeId) -> Result<Option<String>, GuardError> {
        let asked = |finding: &&Finding| action(self.first, &finding.label) != Action::Keep;
        let Some(found) = unit.scan.findings.iter().find(asked).map(|finding| finding.label.clone()) else {
            unit.scan.findings.iter().for_each(|finding| self.leave(unit.role, finding));
            return Ok(None);
        };
        let text = match self.as_text(unit, node)? {
            Some(file) => self.replaced(unit, &file)?,
            None => None,
        };
        if text.is_none() {
            self.broken = Some((found, "an attachment"));
        }
        Ok(text)
    }

    fn as_text(&mut self, unit: &Unit, node: NodeId) -> Result<Option<AsText>, GuardError> {
        match &mut self.files {
            Some(files) => files.as_text(node, &unit.scan),
            None => Ok(None),
        }
    }

    fn replaced(&mut self, unit: &Unit, file: &AsText) -> Result<Option<String>, GuardError> {
        let findings = &file.scan.findings;
        let edited = |label: &_| action(self.first, label) != Action::Keep;
        let mut seen: HashMap<String, usize> = HashMap::new();
        for finding in findings.iter().filter(|finding| edited(&finding.label)) {
            *seen.entry(file.value(finding)).or_default() += 1;
        }
        let others = file.values.iter().filter(|value| edited(&value.label)).collect::<Vec<_>>();
        let (edits, left) = self.edits(&file.text, findings, Written { file: true, ..Written::default() })?;
        let text = apply(&file.text, &edits);
        let stays = left.iter().any(|finding| action(self.first, &finding.label) != Action::Keep);
        if stays || shows((&file.text, &edits, &text), &seen, &others, self.deadline)? {
            return Ok(None);
        }
        // What was found beside the text is gone with the file.
        for (label, count) in file.only_beside(&seen) {
            if let Action::Edit(remedy, operator) = action(self.first, &label) {
                let (remedy, _) = without_value((remedy, operator));
                *self.counts.entry((label, remedy)).or_default() += count;
            }
        }
        let Some(files) = &mut self.files else { return Ok(None) };
        let Some((text, scan)) = files.sent(file, &text)? else { return Ok(None) };
        self.gone.push(file.range.clone());
        // Judged is what is found in the very text that goes on.
        scan.findings.iter().for_each(|finding| self.leave(unit.role, finding));
        Ok(Some(text))
    }
}

/// The letters of a text before its edits, and which of them the edits take away.
struct Before {
    flat: String,
    taken: Vec<Range<usize>>,
}

impl Before {
    fn of(text: &str, edits: &[TextEdit]) -> Self {
        let (mut before, mut at) = (Self { flat: String::new(), taken: Vec::new() }, 0);
        for edit in edits {
            before.flat.push_str(&letters(text.get(at..edit.start).unwrap_or_default()));
            let start = before.flat.len();
            before.flat.push_str(&letters(text.get(edit.start..edit.end).unwrap_or_default()));
            match before.taken.last_mut().filter(|last| last.end == start) {
                Some(last) => last.end = before.flat.len(),
                None => before.taken.push(start..before.flat.len()),
            }
            at = edit.end;
        }
        before.flat.push_str(&letters(text.get(at..).unwrap_or_default()));
        before
    }

    /// Whether a value stands there of which a piece stays.
    fn keeps_of(&self, value: &str) -> bool {
        self.flat.match_indices(value).any(|(at, _)| {
            let next = self.taken.partition_point(|range| range.end <= at);
            self.taken.get(next).is_none_or(|range| range.start > at || range.end < at + value.len())
        })
    }
}

/// Whether a text may still show a value that was found in another view of the file, broken or joined so that nothing is found in it, or
/// a piece of one. `seen`: how often each value was replaced in the text.
fn shows(
    (before, edits, text): (&str, &[TextEdit], &str),
    seen: &HashMap<String, usize>,
    others: &[&FoundValue],
    deadline: Instant,
) -> Result<bool, InspectError> {
    let mut counts: HashMap<(View, &str), usize> = HashMap::new();
    for value in others {
        *counts.entry((value.view, value.letters.as_str())).or_default() += 1;
    }
    // Found more often than it was replaced: it stands somewhere else once more.
    let fewer = |value: &FoundValue| counts.get(&(value.view, value.letters.as_str())) > seen.get(&value.letters);
    let unseen = others.iter().filter(|value| value.view != View::Shown || fewer(value));
    let (mut flat, mut all, mut left, mut done) = (None, None, MOST_LETTERS, HashSet::new());
    for value in unseen {
        if !done.insert((value.view, value.letters.as_str(), value.written.as_str())) {
            continue;
        }
        if Instant::now() > deadline {
            return Err(InspectError::Timeout);
        }
        let (before, flat): &(Before, String) = flat.get_or_insert_with(|| (Before::of(before, edits), letters(text)));
        let all: &String = all.get_or_insert_with(|| seen.keys().flat_map(|value| [value.as_str(), "\n"]).collect());
        let ways = if value.letters == value.written { 1 } else { 2 };
        let Some(rest) = left.checked_sub(ways * (flat.len() + before.flat.len()) + all.len() + 1) else { return Ok(true) };
        left = rest;
        let inside = all.contains(&value.letters);
        let lost = value.view == View::Again && (!inside || seen.contains_key(&value.letters) && fewer(value));
        let there = |value: &str| (!inside || value.len() >= SHORT) && (flat.contains(value) || before.keeps_of(value));
        if value.letters.is_empty() || lost || there(&value.letters) || ways == 2 && there(&value.written) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use bartizan_vocabulary::Label;

    use super::*;

    fn value(surface: &str, view: View) -> FoundValue {
        FoundValue { label: Label::new("pii.email"), letters: letters(surface), written: letters(surface), view }
    }

    /// `before` with what stands in braces replaced by `X`, which is found so often.
    fn check(before: &str, seen: &[(&str, usize)], others: &[FoundValue]) -> bool {
        let (mut text, mut edits) = (String::new(), Vec::new());
        for piece in before.split_inclusive(['{', '}']) {
            let start = text.len();
            text.push_str(piece.trim_end_matches(['{', '}']));
            if piece.ends_with('}') {
                edits.push(TextEdit { start, end: text.len(), with: "X".to_owned() });
            }
        }
        let after = apply(&text, &edits);
        let seen = seen.iter().map(|(surface, count)| (letters(surface), *count)).collect();
        let deadline = Instant::now() + std::time::Duration::from_mins(1);
        shows((&text, &edits, &after), &seen, &others.iter().collect::<Vec<_>>(), deadline).unwrap()
    }

    #[test]
    fn what_another_view_found_must_not_be_left() {
        const JO: &str = "jo@example.com";
        // Text with edits, how often the value is found in it, views in which it was found, whether it may still show.
        let rows: &[(&str, usize, &[View], bool)] = &[
            // Found in the text, and replaced there.
            ("Dear {jo@example.com}", 1, &[View::Again], false),
            ("Dear {jo@example.com}", 1, &[View::Beside, View::Beside], false),
            // The page in drawing order has it, the page by place does not.
            ("Dear X", 0, &[View::Again], true),
            // Twice in drawing order, once by place.
            ("Dear {jo@example.com}", 1, &[View::Again, View::Again], true),
            // Metadata have it, and the text does not.
            ("Dear X", 0, &[View::Beside], false),
            // The text has it over two lines, where nothing is found, or a piece.
            ("Dear jo@exam\nple.com", 0, &[View::Beside], true),
            ("Dear jo@exam\nple.com", 0, &[View::Shown], true),
            ("Dear {jo@exam}\nple.com", 0, &[View::Beside], true),
            ("Dear {jo@exam}{ple.com}", 0, &[View::Beside], false),
            ("Dear X", 0, &[View::Shown], false),
            // And once more where something was found.
            ("Dear {jo@example.com} JO@exam ple.com", 1, &[View::Beside], true),
            ("Dear {jo@example.com} JO@exam ple.com", 1, &[View::Shown, View::Shown], true),
        ];
        for (before, count, views, expected) in rows {
            let seen = if *count > 0 { vec![(JO, *count)] } else { Vec::new() };
            let others: Vec<_> = views.iter().map(|view| value(JO, *view)).collect();
            assert_eq!(check(before, &seen, &others), *expected, "{before} {views:?}");
        }
        assert!(check("Dear X", &[], &[value("@", View::Beside)]));
    }

    #[test]
    fn comparing_ends_with_time() {
        let one = value("jo@example.com", View::Beside);
        assert_eq!(shows(("a", &[], "a"), &HashMap::new(), &[&one], Instant::now()).unwrap_err(), InspectError::Timeout);
    }
}
