//! Values that callers carry for the gate, sealed under their data keys: with the key gone, nothing opens.

use std::sync::Arc;

use bartizan_identity::Originals as Carried;
use bartizan_vocabulary::{Hidden, PrincipalId, Timestamp};

use crate::seal::Sealer;
use crate::subjects::Subjects;

/// What is sealed opens as this only.
const AAD: &[u8] = b"original";
/// Values are filled up to a multiple of so many bytes (ISO/IEC 7816-4: a one, then zeros).
const BLOCK: usize = 32;
const END: u8 = 0x80;

/// Seals and opens under the data keys of subjects.
pub(crate) struct Originals {
    subjects: Arc<Subjects>,
    sealer: Arc<Sealer>,
}

impl Originals {
    pub(crate) fn new(subjects: &Arc<Subjects>, sealer: &Arc<Sealer>) -> Self {
        Self { subjects: Arc::clone(subjects), sealer: Arc::clone(sealer) }
    }
}

impl Carried for Originals {
    fn seal(&self, owner: &PrincipalId, since: Timestamp, value: &[u8]) -> Option<Vec<u8>> {
        let subject = self.subjects.get(owner, since).ok()??;
        let mut out = Vec::new();
        let sealed = self.sealer.seal_into(subject.session(), AAD, &mut out, |out| {
            out.extend_from_slice(value);
            out.push(END);
            out.resize(out.len() + (value.len() + 1).next_multiple_of(BLOCK) - (value.len() + 1), 0);
        });
        sealed.then_some(out)
    }

    fn open(&self, owner: &PrincipalId, sealed: &[u8]) -> Option<Hidden<Vec<u8>>> {
        let key = self.subjects.key_of(owner)?;
        let plain = Sealer::open(&key, AAD, sealed)?;
        let end = plain.iter().rposition(|byte| *byte == END)?;
        plain.get(..end).map(|value| Hidden::new(value.to_vec()))
    }
}

impl crate::DataDir {
    /// Seals what callers carry for the gate.
    pub fn originals(&self) -> Arc<dyn Carried> {
        Arc::clone(&self.originals) as Arc<dyn Carried>
    }
}
