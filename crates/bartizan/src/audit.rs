//! `bartizan audit`: looking at the ledger and proving things about it. Reads files only, so it works while the process runs.

mod stopped;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use bartizan_ledger::{
    Bundle, Checkpoint, CheckpointError, Outcome, ProofFile, ProofFileError, Report, Tile, TileKind, TileReader, VerifierKey, leaf_hash,
    prove_inclusion, verify_inclusion, verify_log_by,
};
use bartizan_store::FolderReader;
use clap::{Args, Subcommand};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::output::{FOUND, Format, GOOD, Paint, print, print_json, read_text, say};

/// Entries in a full bundle.
const BUNDLE: u64 = 256;
/// A log that grows while it is read is read again at most so often.
const TRIES: usize = 5;

/// Arguments of `bartizan audit`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan audit verify                                      is the log whole, and was nothing altered?
  bartizan audit verify --checkpoint held-elsewhere.txt      … and is it still the log that was held elsewhere?
  bartizan audit tail -n 5                                   the last five decisions
  bartizan audit prove 41 --out entry-41.proof               one entry with its proof, for somebody else
  bartizan audit verify --proof entry-41.proof --public-key ledger.pub")]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum AuditCommand {
    /// Check the whole log, or one proof. Exit code: 0 good, 1 tampered, 2 unreadable.
    Verify(VerifyArgs),
    /// The last entries.
    Tail(TailArgs),
    /// One entry, checked against the log's head.
    Show(ShowArgs),
    /// One entry with the proof that it is in the log.
    Prove(ProveArgs),
    /// What opens the commitments of an entry. Needs the data folder for itself, and its root key.
    Open(stopped::OpenArgs),
    /// Replace the key that signs the log. Needs the data folder for itself.
    RotateKey(stopped::FolderArgs),
    /// Make the event index anew from the sealed details. Needs the data folder for itself.
    Reindex(stopped::FolderArgs),
}

/// Which ledger.
#[derive(Args, Clone, Debug)]
struct Place {
    /// Data folder; the log lies in `ledger` below it.
    #[arg(long, env = "BARTIZAN_DATA", default_value = "bartizan-data")]
    data: PathBuf,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan audit verify --data /var/lib/bartizan
  bartizan audit verify --checkpoint /mnt/other/checkpoint --public-key /mnt/other/ledger.pub
  bartizan audit verify --proof entry-41.proof --public-key ledger.pub
Without a checkpoint that was held elsewhere, a log that was rolled back as a whole cannot be told from a good one.")]
struct VerifyArgs {
    #[command(flatten)]
    place: Place,
    /// A checkpoint that was kept elsewhere: the log must have grown from it.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The log's public key; without it `ledger.pub` in the data folder.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Check this proof instead of the log; needs nothing but the public key.
    #[arg(long, value_name = "FILE", conflicts_with = "checkpoint")]
    proof: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  bartizan audit tail -n 20 --format jsonl")]
struct TailArgs {
    #[command(flatten)]
    place: Place,
    /// How many entries.
    #[arg(short = 'n', long, default_value_t = 10)]
    number: u64,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  bartizan audit show 41")]
struct ShowArgs {
    #[command(flatten)]
    place: Place,
    /// Index of the entry, from 0.
    index: u64,
    /// How to print.
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  bartizan audit prove 41 --out entry-41.proof")]
struct ProveArgs {
    #[command(flatten)]
    place: Place,
    /// Index of the entry, from 0.
    index: u64,
    /// Where to write the proof; without it to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to print: the proof file, or one JSON document with the same text as `proof`.
    #[arg(long, value_enum, default_value = "text", conflicts_with = "out")]
    format: Format,
}

/// Runs `bartizan audit`.
///
/// # Errors
/// When the log cannot be read; tampering is an exit code.
pub fn run(args: &AuditArgs) -> Result<u8> {
    match &args.command {
        AuditCommand::Verify(args) => match &args.proof {
            Some(proof) => verify_proof(args, proof),
            None => verify(args),
        },
        AuditCommand::Tail(args) => tail(args),
        AuditCommand::Show(args) => show(args),
        AuditCommand::Prove(args) => prove(args),
        AuditCommand::Open(args) => stopped::open(args),
        AuditCommand::RotateKey(args) => stopped::rotate_key(args),
        AuditCommand::Reindex(args) => stopped::reindex(args),
    }
}

fn keys_of(place: &Place, public_key: Option<&Path>) -> Result<Vec<VerifierKey>> {
    let path = public_key.map_or_else(|| place.data.join("ledger.pub"), Path::to_path_buf);
    let text = read_text(&path).context("the public key is needed: give `--public-key FILE`, or `--data DIR` with its `ledger.pub`")?;
    VerifierKey::parse_list(&text).with_context(|| format!("`{}` is not a public key of a ledger", path.display()))
}

impl Place {
    fn reader(&self) -> FolderReader {
        FolderReader::new(self.data.join("ledger"))
    }

    fn note(&self) -> Result<String> {
        let bytes = self.reader().read("checkpoint")?;
        let bytes = bytes.ok_or_else(|| anyhow!("there is no ledger in `{}`; give `--data DIR`", self.data.display()))?;
        String::from_utf8(bytes).context("the file `checkpoint` cannot be read")
    }

    fn head(&self) -> Result<(String, Checkpoint)> {
        let note = self.note()?;
        let head = Checkpoint::parse_unverified(&note).context("the file `checkpoint` cannot be read")?;
        Ok((note, head))
    }

    /// The bytes of the entries from `from` on, at most to the end of its bundle.
    fn bundle(&self, from: u64, size: u64) -> Result<Vec<(u64, Vec<u8>)>> {
        let number = from / BUNDLE;
        let tile = Tile::in_tree(TileKind::Entries, number, size);
        let tile = tile.ok_or_else(|| anyhow!("the log has {size} entries; the last one is {}", size.saturating_sub(1)))?;
        let reader = self.reader();
        let bytes = match reader.read(&tile.path())? {
            None => reader.read(&tile.full().path())?,
            some => some,
        };
        let bytes = bytes.ok_or_else(|| anyhow!("`{}` of the log is missing; run `bartizan audit verify`", tile.path()))?;
        let mut out = Vec::new();
        for (index, entry) in (number * BUNDLE..size).zip(Bundle::new(&bytes)) {
            let entry = entry.with_context(|| format!("`{}` of the log is damaged; run `bartizan audit verify`", tile.path()))?;
            if index >= from {
                out.push((index, entry.to_vec()));
            }
        }
        Ok(out)
    }
}

/// Verifies the log of a data folder and prints what came of it.
///
/// # Errors
/// When it cannot be read.
pub fn verify_folder(data: &Path, checkpoint: &Path, format: Format) -> Result<u8> {
    let place = Place { data: data.to_path_buf() };
    verify(&VerifyArgs { place, checkpoint: Some(checkpoint.to_path_buf()), public_key: None, proof: None, format })
}

fn verify(args: &VerifyArgs) -> Result<u8> {
    let keys = keys_of(&args.place, args.public_key.as_deref())?;
    let anchor = args.checkpoint.as_deref().map(read_text).transpose()?;
    let mut tries = 0;
    let report = loop {
        let before = args.place.note().ok();
        let report = verify_log_by(&args.place.reader(), &keys, anchor.as_deref()).context("the log cannot be verified")?;
        tries += 1;
        // The process may have published meanwhile and let go of files that an older head needs.
        if report.outcome() == Outcome::Good || tries >= TRIES || args.place.note().ok() == before {
            break report;
        }
    };
    print_report(&report, args.format)?;
    Ok(if report.outcome() == Outcome::Good { GOOD } else { FOUND })
}

fn print_report(report: &Report, format: Format) -> Result<()> {
    let good = report.outcome() == Outcome::Good;
    if format != Format::Text {
        let damage: Vec<Value> = report
            .damage
            .iter()
            .map(|one| json!({ "file": one.file, "tile": one.tile.map(|tile| tile.index), "index": one.index, "message": one.to_string() }))
            .collect();
        let outcome = if good { "good" } else { "tampered" };
        return print_json(
            format,
            &json!({
                "outcome": outcome, "verdict": report.verdict(), "origin": report.origin, "size": report.size, "root": hex(&report.root),
                "checkpoint_size": report.anchor, "damage": damage, "more": report.more,
            }),
        );
    }
    let paint = Paint::stdout();
    let mut out = format!("log       {}\nentries   {}\nroot      {}\n", report.origin, report.size, hex(&report.root));
    for one in &report.damage {
        out.push_str(&format!("damaged   {one}\n"));
    }
    if report.more > 0 {
        out.push_str(&format!("          and {} more places\n", report.more));
    }
    let verdict = report.verdict();
    out.push_str(&if good { paint.green(&verdict) } else { paint.red(&verdict) });
    print(&(out + "\n"))?;
    // What to do stands on standard error: the verdict is the last line of what programs read.
    if !good {
        say(
            "stop the gate, keep the folder as it is, and compare it with a backup and with a checkpoint that was held elsewhere (docs/audit.md)",
        );
    } else if report.anchor.is_none() {
        say(
            "to exclude it, give a checkpoint that is kept on another machine: `--checkpoint FILE` (`ledger.checkpoint_copy` writes one there)",
        );
    }
    Ok(())
}

fn verify_proof(args: &VerifyArgs, path: &Path) -> Result<u8> {
    let keys = keys_of(&args.place, args.public_key.as_deref())?;
    let proof = ProofFile::parse(&read_text(path)?).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let verdict = match proof.verify(&keys) {
        Ok(head) => Ok(format!("good: entry {} is in the log {} of {} entries", proof.index, head.origin, head.size)),
        Err(error @ (ProofFileError::Malformed | ProofFileError::NoEntry | ProofFileError::Checkpoint(CheckpointError::Malformed))) => {
            return Err(error).with_context(|| format!("`{}` cannot be read", path.display()));
        }
        Err(error) => Err(format!("does not hold: `{}`, entry {}: {error}", path.display(), proof.index)),
    };
    let good = verdict.is_ok();
    let entry: Option<Value> = proof.entry.as_deref().and_then(|entry| serde_json::from_slice(entry).ok());
    let (Ok(sentence) | Err(sentence)) = verdict;
    if args.format == Format::Text {
        let paint = Paint::stdout();
        let shown = entry.filter(|_| good).map(|entry| format!("{entry:#}\n")).unwrap_or_default();
        print(&format!("{shown}{}\n", if good { paint.green(&sentence) } else { paint.red(&sentence) }))?;
    } else {
        let outcome = if good { "good" } else { "tampered" };
        print_json(args.format, &json!({ "outcome": outcome, "verdict": sentence, "index": proof.index, "entry": entry }))?;
    }
    Ok(if good { GOOD } else { FOUND })
}

fn tail(args: &TailArgs) -> Result<u8> {
    let (_, head) = args.place.head()?;
    let mut from = head.size.saturating_sub(args.number);
    let mut all = Vec::new();
    while from < head.size {
        let entries = args.place.bundle(from, head.size)?;
        if entries.is_empty() {
            bail!("the log ends before its head says; run `bartizan audit verify`");
        }
        from += entries.len() as u64;
        for (index, entry) in entries {
            match args.format {
                Format::Text => print(&line_for_people(index, &entry))?,
                Format::Jsonl => print(&format!("{}\n", with_index(index, &entry)?))?,
                Format::Json => all.push(serde_json::from_str::<Value>(&with_index(index, &entry)?)?),
            }
        }
    }
    if args.format == Format::Json {
        print_json(Format::Json, &all)?;
    }
    Ok(GOOD)
}

fn with_index(index: u64, entry: &[u8]) -> Result<String> {
    let raw: &RawValue =
        serde_json::from_slice(entry).with_context(|| format!("entry {index} is not JSON; run `bartizan audit verify`"))?;
    Ok(format!("{{\"index\":{index},\"entry\":{raw}}}"))
}

fn line_for_people(index: u64, entry: &[u8]) -> String {
    let entry: Value = serde_json::from_slice(entry).unwrap_or(Value::Null);
    let word = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let paint = Paint::stdout();
    let decision = format!("{:<9}", word("decision"));
    let decision = match decision.trim() {
        "permit" => paint.green(&decision),
        "remedied" => paint.yellow(&decision),
        "blocked" | "failed" => paint.red(&decision),
        _ => decision,
    };
    let labels = entry.get("labels").and_then(Value::as_object);
    let labels: Vec<String> = labels.into_iter().flatten().map(|(label, count)| format!("{label} ×{count}")).collect();
    let line = format!("{index:>7}  {:<27}  {:<9} {decision} {:<26} {}", word("time"), word("kind"), word("route"), labels.join(", "));
    format!("{}\n", line.trim_end())
}

/// An entry and the proof that it is in the log as its head stands now.
fn proven(place: &Place, index: u64) -> Result<ProofFile> {
    let mut tries = 0;
    loop {
        let (note, head) = place.head()?;
        if index >= head.size {
            bail!("the log has {} entries, numbered from 0; there is no entry {index}", head.size);
        }
        let made = place.bundle(index, head.size).and_then(|entries| {
            let entry = entries.into_iter().next().map(|(_, entry)| entry);
            let path = prove_inclusion(&place.reader(), index, head.size)?;
            Ok(ProofFile { entry, index, path, checkpoint: note.clone() })
        });
        tries += 1;
        match made {
            Err(_) if tries < TRIES && place.note().ok().as_ref() != Some(&note) => {}
            made => return made,
        }
    }
}

/// Whether the entry of a proof leads to the head that the proof carries.
fn leads_to_head(proof: &ProofFile) -> Result<Checkpoint, String> {
    let head = Checkpoint::parse_unverified(&proof.checkpoint).map_err(|error| error.to_string())?;
    let leaf = leaf_hash(proof.entry.as_deref().unwrap_or_default());
    verify_inclusion(&leaf, proof.index, head.size, &proof.path, &head.root).map_err(|error| error.to_string())?;
    Ok(head)
}

fn show(args: &ShowArgs) -> Result<u8> {
    let proof = proven(&args.place, args.index)?;
    let entry = proof.entry.clone().unwrap_or_default();
    let checked = leads_to_head(&proof);
    if args.format == Format::Text {
        print(&line_for_people(args.index, &entry))?;
    } else {
        let value: Value = serde_json::from_str(&with_index(args.index, &entry)?)?;
        print_json(args.format, &value)?;
    }
    match checked {
        Ok(head) => {
            say(&format!("entry {} of {}, as the head of the log says", args.index, head.size));
            Ok(GOOD)
        }
        Err(error) => {
            say(&format!(
                "bartizan: entry {} is not what the head of the log stands for: {error}; run `bartizan audit verify`",
                args.index
            ));
            Ok(FOUND)
        }
    }
}

fn prove(args: &ProveArgs) -> Result<u8> {
    let proof = proven(&args.place, args.index)?;
    if let Err(error) = leads_to_head(&proof) {
        say(&format!("bartizan: entry {} cannot be proven: {error}; run `bartizan audit verify`", args.index));
        return Ok(FOUND);
    }
    let text = proof.to_text();
    if args.format != Format::Text {
        let entry: Option<Value> = proof.entry.as_deref().and_then(|entry| serde_json::from_slice(entry).ok());
        let document = json!({ "index": proof.index, "entry": entry, "checkpoint": proof.checkpoint, "proof": text });
        print_json(args.format, &document)?;
        return Ok(GOOD);
    }
    match &args.out {
        None => print(&text)?,
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("`{}` cannot be written", path.display()))?;
            say(&format!("check it anywhere: bartizan audit verify --proof {} --public-key ledger.pub", path.display()));
        }
    }
    Ok(GOOD)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
