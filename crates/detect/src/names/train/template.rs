//! Templates: text with slots `{name}` and choices `[a|b]`, which nest. `\n` is a line break, a backslash takes the next character as it is.

use super::rng::Rng;

/// Part of a template.
#[derive(Clone, Debug)]
enum Node {
    Text(String),
    Slot(String),
    Choice(Vec<Vec<Node>>),
}

/// A template.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) language: &'static str,
    /// Whether it is about nothing that counts.
    pub(crate) trap: bool,
    nodes: Vec<Node>,
}

const FILES: &[(&str, &str)] = &[
    ("en", include_str!("templates/en.txt")),
    ("en", include_str!("templates/traps.txt")),
    ("de", include_str!("templates/de.txt")),
    ("fr", include_str!("templates/fr.txt")),
    ("es", include_str!("templates/es.txt")),
    ("it", include_str!("templates/it.txt")),
    ("pt", include_str!("templates/pt.txt")),
    ("nl", include_str!("templates/nl.txt")),
];

/// All templates of ours.
pub(crate) fn all() -> Vec<Template> {
    let mut templates = Vec::new();
    for (index, (language, text)) in FILES.iter().enumerate() {
        let mut trap = index == 1;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("# Sent") && !line.starts_with("# Texts")) {
            if line == "@traps" {
                trap = true;
                continue;
            }
            let nodes = Parser { rest: line.chars().peekable() }.sequence(false);
            templates.push(Template { language, trap, nodes });
        }
    }
    templates
}

impl Template {
    /// Fills it once.
    pub(crate) fn fill(&self, rng: &mut Rng, out: &mut dyn FnMut(Piece<'_>, &mut Rng)) {
        fill(&self.nodes, rng, out);
    }

    /// The words of its fixed text.
    pub(crate) fn words(&self, out: &mut dyn FnMut(&str)) {
        words(&self.nodes, out);
    }
}

/// What a template hands out, in order.
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Slot(&'a str),
}

fn fill(nodes: &[Node], rng: &mut Rng, out: &mut dyn FnMut(Piece<'_>, &mut Rng)) {
    for node in nodes {
        match node {
            Node::Text(text) => out(Piece::Text(text), rng),
            Node::Slot(slot) => out(Piece::Slot(slot), rng),
            Node::Choice(choices) => {
                let chosen = rng.below(choices.len());
                fill(choices.get(chosen).map(Vec::as_slice).unwrap_or_default(), rng, out);
            }
        }
    }
}

fn words(nodes: &[Node], out: &mut dyn FnMut(&str)) {
    for node in nodes {
        match node {
            Node::Text(text) => text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).for_each(&mut *out),
            Node::Slot(_) => {}
            Node::Choice(choices) => choices.iter().for_each(|nodes| words(nodes, out)),
        }
    }
}

struct Parser<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Parser<'_> {
    /// Up to the end, or in a choice up to its next `|` or `]`, which stays.
    fn sequence(&mut self, in_choice: bool) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut text = String::new();
        while let Some(c) = self.rest.peek().copied() {
            if in_choice && (c == '|' || c == ']') {
                break;
            }
            self.rest.next();
            match c {
                '\\' => text.push(match self.rest.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    other => other.unwrap_or('\\'),
                }),
                '[' => {
                    nodes.push(Node::Text(std::mem::take(&mut text)));
                    nodes.push(self.choice());
                }
                '{' => {
                    let name: String = self.rest.clone().take_while(char::is_ascii_alphabetic).collect();
                    if !name.is_empty() && self.rest.clone().nth(name.len()) == Some('}') {
                        self.rest.nth(name.len());
                        nodes.push(Node::Text(std::mem::take(&mut text)));
                        nodes.push(Node::Slot(name));
                    } else {
                        text.push(c);
                    }
                }
                _ => text.push(c),
            }
        }
        nodes.push(Node::Text(text));
        nodes
    }

    fn choice(&mut self) -> Node {
        let mut choices = vec![self.sequence(true)];
        while self.rest.next() == Some('|') {
            choices.push(self.sequence(true));
        }
        Node::Choice(choices)
    }
}
