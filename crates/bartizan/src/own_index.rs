//! Index files of a company's own data, and the key files beside them: reading, and writing as a whole.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bartizan_detect::known::{IndexBytes, IndexKey};
use clap::Args;

use crate::output::Format;

/// Longest index file that is read, in bytes.
const MOST: u64 = 8 << 30;

/// Where an index that is made goes, and with which key.
#[derive(Args, Clone, Debug)]
pub struct MadeArgs {
    /// The key file, made when there is none; without it FILE with `.key` behind.
    #[arg(long, value_name = "KEY")]
    index_key: Option<PathBuf>,
    /// Where to write the index.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// How to print what was made.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// Which index is shown.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The index.
    pub file: PathBuf,
    /// The key file; without it FILE with `.key` behind.
    #[arg(long, value_name = "KEY")]
    pub index_key: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// The key of an index that is made.
pub struct MadeKey {
    /// The key.
    pub key: IndexKey,
    /// Its file.
    pub path: PathBuf,
    /// Whether there was none.
    pub new: bool,
}

impl MadeArgs {
    /// The key, once it is sure that nothing is lost by writing: an index in the place of what it is made of cannot be taken back.
    ///
    /// # Errors
    /// When the output is one of the inputs or the key file, or there is no good key.
    pub fn key<'a>(&self, inputs: impl IntoIterator<Item = &'a Path>) -> Result<MadeKey> {
        let path = key_path(&self.output, self.index_key.as_deref());
        let written = [self.output.clone(), part(&self.output)];
        let output = self.output.display();
        for input in inputs {
            let lost = written.iter().any(|written| same(written, input));
            ensure!(!lost, "`{output}` would overwrite `{}`, of which it is made; name another file with `-o`", input.display());
        }
        let lost = written.iter().any(|written| *written == path || same(written, &path));
        ensure!(!lost, "`{output}` would overwrite its own key; name another file with `--index-key`");
        let (key, new) = key_or_new(&path)?;
        Ok(MadeKey { key, path, new })
    }
}

impl MadeKey {
    /// What is said of it for people. `what`: of what the index is.
    pub fn told(&self, what: &str) -> String {
        let made = format!(", made now: whoever has it and the index can try {what}; keep it apart from the index");
        format!("key file {}{}\n", self.path.display(), if self.new { &made } else { "" })
    }
}

/// Whether two names are one file, also by links.
fn same(one: &Path, other: &Path) -> bool {
    let (Ok(one), Ok(other)) = (std::fs::metadata(one), std::fs::metadata(other)) else { return false };
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The seal of an index, for people.
pub fn seal(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where an index stands while it is written.
fn part(index: &Path) -> PathBuf {
    let mut name = index.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Where the key of an index lies when nothing else is said.
fn beside(index: &Path) -> PathBuf {
    let mut name = index.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// The key file that was named, or the one beside the index.
pub fn key_path(index: &Path, named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| beside(index), Path::to_path_buf)
}

/// The key in a file; a new one when there is no such file yet. True when it is new.
///
/// # Errors
/// When it cannot be read or made, others can read it, or it holds no key.
fn key_or_new(path: &Path) -> Result<(IndexKey, bool)> {
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match open {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok((key(path)?, false)),
        Err(error) => Err(error).with_context(|| format!("the key file `{}` cannot be made", path.display())),
        Ok(mut file) => {
            let mut bytes = [0; 32];
            let filled = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
            let key = IndexKey::new(bytes);
            let written = filled.map_err(|_| std::io::Error::other("the system gives no random bytes"));
            let written = written.and_then(|()| file.write_all(key.text().as_bytes())).and_then(|()| file.sync_all());
            if written.is_err() {
                let _half_of_a_key = std::fs::remove_file(path);
            }
            written.with_context(|| format!("the key file `{}` cannot be written", path.display()))?;
            Ok((key, true))
        }
    }
}

/// The key in a file.
///
/// # Errors
/// When it cannot be read, others can read it, or it holds no key.
pub fn key(path: &Path) -> Result<IndexKey> {
    let name = path.display();
    let failed = || format!("the key file `{name}` cannot be read; name it with `--index-key`");
    let mode = std::fs::metadata(path).with_context(failed)?.permissions().mode();
    let exposed = mode & 0o077 != 0;
    ensure!(!exposed, "others can read the key file `{name}`; close it with `chmod 600 {name}`");
    let text = std::fs::read_to_string(path).with_context(failed)?;
    let Some(key) = IndexKey::parse(&text) else { bail!("the key file `{name}` holds no key: 64 hexadecimal digits are expected") };
    Ok(key)
}

/// The bytes of an index file.
///
/// # Errors
/// When it cannot be read, or is longer than any index.
pub fn read(path: &Path) -> Result<IndexBytes> {
    let failed = || format!("`{}` cannot be read", path.display());
    let size = std::fs::metadata(path).with_context(failed)?.len();
    ensure!(size <= MOST, "`{}` is longer than any index", path.display());
    Ok(Arc::new(std::fs::read(path).with_context(failed)?))
}

/// Writes an index: readers see the old one or the new one.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = part(path);
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    let written =
        open.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all())).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _not_whole = std::fs::remove_file(&part);
    }
    written.with_context(|| format!("`{}` cannot be written", path.display()))
}

/// Most memory that this process has held, for people; empty where the system does not tell.
pub fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or_else(String::new, |kilobytes| format!(", {} MB of memory at most", kilobytes.div_ceil(1024)))
}
