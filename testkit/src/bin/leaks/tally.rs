//! What was tried and what came of it, and the page that says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::fields::Lists;

/// Which cells a row of the table counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Method and path.
    pub route: String,
    /// What was tried: whose value, where, whole or streamed.
    pub what: &'static str,
}

/// What came of the cells of a row.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// Fields, and how many cells each has.
    pub fields: BTreeMap<String, usize>,
    /// Cells in which a value, or a part of one, could be read where it must not be.
    pub leaks: usize,
    /// Cells in which something else was wrong: not given back, refused without need.
    pub misses: usize,
}

/// The sum of a run, or of a worker's part of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By row.
    pub rows: BTreeMap<Row, Count>,
    /// Cells that do not apply, by route and reason.
    pub not_applicable: BTreeMap<(String, String), usize>,
    /// What was wrong, in words.
    pub failures: Vec<String>,
}

/// What came of one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Good,
    /// Something could be read.
    Leak(String),
    /// Something else is not as it should be.
    Miss(String),
}

impl Tally {
    /// Counts a cell.
    pub fn count(&mut self, row: &Row, field: &str, cell: &str, outcome: &Outcome) {
        let count = self.rows.entry(row.clone()).or_default();
        *count.fields.entry(field.to_owned()).or_default() += 1;
        let (word, why) = match outcome {
            Outcome::Good => return,
            Outcome::Leak(why) => {
                count.leaks += 1;
                ("LEAK", why)
            }
            Outcome::Miss(why) => {
                count.misses += 1;
                ("MISS", why)
            }
        };
        let line = format!("{word} {} | {} | {field} | {why} | {cell}", row.route, row.what);
        self.failures.push(line.replace('\n', "\\n"));
    }

    /// Counts a cell that does not apply.
    pub fn leave_out(&mut self, route: &str, reason: &str) {
        *self.not_applicable.entry((route.to_owned(), reason.to_owned())).or_default() += 1;
    }

    /// Adds another worker's part.
    pub fn add(&mut self, other: Self) {
        for (row, count) in other.rows {
            let own = self.rows.entry(row).or_default();
            own.leaks += count.leaks;
            own.misses += count.misses;
            for (field, cells) in count.fields {
                *own.fields.entry(field).or_default() += cells;
            }
        }
        for (key, cells) in other.not_applicable {
            *self.not_applicable.entry(key).or_default() += cells;
        }
        self.failures.extend(other.failures);
    }

    /// Cells, leaks and misses of all rows.
    pub fn sums(&self) -> (usize, usize, usize) {
        let cells = self.rows.values().flat_map(|count| count.fields.values()).sum();
        (cells, self.rows.values().map(|count| count.leaks).sum(), self.rows.values().map(|count| count.misses).sum())
    }

    /// The rows as a Markdown table.
    pub fn table(&self) -> String {
        let mut out = String::from("| route | what was tried | fields | cells | leaks | misses |\n|---|---|---:|---:|---:|---:|\n");
        for (row, count) in &self.rows {
            let cells: usize = count.fields.values().sum();
            let fields = count.fields.len();
            // Writing to a string cannot fail.
            let _ = writeln!(out, "| `{}` | {} | {fields} | {cells} | {} | {} |", row.route, row.what, count.leaks, count.misses);
        }
        out
    }

    /// The page `docs/leak-matrix.md`.
    pub fn page(&self, lists: &Lists) -> String {
        let (cells, leaks, misses) = self.sums();
        let mut out = String::from(INTRODUCTION);
        let _ = writeln!(out, "\n## Result\n\n{cells} cells, {leaks} leaks, {misses} misses.\n\n{}", self.table());
        out.push_str("## What does not apply\n\n| route | cells | reason |\n|---|---:|---|\n");
        for ((route, reason), cells) in &self.not_applicable {
            let words = lists.reasons.get(reason).map_or("", String::as_str);
            let _ = writeln!(out, "| `{route}` | {cells} | `{reason}`: {words} |");
        }
        let waiting: Vec<&str> = lists.routes.iter().filter(|route| !route.enabled).map(|route| route.name.as_str()).collect();
        if !waiting.is_empty() {
            let _ = writeln!(out, "\nListed and not tried, because the gate does not speak them yet: {}.", waiting.join(", "));
        }
        out.push_str("\n## Fields\n");
        let mut route = "";
        for (row, count) in &self.rows {
            if row.route != route {
                let _ = writeln!(out, "\n### {}\n", row.route);
                route = &row.route;
            }
            let fields: Vec<String> = count.fields.keys().map(|field| format!("`{field}`")).collect();
            let _ = writeln!(out, "- {}: {}", row.what, fields.join(", "));
        }
        out
    }
}

const INTRODUCTION: &str = "# The leak matrix

Written by `make leaks`; do not edit. The field lists are `testkit/leaks/fields/`, one file a route; the closed list of reasons is
`testkit/leaks/reasons.toml`.

A cell puts one value that nobody has (an e-mail address, a card, an IBAN, a telephone number, a GitHub token) into one field of one
route, written in one way: plain, JSON-escaped, percent, HTML entity, base64, full-width, with zero-width characters inside, as a
number, split at every place over text parts or deltas, whole in a text part between letters of others. The release binary runs as a process between a scripted provider and a raw
client. What counts are the bytes at the two sockets, with every way of writing undone and the pieces of each text joined; eight
characters of a value in a row are a leak. A **miss** is anything else that is not as promised: the caller's own value does not come
back exactly, a pseudonym is turned back where it must not be, or something is refused that could be edited. What a harness of others says of the gate is [another page](leak-harness.md).
";
