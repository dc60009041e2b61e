//! Texts without names: which files are learned from, which are kept for judging, and in what pieces.

use std::collections::BTreeMap;

/// Longest piece of a text without names.
const CHUNK: usize = 1_200;
/// Lines that may hold names of authors, which would be taught as no names.
const AUTHORS: [&str; 9] = ["opyright", "uthor", "(c)", "aintain", "igned-off", "redit", "thanks", "Thanks", "@"];
/// Most files of one package.
const FILES: usize = 24;

/// A text without names in pieces, without the lines that may name authors.
pub fn chunks(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut chunk = String::new();
    for line in text.lines().filter(|line| line.len() < CHUNK && !AUTHORS.iter().any(|word| line.contains(word))) {
        if chunk.len() + line.len() > CHUNK {
            all.push(std::mem::take(&mut chunk));
        }
        chunk.push_str(line);
        chunk.push('\n');
    }
    all.push(chunk);
    all
}

/// Of paths below a folder of packages, those to learn from, or with `judge` those to judge by: half of the packages each,
/// whatever their version, and a few files of each.
pub fn share<'a>(paths: &[&'a str], judge: bool) -> Vec<&'a str> {
    let mut packages: BTreeMap<&str, Vec<(blake3::Hash, &'a str)>> = BTreeMap::new();
    for path in paths {
        let package = path.split('/').next().unwrap_or_default();
        let package = package.rsplit_once('-').map_or(package, |(name, _)| name);
        if (blake3::hash(package.as_bytes()).as_bytes().first().copied().unwrap_or(0) & 1 == 1) == judge {
            packages.entry(package).or_default().push((blake3::hash(path.as_bytes()), path));
        }
    }
    let mut chosen: Vec<&str> = Vec::new();
    for files in packages.values_mut() {
        files.sort_by_key(|(hash, _)| *hash.as_bytes());
        chosen.extend(files.iter().take(FILES).map(|(_, path)| *path));
    }
    chosen
}
