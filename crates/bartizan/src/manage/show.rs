//! Printing for people and for programs.

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::Value;

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// Writes to stdout. Whoever reads may stop at any time: that is no error.
///
/// # Errors
/// When stdout cannot be written.
pub fn print(bytes: &[u8]) -> Result<()> {
    print_on(bytes).map(drop)
}

/// As [`print()`]; `false` when nobody reads any more.
///
/// # Errors
/// When stdout cannot be written.
pub fn print_on(bytes: &[u8]) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true).context("stdout cannot be written"),
    }
}

/// Prints an answer with a list: as it came for `json`, an item a line for `jsonl`.
///
/// # Errors
/// When the answer cannot be read, or stdout cannot be written.
pub fn print_list(answer: &[u8], member: &str, format: Format) -> Result<()> {
    if format != Format::Jsonl {
        return print(answer);
    }
    let answer: Value = serde_json::from_slice(answer).context("the answer cannot be read")?;
    let items = answer.get(member).and_then(Value::as_array).into_iter().flatten();
    print(items.map(|item| format!("{item}\n")).collect::<String>().as_bytes())
}

/// Text from outside that cannot steer a terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { '\u{fffd}' } else { each }).collect()
}

/// The words of a list, or a word for none.
pub fn words(value: Option<&Value>, none: &str) -> String {
    let words: Vec<String> = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(plain).collect();
    if words.is_empty() { none.to_owned() } else { words.join(",") }
}

/// A text member.
pub fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).map_or_else(|| "-".to_owned(), plain)
}

/// Rows under a header, in columns.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|word| word.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let header: Vec<String> = header.iter().map(|word| (*word).to_owned()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    std::iter::once(&header).chain(rows).map(line).collect()
}

/// Whether colours may be used: a terminal, and nobody who asks for none (<https://no-color.org>).
pub fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
