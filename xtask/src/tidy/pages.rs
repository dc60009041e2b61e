//! Pages that are written from data must say what the data says.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Problem;
use crate::recognisers;

/// Compares the page of recognisers with the rule files.
pub fn check(root: &Path, problems: &mut Vec<Problem>) -> Result<()> {
    let Some(page) = recognisers::page(root)? else { return Ok(()) };
    let file = root.join(recognisers::PAGE);
    let held = fs::read_to_string(&file).unwrap_or_default();
    if held != page {
        let line = held.lines().zip(page.lines()).position(|(held, written)| held != written).map_or(1, |index| index + 1);
        let message = "is not what the rule files say; run `cargo run -p xtask -- recognisers`".to_owned();
        problems.push(Problem { file, line, message });
    }
    Ok(())
}
