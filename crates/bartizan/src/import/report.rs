//! What became of each key of a file that was imported.

use serde::Serialize;

use crate::output::Paint;

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It means the same here.
    Carried,
    /// It is there in another form, or no longer needed.
    Changed,
    /// It is not there.
    NotCarried,
}

/// One key and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Where it stands, such as `model_list[0].litellm_params.model`.
    pub key: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What that means.
    pub says: String,
    /// What to do about it.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub to_do: Option<String>,
}

/// Where a key stands.
#[derive(Clone, Debug)]
pub struct At {
    /// Its line, from 1.
    pub line: usize,
    /// Its path.
    pub key: String,
}

impl At {
    /// A place.
    pub fn new(line: usize, key: impl Into<String>) -> Self {
        Self { line, key: key.into() }
    }

    /// A key below it.
    pub fn below(&self, line: usize, key: &str) -> Self {
        Self::new(line, format!("{}.{key}", self.key))
    }
}

/// The report, as it grows.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Told>,
}

/// How many keys met which fate.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Summary {
    /// Keys that mean the same here.
    pub carried: usize,
    /// Keys that are there in another form.
    pub changed: usize,
    /// Keys that are not there.
    pub not_carried: usize,
}

impl Report {
    /// It means the same here.
    pub fn carried(&mut self, at: &At, says: impl AsRef<str>) {
        self.add(at, Outcome::Carried, says.as_ref(), "");
    }

    /// It is there in another form; `to_do` may be empty.
    pub fn changed(&mut self, at: &At, says: impl AsRef<str>, to_do: &str) {
        self.add(at, Outcome::Changed, says.as_ref(), to_do);
    }

    /// It is not there; `to_do` may be empty.
    pub fn not_carried(&mut self, at: &At, says: impl AsRef<str>, to_do: &str) {
        self.add(at, Outcome::NotCarried, says.as_ref(), to_do);
    }

    /// What became of a key.
    pub fn add(&mut self, at: &At, outcome: Outcome, says: &str, to_do: &str) {
        let key = plain(&at.key);
        self.lines.push(Told { line: at.line, key, outcome, says: plain(says), to_do: (!to_do.is_empty()).then(|| plain(to_do)) });
    }

    /// All lines, in the order of the file.
    pub fn lines(mut self) -> Vec<Told> {
        self.lines.sort_by_key(|line| line.line);
        self.lines
    }
}

/// Counts outcomes.
pub fn summary(lines: &[Told]) -> Summary {
    let count = |outcome| lines.iter().filter(|line| line.outcome == outcome).count();
    Summary { carried: count(Outcome::Carried), changed: count(Outcome::Changed), not_carried: count(Outcome::NotCarried) }
}

/// Text of a file that cannot steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { '\u{fffd}' } else { each }).collect()
}

/// The report for people.
pub fn for_people(lines: &[Told], variables: &[String], paint: Paint) -> String {
    let mut out = String::new();
    for line in lines {
        let outcome = match line.outcome {
            Outcome::Carried => paint.green("carried    "),
            Outcome::Changed => paint.yellow("changed    "),
            Outcome::NotCarried => paint.red("not carried"),
        };
        out.push_str(&format!("line {:<4} {outcome}  {}: {}\n", line.line, line.key, line.says));
        if let Some(to_do) = &line.to_do {
            out.push_str(&format!("                        do: {to_do}\n"));
        }
    }
    let Summary { carried, changed, not_carried } = summary(lines);
    out.push_str(&format!("{carried} carried, {changed} changed, {not_carried} not carried\n"));
    if !variables.is_empty() {
        out.push_str(&format!("set before `bartizan up`: {}\n", variables.join(", ")));
    }
    out
}
