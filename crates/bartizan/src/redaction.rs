//! What `redact` puts in the place of a value, and `bartizan reveal`, which turns sealed values back.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use bartizan_detect::{Detector, Operator, OperatorKeys, Operators, RANDOM, SealKey, derived, is_under, operate, reveal};
use bartizan_vocabulary::{Finding, Hidden};
use clap::Args;

use crate::detect::Scanner;
use crate::documents::below;
use crate::output::{FAILED, GOOD, print, read_bytes, read_text, say};

/// How values are replaced.
#[derive(Args, Clone, Debug, Default)]
pub struct OperatorArgs {
    /// What stands in the place of a value, for all (`generalise`) or for one label and those below it (`pci.card=keep_last:4`): `redact`,
    /// `mask`, `keep_last:N`, `generalise`, `hash`, `surrogate` or `encrypt`.
    #[arg(long = "operator", value_name = "[LABEL=]OPERATOR")]
    operators: Vec<String>,
    /// The file with the key of `encrypt`, `hash` and `surrogate`, 16 bytes at least; without it each run hashes and invents anew.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Arguments of `bartizan reveal`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  head -c 32 /dev/urandom | base64 > seal.key                          a key; keep it where the texts are not
  bartizan redact --operator encrypt --key-file seal.key in.txt > out.txt
  bartizan reveal --key-file seal.key out.txt                          the text with its sealed values turned back
Exit code: 0 everything sealed was turned back, 2 the key does not open something, which then stays as it is.")]
pub struct RevealArgs {
    /// Files; `-` or nothing is standard input.
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    /// The file with the key that the values were sealed with.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
}

/// Operators with their keys.
pub struct Redaction {
    operators: Operators,
    words: Hidden<[u8; 32]>,
    seal: Option<SealKey>,
}

impl Redaction {
    /// Reads the flags.
    ///
    /// # Errors
    /// When an operator, a label or the key is not good.
    pub fn new(args: &OperatorArgs, detector: &Detector) -> Result<Self> {
        let mut operators = Operators::new(Operator::Redact);
        let labels = detector.labels();
        for given in &args.operators {
            match given.split_once('=') {
                None => operators.rest(given.parse()?),
                Some((label, _)) if !labels.iter().any(|info| is_under(info.label.as_str(), label)) => {
                    bail!("there is no label `{label}`; `bartizan detect --labels` lists them");
                }
                Some((label, operator)) => operators.name(label, operator.parse()?),
            }
        }
        let secret = args.key_file.as_deref().map(secret).transpose()?;
        let needs = [Operator::Encrypt, Operator::Hash, Operator::Surrogate].iter().any(|operator| operators.has(*operator));
        ensure!(secret.is_none() || needs, "`--key-file` is for the operators `encrypt`, `hash` and `surrogate`");
        let seal = secret.as_ref().and_then(|secret| SealKey::new(secret.reveal()));
        ensure!(seal.is_some() || !operators.has(Operator::Encrypt), "`encrypt` needs `--key-file FILE`, a file with a key");
        let mut words = [0; 32];
        match &seal {
            Some(seal) => words = seal.words(),
            None => getrandom::fill(&mut words).map_err(|error| anyhow!("there are no random bytes: {error}"))?,
        }
        Ok(Self { operators, words: Hidden::new(derived(&words, "redact")), seal })
    }

    /// A text with what was found replaced.
    pub fn apply(&self, text: &str, findings: &[Finding], scanner: &Scanner) -> String {
        // Only an invented value can be taken for a token that stands in the text.
        let tokens = if self.operators.has(Operator::Surrogate) { scanner.tokens(text) } else { Vec::new() };
        let mut keys = OperatorKeys { words: self.words.reveal(), seal: self.seal.as_ref(), random: &mut random };
        operate(text, (findings, &tokens), &self.operators, &mut keys)
    }
}

fn random() -> Option<[u8; RANDOM]> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes).is_ok().then_some(bytes)
}

/// What a key file holds, without a line's end.
fn secret(path: &Path) -> Result<Hidden<Vec<u8>>> {
    let bytes = read_bytes(path).context("the key cannot be read")?;
    let secret = bytes.trim_ascii_end().to_vec();
    ensure!(
        secret.len() >= 16,
        "the key in `{}` is shorter than 16 bytes; make one with `head -c 32 /dev/urandom | base64`",
        path.display()
    );
    Ok(Hidden::new(secret))
}

/// The key in a file.
///
/// # Errors
/// When it cannot be read, or is too short.
pub fn seal_key(path: &Path) -> Result<SealKey> {
    SealKey::new(secret(path)?.reveal()).context("the key is too short")
}

/// Runs `bartizan reveal`.
///
/// # Errors
/// When the key is not good, or nobody takes the output.
pub fn run(args: &RevealArgs) -> Result<u8> {
    let key = seal_key(&args.key_file)?;
    let mut code = GOOD;
    for path in below(&args.files) {
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                say(&format!("bartizan: {error:#}"));
                code = FAILED;
                continue;
            }
        };
        let (plain, _, closed) = reveal(&text, &key);
        print(&plain)?;
        if closed > 0 {
            say(&format!(
                "bartizan: {closed} sealed in `{}` cannot be opened with this key, or were altered, and stay as they are",
                path.display()
            ));
            code = FAILED;
        }
    }
    Ok(code)
}
