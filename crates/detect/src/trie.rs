//! Words made into one table (the automaton of Aho and Corasick, all its steps worked out), with the kinds of bytes at which rules
//! begin. What runs is in `words`.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::numbers;
use crate::words::{AT, COLON, DIGIT, HEARD, ROW, SPELLED, UNDERSCORE, WORD, WordShape};

/// A state: the longest beginning of a word that the text ends in.
#[derive(Default)]
struct Node {
    next: HashMap<u8, usize>,
    words: Vec<u16>,
    /// Words of contexts.
    heard: Vec<u16>,
    fallback: usize,
    digit: bool,
    /// Whether a word for a digit ends here.
    spelled: bool,
}

/// What a byte is besides a letter of a word.
fn kind(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'@' => AT,
        b':' => COLON,
        b'_' => UNDERSCORE,
        _ => 0,
    }
}

/// The commonest bytes of texts. Where they lead from a state stands together, so that it takes one or two lines of the cache.
const OFTEN: &[u8] = b" etaoinsrhldcumfpgwybvk";

/// Entries of a table in one line of the cache; rows begin with a line.
const LINE: usize = 16;

/// How a word may stand in a text, letters of ASCII aside: other letters are there as they are written.
fn forms(word: &str) -> Vec<String> {
    let upper = word.to_uppercase();
    let title: String = word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
    let mut forms = vec![word.to_owned(), upper, title];
    forms.retain(|form| form.len() == word.len());
    for form in &mut forms {
        form.make_ascii_lowercase();
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

struct Trie {
    nodes: Vec<Node>,
    /// The bytes that make a difference.
    letters: Vec<u8>,
}

impl Trie {
    fn new(words: &[&str], heard: &[(u16, &str)], kinds: bool) -> Option<Self> {
        let mut trie = Self { nodes: vec![Node::default()], letters: Vec::new() };
        let heard: Vec<(u16, Vec<String>)> = heard.iter().map(|(number, word)| (*number, forms(word))).collect();
        let spelled: Vec<String> = if kinds { numbers::all().iter().flat_map(|word| forms(word)).collect() } else { Vec::new() };
        let others = heard.iter().flat_map(|(_, forms)| forms).chain(&spelled);
        let bytes = words.iter().flat_map(|word| word.bytes()).chain(others.flat_map(|word| word.bytes()));
        let mut letters: BTreeSet<u8> = bytes.map(|byte| byte.to_ascii_lowercase()).collect();
        for (index, word) in words.iter().enumerate() {
            let end = trie.insert(word);
            trie.nodes.get_mut(end)?.words.push(u16::try_from(index).ok()?);
        }
        for (number, forms) in &heard {
            for form in forms {
                let end = trie.insert(form);
                trie.nodes.get_mut(end)?.heard.push(*number);
            }
        }
        for form in &spelled {
            let end = trie.insert(form);
            trie.nodes.get_mut(end)?.spelled = true;
        }
        if kinds {
            // After a digit no other one is the first of its group: so there is a state for each.
            letters.extend(b"0123456789@:_");
            for digit in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] {
                trie.insert(digit);
            }
        }
        trie.letters = letters.into_iter().collect();
        trie.letters.sort_by_key(|letter| OFTEN.iter().position(|often| often == letter).unwrap_or(OFTEN.len()));
        trie.fall_back();
        Some(trie)
    }

    fn insert(&mut self, word: &str) -> usize {
        let mut at = 0;
        for byte in word.bytes().map(|byte| byte.to_ascii_lowercase()) {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return at };
            at = *node.next.entry(byte).or_insert(fresh);
            if at == fresh {
                self.nodes.push(Node { digit: byte.is_ascii_digit(), ..Node::default() });
            }
        }
        at
    }

    /// The state after a byte.
    fn step(&self, mut at: usize, byte: u8) -> usize {
        while let Some(node) = self.nodes.get(at) {
            match node.next.get(&byte) {
                Some(next) => return *next,
                None if at == 0 => return 0,
                None => at = node.fallback,
            }
        }
        0
    }

    /// Works out where each state goes on when its word breaks off, and the words that end in it because a shorter one does.
    fn fall_back(&mut self) {
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            let Some(node) = self.nodes.get(at) else { continue };
            let fallback = node.fallback;
            let mut children: Vec<(u8, usize)> = node.next.iter().map(|(byte, child)| (*byte, *child)).collect();
            children.sort_unstable();
            for (byte, child) in children {
                let shorter = if at == 0 { 0 } else { self.step(fallback, byte) };
                let fallen = self.nodes.get(shorter);
                let (words, heard) = fallen.map(|node| (node.words.clone(), node.heard.clone())).unwrap_or_default();
                let spelled = fallen.is_some_and(|node| node.spelled);
                if let Some(node) = self.nodes.get_mut(child) {
                    node.fallback = shorter;
                    node.words.extend(words);
                    node.words.sort_unstable();
                    node.heard.extend(heard);
                    node.heard.sort_unstable();
                    node.spelled |= spelled;
                }
                queue.push_back(child);
            }
        }
    }

    /// States in the order of the table: the start, the others, those in which words end. Those that few letters lead to come first
    /// of each: a text is in them most of the time, so they share pages.
    fn order(&self) -> (Vec<usize>, usize) {
        let mut near = vec![0];
        let mut at = 0;
        while let Some(node) = near.get(at).and_then(|state| self.nodes.get(*state)) {
            let mut children: Vec<(u8, usize)> = node.next.iter().map(|(byte, child)| (*byte, *child)).collect();
            children.sort_unstable();
            near.extend(children.into_iter().map(|(_, child)| child));
            at += 1;
        }
        let ends = |state: &usize| self.nodes.get(*state).is_some_and(|node| !node.words.is_empty() || !node.heard.is_empty());
        let (last, mut order): (Vec<usize>, Vec<usize>) = near.into_iter().partition(ends);
        let first_ending = order.len();
        order.extend(last);
        (order, first_ending)
    }
}

/// Makes the table of words in lower case; `None` when there are too many. Those that are `heard` are told apart from the others.
/// With `kinds`, kinds of bytes are told as well.
pub(crate) fn table(words: &[&str], heard: &[(u16, &str)], kinds: bool) -> Option<(WordShape, Vec<u8>)> {
    let trie = Trie::new(words, heard, kinds)?;
    let (order, first_ending) = trie.order();
    let stride = (trie.letters.len() + 1).next_multiple_of(LINE);
    let mut rows = vec![0_u32; order.len()];
    for (index, state) in order.iter().enumerate() {
        *rows.get_mut(*state)? = u32::try_from(index * stride).ok().filter(|row| *row <= ROW)?;
    }
    // Class 0 is every byte that makes no difference.
    let class = |byte: u8| trie.letters.iter().position(|letter| *letter == byte.to_ascii_lowercase()).map_or(0, |at| at + 1);
    let mut table: Vec<u8> = (0..=u8::MAX).map(|byte| u8::try_from(class(byte)).unwrap_or(u8::MAX)).collect();
    for state in &order {
        let node = trie.nodes.get(*state)?;
        table.extend_from_slice(&0_u32.to_le_bytes());
        for letter in &trie.letters {
            let next = trie.step(*state, *letter);
            let there = trie.nodes.get(next)?;
            let words = if there.words.is_empty() { 0 } else { WORD };
            let ends = words | if there.heard.is_empty() { 0 } else { HEARD } | if there.spelled { SPELLED } else { 0 };
            let kind = if kinds && !(node.digit && letter.is_ascii_digit()) { kind(*letter) } else { 0 };
            table.extend_from_slice(&(rows.get(next)? | ends | kind).to_le_bytes());
        }
        table.resize(table.len() + 4 * (stride - trie.letters.len() - 1), 0);
    }
    let ending = || order.iter().skip(first_ending).filter_map(|state| trie.nodes.get(*state));
    let ends = ending().map(|node| node.words.clone()).collect();
    let heard = ending().map(|node| node.heard.clone()).collect();
    Some((WordShape { at: 0, length: table.len(), stride, ending: first_ending * stride, ends, heard }, table))
}
