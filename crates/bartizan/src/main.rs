#![doc = include_str!("../README.md")]
//!
//! Exit codes: 0 nothing found or done; 1 findings; 2 could not do what was asked.

#![expect(clippy::format_push_string, clippy::format_collect, reason = "texts for people, not on the request's way")]

mod address;
mod admin;
mod allowed;
mod app;
mod audit;
mod clock;
mod config;
mod demo;
mod detect;
mod detect_files;
mod detect_lines;
mod documents;
mod exact;
mod explained;
mod fingerprint;
mod guard;
mod import;
mod limits;
mod manage;
mod metrics;
mod output;
mod own_index;
mod own_rules;
mod pack;
mod policy;
mod policy_init;
mod policy_input;
mod progress;
mod providers;
mod quotas;
mod redaction;
mod routes;
mod sample_model;
mod scores;
mod spending;
mod table;
mod telemetry;
mod tls;
mod train;
mod up;
mod wiring;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Decision 018; set up in `.cargo/config.toml`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The AI security control plane: one binary between your company and its AI.
#[derive(Parser)]
#[command(
    name = "bartizan",
    version,
    arg_required_else_help = true,
    after_help = "\
See what it does:   bartizan demo
Start it:           bartizan up      (prints a line to try)
A command's help:   bartizan up --help"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the gate and the admin API.
    Up(up::UpArgs),
    /// Play a morning of traffic through a real gate and say what was decided and why.
    Demo(demo::DemoArgs),
    /// Find personal data, card data and secrets in files or lines.
    Detect(detect::DetectArgs),
    /// Replace what `detect` finds.
    Redact(detect::RedactArgs),
    /// Make an index of a table, so that `detect` finds its values.
    Exact(exact::ExactArgs),
    /// Make an index of documents, so that `detect` finds excerpts of them.
    Fingerprint(fingerprint::FingerprintArgs),
    /// Install an encoder out of a package, so that names are found better.
    Pack(pack::PackArgs),
    /// Turn back what `redact --operator encrypt` sealed.
    Reveal(redaction::RevealArgs),
    /// Train a recogniser from word lists and texts.
    Train(train::TrainArgs),
    /// Check policies, explain a decision, run decision tables.
    Policy(policy::PolicyArgs),
    /// Look at the ledger, verify it, prove entries of it.
    Audit(audit::AuditArgs),
    /// Turn the configuration of another gateway into one of ours.
    Import(import::ImportArgs),
    #[command(flatten)]
    Manage(manage::Command),
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // Whoever asks a question wants the answer, not the log.
    let usual = if matches!(command, Command::Up(_)) { "info" } else { "error" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("BARTIZAN_LOG").unwrap_or_else(|_| usual.into());
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_env_filter(filter)
        // Without a reader of the log, go on without a log: saying so on the same broken stream would be a panic.
        .log_internal_errors(false)
        .init();
    let result = match command {
        Command::Up(args) => up::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Detect(args) => detect::detect(&args),
        Command::Redact(args) => detect::redact(&args),
        Command::Exact(args) => exact::run(&args),
        Command::Fingerprint(args) => fingerprint::run(&args),
        Command::Pack(args) => pack::run(&args),
        Command::Reveal(args) => redaction::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Manage(command) => manage::run(&command),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        // Whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(2),
        Err(error) => {
            output::say(&format!("bartizan: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
