//! Which texts of a request are asked for: prose of messages, each text once, the newest first.

use std::collections::HashSet;
use std::sync::Arc;

use bartizan_vocabulary::TextClass;
use bartizan_wire::Form;

use super::Missing;
use crate::guard::Parsed;
use crate::live::is_prose;

/// Most bytes of a text, and of all texts of a request: copies of them wait in the queue, and no deadline suffices for more.
pub(super) const TEXT: usize = 16 << 10;
const REQUEST: usize = 64 << 10;
/// Most texts of a request.
const TEXTS: usize = 1_024;

/// Texts to be asked for, and why others are not.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) texts: Vec<Arc<str>>,
    pub(super) missing: Option<Missing>,
}

/// The texts of a request as the inspector makes them of its parts. Definitions of tools, keys, numbers and identifiers are not among
/// them: they come with every request, and name nobody.
pub(super) fn of(parsed: &Parsed) -> Wanted {
    let body = parsed.body();
    let parts = &body.reading.parts;
    let (mut runs, mut first) = (Vec::new(), 0);
    while let Some(head) = parts.get(first) {
        let run = parts.iter().skip(first).take_while(|part| part.run == head.run).count().max(1);
        let message = !matches!(head.class, TextClass::ToolDefinition | TextClass::Key | TextClass::Number | TextClass::Metadata);
        if message && head.form == Form::String && !head.opaque && is_prose(head) {
            runs.push(first..first + run);
        }
        first += run;
    }
    let (mut wanted, mut known, mut bytes) = (Wanted::default(), HashSet::new(), 0);
    for run in runs.into_iter().rev() {
        let text = body.text(parts.get(run).unwrap_or_default());
        if !text.chars().any(char::is_alphabetic) || known.contains(text.as_ref()) {
            continue;
        }
        if text.len() > TEXT || bytes + text.len() > REQUEST || wanted.texts.len() >= TEXTS {
            wanted.missing = Some(Missing::Long);
            continue;
        }
        bytes += text.len();
        let text: Arc<str> = Arc::from(text);
        known.insert(Arc::clone(&text));
        wanted.texts.push(text);
    }
    wanted
}
