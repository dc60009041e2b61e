//! Every file in `tests/bad` is a policy set that must not load. Its first lines say what is reported:
//! `//! LINE:COLUMN part of the message`, and `//! help: part of the help`.

use std::fs;
use std::path::Path;

use bartizan_policy::{KnownWords, PolicySet, Source};

fn known() -> KnownWords {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    KnownWords {
        labels: words(&["pii.email", "pii.phone", "pii.url", "pci.card", "secret.github", "attack.jailbreak"]),
        open: words(&["custom.", "x."]),
        uninspected: words(&["image", "sealed"]),
        routes: words(&["POST /v1/chat/completions", "POST /v1/messages", "GET /v1/models"]),
        guards: words(&["detect", "policy"]),
    }
}

fn check(name: &str, text: &str) -> Result<(), String> {
    let source = Source { name: name.to_owned(), text: text.to_owned() };
    let expected: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
    let Err(errors) = PolicySet::load_known(&[source], &known()) else { return Err(format!("{name}: was loaded")) };
    let shown = errors.to_string();
    let [diagnostic] = errors.0.as_slice() else { return Err(format!("{name}: expected one diagnostic, got\n{shown}")) };
    let mut expected = expected.into_iter();
    let (place, message) = expected.next().unwrap_or_default().split_once(' ').unwrap_or_default();
    let head = format!("{name}:{place}: ");
    let help = expected.next().map(|line| line.strip_prefix("help: ").unwrap_or(line)).unwrap_or_default();
    let good = shown.starts_with(&head) && diagnostic.message.contains(message) && diagnostic.help.as_deref().unwrap_or("").contains(help);
    if good && diagnostic.help.is_some() {
        Ok(())
    } else {
        Err(format!("{name}: expected `{head}{message}` and help `{help}`, got\n{shown}\n"))
    }
}

#[test]
fn bad_sets_are_refused_with_place_and_help() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 30);
    let check_file = |path: &Path| check(&path.file_name().unwrap().to_string_lossy(), &fs::read_to_string(path).unwrap());
    let wrong: Vec<String> = files.iter().filter_map(|path| check_file(path).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let sources = [
        source(
            "b.cedar",
            "@remedy(\"hold\") forbid (principal, action, resource);\nforbid (principal, action, resource) when { context.x };",
        ),
        source("a.cedar", "permit (principal, action, resource)\nfoo;\n@id(\"x\") permit (principal, action, resource);"),
        source("c.cedar", "@id(\"x\") permit (principal, action, resource);"),
    ];
    let errors = PolicySet::load(&sources).unwrap_err();
    let places: Vec<String> = errors.0.iter().map(|one| format!("{}:{}", one.file, one.line)).collect();
    assert_eq!(places, ["b.cedar:1", "b.cedar:2", "a.cedar:2", "c.cedar:1"], "{errors}");
}

#[test]
fn words_that_can_occur_are_good() {
    let text = r#"
        @remedy("redact") @labels("*") forbid (principal, action, resource) when { context.labels.contains("secret") };
        @remedy("mask") @labels("pii.email, secret.*, x.*, custom.project.*, custom.ticket")
        forbid (principal, action == Action::"prompt", resource) when {
          context.labels.containsAny(["pii", "pii.email", "custom.ticket", "x.y.z", "custom", "uninspected", "uninspected.image"]) ||
          context.remedied.contains("pci") || context.tools.contains("anything at all")
        };
        forbid (principal, action, resource == Route::"GET /v1/models") when { context.direction == "request" };
        forbid (principal, action, resource) when { context.guards.skipped.contains("detect") && context.uninspected == ["image"] };
    "#;
    let source = Source { name: "good.cedar".to_owned(), text: text.to_owned() };
    let set = PolicySet::load_known(&[source], &known()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(set.len(), 4);
}
