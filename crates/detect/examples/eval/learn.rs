//! Weights for names: those that are part of the project, of a file, or trained anew on the half of the templates that is not judged.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bartizan_detect::names::train::{Lists, Sample, Settings, chunks, share, train};
use bartizan_detect::names::{Kind, Names};

use crate::rows::{Row, files};
use crate::synthetic::Sentences;

/// The weights of the project.
const BUILTIN: &[u8] = include_bytes!("../../models/names.bin");
/// Longer files are mostly tables.
const LONGEST: usize = 60_000;

/// What to learn from.
#[derive(Default)]
pub struct Learn {
    /// Word lists; without them nothing is learnt.
    pub gazetteer: Option<PathBuf>,
    /// Texts without names.
    pub clean: Vec<PathBuf>,
    /// Weights instead of learning.
    pub weights: Option<PathBuf>,
    pub settings: Settings,
}

/// The weights for each fold.
pub fn names(learn: &Learn, sentences: &Sentences) -> Option<[Names; 2]> {
    let Some(gazetteer) = &learn.gazetteer else {
        let bytes = learn.weights.as_ref().map_or_else(|| Some(BUILTIN.to_vec()), |path| fs::read(path).ok())?;
        let names = Names::load(bytes.into()).ok()?;
        return Some([names.clone(), names]);
    };
    let lists = lists(gazetteer);
    let clean: Vec<String> = learn.clean.iter().flat_map(|folder| texts(folder, false)).flat_map(|(_, text)| chunks(&text)).collect();
    let of = |fold: usize| {
        let samples: Vec<Sample> = sentences.rows.iter().filter(|row| sentences.fold(row) != fold).map(sample).collect();
        trained(&lists, &samples, &clean, &learn.settings)
    };
    Some([of(0)?, of(1)?])
}

fn trained(lists: &Lists, samples: &[Sample], clean: &[String], settings: &Settings) -> Option<Names> {
    let begun = Instant::now();
    let bytes = train(lists, samples, clean, settings, &mut |progress| {
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
    Names::load(bytes.into()).ok()
}

/// A marked sentence as a text to learn from.
fn sample(row: &Row) -> Sample {
    let spans = row.spans.iter().filter_map(|span| Kind::from_label(&span.label).map(|kind| (span.start, span.end, kind)));
    Sample { text: row.text.clone(), spans: spans.collect() }
}

/// The word lists of a folder.
fn lists(folder: &Path) -> Lists {
    let mut lists = Lists::default();
    let mut paths = Vec::new();
    files(folder, &mut paths);
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "txt")) {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        lists.add(name, &fs::read_to_string(path).unwrap_or_default());
    }
    lists
}

/// The texts below a folder that are there to learn from, or to judge by.
pub fn texts(folder: &Path, judge: bool) -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let relative: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix(folder).ok()?.to_str()).collect();
    let read = |path: &&str| {
        let path = folder.join(path);
        fs::read_to_string(&path).ok().filter(|text| text.len() < LONGEST).map(|text| (path, text))
    };
    share(&relative, judge).iter().filter_map(read).collect()
}
