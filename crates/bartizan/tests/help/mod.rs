//! Runs the real binary and says what came of it.

use std::io::Write;
use std::process::{Command, Stdio};

/// Exit code, standard output, standard error.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `bartizan` with arguments and standard input. Nothing of the caller's environment reaches it.
pub fn bartizan(args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    // In a thread of its own, so that neither side waits for the other when both are long.
    let writer = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs it and compares; `says` must stand in standard error.
#[track_caller]
pub fn check(args: &[&str], stdin: &str, (code, stdout, says): (i32, &str, &str)) {
    let ran = bartizan(args, stdin.as_bytes());
    let what = format!("bartizan {args:?} with {stdin:?}\nstderr: {}", ran.stderr);
    assert_eq!(ran.stdout, stdout, "{what}");
    assert_eq!(ran.code, code, "{what}");
    assert!(ran.stderr.contains(says), "{what}\nexpected there: {says}");
}
