//! Detection as a service: the gate's detectors over texts that a caller sends. `native` speaks our own form, `presidio` that of Microsoft
//! Presidio, so that its users change a URL.
//!
//! Nothing of a text is logged or kept, and no finding holds its value.

pub(crate) mod native;
pub(crate) mod presidio;

use std::time::Instant;

use bartizan_detect::{Choice, CodePoints, Detector, Hint, RANDOM, TokenHit};
use bartizan_vocabulary::Finding;
use http::StatusCode;
use serde::Serialize;

use crate::control::{Control, ControlError};
use crate::input::Input;
use crate::problem::Problem;

/// Texts in one request.
const TEXTS: usize = 1_000;

/// Findings in one answer.
const FINDINGS: usize = 100_000;

/// Bytes of what a request makes many times of a little: a value that stands in the place of each finding, the pattern of each. They are
/// held twice, and written.
const ANSWER: usize = 32 << 20;

/// Scans the texts of one request, in bounds.
struct Scanner {
    detector: Detector,
    choice: Choice,
    deadline: Instant,
    /// Findings that the answer still has room for.
    room: usize,
}

impl Scanner {
    fn new(control: &dyn Control, input: &Input, names: bool, choice: Choice) -> Result<Self, Problem> {
        Ok(Self { detector: control.detector(names)?, choice, deadline: input.deadline, room: FINDINGS })
    }

    /// What counts, sorted and not overlapping, in bytes.
    fn scan(&mut self, text: &str) -> Result<Vec<Finding>, Problem> {
        self.scan_raised(text, &[])
    }

    /// The same; these words count as if they stood before everything that is found.
    fn scan_raised(&mut self, text: &str, words: &[String]) -> Result<Vec<Finding>, Problem> {
        self.in_time()?;
        let (findings, _) = self.choice.of(self.detector.scan_raised(text, Hint::default(), words));
        self.room = self.room.checked_sub(findings.len()).ok_or_else(too_many)?;
        Ok(findings)
    }

    fn in_time(&self) -> Result<(), Problem> {
        if Instant::now() > self.deadline { Err(too_slow()) } else { Ok(()) }
    }

    /// Strings of the form of a token.
    fn tokens(&self, text: &str) -> Vec<TokenHit> {
        self.detector.scan(text, Hint { tokens: true, ..Hint::default() }).tokens
    }
}

fn too_slow() -> Problem {
    let detail = "these texts take too long; send fewer or shorter ones at a time";
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "slow", detail)
}

fn too_many() -> Problem {
    let detail = format!("more than {FINDINGS} findings; send shorter texts, or narrow what is looked for");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_findings", detail)
}

/// Pays for bytes of the answer.
fn pay(room: &mut usize, bytes: usize) -> Result<(), Problem> {
    let detail = || format!("the answer would have more than {} MiB; send fewer results or texts at a time", ANSWER >> 20);
    *room = room.checked_sub(bytes).ok_or_else(|| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail()))?;
    Ok(())
}

/// Refuses more texts than one request may have.
fn check_count(count: usize) -> Result<(), Problem> {
    if count <= TEXTS {
        return Ok(());
    }
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_texts", format!("{count} texts; send at most {TEXTS} at a time")))
}

/// A threshold as it is written in JSON.
fn threshold(field: &str, score: Option<f64>) -> Result<Option<u16>, Problem> {
    let read = |score| bartizan_detect::basis_points(score).ok_or_else(|| Problem::bad(format!("`{field}` must be a number from 0 to 1")));
    score.map(read).transpose()
}

/// A score as it is written in JSON.
fn written(basis_points: u16) -> f64 {
    f64::from(basis_points) / 10_000.0
}

/// Random bytes of the system.
fn random() -> Option<[u8; RANDOM]> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes).is_ok().then_some(bytes)
}

/// A key of this data folder for one purpose.
fn key(control: &dyn Control) -> Result<[u8; 32], ControlError> {
    control.detection_key().map(bartizan_vocabulary::Hidden::into_inner)
}

/// A finding as it is answered, in the form of `bartizan detect --jsonl`. Never holds the value.
#[derive(Clone, Debug, Serialize)]
struct Found {
    label: String,
    start: usize,
    end: usize,
    score: f64,
    rule: String,
}

/// Findings as they are answered.
fn found(text: &str, findings: &[Finding], in_bytes: bool) -> Vec<Found> {
    let mut points = CodePoints::new(text);
    let mut offset = |at: usize| if in_bytes { at } else { points.at(at) };
    let one = |finding: &Finding| Found {
        label: finding.label.as_str().to_owned(),
        start: offset(finding.start),
        end: offset(finding.end),
        score: written(finding.score_bp),
        rule: finding.rule.as_str().to_owned(),
    };
    findings.iter().map(one).collect()
}
