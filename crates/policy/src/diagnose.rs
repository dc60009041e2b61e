//! What is wrong with a policy text: where, what, and what to do.

use std::fmt;

/// One mistake. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Diagnostic {
    /// Name of the source.
    pub file: String,
    /// Line of the mistake.
    pub line: usize,
    /// Column of the mistake.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic at byte `offset` of `text`.
    pub(crate) fn at(file: &str, text: &str, offset: usize, message: impl Into<String>, help: impl Into<Option<String>>) -> Self {
        let before = text.char_indices().take_while(|(at, _)| *at < offset);
        let (line, column) = before.fold((1, 1), |(line, column), (_, c)| if c == '\n' { (line + 1, 1) } else { (line, column + 1) });
        Self { file: file.to_owned(), line, column, message: message.into(), help: help.into() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  help: {help}"))
    }
}

/// Every mistake in a policy set, in the order of the sources. A set with one mistake is not loaded at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadErrors(pub Vec<Diagnostic>);

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadErrors {}

/// The closest of `known` to `word`, if one is close enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    near(word, known).first().copied()
}

/// What of `known` is close enough to `word` to be what was meant, the closest first.
pub fn near<'a>(word: &str, known: &[&'a str]) -> Vec<&'a str> {
    let mut scored: Vec<_> = known.iter().map(|candidate| (distance(word, candidate), *candidate)).collect();
    scored.retain(|(distance, candidate)| *distance <= 1 + candidate.len() / 4);
    scored.sort_unstable();
    scored.dedup();
    scored.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Levenshtein distance, on characters, letter case ignored.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (pair, y) in row.windows(2).zip(&b) {
            let &[diagonal, above] = pair else { continue };
            left = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}
