//! What the demo prints: a row for each request, the summary, and the command that checks its ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::client::Answer;
use super::script::Scene;
use super::values::Values;
use crate::output::{Paint, print, print_line};

/// What came of one request.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    time: String,
    who: String,
    route: String,
    sent: String,
    decision: String,
    status: u16,
    done: Vec<Done>,
    restored: u64,
    withheld: u64,
    request_id: String,
    as_expected: bool,
}

/// What was found in one direction, and what became of it.
#[derive(Clone, Debug, Serialize)]
struct Done {
    direction: String,
    label: String,
    count: u64,
    #[serde(rename = "done")]
    outcome: String,
}

/// The whole morning.
pub struct Report {
    rows: Vec<Row>,
    planted: usize,
    leaked: usize,
}

impl Row {
    /// From what the gate answered and recorded.
    pub fn new(scene: &Scene, answer: &Answer, events: &[Value], (restored, withheld): (u64, u64)) -> Self {
        let decision = decision(answer, events);
        let done = events.iter().flat_map(done).collect();
        Self {
            time: scene.at.clone(),
            who: scene.who.clone(),
            route: scene.to().to_owned(),
            sent: scene.sent.clone(),
            as_expected: decision == scene.decision.as_str() && answer.status == scene.status,
            decision,
            status: answer.status,
            done,
            restored,
            withheld,
            request_id: answer.request_id.clone(),
        }
    }

    /// Prints the row for people.
    ///
    /// # Errors
    /// When nobody reads.
    pub fn print(&self) -> Result<()> {
        let paint = Paint::stdout();
        let decision = format!("{:<9}", self.decision);
        let decision = match self.decision.as_str() {
            "permit" => paint.green(&decision),
            "remedied" => paint.yellow(&decision),
            _ => paint.red(&decision),
        };
        let surprise = if self.as_expected { "" } else { "  NOT AS THE SCRIPT SAYS" };
        let found = self.found();
        print(&format!(
            "{}  {:<8} {:<14} {:<47} {decision} {}  {found}{surprise}\n",
            self.time, self.who, self.route, self.sent, self.status
        ))
    }

    fn found(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for one in &self.done {
            let answer = if one.direction == "response" { "in the answer: " } else { "" };
            let count = if one.count > 1 { format!(" ×{}", one.count) } else { String::new() };
            parts.push(format!("{answer}{}{count} → {}", one.label, one.outcome));
        }
        if self.restored > 0 {
            parts.push("the caller's own value put back".to_owned());
        }
        if self.withheld > 0 {
            parts.push("not put back inside a link".to_owned());
        }
        if parts.is_empty() {
            parts.push(reason(self.status, &self.decision).to_owned());
        }
        parts.join("; ")
    }
}

/// Why there is nothing to tell of findings.
fn reason(status: u16, decision: &str) -> &'static str {
    match (status, decision) {
        (401, _) => "no key, or one that nobody issued",
        (404, _) => "nothing passes uninspected",
        (400, _) => "cannot be read without doubt",
        (403, _) => "not allowed for this key",
        (_, "permit") => "nothing found",
        _ => "",
    }
}

/// The strictest decision of both directions; of callers that nobody knows, what the answer says.
fn decision(answer: &Answer, events: &[Value]) -> String {
    let words: Vec<&str> = events.iter().filter_map(|event| event.get("decision")?.as_str()).collect();
    let strictest = ["failed", "blocked", "remedied", "permit"].into_iter().find(|word| words.contains(word));
    strictest.map_or_else(|| answer.decision.clone(), str::to_owned)
}

fn done(event: &Value) -> Vec<Done> {
    let word = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let direction = word(event, "direction");
    let blocked = matches!(word(event, "decision").as_str(), "blocked" | "failed");
    let remedies: BTreeMap<String, String> = event
        .get("remedies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|one| (word(one, "label"), word(one, "remedy")))
        .collect();
    let labels = event.pointer("/facts/context/labels").and_then(Value::as_object);
    let made = labels.into_iter().flatten().map(|(label, stat)| {
        let done = match remedies.get(label).map(String::as_str) {
            Some("tokenise") => "pseudonym",
            Some("redact") => "removed",
            Some("mask") => "masked",
            _ if blocked && label.starts_with("uninspected.") => "refused: it cannot be inspected",
            _ if blocked => "refused",
            _ => "recorded",
        };
        let count = stat.get("count").and_then(Value::as_u64).unwrap_or(1);
        Done { direction: direction.clone(), label: label.clone(), count, outcome: done.to_owned() }
    });
    made.collect()
}

/// Prints what is played and what the words mean.
///
/// # Errors
/// When nobody reads.
pub fn print_heading() -> Result<()> {
    let paint = Paint::stdout();
    let head =
        format!("{:<5}  {:<8} {:<14} {:<47} {:<9} {:<3}  {}", "time", "who", "route", "what was sent", "decision", "", "found → done");
    print(&format!("{PREFACE}\n{}\n", paint.bold(&head)))
}

const PREFACE: &str = "\
Programs and people of a made-up company send requests to a model. Each goes through a real gate, which decides:
  permit    sent as it came                      blocked   refused, with the status in the next column
  remedied  what was found was changed first     failed    refused, because a check could not be made
What is done to a finding: a pseudonym takes its place, and callers get their own value back in the answer;
or it is removed for good; or it is only recorded. `chat` is OpenAI's format, `messages` Anthropic's.
";

/// Says that the ledger is checked now; of a folder that stays, with the command as somebody would type it.
///
/// # Errors
/// When nobody reads.
pub fn print_check(kept: Option<(&PathBuf, &PathBuf)>) -> Result<()> {
    let command = |(data, checkpoint): (&PathBuf, &PathBuf)| {
        format!("$ bartizan audit verify --data {} --checkpoint {}", data.display(), checkpoint.display())
    };
    let line = kept.map_or_else(|| "the ledger, checked before it was removed:".to_owned(), command);
    print(&format!("\n{}\n", Paint::stdout().bold(&line)))
}

impl Report {
    /// A morning on which nothing happened yet.
    pub fn new() -> Self {
        Self { rows: Vec::new(), planted: 0, leaked: 0 }
    }

    /// Adds a request.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Looks for every value that was planted in what the model received.
    pub fn planted(&mut self, values: &Values, seen: &[String]) {
        for value in values.planted() {
            self.planted += 1;
            self.leaked += usize::from(seen.iter().any(|body| body.contains(value)));
        }
    }

    /// Whether everything came as the script says, and no value reached the model.
    pub fn is_as_expected(&self) -> bool {
        self.leaked == 0 && self.rows.iter().all(|row| row.as_expected)
    }

    fn decided(&self, word: &str) -> usize {
        self.rows.iter().filter(|row| row.decision == word).count()
    }

    /// How often something was done to findings of prompts and answers.
    fn totals(&self) -> BTreeMap<&str, u64> {
        let mut totals = BTreeMap::new();
        for one in self.rows.iter().flat_map(|row| &row.done) {
            *totals.entry(one.outcome.split(':').next().unwrap_or_default()).or_default() += one.count;
        }
        totals
    }

    /// Prints five lines for people.
    ///
    /// # Errors
    /// When nobody reads.
    pub fn print_summary(&self, data: &Path, temporary: bool) -> Result<()> {
        let paint = Paint::stdout();
        let [permit, remedied, blocked, failed] = ["permit", "remedied", "blocked", "failed"].map(|word| self.decided(word));
        let in_words = |(done, count)| match done {
            "pseudonym" => format!("{count} replaced by a pseudonym"),
            other => format!("{count} {other}"),
        };
        let done: Vec<String> = self.totals().into_iter().map(in_words).collect();
        let leaked = format!("{} of {} planted values reached the model", self.leaked, self.planted);
        let leaked = if self.leaked == 0 { paint.green(&leaked) } else { paint.red(&leaked) };
        let restored = self.rows.iter().filter(|row| row.restored > 0).count();
        let withheld = self.rows.iter().filter(|row| row.withheld > 0).count();
        let surprises = self.rows.iter().filter(|row| !row.as_expected).count();
        let kept = if temporary { "removed now; keep it with `--data DIR`" } else { "kept" };
        print(&format!(
            "\n{} requests: {permit} passed as they were, {remedied} edited, {blocked} refused, {failed} failed; {surprises} came otherwise than the script says
findings: {}
{leaked}
{restored} answers came back with the caller's own values in them; {withheld} times a value was not put back, because it stood in a link
every decision is in the ledger in {}/ledger, {kept}\n",
            self.rows.len(),
            done.join(", "),
            data.display(),
        ))
    }

    /// Prints the summary as one JSON document.
    ///
    /// # Errors
    /// When nobody reads.
    pub fn print_summary_line(&self) -> Result<()> {
        let decisions: BTreeMap<&str, usize> = ["permit", "remedied", "blocked", "failed"].map(|word| (word, self.decided(word))).into();
        print_line(&json!({"summary": {
            "requests": self.rows.len(), "decisions": decisions, "done": self.totals(), "planted": self.planted, "leaked": self.leaked,
            "as_expected": self.is_as_expected(),
        }}))
    }
}
