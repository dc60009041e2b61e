//! `bartizan fingerprint`: makes an index of documents, so that excerpts of them are found without the documents being kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use bartizan_detect::prints::{Prints, PrintsBuilder, PrintsBuilt};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::documents::{self, below};
use crate::output::{FAILED, Format, GOOD, print, print_json, say};
use crate::own_index::{MadeArgs, MadeKey, ShowArgs, key, key_path, peak_memory, read, seal, write};
use crate::progress::Progress;

/// Arguments of `bartizan fingerprint`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  bartizan fingerprint build contracts/ -o contracts.prints
  bartizan detect --fingerprints contracts.prints mail.eml")]
pub struct FingerprintArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Clone, Debug)]
enum What {
    /// Make an index of files and folders.
    Build(BuildArgs),
    /// Say what an index holds, and check that it is whole.
    #[command(after_help = "Example:
  bartizan fingerprint show contracts.prints")]
    Show(ShowArgs),
}

/// Arguments of `bartizan fingerprint build`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan fingerprint build contracts/ -o contracts.prints
  bartizan fingerprint build plan.docx board/*.pdf --names --label proprietary.board -o board.prints
  bartizan fingerprint build src/ --index-key keys/own.key -o source.prints
Documents and archives are opened as `bartizan detect` opens them. The index holds hashes under the key and no text; names of files are
kept only with --names, otherwise findings tell a document by an id, which is printed here. See docs/proprietary-data.md.
Exit code: 0 everything was taken, 2 something could not be read, which is told; the index is made of the rest.")]
struct BuildArgs {
    /// Files and folders.
    #[arg(value_name = "FILES", required = true)]
    files: Vec<PathBuf>,
    /// Label of what is found.
    #[arg(long, value_name = "NAME", default_value = "proprietary.document")]
    label: String,
    /// Keep the names of the files in the index, and tell them with findings.
    #[arg(long)]
    names: bool,
    #[command(flatten)]
    made: MadeArgs,
}

/// Runs `bartizan fingerprint`.
///
/// # Errors
/// When the index cannot be made, written or read.
pub fn run(args: &FingerprintArgs) -> Result<u8> {
    match &args.what {
        What::Build(args) => build(args),
        What::Show(args) => show(args),
    }
}

/// An index for `detect`.
///
/// # Errors
/// When it cannot be read, is damaged, or was made with another key.
pub fn load(file: &Path, key_file: Option<&Path>) -> Result<Prints> {
    let key = key(&key_path(file, key_file)).with_context(|| format!("`{}` cannot be used", file.display()))?;
    Prints::load(read(file)?, &key).with_context(|| format!("`{}` cannot be used", file.display()))
}

/// What became of the files.
#[derive(Default)]
struct Taken {
    /// Files that are in the index, in its order.
    files: Vec<PathBuf>,
    /// Files of too few words.
    short: usize,
    unread: bool,
}

fn build(args: &BuildArgs) -> Result<u8> {
    let paths = below(&args.files);
    let key = args.made.key(paths.iter().map(PathBuf::as_path))?;
    let mut builder = PrintsBuilder::new(&key.key, &args.label)
        .map_err(|_| anyhow!("a label is dotted words of small letters below `proprietary.` or `custom.`, such as `proprietary.board`"))?;
    let mut taken = Taken::default();
    let mut progress = Progress::new(&paths);
    for path in &paths {
        if let Err(error) = take(path, args.names, &mut builder, &mut taken, &progress) {
            progress.clear();
            say(&format!("bartizan: {error:#}"));
            taken.unread = true;
        }
        progress.file(path);
    }
    progress.clear();
    ensure!(!taken.files.is_empty(), "no document is left: {} have too few words for an excerpt", taken.short);
    let built = builder.finish()?;
    write(&args.made.output, &built.bytes)?;
    match args.made.format {
        Format::Text => print(&(summary(args, &taken, &built) + &key.told("texts")))?,
        format => print_json(format, &report(args, &taken, &built, &key))?,
    }
    Ok(if taken.unread { FAILED } else { GOOD })
}

fn report(args: &BuildArgs, taken: &Taken, built: &PrintsBuilt, key: &MadeKey) -> serde_json::Value {
    let document = |((id, words), path): (&(String, usize), &PathBuf)| json!({ "rule": format!("document:{id}"), "words": words, "file": path.display().to_string() });
    json!({
        "file": args.made.output.display().to_string(),
        "label": args.label,
        "documents": built.documents.iter().zip(&taken.files).map(document).collect::<Vec<_>>(),
        "short": taken.short,
        "common": built.common,
        "whole": !taken.unread,
        "bytes": built.bytes.len(),
        "key_file": key.path.display().to_string(),
        "key_made": key.new,
    })
}

/// Takes one file in.
fn take(path: &Path, names: bool, builder: &mut PrintsBuilder, taken: &mut Taken, progress: &Progress) -> Result<()> {
    let document = documents::read(path)?;
    let name = documents::name(path);
    for (place, reason) in &document.unread {
        progress.clear();
        say(&format!("bartizan: `{name}`: {place} was not read: {reason}"));
        taken.unread = true;
    }
    // The source of a page with its tags, and what one reads of it: an excerpt may be of either.
    let texts = document.texts.iter().map(|text| text.content.as_str());
    let before = builder.documents();
    builder.add(names.then_some(name.as_str()), texts)?;
    if builder.documents() > before {
        taken.files.push(path.to_path_buf());
    } else {
        taken.short += 1;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn summary(args: &BuildArgs, taken: &Taken, built: &PrintsBuilt) -> String {
    let words: usize = built.documents.iter().map(|(_, words)| words).sum();
    let (count, size) = (built.documents.len(), built.bytes.len() as f64);
    let mut out = String::new();
    for ((id, words), path) in built.documents.iter().zip(&taken.files) {
        out.push_str(&format!("document:{id}  {words:>8} words  {}\n", path.display()));
    }
    out.push_str(&format!(
        "{}: {count} documents as {}, {words} words, {:.1} MB, {:.1} bytes a word{}\n",
        args.made.output.display(),
        args.label,
        size / 1e6,
        size / words.max(1) as f64,
        peak_memory(),
    ));
    if taken.short > 0 {
        out.push_str(&format!("left out: {} documents with too few words for an excerpt\n", taken.short));
    }
    if built.common > 0 {
        out.push_str(&format!("{} shingles stand in more than 16 places and are known from the first ones only\n", built.common));
    }
    out
}

fn show(args: &ShowArgs) -> Result<u8> {
    let prints = load(&args.file, args.index_key.as_deref())?;
    let seal = seal(prints.digest());
    if args.format != Format::Text {
        let documents = prints.documents().iter().map(|one| json!({ "rule": one.rule.as_str(), "words": one.words }));
        let (file, label) = (args.file.display().to_string(), prints.label().as_str());
        print_json(args.format, &json!({ "file": file, "label": label, "documents": documents.collect::<Vec<_>>(), "seal": seal }))?;
        return Ok(GOOD);
    }
    let mut out = String::new();
    for document in prints.documents() {
        out.push_str(&format!("{}  {:>8} words\n", document.rule.as_str(), document.words));
    }
    out.push_str(&format!("{}: {} documents as {}, whole, seal {seal}\n", args.file.display(), prints.documents().len(), prints.label()));
    print(&out)?;
    Ok(GOOD)
}
