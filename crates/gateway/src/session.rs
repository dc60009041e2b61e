//! What one exchange knows of its own pseudonyms: minted while its request was edited, restored in its answer, then gone.

use std::collections::HashSet;
use std::sync::OnceLock;

use bartizan_detect::{Original, Pseudonyms, SealKey, Token, TokenHit, TokenPlace, hosts, hosts_reached};
use bartizan_identity::Chain;
use bartizan_vocabulary::{Label, Remedy, Role, TextClass};
use bartizan_wire::Control;

use crate::budget::Reservation;
use crate::guard::Parsed;
use crate::objects::Keeping;
use crate::replacing::{Asked, Replaced, Replacing, ValueHash};

/// Pseudonyms of one exchange, and the hosts that its caller named.
pub struct Session {
    pseudonyms: Pseudonyms,
    replacing: Replacing,
    /// The request, kept while its values may have to be restored: hosts are looked for only when a URL asks for it.
    request: Option<Box<(Parsed, Control)>>,
    /// What the request takes of the budget while it is kept.
    held: Option<Reservation>,
    hosts: OnceLock<HashSet<String>>,
    /// Whether a number literal was replaced: its pseudonym may have to become a number again.
    pub numbers: bool,
    /// How many values were replaced by pseudonyms.
    pub minted: u64,
    /// Whether pseudonyms of earlier requests are known.
    recalled: bool,
    /// What becomes of ids in the answer, where the provider keeps something.
    keeping: Option<Box<Keeping>>,
}

/// What is to become of a pseudonym in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restoring {
    /// Not one of ours.
    Unknown,
    /// Ours, but it may not be restored where it stands.
    Withheld,
    /// The caller's own value, and whether it stood as a number.
    Value(String, bool),
}

impl Session {
    /// A session that has minted nothing yet.
    pub fn new(pseudonyms: Pseudonyms, hash: ValueHash, key: Option<&SealKey>) -> Self {
        let (request, held, hosts) = (None, None, OnceLock::new());
        let replacing = Replacing::new(hash, key.map(|key| (key, pseudonyms.key_under(&key.words(), "bartizan gate surrogates 1"))));
        Self { pseudonyms, replacing, request, held, hosts, numbers: false, minted: 0, recalled: false, keeping: None }
    }

    /// Puts back what was minted in a chain that this request goes on with.
    pub fn recall(&mut self, chain: &Chain) {
        for pair in chain.pairs.iter() {
            let Some(token) = Token::parse(&pair.token) else { continue };
            self.recalled = true;
            self.numbers |= pair.was_number;
            self.pseudonyms.recall(token, Original { surface: pair.surface.clone(), was_number: pair.was_number });
        }
    }

    /// All pseudonyms, with what they stand for.
    pub fn pairs(&self) -> impl Iterator<Item = (&Token, &Original)> {
        self.pseudonyms.iter()
    }

    /// What becomes of ids in the answer.
    pub fn keep_ids(&mut self, keeping: Keeping) {
        self.keeping = Some(Box::new(keeping));
    }

    /// The same, if the provider keeps something.
    pub fn keeping(&self) -> Option<&Keeping> {
        self.keeping.as_deref()
    }

    /// Keeps a pseudonym-like string that stands in the request from being minted.
    pub fn reserve(&mut self, hit: &TokenHit) {
        self.pseudonyms.reserve(hit);
    }

    /// Whether an answer can hold anything to restore.
    pub fn is_empty(&self) -> bool {
        self.minted == 0 && !self.recalled
    }

    /// Keeps the request for [`restore`](Self::restore), if there is anything to restore.
    pub fn keep(&mut self, request: Box<(Parsed, Control)>) {
        self.request = Some(request).filter(|_| !self.is_empty());
    }

    /// Takes over what the request holds of the budget, as long as the request is kept.
    pub fn hold(&mut self, held: Reservation) {
        self.held = Some(held).filter(|_| self.request.is_some());
    }

    /// The hosts in what the caller wrote itself: system and user text, never tool results or documents.
    fn hosts(&self) -> &HashSet<String> {
        self.hosts.get_or_init(|| {
            let Some((request, _)) = self.request.as_deref() else { return HashSet::new() };
            let own = |role| matches!(role, Role::System | Role::User);
            let parts = request.reading.parts.iter().filter(|part| own(part.role) && part.class == TextClass::Text);
            parts.flat_map(|part| hosts(&request.tape.text(&request.bytes, part.node)).collect::<Vec<_>>()).collect()
        })
    }

    /// The replacement of a finding.
    pub fn replace(&mut self, label: &Label, text: &str, asked: Asked, number: bool) -> Option<Replaced> {
        match asked.0 {
            Remedy::Tokenise => {
                self.minted += 1;
                self.numbers |= number;
                Some((Remedy::Tokenise, self.pseudonyms.token_for(label, text, number).as_str().to_owned()))
            }
            _ => self.replacing.replace(label, text, asked),
        }
    }

    /// Makes the replacements of the answer: a value that the request held has the same stand-in there.
    pub fn of_answer(&self) -> Replacing {
        self.replacing.afresh()
    }

    /// What a pseudonym in an answer stands for, by where it stands.
    pub fn restore(&self, hit: &TokenHit) -> Restoring {
        let Some(original) = self.pseudonyms.resolve(&hit.token) else { return Restoring::Unknown };
        let allowed = match &hit.place {
            TokenPlace::Plain => true,
            TokenPlace::Url { host } => self.hosts().contains(host),
            TokenPlace::UrlHostItself => false,
        };
        if allowed { Restoring::Value(original.surface.reveal().clone(), original.was_number) } else { Restoring::Withheld }
    }

    /// Whether something is a pseudonym of this exchange.
    pub fn knows(&self, hit: &TokenHit) -> bool {
        self.pseudonyms.resolve(&hit.token).is_some()
    }

    /// Whether a tool argument holds a URL to a host that the caller did not name.
    pub fn holds_foreign_url(&self, argument: &str) -> bool {
        hosts_reached(argument).any(|host| !self.hosts().contains(&host))
    }
}
