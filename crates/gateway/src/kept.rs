//! The findings that an event keeps: a flood of them must not make an event, and the disk that it is written to, as large as it likes.

use bartizan_vocabulary::EventFinding;

/// An event keeps so many findings, and so many below their threshold; the counts go on.
pub const KEPT: usize = 1_000;

/// And so many bytes of them, about.
const BYTES: usize = 160 << 10;

/// Bytes of a finding in JSON, besides its words.
const FRAME: usize = 90;

/// Findings of one event, and how many were left out.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    list: Vec<EventFinding>,
    bytes: usize,
    left_out: u64,
}

impl Kept {
    /// Whether no further finding is kept.
    pub fn is_full(&self) -> bool {
        self.list.len() >= KEPT || self.bytes >= BYTES
    }

    /// Keeps a finding, or counts it.
    pub fn push(&mut self, finding: EventFinding) {
        if self.is_full() {
            return self.leave_out(1);
        }
        self.bytes += FRAME + finding.label.as_str().len() + finding.rule.as_str().len() + finding.path.len();
        self.list.push(finding);
    }

    /// Counts findings that are not kept.
    pub fn leave_out(&mut self, count: u64) {
        self.left_out += count;
    }

    /// Takes those of another.
    pub fn extend(&mut self, other: &Self) {
        other.list.iter().for_each(|finding| self.push(finding.clone()));
        self.left_out += other.left_out;
    }

    /// What is kept.
    pub fn list(&self) -> &[EventFinding] {
        &self.list
    }

    /// How many are not.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
