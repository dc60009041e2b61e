#![doc = include_str!("../README.md")]
//!
//! What does not live here: anything that ships.

mod recognisers;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("tidy") => {
            let root = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
            let problems = tidy::check(&root)?;
            for problem in &problems {
                println!("{problem}");
            }
            println!("tidy: {} problems", problems.len());
            Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Some("recognisers") => {
            let root = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
            let page = recognisers::page(&root)?.context("there are no rule files")?;
            std::fs::write(root.join(recognisers::PAGE), page).context("writing the page")?;
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("unknown chore `{}`; there are: tidy [DIR], recognisers [DIR]", other.unwrap_or_default()),
    }
}
