//! An encoder in its folder: read, checked, and asked for names.

use std::fmt::Write;
use std::io::Read;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bartizan_detect::names::{Given, Kind, Name};
use bartizan_detect::normalise;
use bartizan_encoder::{Encoder, Files, Threads, one_thread};
use bartizan_gateway::{NameReader, PackSettings};
use ring::digest::{Context as Hasher, SHA256};
use serde::{Deserialize, Serialize};

use super::SAMPLE;

/// Files of a folder.
pub const MODEL: &str = "model.onnx";
pub const TOKENIZER: &str = "tokenizer.json";
pub const CONFIG: &str = "config.json";
pub const LICENCE: &str = "LICENSE";
pub const NOTICE: &str = "NOTICE";
pub const SHEET: &str = "pack.json";

/// Longest model and longest text beside it, in bytes.
pub const LONGEST_MODEL: u64 = 512 << 20;
pub const LONGEST_TEXT: u64 = 16 << 20;

/// From this score on a name counts, as with the built-in recogniser.
const SURE: u16 = 5_000;

/// Requests that may wait for the encoder.
const QUEUE: usize = 64;

/// What is known of where it came from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sheet {
    /// Name of the package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its licence, in the words of the package.
    pub licence: String,
    /// Of the package, as hex.
    pub package_sha256: String,
    /// Of the model, its tokenizer and its configuration, one behind the other, as hex.
    pub sha256: String,
}

/// An encoder that is ready.
pub struct Installed {
    encoder: Encoder,
    sheet: Sheet,
    notice: String,
    digest: [u8; 32],
}

impl Installed {
    /// Reads a folder.
    ///
    /// # Errors
    /// Says which file cannot be read or used.
    pub fn load(folder: &Path) -> Result<Self> {
        let problem = || format!("there is no usable accuracy pack in `{}`; `bartizan pack install` makes one", folder.display());
        Self::read(folder).with_context(problem)
    }

    fn read(folder: &Path) -> Result<Self> {
        let file = |name: &str, most: u64| read_some(&folder.join(name), most);
        let (model, tokenizer, config) = (file(MODEL, LONGEST_MODEL)?, file(TOKENIZER, LONGEST_TEXT)?, file(CONFIG, LONGEST_TEXT)?);
        let digest = digest(&[&model, &tokenizer, &config]);
        let mut sheet = Sheet::default();
        if folder.join(SHEET).exists() {
            sheet = serde_json::from_slice(&file(SHEET, LONGEST_TEXT)?).with_context(|| format!("`{SHEET}` cannot be read"))?;
            ensure!(
                sheet.sha256 == hex(&digest),
                "its files are not those that were installed: `{SHEET}` has another SHA-256; install it again"
            );
        }
        sheet.sha256 = hex(&digest);
        let text = |name: &str| file(name, LONGEST_TEXT).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let notice = text(NOTICE).or_else(|_| text(LICENCE)).unwrap_or_default();
        let encoder = Encoder::load(Files { model, tokenizer, config })?;
        Ok(Self { encoder, sheet, notice, digest })
    }

    /// Where it came from.
    pub fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// The text that names its authors.
    pub fn notice(&self) -> &str {
        &self.notice
    }

    /// What it finds in a sample.
    ///
    /// # Errors
    /// When it fails.
    pub fn try_it(&self) -> Result<Vec<(&'static str, &'static str)>> {
        let spans = self.encoder.read(SAMPLE, &one_thread(), &mut || true)?.unwrap_or_default();
        Ok(spans.iter().filter_map(|span| Some((span.label, SAMPLE.get(span.start..span.end)?))).collect())
    }

    /// The names of a text, however long that takes.
    ///
    /// # Errors
    /// When it fails.
    pub fn given(&self, text: &str) -> Result<Given> {
        let normalised = normalise(text);
        let names = self.names(&normalised, &mut || true).map_err(anyhow::Error::msg)?.unwrap_or_default();
        Ok(Given::of(&normalised, names))
    }

    /// What the gate needs: half of the processors read at a time, four at most.
    pub fn settings(self, deadline: Duration) -> PackSettings {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get) / 2;
        tracing::info!(
            package = self.sheet.package,
            version = self.sheet.version,
            licence = self.sheet.licence,
            sha256 = self.sheet.sha256,
            "an accuracy pack helps with names; the file `{NOTICE}` in its folder names its authors"
        );
        PackSettings { reader: Arc::new(self), deadline, threads: threads.clamp(1, 4), queue: QUEUE }
    }
}

impl NameReader for Installed {
    fn names(&self, normalised: &str, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Vec<Name>>, String> {
        thread_local! {
            static THREADS: Threads = one_thread();
        }
        let spans = THREADS.with(|threads| self.encoder.read(normalised, threads, go_on)).map_err(|error| error.to_string())?;
        let name = |span: &bartizan_encoder::Span| {
            let kind = match span.label {
                "pii.person" => Kind::Person,
                "pii.location" => Kind::Location,
                "pii.address" => Kind::Address,
                _ => return None,
            };
            (span.score_bp >= SURE).then_some(Name { kind, start: span.start, end: span.end, score_bp: span.score_bp })
        };
        Ok(spans.map(|spans| spans.iter().filter_map(name).collect()))
    }

    fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

/// A file of so many bytes at most.
///
/// # Errors
/// When it cannot be read, or is longer.
pub fn read_some(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("`{}` cannot be read", path.display()))?;
    ensure!(bytes.len() as u64 <= most, "`{}` is longer than {} MiB", path.display(), most >> 20);
    Ok(bytes)
}

/// SHA-256 of texts, one behind the other, as hex.
pub fn sha256(texts: &[&[u8]]) -> String {
    hex(&digest(texts))
}

fn digest(texts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Hasher::new(&SHA256);
    for text in texts {
        hasher.update(text);
    }
    hasher.finish().as_ref().first_chunk().copied().unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _a_string_takes_all = write!(out, "{byte:02x}");
        out
    })
}
