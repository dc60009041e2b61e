//! What can stand in one place of a body: every kind of value in every way of writing it.

use anyhow::Result;
use bartizan_testkit::stats::Dice;

use crate::bench::Bench;
use crate::body::{Written, fill, write};
use crate::encode::{Encoding, not_applicable};
use crate::fields::{Expect, Route};
use crate::values::Kind;

/// One of them.
pub struct Cell {
    /// How it is written.
    pub encoding: Encoding,
    /// What it is.
    pub kind: Kind,
    /// The value.
    pub value: String,
    /// The value as it is written.
    pub written: Written,
    /// The body with it.
    pub body: String,
    /// What is drawn for this cell.
    pub dice: Dice,
}

impl Cell {
    /// What the tally calls it.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.kind.name(), self.encoding.name(), self.body)
    }
}

/// Runs every cell of a place whose turn it is; counts why others do not apply.
///
/// # Errors
/// Those of `run`.
pub fn each(
    bench: &mut Bench,
    route: &Route,
    (at, expect, marked): (&str, Expect, &str),
    mut run: impl FnMut(&mut Bench, Cell) -> Result<()>,
) -> Result<()> {
    for encoding in Encoding::TEXTS.into_iter().chain([Encoding::Number]) {
        for kind in Kind::ALL {
            if let Some(reason) = not_applicable(encoding, kind, expect, at.ends_with("(key)")) {
                bench.leave_out(route, reason);
                continue;
            }
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let written = write(expect, encoding, &value, &mut dice);
            let body = fill(marked, encoding, expect, &written);
            run(bench, Cell { encoding, kind, value, written, body, dice })?;
        }
    }
    Ok(())
}
