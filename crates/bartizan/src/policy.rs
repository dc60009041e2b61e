//! `bartizan policy`: checking policies, explaining a decision, running decision tables.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bartizan_policy::{DEFAULT_TABLE, Explanation, LoadErrors, PolicySet, RowReport, default_sources, run_table};
use bartizan_vocabulary::Decision;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Config;
use crate::guard::Detectors;
use crate::output::{FAILED, FOUND, Format, GOOD, Paint, print, print_json, print_line, read_bytes, read_text, say};
use crate::policy_init::InitArgs;
use crate::policy_input::{Question, question};
use crate::wiring::{has_key_for, no_permit, read_policies};
use crate::words;

/// Arguments of `bartizan policy`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan policy check policies/                     file, line and what to do, for every mistake
  bartizan policy test policies/                      run the decision tables in policies/tests/
  bartizan policy explain request.json                what would happen to this request, and why
  bartizan policy init policies/                      write the built-in set there, to change it
Without a folder, the policies that come with the binary are meant.")]
pub struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum PolicyCommand {
    /// Load policies and name every mistake. Exit code: 0 good, 2 not.
    Check(CheckArgs),
    /// Write the built-in set and its decision table into a new or empty folder, to begin one's own with.
    Init(InitArgs),
    /// Say what would be decided about a request, step by step.
    Explain(ExplainArgs),
    /// Run the decision tables beside the policies. Exit code: 0 all rows hold, 1 some do not, 2 unreadable.
    Test(DirArgs),
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan policy check
  bartizan policy check policies/ --format json
  bartizan policy check --config bartizan.toml        the policies of a gate, and whether it looks for what they name")]
struct CheckArgs {
    #[command(flatten)]
    set: DirArgs,
    /// The gate's configuration: its policies unless a folder is named, what it looks for, and its keys.
    #[arg(long, env = "BARTIZAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  bartizan policy test policies/")]
struct DirArgs {
    /// Folder of `*.cedar` files (tables lie in `tests/*.toml` below it); without it the built-in set.
    dir: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  echo '{\"route\":\"POST /v1/chat/completions\",\"principal\":\"user:ada\",\"groups\":[\"finance\"],
         \"body\":{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"mail ada@example.com\"}]}}' \\
    | bartizan policy explain -
  bartizan events --request-id R --format jsonl | head -1 | bartizan policy explain -     an event's own facts again")]
struct ExplainArgs {
    /// A file with `{"route","principal","groups","body"}` or `{"facts":{…}}`; `-` is standard input.
    file: PathBuf,
    /// Folder of policies; without it the built-in set.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// The gate's configuration: what it looks for, and its policies unless `--policies` names others.
    #[arg(long, env = "BARTIZAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
}

/// Runs `bartizan policy`.
///
/// # Errors
/// When a file cannot be read.
pub fn run(args: &PolicyArgs) -> Result<u8> {
    match &args.command {
        PolicyCommand::Check(args) => check(args),
        PolicyCommand::Init(args) => args.run(),
        PolicyCommand::Explain(args) => explain(args),
        PolicyCommand::Test(args) => test(args),
    }
}

fn load(dir: Option<&Path>) -> Result<Result<(usize, PolicySet), LoadErrors>> {
    let sources = match dir {
        Some(dir) => read_policies(dir)?,
        None => default_sources(),
    };
    Ok(PolicySet::load_known(&sources, &words::known()?).map(|set| (sources.len(), set)))
}

/// What is put before a verdict, so that nobody takes the built-in set's for that of their own policies.
const fn prefix(dir: Option<&Path>) -> &'static str {
    if dir.is_some() { "" } else { "built-in set: " }
}

/// The set's name in what is printed.
fn set_name(dir: Option<&Path>) -> String {
    dir.map_or_else(|| "built-in".to_owned(), |dir| dir.display().to_string())
}

/// Whoever has a folder `policies` here and names none probably meant it.
fn hint(dir: Option<&Path>, command: &str) {
    if dir.is_none() && read_policies(Path::new("policies")).is_ok() {
        say(&format!("`policies/` was not read; name it: `bartizan policy {command} policies/`"));
    }
}

fn check(args: &CheckArgs) -> Result<u8> {
    let config = args.config.as_deref().map(Config::read).transpose()?;
    let dir = args.set.dir.as_deref().or(config.as_ref().and_then(|config| config.policy.dir.as_deref()));
    hint(dir, "check");
    let loaded = load(dir)?;
    let warnings = match &loaded {
        Ok((_, set)) => warnings(set, config.as_ref())?,
        Err(_) => Vec::new(),
    };
    for warning in &warnings {
        say(&format!("warning: {warning}"));
    }
    match (loaded, args.set.format) {
        (Ok((files, set)), Format::Text) => {
            let version = set.version();
            let good = Paint::stdout().green("good:");
            print(&format!("{}{good} {} policies in {files} files, {version}\n", prefix(dir), set.len()))?;
            Ok(GOOD)
        }
        (Ok((files, set)), format) => {
            let (set_name, count, version) = (set_name(dir), set.len(), set.version());
            let report = json!({
                "ok": true, "set": set_name, "files": files, "policies": count, "version": version, "diagnostics": [], "warnings": warnings,
            });
            print_json(format, &report)?;
            Ok(GOOD)
        }
        (Err(errors), Format::Text) => {
            bad(&errors)?;
            Ok(FAILED)
        }
        (Err(errors), format) => {
            print_json(format, &json!({ "ok": false, "diagnostics": errors.0 }))?;
            Ok(FAILED)
        }
    }
}

/// What a good set does that nobody may have meant. With a gate's configuration: what the gate would refuse is an error.
fn warnings(set: &PolicySet, config: Option<&Config>) -> Result<Vec<String>> {
    let mut warnings: Vec<String> = no_permit(set).map(str::to_owned).into_iter().collect();
    if let Some(config) = config {
        has_key_for(set, config.guard.seal_key.is_some())?;
        let detectors = Detectors::read(&config.guard)?;
        warnings.extend(words::not_looked_for(set, detectors.gate())?);
        warnings.extend(detectors.warnings().iter().cloned());
    }
    Ok(warnings)
}

/// Prints what is wrong with policies, one mistake after the other.
fn bad(errors: &LoadErrors) -> Result<()> {
    let paint = Paint::stdout();
    for one in &errors.0 {
        print(&format!("{}:{}:{}: {} {}\n", one.file, one.line, one.column, paint.red("error:"), one.message))?;
        if let Some(help) = &one.help {
            print(&format!("  help: {help}\n"))?;
        }
    }
    let count = errors.0.len();
    print(&format!("{count} {}; a gate would keep the policies that it has\n", if count == 1 { "mistake" } else { "mistakes" }))
}

fn good_set(dir: Option<&Path>) -> Result<Option<PolicySet>> {
    match load(dir)? {
        Ok((_, set)) => Ok(Some(set)),
        Err(errors) => {
            say(&errors.to_string());
            Ok(None)
        }
    }
}

fn explain(args: &ExplainArgs) -> Result<u8> {
    let bytes = read_bytes(&args.file)?;
    let config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    let dir = args.policies.as_deref().or(config.policy.dir.as_deref());
    let Some(set) = good_set(dir)? else { return Ok(FAILED) };
    let detectors = Detectors::read(&config.guard)?;
    let Question { facts, fixed, policy_version } =
        question(&bytes, detectors.gate()).with_context(|| format!("`{}` cannot be explained", args.file.display()))?;
    let mut explanation = set.explain(&facts);
    let asked = explanation.steps.first().into_iter().flat_map(|step| &step.remedies);
    let stuck = asked.map(|one| &one.label).find(|label| fixed.contains(*label)).cloned();
    if let Some(label) = stuck.filter(|_| explanation.decision == Decision::Remedied) {
        explanation.decision = Decision::Blocked;
        explanation.reason = Some(format!("`{label}` was found in a name, an identifier or a signed part, where it cannot be replaced"));
    }
    let version = set.version().as_str();
    let event_policy_version = policy_version.filter(|of_event| of_event != version);
    if let Some(of_event) = &event_policy_version {
        say(&format!("this event was decided with other policies, {of_event}; what follows is decided with {version}"));
    }
    let set = set_name(dir);
    match args.format {
        Format::Text => print(&format!("with the set {set}, {version}\n{}", explained(&explanation)))?,
        format => print_json(format, &Explained { set, policy_version: version, event_policy_version, explanation: &explanation })?,
    }
    Ok(GOOD)
}

/// An explanation and what it rests on.
#[derive(Serialize)]
struct Explained<'a> {
    set: String,
    policy_version: &'a str,
    /// Of an event that was decided with other policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_policy_version: Option<String>,
    #[serde(flatten)]
    explanation: &'a Explanation,
}

fn explained(explanation: &Explanation) -> String {
    let paint = Paint::stdout();
    let decision = explanation.decision.as_str();
    let shown = match explanation.decision {
        Decision::Permit => paint.green(decision),
        Decision::Remedied => paint.yellow(decision),
        Decision::Blocked | Decision::Failed => paint.red(decision),
    };
    let reason = explanation.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut out = format!("{shown}{reason}\n");
    for (number, step) in explanation.steps.iter().enumerate() {
        out.push_str(&paint.bold(if number == 0 { "first, with everything that was found\n" } else { "then, after the edits\n" }));
        let names = |fired: &[bartizan_vocabulary::FiredPolicy]| -> String {
            fired.iter().map(|one| format!("{} ({})", one.id, one.effect)).collect::<Vec<_>>().join(", ")
        };
        let labels: Vec<&str> = step.labels.iter().map(bartizan_vocabulary::Label::as_str).collect();
        let mut line = |what: &str, text: String| {
            if !text.is_empty() {
                out.push_str(&format!("  {what:<9} {text}\n"));
            }
        };
        line("labels", labels.join(", "));
        line("decided", names(&step.policies));
        line("recorded", names(&step.recorded));
        for one in &step.remedies {
            line("remedy", format!("{} of {}", one.remedy, one.label));
        }
        for error in &step.errors {
            line("error", format!("{}: {}", error.policy, error.message));
        }
        for sentence in &step.coach {
            line("says", sentence.clone());
        }
    }
    out
}

/// The decision tables of a folder, by name; of the built-in set its own.
fn tables(dir: Option<&Path>) -> Result<Vec<(String, String)>> {
    let Some(dir) = dir else { return Ok(vec![("default.toml".to_owned(), DEFAULT_TABLE.to_owned())]) };
    let folder = dir.join("tests");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("there are no tables to run: `{}` cannot be read", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    anyhow::ensure!(
        !paths.is_empty(),
        "there is no `*.toml` file in `{}`; write a table, see `policies/tests/default.toml`",
        folder.display()
    );
    paths.iter().map(|path| Ok((path.display().to_string(), read_text(path)?))).collect()
}

fn test(args: &DirArgs) -> Result<u8> {
    hint(args.dir.as_deref(), "test");
    let Some(set) = good_set(args.dir.as_deref())? else { return Ok(FAILED) };
    let mut rows: Vec<(String, RowReport)> = Vec::new();
    for (name, text) in tables(args.dir.as_deref())? {
        let report = run_table(&set, &text).with_context(|| format!("in `{name}`"))?;
        rows.extend(report.rows.into_iter().map(|row| (name.clone(), row)));
    }
    let wrong = rows.iter().filter(|(_, row)| !row.differences.is_empty()).count();
    let printed = |(table, row): &(String, RowReport)| -> Value {
        json!({ "table": table, "row": row.name, "ok": row.differences.is_empty(), "differences": row.differences })
    };
    match args.format {
        Format::Json => {
            let all: Vec<Value> = rows.iter().map(printed).collect();
            print_json(Format::Json, &json!({ "ok": wrong == 0, "set": set_name(args.dir.as_deref()), "rows": all }))?;
        }
        Format::Jsonl => rows.iter().try_for_each(|row| print_line(&printed(row)))?,
        Format::Text => print(&table_for_people(prefix(args.dir.as_deref()), &rows, wrong))?,
    }
    Ok(if wrong == 0 { GOOD } else { FOUND })
}

fn table_for_people(prefix: &str, rows: &[(String, RowReport)], wrong: usize) -> String {
    let paint = Paint::stdout();
    let mut out = String::new();
    for (table, row) in rows.iter().filter(|(_, row)| !row.differences.is_empty()) {
        out.push_str(&format!("{} {table}: {}\n", paint.red("wrong"), row.name));
        row.differences.iter().for_each(|difference| out.push_str(&format!("      {difference}\n")));
    }
    out.push_str(prefix);
    let verdict = format!("{} of {} rows hold", rows.len() - wrong, rows.len());
    out.push_str(&if wrong == 0 { paint.green(&verdict) } else { paint.red(&verdict) });
    out + "\n"
}
