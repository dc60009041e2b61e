//! Every command's help ends with an example.

#![cfg(test)]

mod help;

use help::{bartizan, check};

/// Commands below a command, as its help lists them.
fn below(help: &str) -> Vec<String> {
    let list = help.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap());
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_shows_how_it_is_used() {
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = 0;
    while let Some(command) = waiting.pop() {
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = bartizan(&args, b"");
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.stderr);
        assert!(command.is_empty() || ran.stdout.contains("\nExample"), "{command:?}: {}", ran.stdout);
        seen += 1;
        waiting.extend(below(&ran.stdout).into_iter().map(|name| [command.clone(), vec![name]].concat()));
    }
    assert!(seen > 25, "{seen} commands were looked at");
    check(&["no-such-command"], "", (2, "", "unrecognized subcommand"));
}
