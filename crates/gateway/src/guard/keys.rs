//! Edits of keys: whether they make two members of an object one, and what becomes of log probabilities beside them.

use std::collections::{BTreeSet, HashSet};

use bartizan_wire::Form;
use bartizan_wire::json::{Splice, Tape};

use super::{GuardError, Parsed};
use crate::exchange::Exchange;
use crate::inspect::Unit;
use crate::logprobs;

/// The objects of which a key may be edited.
fn edited_keys(parsed: &Parsed, units: &[Unit]) -> impl Iterator<Item = u32> {
    let touched = units.iter().filter(|unit| !unit.scan.findings.is_empty() || !unit.scan.tokens.is_empty());
    touched
        .flat_map(|unit| parsed.body().parts(unit))
        .filter(|part| part.form == Form::Key)
        .filter_map(|part| parsed.tape.node(part.node).map(|node| node.parent))
}

/// Lets log probabilities follow the edits. Where a key is edited they go: the edited keys are looked for behind them.
pub(super) fn logprobs(parsed: &Parsed, units: &[Unit], splices: &mut Vec<Splice>) -> Result<(), GuardError> {
    let Parsed { bytes, tape, reading, .. } = parsed;
    if reading.logprobs.is_empty() {
        return Ok(());
    }
    if edited_keys(parsed, units).next().is_some() {
        splices.extend(logprobs::without_logprobs(reading, tape));
        return Ok(());
    }
    let all = logprobs::tokens((tape, bytes, reading), "message", |_| true, splices);
    logprobs::follow(&all, bytes, splices).ok_or(GuardError::Edits)
}

/// Whether an edit of a key made two keys of an object equal that were not equal before.
pub(super) fn keys_collide(exchange: &Exchange, parsed: &Parsed, units: &[Unit], edited: &[u8]) -> bool {
    let holders: BTreeSet<u32> = edited_keys(parsed, units).collect();
    if holders.is_empty() {
        return false;
    }
    let Ok(tape) = Tape::read(edited, &exchange.live.settings.limits.json) else { return true };
    let repeated = |tape: &Tape, bytes: &[u8], object: u32| {
        let keys: Vec<_> = tape.members(object).filter_map(|(id, _)| tape.key(bytes, id)).collect();
        keys.len() - keys.iter().collect::<HashSet<_>>().len()
    };
    // Where log probabilities were taken out, what they held is missing from the new tape: so much of it up to each of them.
    let inside = |id: &u32| parsed.tape.node(*id).map_or(0, |node| node.next.saturating_sub(id + 1));
    let sums = parsed.reading.logprobs.iter().scan(0_u32, |sum, id| {
        *sum = sum.saturating_add(inside(id));
        Some(*sum)
    });
    let sums: Vec<u32> = sums.collect();
    let gone = |object: u32| -> u32 {
        let before = parsed.reading.logprobs.partition_point(|id| *id < object);
        before.checked_sub(1).and_then(|last| sums.get(last)).copied().unwrap_or(0)
    };
    holders
        .iter()
        .any(|object| repeated(&tape, edited, object.saturating_sub(gone(*object))) != repeated(&parsed.tape, &parsed.bytes, *object))
}
