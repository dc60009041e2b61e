//! Giving pseudonyms back: where a value may land, and how it is written there. Whole texts go through here at once; a growing
//! text asks the same questions as it comes.

use bartizan_detect::TokenHit;
use bartizan_vocabulary::TextClass;
use bartizan_wire::json::JsonContext;

use crate::edit::{TextEdit, fit_restored, tidy};
use crate::session::{Restoring, Session};

/// Into tool arguments a value is restored only when all of them, so far to either side, hold no URL of a host that the caller
/// did not name: what one string names, another one may be sent to. Further away is not looked, so that a stream need not
/// hold more.
pub const ARGUMENT: usize = 32 << 10;

/// Counts of what was done with pseudonyms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restored {
    /// Given back.
    pub values: u64,
    /// Not given back because of where they stood.
    pub withheld: u64,
}

/// Where tool arguments end: they must be complete, for what is still to come may name a host.
pub fn arguments_end(text: &str, json: bool) -> Option<usize> {
    (!json || text.trim_end().ends_with(['}', ']'])).then_some(text.len())
}

/// Looks for foreign URLs, once for each string.
#[derive(Clone, Copy, Debug, Default)]
pub struct Foreign {
    asked: Option<(usize, usize, bool)>,
}

impl Foreign {
    /// Whether the string that holds a pseudonym could carry its value away. `bounds`: where the string begins, and ends.
    pub fn holds<'a>(
        &mut self,
        session: &Session,
        hit: &TokenHit,
        bounds: Option<(usize, Option<usize>)>,
        slice: impl FnOnce(usize, usize) -> &'a str,
    ) -> bool {
        let Some((start, end)) = bounds else { return false };
        let Some(end) = end else { return true };
        if hit.start.saturating_sub(start) > ARGUMENT || end.saturating_sub(hit.start) > ARGUMENT {
            return true;
        }
        match self.asked {
            Some((from, to, foreign)) if (from, to) == (start, end) => foreign,
            _ => {
                let foreign = session.holds_foreign_url(slice(start, end));
                self.asked = Some((start, end, foreign));
                foreign
            }
        }
    }
}

/// Restores into a whole text. `edits`, sorted and apart from each other, win over pseudonyms inside them.
pub fn restore_whole(
    session: &Session,
    text: &str,
    class: TextClass,
    writable: bool,
    hits: &[TokenHit],
    edits: &mut Vec<TextEdit>,
) -> Restored {
    let (mut restored, mut made, mut foreign) = (Restored::default(), Vec::new(), Foreign::default());
    let mut context = JsonContext::default();
    context.push(text);
    let argument = class == TextClass::ToolArguments;
    // White space at the end is passed over once.
    let bounds = Some((0, if argument && !hits.is_empty() { arguments_end(text, context.is_json()) } else { None }));
    for hit in hits {
        let next = edits.partition_point(|edit| edit.end <= hit.start);
        let covered = edits.get(next).is_some_and(|edit| edit.start < hit.end);
        match session.restore(hit) {
            Restoring::Unknown => {}
            Restoring::Value(surface, number)
                if writable
                    && !covered
                    && !(argument && foreign.holds(session, hit, bounds, |from, to| text.get(from..to).unwrap_or_default())) =>
            {
                restored.values += 1;
                made.push(fit_restored(&context, hit.start, hit.end, &surface, number));
            }
            _ => restored.withheld += 1,
        }
    }
    edits.append(&mut made);
    tidy(edits);
    restored
}
