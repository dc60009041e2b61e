//! Secrets stay where they are: what stood in the file becomes the name of an environment variable, and a text that looks like a secret is not
//! written down at all.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use bartizan_detect::{Detector, Hint};

use super::yaml::{Node, Value};

/// How LiteLLM writes a variable.
const REFERENCE: &str = "os.environ/";

/// The variable that a text names.
pub fn reference(text: &str) -> Option<&str> {
    text.strip_prefix(REFERENCE).filter(|name| is_variable(name))
}

/// Whether a text can be the name of an environment variable.
fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= 200
}

/// What is known about secrets.
pub struct Secrets {
    detector: Detector,
    /// Names that mean something already.
    taken: HashSet<String>,
    /// Literals and the names that they got; never printed.
    given: HashMap<String, String>,
    /// How often a name was wanted.
    wanted: HashMap<String, usize>,
}

impl Secrets {
    /// Collects the variables that the file names anywhere.
    ///
    /// # Errors
    /// When the built-in rules cannot be read, which the tests exclude.
    pub fn new(root: &Node) -> Result<Self> {
        let mut secrets = Self {
            detector: Detector::builtin().context("the built-in rules cannot be read")?,
            taken: HashSet::new(),
            given: HashMap::new(),
            wanted: HashMap::new(),
        };
        let mut waiting = vec![root];
        while let Some(node) = waiting.pop() {
            match &node.value {
                Value::Scalar { text, .. } => secrets.taken.extend(reference(text).map(str::to_owned)),
                Value::List(items) => waiting.extend(items.iter().map(AsRef::as_ref)),
                Value::Map(entries) => waiting.extend(entries.iter().map(|entry| entry.node.as_ref())),
            }
        }
        Ok(secrets)
    }

    /// Keeps a name for what LiteLLM means by it.
    pub fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    /// The variable for a literal: the same for the same one, and no name that means something else.
    pub fn name_for(&mut self, literal: &str, wanted: &str) -> String {
        if let Some(name) = self.given.get(literal) {
            return name.clone();
        }
        let count = self.wanted.entry(wanted.to_owned()).or_default();
        let name = loop {
            *count += 1;
            let name = if *count == 1 { wanted.to_owned() } else { format!("{wanted}_{count}") };
            if self.taken.insert(name.clone()) {
                break name;
            }
        };
        self.given.insert(literal.to_owned(), name.clone());
        name
    }

    /// Whether a text that would be written down looks like a secret, or holds the literal that stood beside it.
    pub fn is_in(&self, text: &str, beside: Option<&str>) -> bool {
        let found = self.detector.scan(text, Hint::default()).findings;
        found.iter().any(|finding| finding.label.as_str().starts_with("secret"))
            || beside.is_some_and(|literal| !literal.is_empty() && text.contains(literal))
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::read;
    use super::{Secrets, reference};

    #[test]
    fn names_are_not_shared() {
        let mut secrets = Secrets::new(&read("a: os.environ/K\nb: [{c: os.environ/K_2}]\n").unwrap()).unwrap();
        assert_eq!(secrets.name_for("one-literal", "K"), "K_3");
        assert_eq!((secrets.name_for("two", "N"), secrets.name_for("two", "M"), secrets.name_for("three", "N")), named("N", "N", "N_2"));
        assert!(secrets.is_in("http://h/one-literal/v1", Some("one-literal")) && !secrets.is_in("http://h/v1", Some("one-literal")));
        assert!(secrets.is_in(&format!("http://h/ghp_{}/v1", "16C7e42F292c6912E7710c838347Ae178B4a"), None));
        assert_eq!((reference("os.environ/A_1"), reference("os.environ/sk-1"), reference("A")), (Some("A_1"), None, None));
    }

    fn named(one: &str, two: &str, three: &str) -> (String, String, String) {
        (one.to_owned(), two.to_owned(), three.to_owned())
    }
}
