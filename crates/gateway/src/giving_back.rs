//! Giving values back in a whole answer: the pseudonyms of its units, beside the edits that were decided there.

use bartizan_vocabulary::TextClass;
use bartizan_wire::Part;
use bartizan_wire::json::{NodeKind, Splice};

use crate::edit::TextEdit;
use crate::exchange::Exchange;
use crate::inspect::{Body, Unit};
use crate::remedy::{self, Judged};
use crate::restoring::{ARGUMENT, restore_whole};
use crate::session::{Restoring, Session};

/// Restoring joins the edits of its unit; an edit of a finding wins over a pseudonym inside it.
pub fn restore(exchange: &Exchange, session: &Session, body: Body<'_>, units: &[Unit], judged: &mut Judged) -> Vec<Splice> {
    let mut splices = Vec::new();
    if session.is_empty() {
        return splices;
    }
    let mut asked = None;
    for (at, unit) in units.iter().enumerate().filter(|(_, unit)| !unit.scan.tokens.is_empty()) {
        let parts = body.parts(unit);
        let argument = unit.class == TextClass::ToolArguments && unit.scan.tokens.iter().any(|hit| session.knows(hit));
        let foreign = argument && beside_foreign(session, body, parts, &mut asked);
        let slot = judged.edits.iter().position(|edits| edits.unit == at);
        let mut edits = slot.map(|slot| std::mem::take(&mut judged.edits.swap_remove(slot).edits)).unwrap_or_default();
        match whole_number(session, body, unit, parts) {
            Some(splice) if edits.is_empty() && !foreign => {
                exchange.gate.metrics().restored_total.add(1);
                splices.push(splice);
            }
            _ => restore_unit(exchange, session, body, unit, !foreign, &mut edits),
        }
        if !edits.is_empty() {
            judged.edits.push(remedy::UnitEdits { unit: at, edits });
        }
    }
    splices
}

/// A pseudonym that is a whole string of tool arguments and stood for a number becomes that number again.
fn whole_number(session: &Session, body: Body<'_>, unit: &Unit, parts: &[Part]) -> Option<Splice> {
    let [part] = parts else { return None };
    let [hit] = unit.scan.tokens.as_slice() else { return None };
    let node = body.tape.node(part.node).filter(|node| node.kind == NodeKind::String)?;
    if part.class != TextClass::ToolArguments || hit.start != 0 || hit.end != body.tape.text(body.bytes, part.node).len() {
        return None;
    }
    match session.restore(hit) {
        Restoring::Value(surface, true) => Some(Splice { range: node.outer(), with: surface.into_bytes() }),
        _ => None,
    }
}

/// Whether arguments that are an object, of which each string is a text of its own, hold a URL of a host that the caller did
/// not name, or are too long to tell.
fn beside_foreign(session: &Session, body: Body<'_>, parts: &[Part], asked: &mut Option<(bartizan_wire::json::NodeId, bool)>) -> bool {
    let Some(first) = parts.first() else { return false };
    let mut top = first.node;
    let mut at = first.node;
    while let Some(node) = body.tape.node(at).filter(|node| node.parent != at) {
        if body.tape.key(body.bytes, at).is_some_and(|key| matches!(key.as_ref(), "input" | "arguments" | "args")) {
            top = at;
        }
        at = node.parent;
    }
    if let Some((_, foreign)) = asked.filter(|(node, _)| *node == top) {
        return foreign;
    }
    let Some(all) = body.tape.node(top).map(bartizan_wire::json::Node::outer) else { return false };
    let inside = |part: &&Part| body.tape.node(part.node).is_some_and(|node| all.contains(&node.outer().start));
    let mut inner = body.reading.parts.iter().filter(inside);
    let foreign = all.len() > 2 * ARGUMENT || inner.any(|part| session.holds_foreign_url(&body.tape.text(body.bytes, part.node)));
    *asked = Some((top, foreign));
    foreign
}

fn restore_unit(exchange: &Exchange, session: &Session, body: Body<'_>, unit: &Unit, allowed: bool, edits: &mut Vec<TextEdit>) {
    let parts = body.parts(unit);
    let writable = allowed && !parts.iter().any(|part| part.fixed || part.signed);
    let restored = restore_whole(session, &body.text(parts), unit.class, writable, &unit.scan.tokens, edits);
    exchange.gate.metrics().restored_total.add(restored.values);
    exchange.gate.metrics().withheld_total.add(restored.withheld);
}
