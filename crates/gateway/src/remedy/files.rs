//! Files in which something has to be replaced: the text that goes on in the place of the file. What goes on is that text and nothing
//! else, and it is inspected as it goes on.

use std::collections::HashSet;

use bartizan_extract::View;
use bartizan_vocabulary::Finding;
use bartizan_wire::json::NodeId;

use super::{Action, Plan, Written, action};
use crate::attachments::{AsText, FoundValue};
use crate::edit::apply;
use crate::guard::GuardError;
use crate::inspect::Unit;

/// So many letters may be looked over for values that were found in another view of a file.
const MOST_LETTERS: usize = 1 << 31;

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
        let (edits, _) = self.edits(&file.text, findings, Written::default())?;
        let text = apply(&file.text, &edits);
        let edited = |label: &_| action(self.first, label) != Action::Keep;
        let seen = findings.iter().filter(|finding| edited(&finding.label)).map(|finding| file.value(finding)).collect();
        let others = file.values.iter().filter(|value| edited(&value.label)).collect::<Vec<_>>();
        if shows(&text, &seen, &others) {
            return Ok(None);
        }
        // What was found beside the text is gone with the file.
        for (label, count) in file.only_beside(&seen) {
            if let Action::Edit(remedy, _) = action(self.first, &label) {
                *self.counts.entry((label, remedy)).or_default() += count;
            }
        }
        let Some(files) = &mut self.files else { return Ok(None) };
        let (text, scan) = files.sent(file, &text)?;
        self.gone.push(file.range.clone());
        // Judged is what is found in the very text that goes on.
        scan.findings.iter().for_each(|finding| self.leave(unit.role, finding));
        Ok(Some(text))
    }
}

/// Whether a text may still show a value that was found in another view of the file, broken or joined so that nothing is found in it.
fn shows(text: &str, seen: &HashSet<String>, others: &[&FoundValue]) -> bool {
    let unseen = others.iter().filter(|value| value.view != View::Shown || !seen.contains(&value.letters));
    let (mut flat, mut all, mut left, mut done) = (None, None, MOST_LETTERS, HashSet::new());
    for value in unseen {
        if !done.insert((value.view, value.letters.as_str())) {
            continue;
        }
        let flat: &String = flat.get_or_insert_with(|| crate::attachments::letters(text));
        let all: &String = all.get_or_insert_with(|| seen.iter().flat_map(|value| [value.as_str(), "\n"]).collect());
        let Some(rest) = left.checked_sub(flat.len() + all.len() + 1) else { return true };
        left = rest;
        let inside = all.contains(&value.letters);
        let lost = value.view == View::Again && !inside;
        let there = (!inside || value.letters.len() >= SHORT) && flat.contains(&value.letters);
        if value.letters.is_empty() || lost || there {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use bartizan_vocabulary::Label;

    use super::*;

    #[test]
    fn what_another_view_found_must_not_be_left() {
        let value = |letters: &str, view| FoundValue { label: Label::new("pii.email"), letters: letters.to_owned(), view };
        let rows = [
            // Found in the text, and replaced there.
            ("Dear X", "jo@example.com", View::Again, true, false),
            ("Dear X", "jo@example.com", View::Beside, true, false),
            // The page in drawing order has it, the page by place does not.
            ("Dear X", "jo@example.com", View::Again, false, true),
            // Metadata have it, and the text does not.
            ("Dear X", "jo@example.com", View::Beside, false, false),
            // The text has it over two lines, where nothing is found.
            ("Dear jo@exam\nple.com", "jo@example.com", View::Beside, false, true),
            ("Dear jo@exam\nple.com", "jo@example.com", View::Shown, false, true),
            ("Dear X", "jo@example.com", View::Shown, false, false),
            // And once more where something was found.
            ("Dear JO@exam ple.com", "jo@example.com", View::Beside, true, true),
            ("Dear X", "@", View::Beside, false, true),
        ];
        for (text, surface, view, is_seen, expected) in rows {
            let letters = crate::attachments::letters(surface);
            let seen = if is_seen { HashSet::from([letters.clone()]) } else { HashSet::new() };
            assert_eq!(shows(text, &seen, &[&value(&letters, view)]), expected, "{text} {surface} {view:?}");
        }
    }
}
