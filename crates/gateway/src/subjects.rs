//! What texts of a request are about. It stands beside what is found in them: recorded and judged, never edited (decision 030).

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bartizan_detect::Scan;
use bartizan_detect::subjects::LEAST;
use bartizan_extract::Extracted;
use bartizan_vocabulary::{Finding, Role, TextClass};
use bartizan_wire::Part;
use bartizan_wire::json::NodeId;

use crate::inspect::{Body, InspectError, Inspector, Unit};

/// Findings as units, which have no parts that could be edited.
pub fn units(found: &[Finding], role: Role, class: TextClass, node: NodeId) -> impl Iterator<Item = Unit> {
    let unit = move |finding: &Finding| {
        let scan = Arc::new(Scan { findings: vec![finding.clone()], ..Scan::default() });
        Unit { parts: 0..0, role, class, scan, attached: None, about: Some(node) }
    };
    found.iter().map(unit).collect::<Vec<_>>().into_iter()
}

impl Inspector<'_> {
    /// Adds what a text is about, each at the part where it begins; gives how much that is. `range` are its parts.
    pub(crate) fn subjects_of(&self, body: Body<'_>, range: Range<usize>, text: &str, out: &mut Vec<Unit>) -> Result<usize, InspectError> {
        if !self.subjects || !self.detector.knows_subjects() || text.len() < LEAST {
            return Ok(0);
        }
        let found = self.cache.subjects(self.scope, text, || self.find(&[text])).ok_or(InspectError::Timeout)?;
        if found.is_empty() {
            return Ok(0);
        }
        let parts = body.reading.parts.get(range).unwrap_or_default();
        // Where each part ends in the text; measured once, as a part may have to be unescaped for it.
        let mut stop = 0;
        let mut measure = |part: &Part| {
            stop += if parts.len() > 1 { body.tape.text(body.bytes, part.node).len() } else { text.len() };
            stop
        };
        let stops: Vec<usize> = parts.iter().map(&mut measure).collect();
        for finding in found.iter() {
            let index = stops.partition_point(|stop| *stop <= finding.start).min(parts.len().saturating_sub(1));
            let Some(part) = parts.get(index) else { continue };
            let start = index.checked_sub(1).and_then(|before| stops.get(before)).copied().unwrap_or(0);
            let shown =
                Finding { start: finding.start - start.min(finding.start), end: finding.end - start.min(finding.end), ..finding.clone() };
            out.extend(units(&[shown], part.role, part.class, part.node));
        }
        Ok(found.len())
    }

    /// What a file is about, its segments one behind the other.
    pub(crate) fn subjects_of_file(&self, extracted: &Extracted) -> Result<Arc<[Finding]>, InspectError> {
        if !self.subjects || !self.detector.knows_subjects() {
            return Ok(Arc::default());
        }
        let parts: Vec<&str> = extracted.segments.iter().map(|segment| segment.text.as_str()).collect();
        self.find(&parts).map(Arc::from).ok_or(InspectError::Timeout)
    }

    fn find(&self, parts: &[&str]) -> Option<Vec<Finding>> {
        self.detector.subjects(parts, None, &mut || Instant::now() <= self.deadline)
    }
}
