//! What a company knows of its own, as a detector holds it: tables, dictionaries, documents.

use bartizan_vocabulary::Finding;

use super::{outrank, underlie};
use crate::detector::Detector;
use crate::exact::Exact;
use crate::phrases::Phrases;
use crate::plan::LabelInfo;
use crate::prints::Prints;

/// Everything that was added to a detector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    exact: Vec<Exact>,
    phrases: Vec<Phrases>,
    prints: Vec<Prints>,
}

impl Own {
    /// Adds what is found in a whole text: dictionaries and tables before rules and names, the first before the others; documents
    /// where nothing else was found.
    pub(crate) fn merge(&self, text: &str, findings: &mut Vec<Finding>) {
        for phrases in self.phrases.iter().rev() {
            outrank(text, phrases.scan(text), findings);
        }
        for exact in self.exact.iter().rev() {
            outrank(text, exact.scan(text), findings);
        }
        for prints in &self.prints {
            underlie(text, prints.scan(text), findings);
        }
    }

    /// The labels.
    pub(crate) fn labels(&self) -> impl Iterator<Item = LabelInfo> {
        let listed = self.exact.iter().map(Exact::info).chain(self.prints.iter().map(Prints::info));
        listed.chain(self.phrases.iter().map(Phrases::info))
    }

    /// The digests.
    pub(crate) fn digests(&self) -> impl Iterator<Item = [u8; 32]> {
        let listed = self.exact.iter().map(Exact::digest).chain(self.prints.iter().map(Prints::digest));
        listed.chain(self.phrases.iter().map(Phrases::digest))
    }
}

impl Detector {
    /// The same with one more table of a company's own values, in whole texts. Its values come before what rules and names find, except
    /// secrets; what they leave of another finding stays one. Streams do not know them yet.
    #[must_use]
    pub fn with_exact(&self, exact: Exact) -> Self {
        self.with_own(|own| own.exact.push(exact))
    }

    /// The same with one more dictionary, in whole texts. Its phrases count as values of a table do.
    #[must_use]
    pub fn with_phrases(&self, phrases: Phrases) -> Self {
        self.with_own(|own| own.phrases.push(phrases))
    }

    /// The same with fingerprints of a company's own documents, in whole texts. What else is found inside an excerpt keeps its place; the
    /// excerpt is what is left. Streams do not know them yet.
    #[must_use]
    pub fn with_prints(&self, prints: Prints) -> Self {
        self.with_own(|own| own.prints.push(prints))
    }
}
