//! The `--jsonl` form of `detect` and `redact`: one object a line in, one line out each, in order, flushed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bartizan_vocabulary::Finding;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::detect::{Found, Scanner};
use crate::explained::{Places, Told};
use crate::output::{FAILED, FOUND, GOOD, print, print_line};
use crate::redaction::Redaction;

/// A line may be this long, in bytes.
const MAX_LINE: usize = 64 << 20;

/// What is done with each line.
#[derive(Clone, Copy)]
pub enum Task<'a> {
    /// Report.
    Detect,
    /// Replace.
    Redact(&'a Redaction),
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    text: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    findings: Vec<Found>,
    /// What passages are about, beside the findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<Vec<Found>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<Vec<Found>>,
    /// What is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<Vec<Found>>,
    /// What lost to something stronger.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Vec<Match>>,
    /// What was ruled out.
    #[serde(skip_serializing_if = "Option::is_none")]
    ruled_out: Option<Vec<Match>>,
}

/// A match that was not reported, with what became of it.
#[derive(Serialize)]
struct Match {
    #[serde(flatten)]
    found: Found,
    #[serde(flatten)]
    told: serde_json::Value,
}

/// Why a line is bad.
struct Bad {
    code: &'static str,
    message: String,
}

/// One line as it was read.
enum Taken {
    End,
    Whole,
    TooLong,
}

/// Works through every line of every input.
///
/// # Errors
/// When an input cannot be read or nobody takes the output. A bad line is no error: it is answered, and the rest go on.
pub fn run(inputs: &[PathBuf], scanner: &Scanner, task: Task<'_>) -> Result<u8> {
    let mut code = GOOD;
    for path in inputs {
        let mut reader = match open(path) {
            Ok(reader) => reader,
            Err(error) => {
                eprintln!("bartizan: {error:#}");
                code = FAILED;
                continue;
            }
        };
        let mut bytes = Vec::new();
        for number in 1_u64.. {
            let read = read_line(&mut reader, &mut bytes).with_context(|| format!("`{}` cannot be read", path.display()))?;
            let answered = match read {
                Taken::End => break,
                Taken::TooLong => Err(Bad { code: "too_long", message: "the line is longer than 64 MiB".to_owned() }),
                Taken::Whole if bytes.trim_ascii().is_empty() && reader.fill_buf().is_ok_and(<[u8]>::is_empty) => break,
                Taken::Whole => answer(without_mark(&bytes, number), scanner, task),
            };
            match answered {
                Ok((found, line)) => {
                    print(&line)?;
                    if found && code == GOOD && matches!(task, Task::Detect) {
                        code = FOUND;
                    }
                }
                Err(Bad { code: word, message }) => {
                    code = FAILED;
                    print_line(&json!({ "id": null, "line": number, "error": { "code": word, "message": message } }))?;
                }
            }
        }
    }
    Ok(code)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

/// The first line without a byte order mark.
fn without_mark(line: &[u8], number: u64) -> &[u8] {
    line.strip_prefix(b"\xEF\xBB\xBF").filter(|_| number == 1).unwrap_or(line)
}

/// Reads one line without its end; of a line that is too long the rest is passed over.
fn read_line(reader: &mut dyn BufRead, bytes: &mut Vec<u8>) -> std::io::Result<Taken> {
    bytes.clear();
    if reader.take(MAX_LINE as u64 + 1).read_until(b'\n', bytes)? == 0 {
        return Ok(Taken::End);
    }
    if bytes.last() == Some(&b'\n') || bytes.len() <= MAX_LINE {
        return Ok(Taken::Whole);
    }
    bytes.clear();
    reader.skip_until(b'\n')?;
    Ok(Taken::TooLong)
}

/// Answers one line: whether something was found, and what to print.
fn answer(bytes: &[u8], scanner: &Scanner, task: Task<'_>) -> Result<(bool, String), Bad> {
    let bad = |code, message: String| Bad { code, message };
    let text = std::str::from_utf8(bytes).map_err(|_| bad("not_utf8", "the line is not UTF-8".to_owned()))?;
    if text.trim().is_empty() {
        return Err(bad("empty", "the line is empty; expected an object with `id` and `text`".to_owned()));
    }
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| describe(&error))?;
    let scanned = scanner.scan(&line.text);
    let mut findings = scanner.printed(&line.text, &scanned.findings);
    let subjects = scanner.subjects(&[&line.text]).map(|found| {
        let mut printed = scanner.printed(&line.text, &found);
        found.iter().zip(&mut printed).for_each(|(finding, printed)| printed.why = scanner.told_subject(finding));
        printed
    });
    let found = !findings.is_empty() || subjects.as_ref().is_some_and(|found| !found.is_empty());
    let explanation = scanned.explanation.as_ref().map(|explanation| (explanation, scanner.places(&line.text, explanation)));
    if let Some((explanation, places)) = &explanation {
        for (finding, printed) in scanned.findings.iter().zip(&mut findings) {
            printed.why = explanation.told(finding, places);
        }
    }
    let matches = |told: Vec<(&Finding, serde_json::Value)>, places: &Places| -> Vec<Match> {
        told.into_iter().map(|(finding, told)| Match { found: places.found(finding), told }).collect()
    };
    let [below, allowed] = explanation.as_ref().map_or([None, None], |(explanation, places)| {
        let found = |(finding, told): (&Finding, Told)| Found { why: Some(told), ..places.found(finding) };
        explanation.told_below(places).map(|list| Some(list.into_iter().map(found).collect()))
    });
    let answer = Answer {
        id: line.id,
        text: match task {
            Task::Redact(redaction) => Some(redaction.apply(&line.text, &scanned.findings, scanner)),
            Task::Detect => None,
        },
        findings,
        subjects,
        below,
        allowed,
        lost: explanation.as_ref().map(|(explanation, places)| matches(explanation.told_lost(places), places)),
        ruled_out: explanation.as_ref().map(|(explanation, places)| matches(explanation.told_ruled(), places)),
    };
    let line = serde_json::to_string(&answer).map_err(|error| bad("output", error.to_string()))?;
    Ok((found, line + "\n"))
}

/// What is wrong with a line, without anything that stands in it.
fn describe(error: &serde_json::Error) -> Bad {
    match error.classify() {
        serde_json::error::Category::Data => {
            Bad { code: "bad_shape", message: "expected an object with `id` and a string `text`, each once".to_owned() }
        }
        _ => Bad { code: "not_json", message: format!("the line is not JSON (column {})", error.column()) },
    }
}
