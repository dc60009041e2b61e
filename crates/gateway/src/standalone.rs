//! Texts that come complete in one event of a stream: inspected at once, edited where they stand.

use std::borrow::Cow;
use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bartizan_detect::{Hint, Scan};
use bartizan_vocabulary::TextClass;
use bartizan_wire::json::{JsonContext, Splice, Tape};
use bartizan_wire::{Form, Part};

use crate::edit::{TextEdit, escaped, fit_replacement, piece_splices};
use crate::growing::Choice;
use crate::inspect::{pointer, without_chance};
use crate::judging::Judging;
use crate::live::Live;
use crate::restoring::{Restored, restore_whole};
use crate::session::Session;
use crate::{alone, number};

/// Texts that were inspected and found clean, remembered per stream.
const REMEMBERED: usize = 4_096;

/// A text with what was found in it, and what is to stand in the place of that.
pub struct Inspected {
    /// What was found.
    pub scan: Scan,
    /// What is edited.
    pub edits: Vec<TextEdit>,
}

/// Inspects complete texts of one stream.
pub struct Standalone {
    live: Arc<Live>,
    session: Arc<Session>,
    clean: HashSet<u64>,
    hasher: RandomState,
}

impl Standalone {
    /// Nothing is known to be clean yet.
    pub fn new(live: Arc<Live>, session: Arc<Session>) -> Self {
        Self { live, session, clean: HashSet::new(), hasher: RandomState::new() }
    }

    /// Inspects the parts of one text. Gives the edits of their event.
    pub fn run(
        &mut self,
        payload: &[u8],
        tape: &Tape,
        run: &[Part],
        judging: &mut Judging,
        restored: &mut Restored,
        splices: &mut Vec<Splice>,
    ) {
        let Some(head) = run.first() else { return };
        let text: Cow<'_, str> = match run {
            [one] => tape.text(payload, one.node),
            many => many.iter().map(|part| tape.text(payload, part.node)).collect::<String>().into(),
        };
        let key = if head.form == Form::String { tape.key(payload, head.node) } else { None };
        let key = key.filter(|key| !bartizan_wire::says_nothing(key));
        let path = || pointer(tape, payload, head.node);
        let lengths: Vec<usize> = match run {
            [_] => Vec::new(),
            many => many.iter().map(|part| tape.text(payload, part.node).len()).collect(),
        };
        let Some(edits) = self.whole((&text, &lengths), head, key.as_deref(), path, judging, restored) else { return };
        let mut offset = 0;
        for (number, part) in run.iter().enumerate() {
            let Some(node) = tape.node(part.node) else { continue };
            let length = lengths.get(number).copied().unwrap_or(text.len());
            if part.form == Form::Number {
                let edit = edits.iter().find(|edit| edit.start < offset + length && edit.end > offset);
                splices.extend(edit.map(|edit| Splice { range: node.outer(), with: format!("\"{}\"", escaped(&edit.with)).into_bytes() }));
            } else {
                let inner = node.inner();
                piece_splices(payload.get(inner.clone()).unwrap_or_default(), inner.start, offset, length, &edits, splices);
            }
            offset += length;
        }
    }

    /// Edits for a complete text, values given back; `None` when there is nothing to do. `lengths`: those of its parts, if it has several.
    pub fn whole(
        &mut self,
        (text, lengths): (&str, &[usize]),
        part: &Part,
        key: Option<&str>,
        path: impl FnOnce() -> String,
        judging: &mut Judging,
        restored: &mut Restored,
    ) -> Option<Vec<TextEdit>> {
        let Inspected { scan, mut edits } = self.inspect((text, lengths), part, key, path, judging)?;
        let made = restore_whole(&self.session, text, part.class, !part.fixed && !part.signed, &scan.tokens, &mut edits);
        restored.values += made.values;
        restored.withheld += made.withheld;
        Some(edits)
    }

    /// What is found in a text, judged. `None` when there is nothing, or when the stream stops. `lengths` as for [`whole`](Self::whole).
    pub fn inspect(
        &mut self,
        (text, lengths): (&str, &[usize]),
        part: &Part,
        key: Option<&str>,
        path: impl FnOnce() -> String,
        judging: &mut Judging,
    ) -> Option<Inspected> {
        let known = self.hasher.hash_one((part.role, part.class, (part.fixed, part.opaque, part.id), key, text, lengths));
        if text.is_empty() || self.clean.contains(&known) {
            return None;
        }
        let tokens = !self.session.is_empty();
        let detector = self.live.detector_for(part);
        let mut scan = if part.opaque {
            detector.scan_opaque(text, |detector, stretch, hint| Some(detector.scan(stretch, hint))).unwrap_or_default()
        } else {
            detector.scan(text, Hint { key, tokens, json: part.class == TextClass::ToolArguments, ..Hint::default() })
        };
        if part.form == Form::Number {
            let expanded = number::whole_part(text).map(|whole| detector.scan(&whole, Hint::default()));
            number::cover(&mut scan, expanded.as_ref(), text.len());
        }
        if !lengths.is_empty() {
            let look = |alone: &str| Ok::<_, Infallible>(detector.scan(alone, Hint { tokens, ..Hint::default() }));
            let Ok(()) = alone::add(&mut scan, text, lengths, look);
        }
        if part.id {
            without_chance(&mut scan, text);
        }
        scan.give_way(&|hit| self.session.knows(hit));
        if scan.findings.is_empty() && scan.tokens.is_empty() && scan.below.is_empty() {
            if self.clean.len() < REMEMBERED {
                self.clean.insert(known);
            }
            return None;
        }
        // Nobody asks for the path of what is not kept.
        let path = if judging.findings.is_full() { String::new() } else { path() };
        let mut edits = Vec::new();
        let mut context = JsonContext::default();
        if !scan.findings.is_empty() {
            context.push(text);
        }
        for finding in &scan.findings {
            let span = text.get(finding.start..finding.end).unwrap_or_default();
            let with = match judging.choose(part.role, &path, finding, Some(span), part.fixed) {
                Choice::Replace(_) if part.signed => judging.removed(&finding.label, Some(span)),
                Choice::Replace(with) => with,
                Choice::Keep => continue,
                Choice::Stop => return None,
            };
            let edit = TextEdit { start: finding.start, end: finding.end, with };
            edits.push(if part.signed { edit } else { fit_replacement(&context, text, edit) });
        }
        scan.below.iter().for_each(|finding| judging.below(finding));
        Some(Inspected { scan, edits })
    }
}
