//! A document as one reads it, as one text: what can stand in the place of the document where that may not go on.

use crate::model::{Extracted, Hint, Limits};
use crate::sink::Sink;

/// A document as one text. `Debug` shows none of it.
pub struct Rendered {
    /// What one reads in it, from the beginning to the end. Each part under its place in brackets.
    pub text: String,
    /// What [`crate::extract()`] gives for the same bytes.
    pub extracted: Extracted,
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Renders a document as text, without layout: text as it stands, pages of a PDF as they are set with their annotations, HTML as on a
/// screen without its scripts, paragraphs, rows of cells and slides of office documents, headers and bodies of e-mail, and all documents
/// inside. What one does not read there (attributes, metadata, earlier revisions, what was deleted, pictures) is left out.
///
/// None: it cannot be read, holds XML or an archive, nothing is to be read in it, or its text is over [`Limits::output_bytes`].
/// Work and memory are bounded as for [`crate::extract()`].
pub fn render(bytes: &[u8], hint: &Hint<'_>, limits: &Limits) -> Option<Rendered> {
    if bytes.len() > limits.input_bytes {
        return None;
    }
    let mut sink = Sink::rendering(limits);
    let kind = crate::read(bytes, hint, &mut sink).ok()?;
    let text = sink.rendered()?;
    let (segments, unread) = sink.into_parts();
    Some(Rendered { text, extracted: Extracted { kind, segments, unread } })
}

/// The text while it is put together.
pub struct Rendering {
    text: String,
    heading: String,
    most: usize,
    refused: bool,
}

impl Rendering {
    /// One of at most so many bytes.
    pub const fn new(most: usize) -> Self {
        Self { text: String::new(), heading: String::new(), most, refused: false }
    }

    /// Adds a text, under its heading unless that is the last one's too.
    pub fn add(&mut self, heading: String, text: &str) {
        let plain = heading == "text" || heading == "word/document.xml";
        let around = if plain { usize::from(!self.text.is_empty()) } else { heading.len() + 5 };
        if self.refused || self.text.len() + around + text.len() > self.most {
            self.refuse();
            return;
        }
        if !plain && heading != self.heading {
            let gap = if self.text.is_empty() { "" } else { "\n\n" };
            self.text.extend([gap, "[", &heading, "]\n"]);
        } else if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.heading = heading;
        self.text.push_str(if plain { text } else { text.trim_end_matches('\n') });
    }

    /// Gives up: nothing is told then.
    pub fn refuse(&mut self) {
        self.refused = true;
        self.text = String::new();
    }

    /// All of it, if anything is to be read.
    pub fn finish(self) -> Option<String> {
        Some(self.text).filter(|text| !self.refused && !text.trim().is_empty())
    }
}
