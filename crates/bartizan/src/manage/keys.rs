//! `bartizan keys`: the virtual keys that open the gate.

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{Client, Target};
use super::show::{Format, plain, print, print_list, table, text, words};

/// Arguments of `bartizan keys`.
#[derive(Args)]
#[command(after_help = "Example:
  bartizan keys create --name ada --group engineering
Clients send the key where they would send the provider's: `Authorization: Bearer`, `x-api-key` or `x-goog-api-key`.")]
pub struct KeysArgs {
    #[command(subcommand)]
    command: Keys,
}

#[derive(Subcommand)]
enum Keys {
    /// Make a key and print it once. The first key ends anonymous access, unless the configuration says otherwise.
    #[command(after_help = "Examples:
  bartizan keys create --name ada --group engineering
  bartizan keys create --name build-bot --kind service --models 'gpt-4o-mini,claude-*' --format json")]
    Create(Create),
    /// List all keys, without the keys themselves.
    #[command(after_help = "Examples:\n  bartizan keys list\n  bartizan keys list --format jsonl")]
    List(List),
    /// Revoke a key; it opens nothing from that moment on.
    #[command(after_help = "Example:\n  bartizan keys revoke 0192f0c1-7a3b-7cc2-9d5e-3f8a1b2c4d5e")]
    Revoke(Revoke),
}

#[derive(Args)]
struct Create {
    /// Whose key it is: the principal becomes `user:NAME` or `service:NAME`.
    #[arg(long, value_name = "N")]
    name: String,
    /// Person or program.
    #[arg(long, value_enum, default_value_t = Kind::User)]
    kind: Kind,
    /// A group of its holder; may be given several times.
    #[arg(long = "group", value_name = "G")]
    groups: Vec<String>,
    /// Models that it may name, separated by commas; `gpt-*` stands for all that begin so. Without it: any.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    models: Option<Vec<String>>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    User,
    Service,
}

#[derive(Args)]
pub(super) struct List {
    /// How to print them.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) target: Target,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// Its id, as `list` shows it.
    pub(super) id: String,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) target: Target,
}

impl KeysArgs {
    /// Does it.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Keys::Create(args) => create(args),
            Keys::List(args) => list(args),
            Keys::Revoke(args) => revoke(args, "keys"),
        }
    }
}

fn create(args: &Create) -> Result<()> {
    let kind = match args.kind {
        Kind::User => "user",
        Kind::Service => "service",
    };
    let body = json!({ "name": args.name, "kind": kind, "groups": args.groups, "models": args.models });
    let client = Client::new(&args.target)?;
    created(&client.post("/api/v1/keys", &body)?, "key", args.format)?;
    if args.format == Format::Text && is_only_key(&client) {
        print(b"From now on every caller needs a key, unless the configuration says `auth = \"anonymous\"`.\n")?;
    }
    Ok(())
}

/// Whether one key is all there is. A hint hangs on it, so no answer is no.
fn is_only_key(client: &Client) -> bool {
    let listed = client.get("/api/v1/keys").ok().and_then(|answer| serde_json::from_slice::<Value>(&answer).ok());
    listed.is_some_and(|listed| listed.get("keys").and_then(Value::as_array).is_some_and(|keys| keys.len() == 1))
}

/// Prints a key or token that was just made.
pub(super) fn created(answer: &[u8], what: &str, format: Format) -> Result<()> {
    if format != Format::Text {
        return print(answer);
    }
    let made: Value = serde_json::from_slice(answer).context("the answer cannot be read")?;
    let (id, secret) = (text(&made, "id"), text(&made, what));
    print(format!("id     {id}\n{what:5}  {secret}\nKeep the {what} now: it is not shown again.\n").as_bytes())
}

fn list(args: &List) -> Result<()> {
    let answer = Client::new(&args.target)?.get("/api/v1/keys")?;
    if args.format != Format::Text {
        return print_list(&answer, "keys", args.format);
    }
    let listed: Value = serde_json::from_slice(&answer).context("the answer cannot be read")?;
    let row = |key: &Value| {
        let models = words(key.get("models"), if key.get("models").is_some_and(Value::is_null) { "any" } else { "none" });
        vec![text(key, "id"), text(key, "name"), text(key, "kind"), words(key.get("groups"), "-"), models, text(key, "created")]
    };
    let rows: Vec<Vec<String>> = listed.get("keys").and_then(Value::as_array).into_iter().flatten().map(row).collect();
    print(table(&["ID", "NAME", "KIND", "GROUPS", "MODELS", "CREATED"], &rows).as_bytes())
}

/// Revokes a key or token.
pub(super) fn revoke(args: &Revoke, what: &str) -> Result<()> {
    let id: String = args.id.bytes().map(segment).collect();
    Client::new(&args.target)?.delete(&format!("/api/v1/{what}/{id}"))?;
    match args.format {
        Format::Json | Format::Jsonl => print(format!("{}\n", json!({ "id": args.id, "revoked": true })).as_bytes()),
        Format::Text => print(format!("revoked {}\n", plain(&args.id)).as_bytes()),
    }
}

/// A byte of a path segment or query value, percent-encoded where it is not a plain one (RFC 3986 section 2.3).
pub(super) fn segment(byte: u8) -> String {
    let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}
