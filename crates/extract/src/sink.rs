//! Where readers put text and confessions, and where the budgets are kept that all levels of one document share.

use std::ops::Range;

use crate::model::{Hint, Limit, Limits, MAX_UNREAD, Reason, Segment, Unread, View};
use crate::render::Rendering;

/// Bytes of a place at one level.
const MAX_PLACE: usize = 200;

/// Collects what the readers find.
pub struct Sink<'l> {
    pub limits: &'l Limits,
    segments: Vec<Segment>,
    unread: Vec<Unread>,
    output_left: usize,
    output_over: bool,
    entries_left: usize,
    inflated_left: usize,
    values_left: usize,
    depth: usize,
    prefix: String,
    /// The document as one reads it, where that is asked for.
    rendering: Option<Rendering>,
}

impl<'l> Sink<'l> {
    pub fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            segments: Vec::new(),
            unread: Vec::new(),
            output_left: limits.output_bytes,
            output_over: false,
            entries_left: limits.entries,
            inflated_left: limits.inflated_bytes,
            values_left: limits.table_values,
            depth: 0,
            prefix: String::new(),
            rendering: None,
        }
    }

    /// One that renders too.
    pub fn rendering(limits: &'l Limits) -> Self {
        Self { rendering: Some(Rendering::new(limits.output_bytes)), ..Self::new(limits) }
    }

    /// The document as one reads it. None: it was not asked for, or cannot be told.
    pub fn rendered(&mut self) -> Option<String> {
        self.rendering.take()?.finish()
    }

    pub fn into_parts(self) -> (Vec<Segment>, Vec<Unread>) {
        (self.segments, self.unread)
    }

    /// Puts the place behind those of the documents around it. Names are cut: a long one would be kept for every segment.
    fn place(&self, place: &str) -> String {
        let cut = place.floor_char_boundary(MAX_PLACE.min(place.len()));
        let place = place.get(..cut).unwrap_or_default();
        match (self.prefix.as_str(), place) {
            ("", place) => place.to_owned(),
            // A text inside stands where its document stands.
            (prefix, "" | "text") => prefix.to_owned(),
            (prefix, place) => format!("{prefix} > {place}"),
        }
    }

    /// Adds a text that stands beside the document as one reads it. What is over the limit is cut off, and that is recorded once.
    pub fn text(&mut self, place: &str, text: &str) {
        self.literal(place, text, None, View::Beside);
    }

    /// Adds a text that is shown in another form.
    pub fn again(&mut self, place: &str, text: &str) {
        self.literal(place, text, None, View::Again);
    }

    /// Adds a text that one reads in the document, under its own place.
    pub fn shown(&mut self, place: &str, text: &str) {
        self.literal(place, text, None, View::Shown);
        self.render(place, text);
    }

    /// Adds to the document as one reads it, and to nothing else.
    pub fn render(&mut self, place: &str, text: &str) {
        if self.rendering.is_none() || text.trim().is_empty() {
            return;
        }
        if place.len() > MAX_PLACE {
            // A piece of a name could be a piece of what was found in it.
            return self.cannot_render();
        }
        let heading = self.place(place);
        if let Some(rendering) = &mut self.rendering {
            rendering.add(heading, text);
        }
    }

    /// How this document reads cannot be told.
    pub fn cannot_render(&mut self) {
        if let Some(rendering) = &mut self.rendering {
            rendering.refuse();
        }
    }

    /// Whether the document as one reads it is asked for.
    pub const fn is_rendering(&self) -> bool {
        self.rendering.is_some()
    }

    /// Adds a text that is literally these bytes of the input of this level.
    pub fn literal(&mut self, place: &str, text: &str, range: Option<Range<usize>>, view: View) {
        if text.trim().is_empty() {
            return;
        }
        let keep = text.floor_char_boundary(self.output_left.min(text.len()));
        let full = self.segments.len() >= self.limits.segments;
        if (keep < text.len() || full) && !self.output_over {
            self.output_over = true;
            self.unread(place, Reason::Limit(Limit::Output));
        }
        if full || keep == 0 {
            return;
        }
        self.output_left = if self.output_over { 0 } else { self.output_left - keep };
        let range = range.filter(|_| self.depth == 0).map(|range| range.start..range.start + keep);
        let place = self.place(place);
        self.segments.push(Segment { text: text.get(..keep).unwrap_or_default().to_owned(), place, range, view });
    }

    /// Whether no text can be added any more, so that a reader may stop.
    pub const fn is_full(&self) -> bool {
        self.output_over
    }

    /// Records what was not read.
    pub fn unread(&mut self, place: &str, reason: Reason) {
        if self.unread.len() >= MAX_UNREAD {
            return;
        }
        let place = self.place(place);
        let last = self.unread.len() + 1 == MAX_UNREAD;
        let reason = if last { Reason::Limit(Limit::Unread) } else { reason };
        if self.unread.last().is_some_and(|it| it.reason == reason && it.place == place) {
            return;
        }
        self.unread.push(Unread { place, reason });
    }

    /// Takes one entry from the budget. False: there is none left, which is recorded.
    pub fn take_entry(&mut self, place: &str) -> bool {
        if self.entries_left == 0 {
            self.unread(place, Reason::Limit(Limit::Entries));
            return false;
        }
        self.entries_left -= 1;
        true
    }

    pub const fn is_out_of_entries(&self) -> bool {
        self.entries_left == 0
    }

    /// How far a part of this many compressed bytes may inflate.
    pub fn inflate_cap(&self, compressed: usize) -> usize {
        let by_ratio = compressed.saturating_mul(self.limits.inflate_ratio).max(1 << 20);
        by_ratio.min(self.inflated_left)
    }

    /// Takes inflated bytes from the budget.
    pub const fn took_inflated(&mut self, bytes: usize) {
        self.inflated_left = self.inflated_left.saturating_sub(bytes);
    }

    /// How many values of tables there may still be.
    pub const fn values_left(&self) -> usize {
        self.values_left
    }

    /// Takes values of tables from the budget.
    pub const fn took_values(&mut self, values: usize) {
        self.values_left = self.values_left.saturating_sub(values);
    }

    /// Reads a document inside this one. What cannot be read is recorded at its place.
    pub fn nested(&mut self, place: &str, bytes: &[u8], hint: &Hint<'_>) {
        if self.depth >= self.limits.depth {
            self.unread(place, Reason::Limit(Limit::Depth));
            return;
        }
        if place.len() > MAX_PLACE {
            self.cannot_render();
        }
        let inner = self.place(place);
        let outer = std::mem::replace(&mut self.prefix, inner);
        self.depth += 1;
        let result = crate::read(bytes, hint, self);
        self.depth -= 1;
        self.prefix = outer;
        if let Err(unreadable) = result {
            self.unread(place, unreadable.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_over_the_limit_is_cut_at_a_character_and_confessed_once() {
        let limits = Limits { output_bytes: 5, ..Limits::default() };
        let mut sink = Sink::new(&limits);
        sink.literal("a", "abc", Some(10..13), View::Shown);
        sink.literal("b", "dé€", Some(13..19), View::Shown);
        sink.text("c", "more");
        let (segments, unread) = sink.into_parts();
        let texts: Vec<_> = segments.iter().map(|it| (it.text.as_str(), it.range.clone())).collect();
        assert_eq!(texts, [("abc", Some(10..13)), ("d", Some(13..14))]);
        assert_eq!(unread, [Unread { place: "b".into(), reason: Reason::Limit(Limit::Output) }]);
    }
}
