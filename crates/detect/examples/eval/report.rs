//! What is printed: a table for each set, the bars, the misses in a file, one line at the end.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::calibration::Scores;
use crate::score::{Counts, Tally, is_scored};

/// A figure, and what it must be.
struct Bar {
    name: String,
    value: f64,
    wanted: Wanted,
    /// How it came about.
    how: String,
}

/// A bound of a figure.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Wanted {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {bound}"),
            Self::AtMost(bound) => format!("≤ {bound}"),
        }
    }
}

/// A row of a table.
pub struct Line {
    pub name: String,
    pub spans: Tally,
    pub chars: Tally,
}

/// Collects what the sets come to.
#[derive(Default)]
pub struct Report {
    /// What scores are worth, over all sets.
    pub scores: Scores,
    page: String,
    misses: String,
    bars: Vec<Bar>,
    figures: Vec<(String, f64)>,
}

impl Report {
    /// A set, by label.
    pub fn table(&mut self, title: &str, note: &str, counts: &Counts) {
        self.head(title, note, "label");
        for (label, cell) in counts.labels() {
            let name = if is_scored(label) { label.to_owned() } else { format!("{label} (not scored)") };
            self.line(&name, cell.spans, cell.chars);
        }
        self.line("**all**", counts.typed(), counts.any());
    }

    /// A table with a row for each of these; `first` names the first column.
    pub fn lines(&mut self, title: &str, note: &str, first: &str, lines: &[Line]) {
        self.head(title, note, first);
        let (mut spans, mut chars) = (Tally::default(), Tally::default());
        for line in lines {
            self.line(&line.name, line.spans, line.chars);
            spans.add(line.spans);
            chars.add(line.chars);
        }
        self.line("**all**", spans, chars);
    }

    /// A section without a table of its own.
    pub fn section(&mut self, title: &str, note: &str) {
        let _ = writeln!(self.page, "\n## {title}\n\n{note}");
    }

    fn head(&mut self, title: &str, note: &str, first: &str) {
        self.section(title, note);
        let _ = writeln!(self.page, "\n| {first} | marked | right | wrong | P | R | F1 | F2 | characters P | R | F1 | F2 |");
        let _ = writeln!(self.page, "|---|---|---|---|---|---|---|---|---|---|---|---|");
    }

    fn line(&mut self, name: &str, spans: Tally, chars: Tally) {
        let four = |tally: Tally| {
            if tally == Tally::default() {
                return "– | – | – | –".to_owned();
            }
            format!("{:.3} | {:.3} | {:.3} | {:.3}", tally.precision(), tally.recall(), tally.f(1.0), tally.f(2.0))
        };
        let marked = spans.right + spans.missed;
        let _ = writeln!(self.page, "| {name} | {marked} | {} | {} | {} | {} |", spans.right, spans.wrong, four(spans), four(chars));
    }

    /// A line below the table.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(self.page, "\n{text}");
    }

    /// Something that went wrong, for the file of misses.
    pub fn miss(&mut self, set: &str, text: &str) {
        let _ = writeln!(self.misses, "{set}: {text}");
    }

    /// A figure that is judged.
    pub fn bar(&mut self, name: &str, value: f64, wanted: Wanted, how: String) {
        self.bars.push(Bar { name: name.to_owned(), value, wanted, how });
    }

    /// A figure that is told.
    pub fn figure(&mut self, name: &str, value: f64) {
        self.figures.push((name.to_owned(), value));
    }

    fn judged(&self) -> String {
        let mut text = "| figure | value | bar | | how |\n|---|---|---|---|---|\n".to_owned();
        for bar in &self.bars {
            let met = if bar.wanted.is_met(bar.value) { "met" } else { "**missed**" };
            let _ = writeln!(text, "| {} | {:.4} | {} | {met} | {} |", bar.name, bar.value, bar.wanted.text(), bar.how);
        }
        text
    }

    /// Prints everything, writes the misses and, where it is asked for, a page; fails when a bar is missed.
    pub fn finish(self, misses: &Path, page: Option<&Path>) -> ExitCode {
        let judged = self.judged();
        println!("{}\n{judged}", self.page.trim_start());
        if let Some(folder) = misses.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let kept = fs::write(misses, &self.misses);
        if let Err(error) = kept {
            eprintln!("`{}`: {error}", misses.display());
        }
        println!("{} misses are listed in {}", self.misses.lines().count(), misses.display());
        if let Some(path) = page {
            let head = "# Evaluation\n\nWritten by `make eval` or `make eval-peers`; do not edit. What the sets are and how they are judged is told in [detection](detection.md#measured).\n";
            if let Err(error) = fs::write(path, format!("{head}\n## Bars\n\n{judged}{}", self.page)) {
                eprintln!("`{}`: {error}", path.display());
            }
        }
        let mut line = "RESULT".to_owned();
        let bars = self.bars.iter().map(|bar| (bar.name.clone(), bar.value));
        for (name, value) in bars.chain(self.figures.iter().cloned()) {
            let _ = write!(line, " {name}={value:.4}");
        }
        let missed = self.bars.iter().filter(|bar| !bar.wanted.is_met(bar.value)).count();
        println!("{line} bars={} bars_missed={missed}", self.bars.len());
        if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
