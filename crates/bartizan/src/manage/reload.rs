//! `bartizan reload`: read configuration and policies again.

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, Target};
use super::show::{Format, print, text, words};

/// Arguments of `bartizan reload`.
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan reload --data /var/lib/bartizan")]
pub struct ReloadArgs {
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    target: Target,
}

impl ReloadArgs {
    /// Does it.
    ///
    /// # Errors
    /// What is wrong with the configuration; the one before stays in force.
    pub fn run(&self) -> Result<()> {
        let answer = Client::new(&self.target)?.post("/api/v1/reload", &json!({}))?;
        if self.format != Format::Text {
            return print(&answer);
        }
        let done: Value = serde_json::from_slice(&answer).context("the answer cannot be read")?;
        let waiting = words(done.get("needs_restart"), "");
        let waiting = if waiting.is_empty() { waiting } else { format!("changed, but in force only after a restart: {waiting}\n") };
        print(format!("in force: policies {}\n{waiting}", text(&done, "policy_version")).as_bytes())
    }
}
