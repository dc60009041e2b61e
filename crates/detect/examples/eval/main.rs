//! Judges the detectors on labelled sets, on texts that it makes itself and on ordinary files, and compares each figure with its
//! bar: `cargo run --release -p bartizan-detect --example eval -- DIR [--text FOLDER]… [--page FILE]`. It fails when a bar is missed.
//! `--rules DIR` reads the rules from there, so that they can be tried without building anything; with `--examples` only the rules'
//! own examples are tried, with `--only made` or `--only languages` only the texts that the project makes, without `DIR` only ordinary files are read. `--predictions FILE` writes what was found in the synthetic
//! sentences, `--peer NAME FILE` judges what somebody else found there; `--pack FILE` judges them once more with
//! what an encoder found in the sentences that `--texts FILE` writes. With `--gazetteer DIR` (and `--clean DIR`) the weights for
//! names are trained anew for each fold, with `--weights FILE` others are taken; `--names DIR` counts names in ordinary files.
#![expect(clippy::indexing_slicing, clippy::string_slice, clippy::cast_precision_loss, reason = "a program for people, on known data")]

mod calibration;
mod draw;
mod labels;
mod languages;
mod learn;
mod made;
mod names;
mod noise;
mod own;
mod pack;
mod papers;
mod presidio;
mod report;
mod rows;
mod score;
mod secrets;
mod splits;
mod synthetic;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bartizan_detect::{Detector, RuleFile};
use learn::Learn;
use report::Report;
use synthetic::Sentences;

/// What the program was asked.
#[derive(Default)]
struct Asked {
    sets: Option<PathBuf>,
    rules: Option<PathBuf>,
    text: Vec<PathBuf>,
    names: Vec<PathBuf>,
    page: Option<PathBuf>,
    misses: Option<PathBuf>,
    predictions: Option<PathBuf>,
    peers: Vec<(String, PathBuf)>,
    pack: Option<PathBuf>,
    texts: Option<PathBuf>,
    learn: Learn,
    examples: bool,
    /// The one section that is asked for.
    only: Option<String>,
}

fn asked() -> Asked {
    let mut asked = Asked::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        match word.as_str() {
            "--rules" => asked.rules = Some(value().into()),
            "--text" => asked.text.push(value().into()),
            "--names" => asked.names.push(value().into()),
            "--page" => asked.page = Some(value().into()),
            "--misses" => asked.misses = Some(value().into()),
            "--predictions" => asked.predictions = Some(value().into()),
            "--peer" => asked.peers.push((value(), value().into())),
            "--texts" => asked.texts = Some(value().into()),
            "--pack" => asked.pack = Some(value().into()),
            "--gazetteer" => asked.learn.gazetteer = Some(value().into()),
            "--clean" => asked.learn.clean.push(value().into()),
            "--weights" => asked.learn.weights = Some(value().into()),
            "--made" => asked.learn.settings.made = value().parse().unwrap_or(40_000),
            "--epochs" => asked.learn.settings.epochs = value().parse().unwrap_or(6),
            "--seed" => asked.learn.settings.seed = value().parse().unwrap_or(7),
            "--examples" => asked.examples = true,
            "--only" => asked.only = Some(value()),
            _ => asked.sets = Some(word.into()),
        }
    }
    asked
}

/// The rules of a folder, or those of the program.
fn rule_files(folder: Option<&Path>) -> Vec<RuleFile> {
    let Some(folder) = folder else { return RuleFile::builtin().unwrap_or_default() };
    let mut paths = Vec::new();
    rows::files(folder, &mut paths);
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap_or_default();
    let parse = |path: &PathBuf| RuleFile::parse(&text(path)).inspect_err(|error| eprintln!("{}: {error:?}", path.display()));
    paths.iter().filter_map(|path| parse(path).ok()).collect()
}

/// Everything that needs the labelled sets; beside peers only the sentences that they were asked about.
fn sets(folder: &Path, asked: &Asked, files: &[RuleFile], detector: &Detector, report: &mut Report) -> Option<()> {
    let sentences = Sentences::read(folder);
    let [first, second] = learn::names(&asked.learn, &sentences)?;
    synthetic::run(detector, &sentences, [&first, &second], asked.predictions.as_deref(), report);
    if let Some(file) = &asked.pack {
        synthetic::packed(detector, &sentences, [&first, &second], &pack::Pack::read(file, &sentences.rows)?, report);
    }
    synthetic::peers(&sentences, &asked.peers, report);
    if asked.peers.is_empty() {
        presidio::run(folder, files, report);
        secrets::run(detector, folder, report);
        made::run(detector, report);
        languages::run(detector, report);
        names::run(detector, &first, &asked.names, report);
        tell_scores(report);
        splits::run(detector, positives(folder, files).iter().map(String::as_str), report);
    }
    Some(())
}

/// The texts in which something is to be found: of all sets, of those that the project makes, of the rules.
fn positives(folder: &Path, files: &[RuleFile]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for name in ["presidio_recognizers", "presidio_synthetic", "secrets_gitleaks", "secrets_kingfisher", "secrets_noseyparker"] {
        let rows = rows::rows(&folder.join(format!("{name}.jsonl")));
        texts.extend(rows.into_iter().filter(|row| row.expected != "no_match").map(|row| row.text));
    }
    texts.extend(made::sentences().into_iter().chain(languages::sentences()).map(|row| row.text));
    let examples = files.iter().flat_map(|file| &file.rules).flat_map(|rule| &rule.examples);
    texts.extend(examples.map(|example| example.text.clone()));
    texts
}

/// One section that needs no data from outside.
fn only(section: &str, detector: &Detector, report: &mut Report) -> Option<()> {
    match section {
        "made" => made::run(detector, report),
        "languages" => languages::run(detector, report),
        _ => {
            eprintln!("`--only` knows `made` and `languages`");
            return None;
        }
    }
    tell_scores(report);
    Some(())
}

/// What scores are worth, over everything that was judged.
fn tell_scores(report: &mut Report) {
    let scores = report.scores.clone();
    scores.tell(report);
}

fn main() -> ExitCode {
    let asked = asked();
    let files = rule_files(asked.rules.as_deref());
    let Ok(detector) = Detector::from_rules(&files) else {
        eprintln!("the rules cannot be compiled");
        return ExitCode::from(2);
    };
    if asked.examples {
        return own::run(&detector, &files);
    }
    if let (Some(folder), Some(file)) = (&asked.sets, &asked.texts) {
        return if pack::texts(&Sentences::read(folder).rows, file) { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    let mut report = Report::default();
    let misses = asked.misses.clone().unwrap_or_else(|| PathBuf::from("out/eval-misses.txt"));
    if let Some(section) = &asked.only {
        return only(section, &detector, &mut report).map_or(ExitCode::from(2), |()| report.finish(&misses, asked.page.as_deref()));
    }
    if let Some(folder) = &asked.sets {
        if !folder.join("presidio_synthetic.jsonl").is_file() {
            eprintln!("`{}` has no labelled sets", folder.display());
            return ExitCode::from(2);
        }
        if sets(folder, &asked, &files, &detector, &mut report).is_none() {
            eprintln!("the weights for names, or the accuracy pack, cannot be had");
            return ExitCode::from(2);
        }
    } else if asked.text.is_empty() {
        eprintln!("give the folder with the labelled sets, or --text with a folder of ordinary files");
        return ExitCode::from(2);
    }
    if !asked.text.is_empty() {
        noise::run(&detector, &asked.text, &mut report);
    }
    report.finish(&misses, asked.page.as_deref())
}
