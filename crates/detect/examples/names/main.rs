//! Judges the recogniser of names on texts whose templates it did not see, in two folds by template, together with the rules:
//! `cargo run --release -p bartizan-detect --example names -- --data FILE --gazetteer DIR [--clean DIR]… [--judge DIR]… [-v]`.
//! `--weights FILE` judges false findings and speed of trained weights instead of training.
#![expect(clippy::cast_precision_loss, reason = "a program for people, on known data")]

mod data;
mod judge;
mod score;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bartizan_detect::Detector;
use bartizan_detect::names::Names;
use bartizan_detect::names::train::{Lists, Settings, train};
use data::Row;
use score::{Counts, Report};

/// What the program was asked.
#[derive(Default)]
struct Asked {
    data: PathBuf,
    gazetteer: PathBuf,
    clean: Vec<PathBuf>,
    judge: Vec<PathBuf>,
    weights: Option<PathBuf>,
    settings: Settings,
    verbose: bool,
    one_fold: bool,
    out: Option<PathBuf>,
}

fn asked() -> Asked {
    let mut asked = Asked::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        match word.as_str() {
            "--data" => asked.data = value().into(),
            "--gazetteer" => asked.gazetteer = value().into(),
            "--clean" => asked.clean.push(value().into()),
            "--judge" => asked.judge.push(value().into()),
            "--weights" => asked.weights = Some(value().into()),
            "--made" => asked.settings.made = value().parse().unwrap_or(40_000),
            "--repeat" => asked.settings.repeat = value().parse().unwrap_or(6),
            "--bits" => asked.settings.bits = value().parse().unwrap_or(17),
            "--epochs" => asked.settings.epochs = value().parse().unwrap_or(8),
            "--seed" => asked.settings.seed = value().parse().unwrap_or(7),
            "--out" => asked.out = Some(value().into()),
            "--one-fold" => asked.one_fold = true,
            "-v" => asked.verbose = true,
            other => eprintln!("`{other}` is ignored"),
        }
    }
    asked
}

/// Trains on no marked sentences and writes the weights, as `bartizan train ner` does.
fn keep(path: &Path, lists: &Lists, clean: &[String], settings: &Settings) -> ExitCode {
    let Some(bytes) = learned(lists, &[], clean, settings) else { return ExitCode::from(2) };
    if let Err(error) = std::fs::write(path, &bytes) {
        eprintln!("`{}`: {error}", path.display());
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

/// Trains on one half of the templates.
fn trained(lists: &Lists, rows: &[&Row], clean: &[String], settings: &Settings) -> Option<Names> {
    Names::load(learned(lists, rows, clean, settings)?.into()).ok()
}

fn learned(lists: &Lists, rows: &[&Row], clean: &[String], settings: &Settings) -> Option<Vec<u8>> {
    let samples: Vec<_> = rows.iter().map(|row| row.sample()).collect();
    let begun = Instant::now();
    let bytes = train(lists, &samples, clean, settings, &mut |progress| {
        eprintln!(
            "epoch {} of {}: {} tokens, {:.2} % wrong, {:.0} s",
            progress.epoch,
            settings.epochs,
            progress.tokens,
            100.0 * progress.wrong as f64 / progress.tokens.max(1) as f64,
            begun.elapsed().as_secs_f64()
        );
    });
    let bytes = bytes.map_err(|error| eprintln!("{error}")).ok()?;
    println!("weights: {} bytes", bytes.len());
    Some(bytes)
}

fn main() -> ExitCode {
    let asked = asked();
    let Ok(detector) = Detector::builtin() else { return ExitCode::from(2) };
    if let Some(path) = &asked.weights {
        let begun = Instant::now();
        let Some(names) = std::fs::read(path).ok().and_then(|bytes| Names::load(bytes.into()).ok()) else {
            eprintln!("`{}` cannot be loaded", path.display());
            return ExitCode::from(2);
        };
        println!("loaded in {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0);
        judge::folders(&detector, &names, &asked.judge, asked.verbose);
        let rows = data::rows(&asked.data);
        let report = Report::of(&detector, &names, &rows.iter().collect::<Vec<_>>(), asked.verbose);
        report.print("all sentences");
        let total = &report.total;
        println!(
            "RESULT any_f2={:.3} typed_f1={:.3} person_f1={:.3} phone_f1={:.3} card_f1={:.3} date_precision={:.3}",
            total.any().f(2.0),
            total.typed().f(1.0),
            total.label("PERSON").f(1.0),
            total.label("PHONE").f(1.0),
            total.label("CARD").f(1.0),
            total.label("DATE").precision(),
        );
        return ExitCode::SUCCESS;
    }
    let lists = data::lists(&asked.gazetteer);
    let rows = data::rows(&asked.data);
    if lists.is_empty() || rows.is_empty() {
        eprintln!("give --data with the marked sentences and --gazetteer with the word lists");
        return ExitCode::from(2);
    }
    let clean = data::clean(&asked.clean);
    println!("{} entries in lists, {} sentences, {} texts without names", lists.len(), rows.len(), clean.len());
    if let Some(path) = &asked.out {
        return keep(path, &lists, &clean, &asked.settings);
    }
    let mut ids: Vec<u64> = rows.iter().map(|row| row.template).collect();
    ids.sort_unstable();
    ids.dedup();
    let side = |row: &Row| ids.binary_search(&row.template).unwrap_or(0) % 2;
    let mut reports: Vec<Report> = Vec::new();
    for fold in 0..if asked.one_fold { 1 } else { 2 } {
        let (learn, test): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| side(row) != fold);
        let Some(names) = trained(&lists, &learn, &clean, &asked.settings) else { return ExitCode::from(2) };
        let report = Report::of(&detector, &names, &test, asked.verbose);
        report.print(&format!("fold {fold}: trained on {}, judged on {} sentences", learn.len(), test.len()));
        judge::folders(&detector, &names, &asked.judge, asked.verbose && fold == 0);
        reports.push(report);
    }
    let mean = |value: &dyn Fn(&Counts) -> f64| reports.iter().map(|report| value(&report.total)).sum::<f64>() / reports.len() as f64;
    let mut all = Report::default();
    for report in &reports {
        all.absorb(report);
    }
    all.print("both folds, every sentence judged by weights that did not see its template");
    println!(
        "RESULT any_f2={:.3} typed_f1={:.3} person_f1={:.3} phone_f1={:.3} card_f1={:.3} date_precision={:.3} (means over the folds)",
        mean(&|counts| counts.any().f(2.0)),
        mean(&|counts| counts.typed().f(1.0)),
        mean(&|counts| counts.label("PERSON").f(1.0)),
        mean(&|counts| counts.label("PHONE").f(1.0)),
        mean(&|counts| counts.label("CARD").f(1.0)),
        mean(&|counts| counts.label("DATE").precision()),
    );
    ExitCode::SUCCESS
}
