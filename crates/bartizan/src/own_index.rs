//! Index files of a company's own data, and the key files beside them: reading, and writing as a whole.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bartizan_detect::known::{IndexBytes, IndexKey};

/// Longest index file that is read, in bytes.
const MOST: u64 = 8 << 30;

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
pub fn key_or_new(path: &Path) -> Result<(IndexKey, bool)> {
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
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
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
