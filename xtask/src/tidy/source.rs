//! What every Rust file must keep: a module doc, sizes, no leftovers, and purity in ring 1.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::rings::{is_pure, room_name};
use super::{Package, Problem};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 60;
const VOCABULARY_LINES: usize = 1_500;

/// Parts of `std` that reach out of the process, and what to use instead.
const REACHING_OUT: &[(&str, &str)] = &[
    ("std::fs", "take the bytes as an argument"),
    ("std::net", "take the bytes as an argument; for address types use `core::net`"),
    ("std::env", "take the setting as an argument"),
    ("std::process", "return an effect as data"),
];

/// Checks the Rust files of a crate.
pub fn check(package: &Package, problems: &mut Vec<Problem>) -> Result<()> {
    let mut lines = 0;
    for part in ["src", "tests", "examples", "benches"] {
        for file in rust_files(&package.folder.join(part))? {
            let tests = part != "src" || is_test_file(&file);
            lines += check_file(&file, tests, is_pure(package), problems)?;
        }
    }
    if room_name(&package.name) == "vocabulary" && lines > VOCABULARY_LINES {
        let message =
            format!("the vocabulary has {lines} lines, the budget is {VOCABULARY_LINES}; move what only one room needs into that room");
        problems.push(Problem { file: package.manifest.clone(), line: 1, message });
    }
    Ok(())
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| format!("listing `{}`", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// A file under `src` that holds tests only: `tests.rs`, or anything in a folder `tests`.
fn is_test_file(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "tests.rs") || file.components().rev().skip(1).any(|part| part.as_os_str() == "tests")
}

/// Checks one file; gives the number of its lines that are not tests.
fn check_file(file: &Path, tests: bool, pure: bool, problems: &mut Vec<Problem>) -> Result<usize> {
    let text = fs::read_to_string(file).with_context(|| format!("reading `{}`", file.display()))?;
    let parsed = match syn::parse_file(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let message = format!("this is not Rust: {error}");
            problems.push(Problem { file: file.to_owned(), line: error.span().start().line, message });
            return Ok(0);
        }
    };
    let mut walk = Walk { file, tests, pure: pure && !tests, test_lines: 0, problems };
    if !parsed.attrs.iter().any(|attribute| attribute.path().is_ident("doc")) {
        walk.report(1, "no module doc; open the file with `//!` and say what lives here and what does not".to_owned());
    }
    walk.visit_file(&parsed);
    let lines = text.lines().count().saturating_sub(walk.test_lines);
    if tests {
        return Ok(0);
    }
    if lines > FILE_LINES {
        walk.report(1, format!("{lines} lines without tests, the limit is {FILE_LINES}; split the file by what its parts are about"));
    }
    Ok(lines)
}

/// Walks one file's syntax.
struct Walk<'a> {
    file: &'a Path,
    tests: bool,
    pure: bool,
    test_lines: usize,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn report(&mut self, line: usize, message: String) {
        self.problems.push(Problem { file: self.file.to_owned(), line, message });
    }

    fn measure(&mut self, name: &syn::Ident, start: Span, end: Span) {
        let lines = end.end().line.saturating_sub(start.start().line) + 1;
        if !self.tests && lines > FUNCTION_LINES {
            let message = format!("`{name}` has {lines} lines, the limit is {FUNCTION_LINES}; give its steps names of their own");
            self.report(start.start().line, message);
        }
    }

    /// Judges one path, written out from its first word.
    fn judge_path(&mut self, words: &[String], line: usize) {
        if !self.pure {
            return;
        }
        let path = words.join("::");
        let hit = REACHING_OUT.iter().find(|(start, _)| path == *start || path.starts_with(&format!("{start}::")));
        if let Some((start, instead)) = hit {
            self.report(line, format!("`{start}` in ring 1, which must be pure; {instead}"));
        }
        if words.iter().any(|word| word == "SystemTime") {
            self.report(line, "`SystemTime` in ring 1, which must be pure; take a `Timestamp` as an argument".to_owned());
        }
    }

    fn judge_use(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.judge_use(&path.tree, before);
                before.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.judge_use(item, before)),
            syn::UseTree::Name(name) => self.judge_last(&name.ident, before),
            syn::UseTree::Rename(rename) => self.judge_last(&rename.ident, before),
            syn::UseTree::Glob(_) => {
                let line = tree.span().start().line;
                self.judge_path(before, line);
            }
        }
    }

    fn judge_last(&mut self, last: &syn::Ident, before: &[String]) {
        let mut words = before.to_vec();
        if last != "self" {
            words.push(last.to_string());
        }
        self.judge_path(&words, last.span().start().line);
    }
}

/// Whether attributes mark a test or code for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let marks = path.segments.last().is_some_and(|last| last.ident == "test");
        let only_tests = path.is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"));
        marks || only_tests
    })
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            return visit::visit_item_mod(self, item);
        }
        let start = item.attrs.first().map_or_else(|| item.span(), syn::spanned::Spanned::span).start().line;
        if item.content.is_some() && !self.tests {
            self.test_lines += item.span().end().line.saturating_sub(start) + 1;
        }
        let (tests, pure) = (std::mem::replace(&mut self.tests, true), std::mem::replace(&mut self.pure, false));
        visit::visit_item_mod(self, item);
        (self.tests, self.pure) = (tests, pure);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.measure(&item.sig.ident, item.sig.fn_token.span, item.block.span());
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig.ident, item.sig.fn_token.span, item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig.ident, item.sig.fn_token.span, block.span());
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if let Some(last) = item.path.segments.last().map(|last| &last.ident)
            && (last == "todo" || last == "unimplemented" || last == "dbg")
        {
            self.report(last.span().start().line, format!("leftover `{last}!`; finish it or take it out"));
        }
        visit::visit_macro(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.judge_path(&words, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.judge_use(&item.tree, &mut Vec::new());
    }
}
