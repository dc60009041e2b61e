//! Judges the recogniser of subjects: passages written apart from the templates, templates in two folds, source files, ordinary texts.
//! `cargo run --release -p bartizan-detect --example subjects -- [--weights FILE] [--code FOLDER]… [--none FOLDER]… [--text FOLDER]…`
//!
//! `--code` and `--none` are what weights are trained from, as `bartizan train subject --builtin` takes them: the half of their packages
//! that training leaves alone is judged. With `--fold` weights are trained for each fold by template. `--text` is never trained on.
//! It fails when a bar is missed.
#![expect(clippy::cast_precision_loss, reason = "a program for people, on known data")]

mod files;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bartizan_detect::subjects::train::{self, Fold, Settings};
use bartizan_detect::subjects::{BUILTIN, Subjects};
use files::{Texts, code, texts};

/// From here on a passage counts, as at the gate.
const THRESHOLD_BP: u16 = 8_000;

#[derive(Default)]
struct Asked {
    weights: Option<PathBuf>,
    code: Vec<PathBuf>,
    none: Vec<PathBuf>,
    text: Vec<PathBuf>,
    fold: bool,
    show: bool,
}

fn asked() -> Asked {
    let mut asked = Asked::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || PathBuf::from(words.next().unwrap_or_default());
        match word.as_str() {
            "--weights" => asked.weights = Some(value()),
            "--code" => asked.code.push(value()),
            "--none" => asked.none.push(value()),
            "--text" => asked.text.push(value()),
            "--fold" => asked.fold = true,
            "--show" => asked.show = true,
            _ => eprintln!("`{word}` is not known"),
        }
    }
    asked
}

/// Found and missed, by subject.
#[derive(Default)]
struct Counts(BTreeMap<String, [usize; 3]>);

impl Counts {
    /// One text: what it is about, and what was said of it.
    fn see(&mut self, truth: Option<&str>, said: &[String]) {
        if let Some(truth) = truth {
            let hit = said.iter().any(|one| one == truth);
            if let Some(cell) = self.0.entry(truth.to_owned()).or_default().get_mut(usize::from(!hit)) {
                *cell += 1;
            }
        }
        for wrong in said.iter().filter(|one| Some(one.as_str()) != truth) {
            if let Some(cell) = self.0.entry(wrong.clone()).or_default().get_mut(2) {
                *cell += 1;
            }
        }
    }

    fn print(&self, title: &str) -> (f64, f64) {
        println!("\n{title}\n{:<22} {:>6} {:>6} {:>6} {:>10} {:>8}", "subject", "hit", "missed", "wrong", "precision", "recall");
        let mut all = [0; 3];
        for (name, [hit, missed, wrong]) in &self.0 {
            let (precision, recall) = rates([*hit, *missed, *wrong]);
            println!("{name:<22} {hit:>6} {missed:>6} {wrong:>6} {precision:>10.3} {recall:>8.3}");
            for (sum, more) in all.iter_mut().zip([hit, missed, wrong]) {
                *sum += more;
            }
        }
        let (precision, recall) = rates(all);
        println!("{:<22} {:>6} {:>6} {:>6} {precision:>10.3} {recall:>8.3}", "all", all[0], all[1], all[2]);
        (precision, recall)
    }
}

fn rates([hit, missed, wrong]: [usize; 3]) -> (f64, f64) {
    (hit as f64 / (hit + wrong).max(1) as f64, hit as f64 / (hit + missed).max(1) as f64)
}

/// The subjects that are said of a text, each once.
fn said(subjects: &Subjects, text: &str) -> Vec<String> {
    let mut names: Vec<String> =
        subjects.scan(text, THRESHOLD_BP).iter().filter_map(|passage| subjects.names().get(passage.subject).cloned()).collect();
    names.sort();
    names.dedup();
    names
}

/// Passages that were written apart from the templates.
fn held_out(subjects: &Subjects, show: bool) -> (f64, f64) {
    let mut counts = Counts::default();
    for part in include_str!("held_out.txt").split("\n@").map(|part| part.trim_start_matches('@')) {
        let Some((truth, text)) = part.split_once('\n') else { continue };
        let said = said(subjects, text);
        if show {
            let all = subjects.scan(text, 0);
            println!("{truth:<20} {said:?} {:?}", all.iter().map(|one| (one.subject, one.score_bp)).collect::<Vec<_>>());
        }
        counts.see((truth != "none").then_some(truth), &said);
    }
    counts.print("Passages written apart from the templates, each whole")
}

/// Each half of the templates judged by weights that learned from the other.
fn folds(asked: &Asked) -> Option<(f64, f64)> {
    let settings = Settings::default();
    let mut counts = Counts::default();
    for share in 0..4 {
        let trained = train::builtin(&code(&asked.code, false), &texts(&asked.none, false), (&settings, Fold::Without(share)), &mut |_| {});
        let subjects = Subjects::load(trained.ok()?.into()).ok()?;
        for example in train::made(&[], &Settings { made: 60, seed: 99, ..settings }, Fold::Only(share)) {
            let truth = example.subject.and_then(|subject| BUILTIN.get(subject)).map(|(name, _)| *name);
            counts.see(truth, &said(&subjects, &example.text));
        }
    }
    Some(counts.print("Templates in four folds: each is judged by weights that have not seen it"))
}

/// What is said of files that are about nothing, or about code only; a hundred KB at a time.
fn ordinary(subjects: &Subjects, title: &str, files: &Texts, is_code: bool, show: bool) -> (f64, f64) {
    let (mut bytes, mut about, mut wrong, mut covered) = (0, 0, BTreeMap::<&str, usize>::new(), 0);
    let mut by_kind: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (path, text) in &files.0 {
        bytes += text.len();
        let mut inside = 0;
        for passage in subjects.scan(text, THRESHOLD_BP) {
            let name = subjects.names().get(passage.subject).map_or("", String::as_str);
            if is_code && name == "source_code" {
                inside += passage.end - passage.start;
                continue;
            }
            *wrong.entry(name).or_default() += 1;
            about += passage.end - passage.start;
            if show {
                let shown: String = text.get(passage.start..passage.end).unwrap_or_default().chars().take(160).collect();
                println!("{name} {} {path}: {shown:?}", passage.score_bp);
            }
        }
        covered += inside;
        let kind = path.rsplit_once('.').map_or("", |(_, kind)| kind);
        for (sum, more) in by_kind.entry(kind).or_default().iter_mut().zip([text.len(), inside]) {
            *sum += more;
        }
    }
    let per = |count: usize| count as f64 * 100_000.0 / (bytes.max(1)) as f64;
    // Code that documents quote is code.
    let sum: usize = wrong.iter().filter(|(name, _)| **name != "source_code").map(|(_, count)| count).sum();
    println!("\n{title}: {} files, {:.1} MB", files.0.len(), bytes as f64 / 1e6);
    for (name, count) in &wrong {
        println!("  {name:<20} {count:>6} passages, {:.3} in 100 KB", per(*count));
    }
    println!(
        "  all but code         {sum:>6} passages, {:.3} in 100 KB, {:.3}% of the bytes",
        per(sum),
        about as f64 * 100.0 / bytes.max(1) as f64
    );
    if is_code {
        for (kind, [bytes, inside]) in by_kind.iter().filter(|(_, [bytes, _])| *bytes > 20_000) {
            println!("  .{kind:<5} {:>8.1} KB, {:.1}% of the bytes found", *bytes as f64 / 1e3, *inside as f64 * 100.0 / *bytes as f64);
        }
    }
    (per(sum), covered as f64 / bytes.max(1) as f64)
}

fn speed(subjects: &Subjects, files: &Texts) -> f64 {
    let text: String = files.0.iter().map(|(_, text)| text.as_str()).take(400).collect();
    let began = Instant::now();
    let mut rounds = 0_u32;
    while rounds < 3 || began.elapsed().as_secs() < 2 {
        std::hint::black_box(subjects.scan(std::hint::black_box(&text), THRESHOLD_BP));
        rounds += 1;
    }
    text.len() as f64 * f64::from(rounds) / began.elapsed().as_secs_f64() / 1e6
}

fn main() -> ExitCode {
    let asked = asked();
    let loaded = match &asked.weights {
        Some(file) => std::fs::read(file)
            .map_err(|error| error.to_string())
            .and_then(|bytes| Subjects::load(bytes.into()).map_err(|error| error.to_string())),
        None => Subjects::builtin().map_err(|error| error.to_string()),
    };
    let subjects = match loaded {
        Ok(subjects) => subjects,
        Err(error) => {
            eprintln!("no weights: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (precision, recall) = held_out(&subjects, asked.show);
    let fold = if asked.fold { folds(&asked) } else { None };
    let sources = files::judged(&asked.code, true);
    let (stray, found) = ordinary(&subjects, "Source files", &sources, true, asked.show);
    let docs = files::judged(&asked.none, false);
    let (half, _) = ordinary(&subjects, "Texts of packages that were not trained on", &docs, false, asked.show);
    let plain = files::all(&asked.text);
    let (false_ones, _) = ordinary(&subjects, "Ordinary texts, of which nothing was trained on", &plain, false, asked.show);
    let mb = speed(&subjects, if plain.0.is_empty() { &sources } else { &plain });
    let bars = [
        ("precision", precision, precision >= 0.9),
        ("recall", recall, recall >= 0.6),
        ("code_found", found, sources.0.is_empty() || found >= 0.85),
        ("stray_per_100kb_code", stray, stray <= 0.2),
        ("stray_per_100kb_packages", half, half <= 0.5),
        ("stray_per_100kb_texts", false_ones, false_ones <= 0.5),
        ("mb_per_second", mb, cfg!(debug_assertions) || mb >= 20.0),
    ];
    let fold = fold.map_or(String::new(), |(precision, recall)| format!(" fold_precision={precision:.3} fold_recall={recall:.3}"));
    let figures: Vec<String> = bars.iter().map(|(name, value, _)| format!("{name}={value:.3}")).collect();
    let missed: Vec<&str> = bars.iter().filter(|(_, _, good)| !good).map(|(name, ..)| *name).collect();
    for name in &missed {
        println!("missed: {name}");
    }
    println!("RESULT subjects {}{fold} missed={}", figures.join(" "), missed.len());
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
