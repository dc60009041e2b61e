//! What the commands print and read: formats, colours on a terminal only, and inputs that are bounded.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::Serialize;

/// Nothing found, nothing done, or everything as it should be.
pub const GOOD: u8 = 0;
/// Findings, or a tampered log.
pub const FOUND: u8 = 1;
/// It could not be done as asked.
pub const FAILED: u8 = 2;

/// A whole file that is read into memory may be this long, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// For whom a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Jsonl,
}

/// Colours, when there is a terminal that shows them.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    /// Colours when standard output is a terminal and `NO_COLOR` is not set.
    pub fn stdout() -> Self {
        Self(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    /// The same for standard error.
    pub fn stderr() -> Self {
        Self(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Good news.
    pub fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    /// Worth a look.
    pub fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    /// Bad news.
    pub fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// Aside.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}

/// The bytes of a file, or of standard input for `-`.
///
/// # Errors
/// When it cannot be read, or is longer than what is read into memory.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let name = path.display();
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("`{name}` cannot be read"))?;
    ensure!(bytes.len() as u64 <= MAX_FILE, "`{name}` is longer than 256 MiB; cut it into lines and use `--jsonl`");
    Ok(bytes)
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// As [`read_bytes`], and when it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read_bytes(path)?).with_context(|| format!("`{}` is not UTF-8 text; convert it first", path.display()))
}

/// Prints a text as it is.
///
/// # Errors
/// When nobody takes it.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())?;
    Ok(())
}

/// Says something to people on standard error. Whoever closed that does not want to know.
pub fn say(text: &str) {
    let _nobody_listens = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints one JSON document on one line and flushes it.
///
/// # Errors
/// When nobody takes it.
pub fn print_line(value: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}

/// Prints one JSON document: on several lines for `json`, on one for `jsonl`.
///
/// # Errors
/// When nobody takes it.
pub fn print_json(format: Format, value: &impl Serialize) -> Result<()> {
    match format {
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(value)?)),
        Format::Text | Format::Jsonl => print_line(value),
    }
}
