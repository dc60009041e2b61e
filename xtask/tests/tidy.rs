//! `xtask tidy` on made-up workspaces: each rule is shown to fail, with the place and the advice.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const ROOT: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n";
const DOC: &str = "#![doc = include_str!(\"../README.md\")]\n";

/// A workspace with a tidy `vocabulary`, and one more crate.
struct House(TempDir);

impl House {
    fn new() -> Self {
        let house = Self(tempfile::tempdir().expect("a temporary folder"));
        house.write("Cargo.toml", ROOT);
        house.room("vocabulary", "");
        house
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.0.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }

    /// Adds a crate that keeps every rule, apart from what `dependencies` brings.
    fn room(&self, name: &str, dependencies: &str) {
        let manifest = format!(
            "[package]\nname = \"bartizan-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[lints]\nworkspace = true\n\n{dependencies}"
        );
        self.write(&format!("crates/{name}/Cargo.toml"), &manifest);
        self.write(&format!("crates/{name}/README.md"), "# A room\n");
        self.write(&format!("crates/{name}/src/lib.rs"), DOC);
    }

    /// Runs tidy; its output, and whether it was content.
    fn tidy(&self) -> (String, bool) {
        run(self.0.path())
    }

    /// Tidy must complain with this text.
    fn complains(&self, expected: &str) {
        let (output, content) = self.tidy();
        assert!(!content && output.contains(expected), "expected `{expected}` in:\n{output}");
    }
}

fn run(root: &Path) -> (String, bool) {
    let lints = root.join("Cargo.toml");
    let text = fs::read_to_string(&lints).expect("a manifest");
    if !text.contains("workspace.lints") {
        fs::write(&lints, format!("{text}\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n")).expect("written");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tidy").arg(root).output().expect("xtask runs");
    (String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr), output.status.success())
}

fn path_to(name: &str) -> String {
    format!("bartizan-{name} = {{ path = \"../{name}\" }}\n")
}

#[test]
fn a_tidy_house_passes() {
    let house = House::new();
    house.room("detect", &format!("[dependencies]\n{}", path_to("vocabulary")));
    let (output, content) = house.tidy();
    assert!(content, "{output}");
}

#[test]
fn a_forbidden_arrow() {
    let house = House::new();
    house.room("policy", "");
    house.room("detect", &format!("[dependencies]\n{}", path_to("policy")));
    house.complains("crates/detect/Cargo.toml:11: `detect` must not depend on `policy`");
}

#[test]
fn the_console_never_sees_the_gateway() {
    let house = House::new();
    house.room("gateway", "");
    house.room("console", &format!("[dependencies]\n{}", path_to("gateway")));
    house.complains("`console` must not depend on `gateway`");
}

#[test]
fn the_testkit_is_for_tests() {
    let house = House::new();
    house.room("testkit", "");
    house.room("gateway", &format!("[dependencies]\n{}", path_to("testkit")));
    house.complains("make it a dev-dependency");
    house.room("gateway", &format!("[dev-dependencies]\n{}", path_to("testkit")));
    assert!(house.tidy().1);
}

#[test]
fn tests_of_an_inner_ring_stay_inside() {
    let house = House::new();
    house.room("store", "");
    house.room("ledger", &format!("[dev-dependencies]\n{}", path_to("store")));
    house.complains("`ledger` must not test with `store`");
}

#[test]
fn an_unknown_room() {
    let house = House::new();
    house.room("common", "");
    house.complains("`bartizan-common` is not a room of the table");
}

#[test]
fn outside_crates_by_ring() {
    for (room, outside, complaint) in [
        ("ledger", "tokio", "`ledger` is in ring 1 and must be pure"),
        ("vocabulary", "regex", "ring 0 uses only serde and thiserror"),
        ("gateway", "anyhow", "give this crate one `thiserror` enum"),
    ] {
        let house = House::new();
        house.room(room, &format!("[dependencies]\n{outside} = \"1\"\n"));
        house.complains(complaint);
    }
}

#[test]
fn ring_1_is_pure() {
    for (code, complaint) in [
        ("use std::fs::File;", "crates/detect/src/lib.rs:2: `std::fs` in ring 1"),
        ("use std::{collections::HashMap, net};", "`std::net` in ring 1"),
        ("fn home() -> bool { std::env::var(\"HOME\").is_ok() }", "`std::env` in ring 1"),
        ("use std::time::SystemTime;", "take a `Timestamp` as an argument"),
    ] {
        let house = House::new();
        house.room("detect", "");
        house.write("crates/detect/src/lib.rs", &format!("{DOC}{code}\n"));
        house.complains(complaint);
        house.write("crates/detect/src/lib.rs", &format!("{DOC}#[cfg(test)]\nmod tests {{\n{code}\n}}\n"));
        assert!(house.tidy().1, "tests may: {code}");
    }
}

#[test]
fn ring_2_may_reach_out() {
    let house = House::new();
    house.room("store", "");
    house.write("crates/store/src/lib.rs", &format!("{DOC}use std::fs::File;\n"));
    assert!(house.tidy().1);
}

#[test]
fn a_missing_module_doc() {
    let house = House::new();
    house.write("crates/vocabulary/src/words.rs", "// not a doc\n");
    house.complains("crates/vocabulary/src/words.rs:1: no module doc");
}

#[test]
fn long_files_and_functions() {
    let house = House::new();
    let lines = "    // step\n".repeat(60);
    house.write("crates/vocabulary/src/words.rs", &format!("//! Words.\n\nfn long() {{\n{lines}}}\n"));
    house.complains("crates/vocabulary/src/words.rs:3: `long` has 62 lines, the limit is 60");
    house.write("crates/vocabulary/src/words.rs", &format!("//! Words.\n{}", "const _: () = ();\n".repeat(500)));
    house.complains("crates/vocabulary/src/words.rs:1: 501 lines without tests");
}

#[test]
fn tests_are_not_measured() {
    let house = House::new();
    let lines = "    // step\n".repeat(600);
    house.write(
        "crates/vocabulary/src/words.rs",
        &format!("//! Words.\n#[cfg(test)]\nmod tests {{\n#[test]\nfn long() {{\n{lines}}}\n}}\n"),
    );
    house.write("crates/vocabulary/tests/long.rs", &format!("//! Long.\n#[test]\nfn long() {{\n{lines}}}\n"));
    let (output, content) = house.tidy();
    assert!(content, "{output}");
}

#[test]
fn manifests() {
    let house = House::new();
    house.write("crates/vocabulary/Cargo.toml", "[package]\nname = \"bartizan-vocabulary\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    house.complains("the workspace's lints are not used");
    house.complains("this crate could be published");
    let house = House::new();
    fs::remove_file(house.0.path().join("crates/vocabulary/README.md")).expect("removed");
    house.complains("crates/vocabulary/README.md:1: missing");
    let house = House::new();
    house.write("crates/vocabulary/src/lib.rs", "//! Not the README.\n");
    house.complains("the README is the crate's rustdoc");
}

#[test]
fn leftovers_and_machine_paths() {
    let house = House::new();
    house.write("crates/vocabulary/src/words.rs", "//! Words.\n\nfn later() {\n    todo!()\n}\n");
    house.complains("crates/vocabulary/src/words.rs:4: leftover `todo!`");
    let house = House::new();
    house.write("docs/start.md", concat!("# Start\n\nGo to /ho", "me/ann.\n"));
    house.complains("docs/start.md:3: ");
}

#[test]
fn mutants_that_rot() {
    let house = House::new();
    let code = |lines: &str| format!("//! Words.\n\n{lines}");
    let patch = |count: usize, lines: &str| {
        let path = "crates/vocabulary/src/words.rs";
        format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{count} +1,{count} @@ fn long() {{\n{lines}")
    };
    let change = " const A: u8 = 1;\n-const B: u8 = 2;\n+const B: u8 = 3;\n";
    house.write("testkit/leaks/mutants/two.patch", &patch(2, change));
    house.write("crates/vocabulary/src/words.rs", &code("const A: u8 = 1;\nconst B: u8 = 2;\n"));
    let (output, content) = house.tidy();
    assert!(content, "{output}");
    // The line beside it is another one now, or the same stands twice.
    house.write("crates/vocabulary/src/words.rs", &code("const A: u8 = 0;\nconst B: u8 = 2;\n"));
    house.complains("testkit/leaks/mutants/two.patch:4: it does not apply to `crates/vocabulary/src/words.rs` any more");
    house.write("crates/vocabulary/src/words.rs", &code(&"mod a {\nconst A: u8 = 1;\nconst B: u8 = 2;\n}\n".repeat(2)));
    house.complains("it fits 2 places");
    // A patch that no tool would take, or that breaks nothing.
    house.write("testkit/leaks/mutants/two.patch", &patch(3, change));
    house.complains("the numbers of lines behind `@@`");
    house.write("testkit/leaks/mutants/two.patch", &patch(1, " const A: u8 = 1;\n"));
    house.complains("it changes nothing");
    house.write("testkit/leaks/mutants/two.patch", "nothing\n");
    house.complains("no change in this patch");
}

#[test]
fn this_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tidy").arg(root).output().expect("xtask runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_page_of_recognisers_is_what_the_rule_files_say() {
    let house = House::new();
    let rule = "label = 'pii.badge'\ndescription = 'Badges.'\nthreshold = 0.5\nseverity = 'low'\n[[rule]]\nid = 'pii.badge'\nscore = 0.9\nsource = 'made up'\n";
    house.room("detect", "");
    house.write("crates/detect/rules/pii.badge.toml", rule);
    house.complains("docs/recognisers.md:1: is not what the rule files say");
    let root = house.0.path();
    fs::create_dir_all(root.join("docs")).expect("made");
    let write = || Command::new(env!("CARGO_BIN_EXE_xtask")).arg("recognisers").arg(root).status().expect("xtask runs").success();
    assert!(write(), "the page is written");
    assert!(house.tidy().1, "{}", house.tidy().0);
    let page = fs::read_to_string(root.join("docs/recognisers.md")).expect("a page");
    assert!(page.contains("### `pii.badge`") && page.contains("| `pii.badge` | 0.9 |  |  | made up |"), "{page}");
    house.write("crates/detect/rules/pii.badge.toml", &rule.replace("0.9", "0.8"));
    house.complains("run `cargo run -p xtask -- recognisers`");
}
