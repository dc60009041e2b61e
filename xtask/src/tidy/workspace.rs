//! What `cargo metadata` and the manifests say about the workspace. Nothing is judged here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// A crate of the workspace.
#[derive(Debug)]
pub struct Package {
    /// Name in its manifest.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: PathBuf,
    /// Text of the manifest.
    pub manifest_text: String,
    /// Whether it can be published.
    pub publishable: bool,
    /// Everything it depends on.
    pub dependencies: Vec<Dependency>,
    /// Root file of its library, if it has one.
    pub library: Option<PathBuf>,
}

impl Package {
    /// Line of the manifest on which `name` stands first as a word; 1 if nowhere.
    pub fn line_of(&self, name: &str) -> usize {
        let is_it = |line: &str| line.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).any(|word| word == name);
        self.manifest_text.lines().position(is_it).map_or(1, |index| index + 1)
    }
}

/// An arrow to another crate.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// Package name.
    pub name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
    /// Folder, when it is one of ours.
    pub path: Option<PathBuf>,
}

impl Dependency {
    /// Whether only tests, examples and benches see it.
    pub fn for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    manifest_path: PathBuf,
    publish: Option<Vec<String>>,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

/// All members of the workspace at `root`.
pub fn packages(root: &Path) -> Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("starting `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("reading the output of `cargo metadata`")?;
    metadata.packages.into_iter().map(package).collect()
}

fn package(raw: RawPackage) -> Result<Package> {
    let manifest_text = fs::read_to_string(&raw.manifest_path).with_context(|| format!("reading `{}`", raw.manifest_path.display()))?;
    let library = raw.targets.into_iter().find(|target| target.kind.iter().any(|kind| kind == "lib")).map(|target| target.src_path);
    Ok(Package {
        name: raw.name,
        folder: raw.manifest_path.parent().unwrap_or(Path::new(".")).to_owned(),
        manifest: raw.manifest_path,
        manifest_text,
        publishable: raw.publish.is_none_or(|registries| !registries.is_empty()),
        dependencies: raw.dependencies,
        library,
    })
}
