//! `DATA/admin.addr`: where the process that has the data folder answers. Only its owner can read it.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

const FILE: &str = "admin.addr";

/// Where an admin port is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdminAddress {
    /// Base URL.
    pub admin: String,
    /// The process that wrote it; a file that an earlier process left is not believed.
    pub pid: u32,
    /// The certificate that it shows, when it speaks TLS.
    pub certificate: Option<PathBuf>,
}

impl AdminAddress {
    /// This process's admin port, as it is reached from this machine.
    pub fn new(url: &str, certificate: Option<&Path>) -> Self {
        let (scheme, address) = url.split_once("://").unwrap_or(("http", url));
        let admin = address.parse().map_or_else(|_| url.to_owned(), |address| format!("{scheme}://{}", reachable(address)));
        let certificate = certificate.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
        Self { admin, pid: std::process::id(), certificate }
    }

    /// Writes it into the data folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, data: &Path) -> Result<()> {
        let (path, part) = (data.join(FILE), data.join("admin.addr.part"));
        let text = serde_json::to_string(self).context("the admin address cannot be written")?;
        let _left_from_a_crash = std::fs::remove_file(&part);
        let write = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let write = write.and_then(|mut file| writeln!(file, "{text}")).and_then(|()| std::fs::rename(&part, &path));
        write.with_context(|| format!("`{}` cannot be written", path.display()))
    }

    /// Reads what a process wrote; `None` when there is nothing that can be read.
    pub fn read(data: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(data.join(FILE)).ok()?).ok()
    }

    /// Removes it at the end.
    pub fn remove(data: &Path) {
        if let Err(error) = std::fs::remove_file(data.join(FILE)) {
            tracing::debug!(%error, "admin.addr could not be removed");
        }
    }
}

/// `0.0.0.0` and `[::]` are everywhere; from here they are reached by loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
