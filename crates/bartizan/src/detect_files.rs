//! `detect` and `redact` over files and folders: documents are opened, findings are told by where they stand.

use std::collections::HashSet;

use anyhow::{Result, bail};
use bartizan_vocabulary::Finding;
use serde::Serialize;
use serde_json::json;

use crate::detect::{Found, ScanArgs, Scanned, Scanner};
use crate::documents::{self, Document, Redactable, Text, below, name};
use crate::explained::Explanation;
use crate::output::{FAILED, FOUND, Format, GOOD, Paint, print, print_json, print_line, say};
use crate::progress::Progress;
use crate::redaction::Redaction;

/// A finding in a file, as it is printed.
#[derive(Serialize)]
struct FoundIn<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    line: usize,
    column: usize,
    #[serde(flatten)]
    found: &'a Found,
}

/// What comes out over all files.
struct Report<'a> {
    scanner: &'a Scanner,
    format: Format,
    /// Findings of `--format json`, which come at the end.
    all: Vec<serde_json::Value>,
    /// What passages are about, likewise.
    subjects: Option<Vec<serde_json::Value>>,
    /// What was not reported, likewise, by what became of it.
    not_reported: Option<[(&'static str, Vec<serde_json::Value>); 4]>,
    found: bool,
    unread: bool,
    texts: usize,
}

/// Reports what is in files.
///
/// # Errors
/// When nobody takes the output. A file that cannot be read is told, and the others are done all the same.
pub fn detect(args: &ScanArgs, scanner: &Scanner) -> Result<u8> {
    let subjects = scanner.says_subjects().then(Vec::new);
    let not_reported = scanner.explains().then(|| ["below", "allowed", "lost", "ruled_out"].map(|name| (name, Vec::new())));
    let mut report =
        Report { scanner, format: args.format, all: Vec::new(), subjects, not_reported, found: false, unread: false, texts: 0 };
    let paths = below(&args.files);
    let mut progress = Progress::new(&paths);
    for path in &paths {
        match documents::read(path) {
            Ok(document) => report.document(&name(path), &document, &progress)?,
            Err(error) => {
                progress.clear();
                say(&format!("bartizan: {error:#}"));
                report.unread = true;
            }
        }
        progress.file(path);
    }
    progress.clear();
    report.end()
}

impl Report<'_> {
    fn document(&mut self, file: &str, document: &Document, progress: &Progress) -> Result<()> {
        self.texts += 1;
        // What a file says in two forms is told once.
        let mut known: HashSet<(String, String)> = HashSet::new();
        for text in &document.texts {
            let mut scanned = self.scanner.scan(&text.content);
            let key = |finding: &Finding| {
                (finding.label.as_str().to_owned(), text.content.get(finding.start..finding.end).unwrap_or_default().to_owned())
            };
            if text.again {
                scanned.findings.retain(|finding| !known.contains(&key(finding)));
                scanned.explanation = None;
            }
            known.extend(scanned.findings.iter().map(key));
            self.text(file, text, &scanned)?;
        }
        self.subjects_of(file, document)?;
        for (place, reason) in &document.unread {
            progress.clear();
            say(&format!("bartizan: `{file}`: {place} was not read: {reason}"));
            self.unread = true;
        }
        Ok(())
    }

    /// What passages of a document are about: its texts one behind the other, each passage told where it begins.
    fn subjects_of(&mut self, file: &str, document: &Document) -> Result<()> {
        let texts: Vec<&Text> = document.texts.iter().filter(|text| !text.again).collect();
        let parts: Vec<&str> = texts.iter().map(|text| text.content.as_str()).collect();
        let Some(found) = self.scanner.subjects(&parts) else { return Ok(()) };
        let mut offset = 0;
        for text in texts {
            let (start, end) = (offset, offset + text.content.len());
            offset = end;
            let here = |finding: &&Finding| (start..end).contains(&finding.start);
            let within = |finding: &Finding| Finding { start: finding.start - start, end: finding.end.min(end) - start, ..finding.clone() };
            let here: Vec<Finding> = found.iter().filter(here).map(within).collect();
            self.found |= !here.is_empty();
            let mut place = Lines { text: &text.content, at: 0, line: 1, column: 1 };
            let mut printed = self.scanner.printed(&text.content, &here);
            for (finding, found) in here.iter().zip(&mut printed) {
                let (line, column) = place.of(finding.start);
                found.why = self.scanner.told_subject(finding);
                let found = FoundIn { file, place: text.place.as_deref(), line, column, found };
                match (self.format, &mut self.subjects) {
                    (Format::Json, Some(subjects)) => subjects.push(serde_json::to_value(&found)?),
                    (Format::Jsonl, _) => print_line(&found)?,
                    _ => print(&(for_people(&found) + &self.scanner.explained_subject(finding)))?,
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, file: &str, text: &Text, scanned: &Scanned) -> Result<()> {
        self.found |= !scanned.findings.is_empty();
        let mut printed = self.scanner.printed(&text.content, &scanned.findings);
        let explanation = scanned.explanation.as_ref();
        if let Some(explanation) = explanation.filter(|_| self.format != Format::Text) {
            let places = self.scanner.places(&text.content, explanation);
            scanned.findings.iter().zip(&mut printed).for_each(|(finding, found)| found.why = explanation.told(finding, &places));
        }
        let mut place = Lines { text: &text.content, at: 0, line: 1, column: 1 };
        for (finding, found) in scanned.findings.iter().zip(&printed) {
            let (line, column) = place.of(finding.start);
            let found = FoundIn { file, place: text.place.as_deref(), line, column, found };
            match self.format {
                Format::Json => self.all.push(serde_json::to_value(&found)?),
                Format::Jsonl => print_line(&found)?,
                Format::Text => print(&for_people(&found))?,
            }
            if let Some(explanation) = explanation.filter(|_| self.format == Format::Text) {
                print(&(self.scanner.explained(finding, &text.content) + &explanation.reported(finding)))?;
            }
        }
        match explanation {
            Some(explanation) if self.format == Format::Text => print(&explained_rest(file, text, explanation)),
            Some(explanation) => self.keep_rest(file, text, explanation),
            None => Ok(()),
        }
    }

    /// Keeps what was not reported for the document that comes at the end.
    fn keep_rest(&mut self, file: &str, text: &Text, explanation: &Explanation) -> Result<()> {
        let places = self.scanner.places(&text.content, explanation);
        let object = |list: Vec<_>| list.into_iter().map(|(finding, why)| (finding, json!({ "why": why }))).collect::<Vec<_>>();
        let [below, allowed] = explanation.told_below(&places).map(object);
        let told = [below, allowed, explanation.told_lost(&places), explanation.told_ruled()];
        for ((_, kept), told) in self.not_reported.iter_mut().flatten().zip(told) {
            let mut lines = Lines { text: &text.content, at: 0, line: 1, column: 1 };
            for (finding, told) in told {
                let (line, column) = lines.of(finding.start);
                let found = FoundIn { file, place: text.place.as_deref(), line, column, found: &places.found(finding) };
                let mut value = serde_json::to_value(&found)?;
                if let (Some(value), serde_json::Value::Object(told)) = (value.as_object_mut(), told) {
                    value.extend(told);
                }
                kept.push(value);
            }
        }
        Ok(())
    }

    /// What could not be read is more than what was found.
    fn end(self) -> Result<u8> {
        let code = if self.unread {
            FAILED
        } else if self.found {
            FOUND
        } else {
            GOOD
        };
        match self.format {
            Format::Json => {
                let mut all = serde_json::Map::from_iter([("findings".to_owned(), self.all.into())]);
                all.extend(self.subjects.map(|subjects| ("subjects".to_owned(), subjects.into())));
                all.extend(self.not_reported.into_iter().flatten().map(|(name, kept)| (name.to_owned(), kept.into())));
                print_json(Format::Json, &all)?;
            }
            Format::Text if code == GOOD => {
                say(&format!("nothing found in {} {}", self.texts, if self.texts == 1 { "text" } else { "texts" }));
            }
            Format::Text | Format::Jsonl => {}
        }
        Ok(code)
    }
}

/// Prints files redacted.
///
/// # Errors
/// As [`detect`].
pub fn redact(args: &ScanArgs, scanner: &Scanner, redaction: &Redaction) -> Result<u8> {
    let mut code = GOOD;
    for path in below(&args.files) {
        let made = documents::redactable(&path).and_then(|file| redact_one(file, scanner, redaction, &name(&path)));
        match made {
            Err(error) => {
                say(&format!("bartizan: {error:#}"));
                code = FAILED;
            }
            Ok((clean, _, _)) if args.format == Format::Text => print(&clean)?,
            Ok((clean, text, findings)) => {
                let findings = scanner.printed(&text, &findings);
                print_json(args.format, &json!({ "file": path.display().to_string(), "text": clean, "findings": findings }))?;
            }
        }
    }
    Ok(code)
}

/// The redacted text, the text it was made from, and what was found in that.
fn redact_one(file: Redactable, scanner: &Scanner, redaction: &Redaction, name: &str) -> Result<(String, String, Vec<Finding>)> {
    let (Redactable::Text(text) | Redactable::Rendered(text)) = file;
    let scanned = scanner.scan(&text);
    // Judged is the text without its values: what stands in their place may look like one.
    let bare = Scanner::bare(&text, &scanned.findings);
    // Tags, entities and encoded bodies may show a value that the text as it stands does not hold in one piece.
    let again = documents::of(bare.into_bytes(), &bartizan_extract::Hint { media_type: None, file_name: Some(name) })?;
    for text in &again.texts {
        if let Some(left) = scanner.scan(&text.content).findings.first() {
            let place = text.place.as_deref().unwrap_or("text");
            bail!("`{name}` cannot be redacted: {} shows in {place} and stands nowhere in one piece", left.label);
        }
    }
    let clean = redaction.apply(&text, &scanned.findings, scanner);
    Ok((clean, text, scanned.findings))
}

/// What was not reported, for people.
fn explained_rest(file: &str, text: &Text, explanation: &Explanation) -> String {
    let mut lines = Lines { text: &text.content, at: 0, line: 1, column: 1 };
    let mut out = String::new();
    for (start, told) in explanation.not_reported() {
        let (line, column) = lines.of(start);
        let place = place_of(file, text.place.as_deref(), line, column);
        out.push_str(&format!("{place} {told}\n"));
    }
    out.extend(explanation.more().map(|more| format!("{more}\n")));
    out
}

fn place_of(file: &str, place: Option<&str>, line: usize, column: usize) -> String {
    place.map_or_else(|| format!("{file}:{line}:{column}"), |place| format!("{file} ({place}):{line}:{column}"))
}

fn for_people(found: &FoundIn<'_>) -> String {
    let paint = Paint::stdout();
    let label = format!("{:<24}", found.found.label);
    let label = if found.found.label.starts_with("secret.") { paint.red(&label) } else { paint.yellow(&label) };
    let place = place_of(found.file, found.place, found.line, found.column);
    format!("{place:<28} {label} score {:.2}  {}\n", found.found.score, paint.dim(&format!("rule {}", found.found.rule)))
}
/// Counts lines and columns (in code points, from 1) up to byte offsets that do not go back.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    column: usize,
}

impl Lines<'_> {
    fn of(&mut self, offset: usize) -> (usize, usize) {
        for char in self.text.get(self.at..offset).unwrap_or_default().chars() {
            (self.line, self.column) = if char == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.at = offset;
        (self.line, self.column)
    }
}
