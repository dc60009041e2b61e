//! `bartizan train`: reads lists and texts, trains a recogniser, writes its weights.

mod subject;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bartizan_detect::names::train::{Lists, Progress, Sample, Settings, chunks, share, train};
use bartizan_detect::names::{Kind, Names};
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::output::{GOOD, print, read_text, say};

/// Arguments of `bartizan train`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan train subject examples/ --out own.subjects
  bartizan train ner --gazetteer lists/ --out names.bin")]
pub struct TrainArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Clone, Debug)]
enum What {
    /// The recogniser of names of persons, places, addresses and organisations.
    Ner(NerArgs),
    /// What texts are about: subjects of your own from folders of examples.
    Subject(subject::SubjectArgs),
}

/// Arguments of `bartizan train ner`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan train ner --gazetteer lists/ --out names.bin
  bartizan train ner --gazetteer lists/ --data marked.jsonl --clean src/ --out names.bin
`scripts/gazetteers.py` of the source writes the word lists. A line of --data is {\"text\",\"spans\":[{\"start\",\"end\",\"label\"}]}; offsets
count code points. The same input and seed give the same bytes.")]
struct NerArgs {
    /// Where to write the weights.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Texts with marked names, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Folder of word lists.
    #[arg(long, value_name = "DIR")]
    gazetteer: PathBuf,
    /// Folders of packages whose texts hold no names; half of the packages are left alone, to judge by.
    #[arg(long, value_name = "DIR")]
    clean: Vec<PathBuf>,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
    /// How often every text is seen.
    #[arg(long, default_value_t = Settings::default().epochs)]
    epochs: usize,
    /// How many texts are made from templates.
    #[arg(long, default_value_t = Settings::default().made)]
    made: usize,
}

/// Longest text without names that is read; longer files are mostly tables.
const LONGEST: usize = 60_000;

/// Runs `bartizan train`.
///
/// # Errors
/// When something cannot be read or written.
pub fn run(args: &TrainArgs) -> Result<u8> {
    match &args.what {
        What::Ner(args) => ner(args),
        What::Subject(args) => subject::run(args),
    }
}

fn ner(args: &NerArgs) -> Result<u8> {
    let lists = lists(&args.gazetteer)?;
    let mut marked = Vec::new();
    for file in &args.data {
        marked.extend(samples(file)?);
    }
    let mut clean = Vec::new();
    for folder in &args.clean {
        clean.extend(texts(folder)?);
    }
    say(&format!("{} entries in lists, {} marked texts, {} texts without names", lists.len(), marked.len(), clean.len()));
    let settings = Settings { seed: args.seed, epochs: args.epochs, made: args.made, ..Settings::default() };
    let bytes = train(&lists, &marked, &clean, &settings, &mut |progress| tell(progress, settings.epochs))?;
    let names = Names::load(bytes.clone().into())?;
    std::fs::write(&args.out, &bytes).with_context(|| format!("writing `{}`", args.out.display()))?;
    let digest: String = names.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    print(&format!("{}: {} bytes, digest {digest}\n", args.out.display(), bytes.len()))?;
    Ok(GOOD)
}

fn tell(progress: Progress, epochs: usize) {
    let Progress { epoch, tokens, wrong } = progress;
    say(&format!("epoch {epoch} of {epochs}: {wrong} of {tokens} words were tagged wrong"));
}

fn lists(folder: &Path) -> Result<Lists> {
    let mut lists = Lists::default();
    for file in inside(folder)?.iter().filter(|file| file.extension().is_some_and(|extension| extension == "txt")) {
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        lists.add(name, &read_text(file)?);
    }
    ensure!(!lists.is_empty(), "`{}` holds no word lists; `scripts/gazetteers.py` writes them", folder.display());
    Ok(lists)
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("listing `{}`", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().filter(|entry| !entry.path().is_symlink()).map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// Pieces of the texts below a folder, those left out that are there to judge by.
fn texts(folder: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    below(folder, &mut |path| paths.push(path.to_owned()))?;
    paths.sort();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let texts = share(&paths, false).into_iter().filter_map(|path| std::fs::read_to_string(folder.join(path)).ok());
    Ok(texts.filter(|text| text.len() < LONGEST).flat_map(|text| chunks(&text)).collect())
}

/// Hands out the files below a folder, as paths in it.
fn below(folder: &Path, each: &mut dyn FnMut(&str)) -> Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for path in inside(&inner)? {
            if path.is_dir() {
                folders.push(path);
            } else if let Some(relative) = path.strip_prefix(folder).ok().and_then(Path::to_str) {
                each(relative);
            }
        }
    }
    Ok(())
}

/// A line of marked texts.
#[derive(Deserialize)]
struct Line {
    text: String,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    start: usize,
    end: usize,
    label: String,
}

fn samples(file: &Path) -> Result<Vec<Sample>> {
    let content = read_text(file)?;
    let mut samples = Vec::new();
    for (index, line) in content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("`{}`, line {}", file.display(), index + 1);
        let line: Line = serde_json::from_str(line).with_context(place)?;
        let starts: Vec<usize> = line.text.char_indices().map(|(byte, _)| byte).chain([line.text.len()]).collect();
        let mut spans = Vec::new();
        for span in &line.spans {
            let (Some(start), Some(end)) = (starts.get(span.start), starts.get(span.end)) else {
                bail!("{}: a span ends behind its text", place())
            };
            spans.extend(Kind::from_label(&span.label).map(|kind| (*start, *end, kind)));
        }
        samples.push(Sample { text: line.text, spans });
    }
    Ok(samples)
}
