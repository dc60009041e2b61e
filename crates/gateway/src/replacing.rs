//! What stands in the place of a value that nobody gives back: fixed words, masks, hashes, invented values, sealed ones.

use bartizan_detect::{Invented, RANDOM, SealKey, sealed};
use bartizan_policy::Operator;
use bartizan_vocabulary::{Label, Remedy};

/// Bytes of sealed values in one request, and in one answer: a sealed value is longer than what it stands for. What comes after that is
/// redacted.
const MOST_SEALED: usize = 4 << 20;

/// What a policy asks for.
pub type Asked = (Remedy, Option<Operator>);

/// What was carried out, and what stands there.
pub type Replaced = (Remedy, String);

/// Makes the fixed words of `@operator("hash")`: the same value has the same word everywhere, and nobody without the key can
/// tell which value it was. Sixteen letters, so that no detector takes the word for a number or a key.
#[derive(Clone)]
pub struct ValueHash([u8; 32]);

impl ValueHash {
    /// Its own key, derived from the token key.
    pub fn new(token_key: &[u8; 32]) -> Self {
        Self(blake3::derive_key("bartizan 2026 gateway value hash 1", token_key))
    }

    fn word(&self, label: &Label, text: &str) -> String {
        let label = label.as_str();
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(label.len() as u64).to_le_bytes()).update(label.as_bytes());
        hasher.update(bartizan_detect::canonical(label, text).as_bytes());
        let hash = hasher.finalize();
        let letters = hash.as_bytes().iter().take(8).flat_map(|byte| [byte >> 4, byte & 15]).map(|four| char::from(b'a' + four));
        let kind = label.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
        format!("[{kind}:{}]", letters.collect::<String>())
    }
}

/// Makes replacements.
#[derive(Clone)]
pub struct Replacing {
    hash: ValueHash,
    key: Option<SealKey>,
    /// Values that were invented in this exchange.
    invented: Option<Invented>,
    /// Bytes that sealed values may still take.
    room: usize,
}

impl Replacing {
    /// With the key of sealed values, and that of invented ones, where the configuration names one.
    pub fn new(hash: ValueHash, keys: Option<(&SealKey, [u8; 32])>) -> Self {
        let (key, invented) = keys.map(|(key, of_scope)| (key.clone(), Invented::new(of_scope))).unzip();
        Self { hash, key, invented, room: MOST_SEALED }
    }

    /// For what belongs to no exchange: values are sealed there and never invented.
    pub fn of_files(hash: ValueHash, key: Option<&SealKey>) -> Self {
        Self { hash, key: key.cloned(), invented: None, room: MOST_SEALED }
    }

    /// The same for the next body of the exchange.
    pub fn afresh(&self) -> Self {
        Self { room: MOST_SEALED, ..self.clone() }
    }

    /// The replacement of a value. What cannot be made of it is redacted.
    pub fn replace(&mut self, label: &Label, text: &str, (remedy, operator): Asked) -> Option<Replaced> {
        let made = match (remedy, operator) {
            (Remedy::Mask, Some(Operator::KeepLast(count))) => bartizan_detect::keep_last(text, Some(usize::from(count))),
            (Remedy::Mask, Some(Operator::Generalise)) => bartizan_detect::generalise(label, text),
            (Remedy::Mask, _) => "****".to_owned(),
            (Remedy::Redact, Some(Operator::Hash)) => self.hash.word(label, text),
            (Remedy::Surrogate | Remedy::Encrypt, _) => {
                let made = if remedy == Remedy::Encrypt { self.sealed(label, text) } else { self.invented(label, text) };
                return Some(made.map_or_else(|| (Remedy::Redact, bartizan_detect::placeholder(label)), |made| (remedy, made)));
            }
            // What the model introduces by itself has no original that anybody may get back.
            (Remedy::Redact | Remedy::Tokenise, _) => bartizan_detect::placeholder(label),
            _ => return None,
        };
        Some((remedy, made))
    }

    fn invented(&mut self, label: &Label, text: &str) -> Option<String> {
        self.invented.as_mut()?.stand_in(label, text)
    }

    fn sealed(&mut self, label: &Label, text: &str) -> Option<String> {
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random).ok()?;
        let made = sealed(label, text, self.key.as_ref()?, random)?;
        self.room = self.room.checked_sub(made.len())?;
        Some(made)
    }
}

/// What may be done to a value that is not known, or of which only a fixed word may be made.
pub const fn without_value((remedy, _): Asked) -> Asked {
    match remedy {
        Remedy::Surrogate | Remedy::Encrypt => (Remedy::Redact, None),
        _ => (remedy, None),
    }
}

#[cfg(test)]
mod tests {
    use bartizan_detect::{LONGEST_SEALED, reveal};

    use super::*;

    #[test]
    fn what_is_too_long_and_what_comes_after_too_much_is_redacted() {
        let key = SealKey::new(b"0123456789abcdef").unwrap();
        let label = Label::new("secret.private_key");
        let mut replacing = Replacing::of_files(ValueHash::new(&[1; 32]), Some(&key));
        let mut made = |length: usize| replacing.replace(&label, &"a".repeat(length), (Remedy::Encrypt, None)).unwrap();
        assert_eq!(made(LONGEST_SEALED + 1), (Remedy::Redact, "[REDACTED_PRIVATE_KEY]".to_owned()));
        let (remedy, longest) = made(LONGEST_SEALED);
        assert_eq!((remedy, reveal(&longest, &key).1), (Remedy::Encrypt, 1));
        let most = MOST_SEALED / longest.len();
        assert!((1..most).all(|_| made(LONGEST_SEALED).0 == Remedy::Encrypt));
        assert_eq!(made(LONGEST_SEALED).0, Remedy::Redact);
        assert_eq!(made(10).0, Remedy::Encrypt, "what still fits");
        let mut fresh = replacing.afresh();
        assert_eq!(fresh.replace(&label, "a", (Remedy::Encrypt, None)).unwrap().0, Remedy::Encrypt);
    }
}
