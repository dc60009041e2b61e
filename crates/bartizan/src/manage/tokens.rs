//! `bartizan tokens`: the tokens that open the admin API.

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{Client, Target};
use super::keys::{List, Revoke, created, revoke};
use super::show::{Format, print, print_list, table, text};

/// Arguments of `bartizan tokens`.
#[derive(Args)]
#[command(after_help = "Example:
  bartizan tokens create --name dashboard --scope read
Programs send the token to the admin port as `Authorization: Bearer`.")]
pub struct TokensArgs {
    #[command(subcommand)]
    command: Tokens,
}

#[derive(Subcommand)]
enum Tokens {
    /// Make a token and print it once.
    #[command(after_help = "Examples:
  bartizan tokens create --name dashboard --scope read
  bartizan tokens create --name ada-approves --scope approve --user ada --format json")]
    Create(Create),
    /// List all tokens, without the tokens themselves.
    #[command(after_help = "Examples:\n  bartizan tokens list\n  bartizan tokens list --format jsonl")]
    List(List),
    /// Revoke a token; it opens nothing from that moment on.
    #[command(after_help = "Example:\n  bartizan tokens revoke 0192f0c1-7a3b-7cc2-9d5e-3f8a1b2c4d5e")]
    Revoke(Revoke),
}

#[derive(Args)]
struct Create {
    /// What it is called in lists.
    #[arg(long, value_name = "N")]
    name: String,
    /// What it may do.
    #[arg(long, value_enum)]
    scope: ScopeWord,
    /// On whose behalf; the token goes when this person is erased.
    #[arg(long, value_name = "U")]
    user: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScopeWord {
    /// Run the detectors; sees nothing that is stored.
    Detect,
    /// See events, keys and the policy version.
    Read,
    /// Decide on what waits for an approver.
    Approve,
    /// Check, try and change policies.
    Policy,
    /// Keys, tokens, erasure, backup, reload; never approves.
    Admin,
}

impl TokensArgs {
    /// Does it.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Tokens::Create(args) => create(args),
            Tokens::List(args) => list(args),
            Tokens::Revoke(args) => revoke(args, "tokens"),
        }
    }
}

fn create(args: &Create) -> Result<()> {
    let scope = args.scope.to_possible_value().map(|value| value.get_name().to_owned());
    let body = json!({ "name": args.name, "scope": scope, "user": args.user });
    created(&Client::new(&args.target)?.post("/api/v1/tokens", &body)?, "token", args.format)
}

fn list(args: &List) -> Result<()> {
    let answer = Client::new(&args.target)?.get("/api/v1/tokens")?;
    if args.format != Format::Text {
        return print_list(&answer, "tokens", args.format);
    }
    let listed: Value = serde_json::from_slice(&answer).context("the answer cannot be read")?;
    let row =
        |token: &Value| vec![text(token, "id"), text(token, "name"), text(token, "scope"), text(token, "user"), text(token, "created")];
    let rows: Vec<Vec<String>> = listed.get("tokens").and_then(Value::as_array).into_iter().flatten().map(row).collect();
    print(table(&["ID", "NAME", "SCOPE", "USER", "CREATED"], &rows).as_bytes())
}
