//! `bartizan erase`: forget a person.

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, Target};
use super::show::{Format, plain, print, text, words};

/// Arguments of `bartizan erase`.
#[derive(Args)]
#[command(after_help = "Example:
  bartizan erase --principal user:ada --yes

Keep the printed salt if you have to show later that this erasure was about this person: it is kept nowhere else.")]
pub struct EraseArgs {
    /// Who: `user:NAME` or `service:NAME`.
    #[arg(long, value_name = "PRINCIPAL")]
    principal: String,
    /// It cannot be undone; say that you mean it.
    #[arg(long)]
    yes: bool,
    /// How to print the receipt.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    target: Target,
}

impl EraseArgs {
    /// Does it.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self) -> Result<()> {
        ensure!(self.yes, "erasing `{}` cannot be undone; say --yes if you mean it", plain(&self.principal));
        let body = json!({ "principal": self.principal });
        let answer = Client::new(&self.target)?.post("/api/v1/erase", &body)?;
        if self.format != Format::Text {
            return print(&answer);
        }
        let receipt: Value = serde_json::from_slice(&answer).context("the answer cannot be read")?;
        let count = receipt.get("data_keys").and_then(Value::as_u64).unwrap_or(0);
        let keys = receipt.get("keys").and_then(Value::as_array).map_or(0, Vec::len);
        let head = if count == 0 && keys == 0 { "nothing was stored about" } else { "erased" };
        let lines = format!(
            "{head} {}\ndata keys destroyed  {count}\nkeys removed         {}\ncommitment           {}\nsalt                 {}\n",
            plain(&self.principal),
            words(receipt.get("keys"), "none"),
            text(&receipt, "commitment"),
            text(&receipt, "salt"),
        );
        print(lines.as_bytes())
    }
}
