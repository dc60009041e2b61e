#![doc = include_str!("../README.md")]
//!
//! What does not live here: anything that ships.

mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

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
        other => bail!("unknown chore `{}`; there is: tidy [DIR]", other.unwrap_or_default()),
    }
}
