//! Giving values back in a whole answer: the pseudonyms of its units, beside the edits that were decided there.

use std::collections::BTreeMap;

use bartizan_vocabulary::TextClass;
use bartizan_wire::Part;
use bartizan_wire::json::{NodeId, NodeKind, Splice};

use crate::edit::TextEdit;
use crate::exchange::Exchange;
use crate::inspect::{Body, Unit};
use crate::remedy::{Judged, UnitEdits};
use crate::restoring::{ARGUMENT, restore_whole};
use crate::session::{Restoring, Session};

/// Restoring joins the edits of its unit; an edit of a finding wins over a pseudonym inside it.
pub fn restore(exchange: &Exchange, session: &Session, body: Body<'_>, units: &[Unit], judged: &mut Judged) -> Vec<Splice> {
    let mut splices = Vec::new();
    if session.is_empty() {
        return splices;
    }
    let mut arguments = Arguments::default();
    let mut by_unit: BTreeMap<usize, Vec<TextEdit>> = std::mem::take(&mut judged.edits).into_iter().map(|of| (of.unit, of.edits)).collect();
    for (at, unit) in units.iter().enumerate().filter(|(_, unit)| !unit.scan.tokens.is_empty()) {
        let parts = body.parts(unit);
        let argument = unit.class == TextClass::ToolArguments && unit.scan.tokens.iter().any(|hit| session.knows(hit));
        let foreign = argument && arguments.beside_foreign(session, body, parts);
        let mut edits = by_unit.remove(&at).unwrap_or_default();
        match whole_number(session, body, unit, parts) {
            Some(splice) if edits.is_empty() && !foreign => {
                exchange.gate.metrics().restored_total.add(1);
                splices.push(splice);
            }
            _ => restore_unit(exchange, session, body, unit, !foreign, &mut edits),
        }
        if !edits.is_empty() {
            by_unit.insert(at, edits);
        }
    }
    judged.edits = by_unit.into_iter().map(|(unit, edits)| UnitEdits { unit, edits }).collect();
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

/// Looks for foreign URLs in arguments that are an object, of which each string is a text of its own: once in each.
#[derive(Default)]
struct Arguments {
    /// The nodes of all parts, in document order. Made for the first question.
    nodes: Option<Vec<NodeId>>,
    asked: Option<(NodeId, bool)>,
}

impl Arguments {
    /// Whether the arguments around a text hold a URL of a host that the caller did not name, or are too long to tell.
    fn beside_foreign(&mut self, session: &Session, body: Body<'_>, parts: &[Part]) -> bool {
        let Some(first) = parts.first() else { return false };
        let mut top = first.node;
        let mut at = first.node;
        while let Some(node) = body.tape.node(at).filter(|node| node.parent != at) {
            if ["input", "arguments", "args"].iter().any(|name| body.tape.is_named(body.bytes, at, name)) {
                top = at;
            }
            at = node.parent;
        }
        if let Some((_, foreign)) = self.asked.filter(|(node, _)| *node == top) {
            return foreign;
        }
        let Some(node) = body.tape.node(top) else { return false };
        let foreign = node.outer().len() > 2 * ARGUMENT
            || self.inside(body, top, node.next).iter().any(|part| session.holds_foreign_url(&body.tape.text(body.bytes, *part)));
        self.asked = Some((top, foreign));
        foreign
    }

    /// The nodes of the parts from one node on and before another.
    fn inside(&mut self, body: Body<'_>, from: NodeId, to: NodeId) -> &[NodeId] {
        let nodes = self.nodes.get_or_insert_with(|| {
            let mut nodes: Vec<NodeId> = body.reading.parts.iter().map(|part| part.node).collect();
            nodes.sort_unstable();
            nodes
        });
        let before = |bound: NodeId| nodes.partition_point(|node| *node < bound);
        nodes.get(before(from)..before(to)).unwrap_or_default()
    }
}

fn restore_unit(exchange: &Exchange, session: &Session, body: Body<'_>, unit: &Unit, allowed: bool, edits: &mut Vec<TextEdit>) {
    let parts = body.parts(unit);
    let writable = allowed && !parts.iter().any(|part| part.fixed || part.signed);
    let restored = restore_whole(session, &body.text(parts), unit.class, writable, &unit.scan.tokens, edits);
    exchange.gate.metrics().restored_total.add(restored.values);
    exchange.gate.metrics().withheld_total.add(restored.withheld);
}
