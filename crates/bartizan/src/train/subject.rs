//! `bartizan train subject`: examples of what texts may be about become a recogniser.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bartizan_detect::names::train::share;
use bartizan_detect::subjects::Subjects;
use bartizan_detect::subjects::train::{self, Example, Fold, Progress, Settings};
use clap::Args;

use super::inside;
use crate::documents;
use crate::output::{GOOD, print, say};

/// Arguments of `bartizan train subject`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan train subject examples/ --out own.subjects
  bartizan train subject examples/ --none mails/ --out own.subjects
  bartizan detect --subjects=own.subjects letter.docx

Each folder in DIR is a subject: texts and documents in `examples/tickets/` become the label `subject.custom.tickets`.
Give at least 4 texts of 64 words and more for each, better 50 that differ.
--none is for texts that are about nothing that is to be found. The program's own subjects and everyday texts count as such anyway.
--builtin trains the subjects of the program itself. The same input and seed give the same bytes.

Exit code: 0 written, 2 something cannot be read or is too little; nothing is written then.")]
pub struct SubjectArgs {
    /// Folder with a folder of examples for each subject.
    #[arg(value_name = "DIR", required_unless_present = "builtin", conflicts_with = "builtin")]
    examples: Option<PathBuf>,
    /// Where to write the recogniser.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Folders of texts that are about none of the subjects.
    #[arg(long, value_name = "DIR")]
    none: Vec<PathBuf>,
    /// Train the subjects of the program itself, from its templates; `--none` names folders of packages then, half of which are left
    /// alone, to judge by.
    #[arg(long)]
    builtin: bool,
    /// Folders of packages with source files; half of the packages are left alone.
    #[arg(long, value_name = "DIR", requires = "builtin")]
    code: Vec<PathBuf>,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
    /// How often every text is seen.
    #[arg(long, default_value_t = Settings::default().epochs, value_parser = epochs)]
    epochs: usize,
}

/// Between one and a hundred.
fn epochs(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|epochs| (1..=100).contains(epochs)).ok_or_else(|| "give a number from 1 to 100".to_owned())
}

/// Endings of source files.
const CODE: [&str; 16] = ["rs", "c", "h", "cc", "cpp", "py", "js", "ts", "go", "java", "sh", "pl", "pm", "rb", "sql", "tcl"];
/// Endings of texts for people, and of what programs write.
const TEXT: [&str; 10] = ["md", "txt", "rst", "log", "json", "jsonl", "toml", "yml", "csv", "pod"];
/// Longest file of a package that is read.
const LONGEST: usize = 200_000;

/// Runs `bartizan train subject`.
///
/// # Errors
/// When something cannot be read or written, or is too little.
pub fn run(args: &SubjectArgs) -> Result<u8> {
    let settings = Settings { seed: args.seed, epochs: args.epochs, ..Settings::default() };
    let mut tell = |progress: Progress| {
        let Progress { epoch, windows, wrong } = progress;
        say(&format!("epoch {epoch} of {}: {wrong} of {windows} passages were taken for something else", settings.epochs));
    };
    let bytes = match &args.examples {
        Some(folder) => own(folder, args, &settings, &mut tell)?,
        None => builtin(args, &settings, &mut tell)?,
    };
    let subjects = Subjects::load(bytes.clone().into())?;
    std::fs::write(&args.out, &bytes).with_context(|| format!("`{}` cannot be written", args.out.display()))?;
    let digest: String = subjects.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    let labels: Vec<String> = subjects.names().iter().map(|name| format!("subject.{name}")).collect();
    print(&format!("{}: {} bytes, digest {digest}\n{}\n", args.out.display(), bytes.len(), labels.join("\n")))?;
    Ok(GOOD)
}

fn own(folder: &Path, args: &SubjectArgs, settings: &Settings, tell: &mut dyn FnMut(Progress)) -> Result<Vec<u8>> {
    let (mut names, mut examples) = (Vec::new(), Vec::new());
    for subject in inside(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = subject.file_name().and_then(|name| name.to_str());
        let Some(name) = name else { bail!("the name of `{}` is not UTF-8", subject.display()) };
        examples.extend(documents_of(&subject)?.into_iter().map(|text| Example { subject: Some(names.len()), text }));
        names.push(name.to_owned());
    }
    ensure!(
        !names.is_empty(),
        "`{}` holds no folders; each folder in it is a subject, and the files in that are its examples",
        folder.display()
    );
    for none in &args.none {
        examples.extend(documents_of(none)?.into_iter().map(|text| Example { subject: None, text }));
    }
    say(&format!("{} texts of {} subjects and none", examples.len(), names.len()));
    Ok(train::own(&names, examples, settings, tell)?)
}

/// The texts of the documents below a folder. One that cannot be read is no reason to learn from less than was asked.
fn documents_of(folder: &Path) -> Result<Vec<String>> {
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    let mut texts = Vec::new();
    for path in documents::below(&[folder.to_path_buf()]) {
        let document = documents::read(&path)?;
        if let Some((place, reason)) = document.unread.first() {
            say(&format!("bartizan: `{}`: {place} was not read: {reason}", path.display()));
        }
        let parts: Vec<String> = document.texts.into_iter().filter(|text| !text.again).map(|text| text.content).collect();
        texts.push(parts.join("\n"));
    }
    Ok(texts)
}

fn builtin(args: &SubjectArgs, settings: &Settings, tell: &mut dyn FnMut(Progress)) -> Result<Vec<u8>> {
    let (mut code, mut clean) = (Vec::new(), Vec::new());
    for folder in &args.code {
        code.extend(of_packages(folder, &CODE)?);
    }
    for folder in &args.none {
        clean.extend(of_packages(folder, &TEXT)?);
    }
    say(&format!("{} source files, {} texts of none", code.len(), clean.len()));
    Ok(train::builtin(&code, &clean, (settings, Fold::All), tell)?)
}

/// Files with these endings of the half of packages that is learned from.
fn of_packages(folder: &Path, endings: &[&str]) -> Result<Vec<String>> {
    let wanted = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        match name.rsplit_once('.') {
            Some((_, ending)) => endings.contains(&ending),
            // Licences and the like.
            None => endings == TEXT && name.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_')),
        }
    };
    let mut paths = Vec::new();
    super::below(folder, &mut |path| {
        if wanted(path) {
            paths.push(path.to_owned());
        }
    })?;
    paths.sort();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let texts = share(&paths, false).into_iter().filter_map(|path| std::fs::read_to_string(folder.join(path)).ok());
    Ok(texts.filter(|text| text.len() <= LONGEST).collect())
}
