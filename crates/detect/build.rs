//! Plans the rules that are part of the program, so that nothing is parsed or compiled when it starts (decision 026). The
//! modules that do it are those of the crate itself; rules that are loaded at run time go through the same ones.
#![expect(dead_code, reason = "of the shared modules only planning is used here")]

#[path = "src/automaton.rs"]
mod automaton;
#[path = "src/chars.rs"]
mod chars;
#[path = "src/determinise.rs"]
mod determinise;
#[path = "src/mesh.rs"]
mod mesh;
#[path = "src/numbers.rs"]
mod numbers;
#[path = "src/plan.rs"]
mod plan;
#[path = "src/ruled.rs"]
mod ruled;
#[path = "src/rules.rs"]
mod rules;
#[path = "src/sieve.rs"]
mod sieve;
#[path = "src/trie.rs"]
mod trie;
#[path = "src/validate/mod.rs"]
mod validate;
#[path = "src/words.rs"]
mod words;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rules::RuleFile;

/// What the plan depends on.
const WATCHED: [&str; 14] = [
    "build.rs",
    "rules",
    "src/automaton.rs",
    "src/chars.rs",
    "src/determinise.rs",
    "src/mesh.rs",
    "src/numbers.rs",
    "src/plan.rs",
    "src/ruled.rs",
    "src/rules.rs",
    "src/sieve.rs",
    "src/trie.rs",
    "src/validate",
    "src/words.rs",
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("rules");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    for watched in WATCHED {
        println!("cargo::rerun-if-changed={watched}");
    }
    let (mut files, mut texts) = (Vec::new(), String::from("&[\n"));
    for path in toml_files(&folder)? {
        let file = RuleFile::parse(&fs::read_to_string(&path)?).map_err(|error| in_file(&path, &error))?;
        writeln!(texts, "    include_str!({:?}),", path.to_string_lossy())?;
        files.push(file);
    }
    texts.push(']');
    fs::write(out.join("texts.rs"), texts)?;
    let (plan, tables) = plan::plan(&files).map_err(|error| format!("the rules of `{}`: {error}", folder.display()))?;
    fs::write(out.join("plan.json"), serde_json::to_vec(&plan)?)?;
    fs::write(out.join("tables.bin"), tables)?;
    Ok(())
}

/// All rule files, in the order of their names.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn in_file(path: &Path, error: &dyn Error) -> String {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    format!("`{}`: {error}{source}", path.display())
}
