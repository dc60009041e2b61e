//! Commands that manage a running process or, when none runs, its data folder. One file for each group.

mod backup;
mod client;
mod erase;
mod events;
mod keys;
mod pinned;
mod reload;
mod show;
mod tokens;

use anyhow::Result;
use clap::Subcommand;

/// What can be managed.
#[derive(Subcommand)]
pub enum Command {
    /// Create, list and revoke the virtual keys that open the gate.
    Keys(keys::KeysArgs),
    /// Create, list and revoke the tokens that open the admin API.
    Tokens(tokens::TokensArgs),
    /// Show what was decided, and why.
    Events(events::EventsArgs),
    /// Erase a person: what was recorded of them can never be read again; the ledger still verifies.
    Erase(erase::EraseArgs),
    /// Copy the data folder consistently, while everything runs. The root key is never in the copy.
    Backup(backup::BackupArgs),
    /// Put a backup in the place of the data folder. Nothing may run on it.
    Restore(backup::RestoreArgs),
    /// Read configuration and policies again; bad ones never replace good ones.
    Reload(reload::ReloadArgs),
}

/// Does what the command says; gives the exit code.
///
/// # Errors
/// What could not be done, and what to do about it.
pub fn run(command: &Command) -> Result<u8> {
    match command {
        Command::Keys(args) => args.run(),
        Command::Tokens(args) => args.run(),
        Command::Events(args) => args.run(),
        Command::Erase(args) => args.run(),
        Command::Backup(args) => args.run(),
        Command::Restore(args) => args.run(),
        Command::Reload(args) => args.run(),
    }?;
    Ok(0)
}
