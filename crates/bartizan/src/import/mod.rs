//! `bartizan import`: the configuration of another gateway becomes one of ours, with a report of what became of each key.

mod fallbacks;
mod guardrails;
mod litellm;
mod places;
mod plan;
mod report;
mod routing;
mod secrets;
mod settings;
mod vendors;
mod yaml;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bartizan_policy::{DEFAULT_TABLE, default_sources};
use clap::{Args, Subcommand};
use serde::Serialize;

use self::guardrails::Blocks;
use self::litellm::Imported;
use self::report::{Summary, Told, for_people, summary};
use crate::config::Config;
use crate::output::{FOUND, Format, GOOD, Paint, print, print_json, read_text, say};
use crate::policy_init::{new_folder, save};

/// Arguments of `bartizan import`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  bartizan import litellm config.yaml --output bartizan.toml")]
pub struct ImportArgs {
    #[command(subcommand)]
    command: From,
}

#[derive(Subcommand, Clone, Debug)]
enum From {
    /// A LiteLLM proxy configuration. Exit code: 0 nothing was left behind, 1 something was not carried, 2 nothing written.
    Litellm(LitellmArgs),
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan import litellm config.yaml        our configuration, and on standard error the report
  bartizan import litellm config.yaml --output bartizan.toml --policies my-policies
                                             guardrails that block become policies in a new folder
  bartizan import litellm config.yaml --format json      both in one document, for programs

Secrets are never written: a literal key becomes the name of a variable, and the report says which one to set.
Virtual keys lie in LiteLLM's database and not in the file: make new ones with `bartizan keys create`.")]
struct LitellmArgs {
    /// The file; `-` is standard input.
    file: PathBuf,
    /// Write our configuration there; a file that is there already is left alone.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over the file of `--output`.
    #[arg(long, requires = "output")]
    force: bool,
    /// A new or empty folder for policies, used when a guardrail blocks something: the built-in set, and what it adds.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// How to print: the configuration and, on standard error, a report for people; or one JSON document with both.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// End with 0 also when something was not carried.
    #[arg(long)]
    exit_zero: bool,
}

/// What is printed for programs.
#[derive(Serialize)]
struct Printed<'a> {
    /// The configuration, whether or not it was written to a file as well.
    config: &'a str,
    /// The file that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// The folder of policies that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<String>,
    /// Variables that must be set before the start.
    variables: Vec<String>,
    summary: Summary,
    report: &'a [Told],
}

/// Runs `bartizan import`.
///
/// # Errors
/// When the file cannot be read, or the configuration cannot be written.
pub fn run(args: &ImportArgs) -> Result<u8> {
    let From::Litellm(args) = &args.command;
    args.run()
}

impl LitellmArgs {
    fn run(&self) -> Result<u8> {
        let name = self.file.display();
        self.check_output()?;
        let root = yaml::read(&read_text(&self.file)?).with_context(|| format!("`{name}` cannot be read"))?;
        let dir =
            self.policies.as_deref().map(|dir| dir.to_str().context("the folder of `--policies` is not named in UTF-8")).transpose()?;
        let imported = litellm::import(&root, dir).with_context(|| format!("`{name}` cannot be imported"))?;
        let config = imported.plan.toml(&self.heading(&imported));
        let checked: Config = toml::from_str(&config).context("the configuration that came of it is not good, which is a fault of ours")?;
        checked.check().context("the configuration that came of it is not good, which is a fault of ours")?;
        if let Some(dir) = &imported.plan.policy_dir {
            write_policies(Path::new(dir), &imported.blocks)?;
        }
        if let Some(path) = &self.output {
            write_new(path, &config, self.force)?;
        }
        self.print(&config, &imported)?;
        let is_whole = summary(&imported.lines).not_carried == 0;
        Ok(if is_whole || self.exit_zero { GOOD } else { FOUND })
    }

    /// Before anything is written.
    fn check_output(&self) -> Result<()> {
        let Some(path) = &self.output else { return Ok(()) };
        ensure!(self.force || !path.exists(), "{}", there(path));
        let same = path.canonicalize().ok().is_some_and(|output| self.file.canonicalize().is_ok_and(|file| file == output));
        ensure!(!same, "`--output` names the file that is imported; name another");
        Ok(())
    }

    fn heading(&self, imported: &Imported) -> String {
        let file: String = self.file.display().to_string().chars().filter(|char| !char.is_control()).collect();
        let variables = imported.plan.variables();
        let set = if variables.is_empty() { String::new() } else { format!("\nSet before the start: {}", variables.join(", ")) };
        format!("Made by `bartizan import litellm` from {file}.{set}")
    }

    fn print(&self, config: &str, imported: &Imported) -> Result<()> {
        let lines = &imported.lines;
        let variables = imported.plan.variables();
        if self.format == Format::Text {
            say(for_people(lines, &variables, Paint::stderr()).trim_end());
            return match &self.output {
                Some(path) => print(&format!("wrote {}\n", path.display())),
                None => print(config),
            };
        }
        let output = self.output.as_ref().map(|path| path.display().to_string());
        let policies = imported.plan.policy_dir.clone();
        print_json(self.format, &Printed { config, output, policies, variables, summary: summary(lines), report: lines })
    }
}

fn there(path: &Path) -> String {
    format!("`{}` is there already, and nothing is written over; name another, or give `--force`", path.display())
}

fn write_new(path: &Path, text: &str, force: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    match options.write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!("{}", there(path)),
        done => done.with_context(|| format!("`{}` cannot be written", path.display())),
    }
}

/// The built-in set, what the guardrails add, and a decision table that holds.
fn write_policies(dir: &Path, blocks: &Blocks) -> Result<()> {
    let tables = new_folder(dir)?;
    for source in default_sources() {
        save(&dir.join(&source.name), &source.text)?;
    }
    save(&dir.join("litellm.cedar"), &blocks.cedar())?;
    // Rows of the built-in table say what is edited, and some of that is blocked now.
    if blocks.enforce() { save(&tables.join("litellm.toml"), &blocks.table()) } else { save(&tables.join("default.toml"), DEFAULT_TABLE) }
}
