//! Who made what a provider keeps. `store` implements the trait over its tables; here is the one for tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bartizan_vocabulary::{Hidden, PrincipalId, ProviderName, Timestamp, UninspectedKind};

/// What kind of object a provider keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A response.
    Response,
    /// An item of a response's output, or of a conversation.
    Item,
    /// A file.
    File,
    /// A container in which a provider runs code.
    Container,
    /// A conversation.
    Conversation,
    /// A cache: Gemini's cached content.
    Cache,
}

impl ObjectKind {
    /// The word by which it is kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Item => "item",
            Self::File => "file",
            Self::Container => "container",
            Self::Conversation => "conversation",
            Self::Cache => "cache",
        }
    }
}

/// A pseudonym and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The pseudonym.
    pub token: String,
    /// The value as it was first written.
    pub surface: Hidden<String>,
    /// Whether it was a number.
    pub was_number: bool,
}

/// Answers that go on from one another, or a conversation: their scope of pseudonyms, and the pseudonyms that were minted in it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Random.
    pub id: [u8; 16],
    /// The conversation of the first request: the scope of pseudonyms.
    pub conversation: String,
    /// Pseudonyms, oldest first.
    pub pairs: Arc<[Pair]>,
}

impl Chain {
    /// Most pseudonyms with which a request may go on.
    pub const MOST_PAIRS: usize = 4_096;
    /// Most bytes of the values that those stand for.
    pub const MOST_BYTES: usize = 1 << 20;
}

/// What is known of an object that the asker made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Where it lies.
    pub provider: ProviderName,
    /// To which chain it belongs.
    pub chain: Arc<Chain>,
    /// Of a file: what of it was not read when it was sent. Empty: it was read whole.
    pub unread: Arc<[UninspectedKind]>,
}

/// Objects that somebody made.
#[derive(Clone, Debug)]
pub struct Binding<'a> {
    /// Who.
    pub owner: &'a PrincipalId,
    /// When the interaction began that made them: if its owner was erased since, nothing is kept.
    pub since: Timestamp,
    /// Where they lie.
    pub provider: &'a ProviderName,
    /// The chain as it stands with them.
    pub chain: &'a Arc<Chain>,
    /// Its pairs from here on were not kept before; `None`: the chain was kept as it is.
    pub fresh: Option<usize>,
    /// Kinds and ids.
    pub objects: &'a [(ObjectKind, String)],
    /// Of a file: what of it was not read.
    pub unread: &'a [UninspectedKind],
}

/// Why owners are not known just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectsError {
    /// Reading or opening failed.
    #[error("who made what the provider keeps cannot be read; see the log")]
    Unreadable,
    /// Too much waits to be written.
    #[error("too many owners of what the provider keeps wait to be written")]
    Full,
    /// The owner is being erased, or was since.
    #[error("this principal is being erased")]
    Erased,
}

/// Remembers who made what a provider keeps. An object has one owner for as long as it is known: whoever is given its id later is not.
pub trait Objects: Send + Sync {
    /// Binds objects to their owner, in memory at once. Never waits for SQL; what is lost in a crash belongs to nobody afterwards.
    ///
    /// # Errors
    /// [`ObjectsError`]; then they belong to nobody.
    fn bind(&self, binding: &Binding<'_>) -> Result<(), ObjectsError>;

    /// An object of this owner, if it is in memory.
    fn at_hand(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) -> Option<Object>;

    /// Objects of this owner, wherever they are known; `None` for those that are somebody else's or nobody's. May wait for a disk.
    ///
    /// # Errors
    /// [`ObjectsError::Unreadable`].
    fn look_up(&self, owner: &PrincipalId, wanted: &[(ObjectKind, String)]) -> Result<Vec<Option<Object>>, ObjectsError>;

    /// Which of these objects of one kind at one provider are this owner's. May wait for a disk.
    ///
    /// # Errors
    /// [`ObjectsError::Unreadable`].
    fn owns(&self, owner: &PrincipalId, provider: &ProviderName, kind: ObjectKind, ids: &[String]) -> Result<Vec<bool>, ObjectsError>;

    /// An object of this owner is gone. Never waits.
    fn forget(&self, owner: &PrincipalId, kind: ObjectKind, id: &str);
}

type Known = HashMap<(ObjectKind, String), (PrincipalId, Object)>;

/// Owners in memory only.
#[derive(Debug, Default)]
pub struct MemoryObjects(Mutex<Known>);

impl MemoryObjects {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Objects for MemoryObjects {
    fn bind(&self, binding: &Binding<'_>) -> Result<(), ObjectsError> {
        let mut known = self.known();
        for object in binding.objects {
            let made = Object { provider: binding.provider.clone(), chain: Arc::clone(binding.chain), unread: binding.unread.into() };
            match known.get(object) {
                Some((owner, _)) if owner != binding.owner => {}
                _ => {
                    known.insert(object.clone(), (binding.owner.clone(), made));
                }
            }
        }
        Ok(())
    }

    fn at_hand(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) -> Option<Object> {
        let known = self.known();
        known.get(&(kind, id.to_owned())).filter(|(other, _)| other == owner).map(|(_, object)| object.clone())
    }

    fn look_up(&self, owner: &PrincipalId, wanted: &[(ObjectKind, String)]) -> Result<Vec<Option<Object>>, ObjectsError> {
        Ok(wanted.iter().map(|(kind, id)| self.at_hand(owner, *kind, id)).collect())
    }

    fn owns(&self, owner: &PrincipalId, provider: &ProviderName, kind: ObjectKind, ids: &[String]) -> Result<Vec<bool>, ObjectsError> {
        Ok(ids.iter().map(|id| self.at_hand(owner, kind, id).is_some_and(|object| object.provider == *provider)).collect())
    }

    fn forget(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) {
        let mut known = self.known();
        let key = (kind, id.to_owned());
        if known.get(&key).is_some_and(|(other, _)| other == owner) {
            known.remove(&key);
        }
    }
}
