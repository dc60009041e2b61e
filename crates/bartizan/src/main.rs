#![doc = include_str!("../README.md")]
//!
//! Exit codes: 0 nothing found or done; 1 findings; 2 could not do what was asked.

mod address;
mod admin;
mod clock;
mod config;
mod manage;
mod metrics;
mod sample_model;
mod up;
mod wiring;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The AI security control plane: one binary between your company and its AI.
#[derive(Parser)]
#[command(name = "bartizan", version, arg_required_else_help = true, after_help = "Start with `bartizan up`; it prints a line to try.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the gate and the admin API.
    Up(up::UpArgs),
    #[command(flatten)]
    Manage(manage::Command),
}

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BARTIZAN_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_env_filter(filter)
        .init();
    let result = match Cli::parse().command {
        Command::Up(args) => up::run(&args),
        Command::Manage(command) => manage::run(&command),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("bartizan: {error:#}");
            ExitCode::from(2)
        }
    }
}
