//! Erasing a person: the data keys go, and with them everything that was ever sealed for that person.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bartizan_ledger::{Commitment, Entry, commit};
use bartizan_vocabulary::{KeyId, PrincipalId};

use crate::subjects::Subject;
use crate::{DataDir, StoreError};

/// What the operator keeps of an erasure: with salt and id, anyone can check the commitment in the `erasure` entry. It is kept nowhere
/// else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureReceipt {
    /// As it stands in the entry.
    pub commitment: Commitment,
    /// Its salt.
    pub salt: [u8; 32],
    /// How many data keys were destroyed.
    pub data_keys: usize,
    /// Virtual keys and tokens that were removed.
    pub keys: Vec<KeyId>,
}

/// How long records that are just being written may take.
const IN_FLIGHT: Duration = Duration::from_secs(5);

impl DataDir {
    /// Erases a person. While it runs, records for this person are refused; what is under way
    /// then ends without a trace of them. Afterwards nothing in the data folder can be opened that
    /// was sealed for them; what the log proves about others, and about the number and kind of their requests, still holds.
    ///
    /// # Errors
    /// [`StoreError`] when a step failed; the erasure is then not done and can be asked for again.
    pub fn erase(&self, principal: &PrincipalId) -> Result<ErasureReceipt, StoreError> {
        let _one = self.exclusive.lock().unwrap_or_else(PoisonError::into_inner);
        let (hash, cached) = self.subjects.begin_erasure(principal);
        let result = self.erase_subject(principal, &hash, cached);
        self.subjects.end_erasure(&hash, result.is_ok().then(|| (self.options.clock)()));
        result
    }

    fn erase_subject(&self, principal: &PrincipalId, hash: &[u8; 32], cached: Option<Arc<Subject>>) -> Result<ErasureReceipt, StoreError> {
        let keys = self.remove_keys_of(principal)?;
        if let Some(subject) = cached {
            wait_alone(&subject)?;
        }
        // What providers keep of theirs is nobody's from now on; written first, so that every key is found below.
        self.objects.erase(hash)?;
        // The journal may hold wrapped keys: it is brought into the log and its segments are removed.
        self.retire_journal()?;
        let ids = self.db.data_keys_of(hash)?;
        let salt = self.salts().next();
        let commitment = commit("principal", &salt, principal.as_str().as_bytes());
        let data_keys = ids.iter().map(|id| hex(id)).collect();
        let time = (self.options.clock)();
        self.record(Entry::Erasure { time, principal: commitment, data_keys, keys: keys.clone() })?;
        self.flush()?;
        self.db.destroy_data_keys(&ids)?;
        Ok(ErasureReceipt { commitment, salt, data_keys: ids.len(), keys })
    }

    /// Everything acknowledged so far is in the log, and no segment older than this moment exists.
    pub(crate) fn retire_journal(&self) -> Result<(), StoreError> {
        self.writer.rotate(None)?;
        let before = self.writer.current_number();
        let end = Instant::now() + IN_FLIGHT;
        loop {
            self.flush()?;
            let left = crate::segment::Segment::list(&self.layout.journal())?;
            if left.iter().all(|number| *number >= before) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(StoreError::Sequencer("old journal segments could not be removed; try again".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Waits until nobody else uses a data key.
fn wait_alone(subject: &Arc<Subject>) -> Result<(), StoreError> {
    let end = Instant::now() + IN_FLIGHT;
    while Arc::strong_count(subject) > 1 {
        if Instant::now() > end {
            return Err(StoreError::Sequencer("records of this principal are still being written; try again".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
