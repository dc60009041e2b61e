//! Texts that a translation made neighbours. What a format has no place for is left out, and turns of one speaker become one, so texts
//! that were judged apart may be read as one by whoever gets the translation. Those are inspected once more, as one.

use std::collections::HashSet;

use bartizan_vocabulary::{Direction, Label};
use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Part, Reading, Side, read};

use crate::budget::Reservation;
use crate::exchange::Exchange;
use crate::faults::strike;
use crate::guard::{hold, inspect};
use crate::inspect::{Body, InspectError, Unit};
use crate::kept::Kept;

/// A translation may be a little deeper than what it is made of, and have more nodes.
const DEEPER: usize = 64;
const MORE: usize = 4;

/// What was found in texts that only the translation made one.
pub struct Found {
    /// Findings at their places in the translation.
    pub findings: Kept,
    /// The label of the first.
    pub label: Label,
}

/// Why they were not inspected.
pub enum Failed {
    /// The translation is larger than a body may be.
    Limits,
    /// No memory.
    Busy,
    /// The inspection failed.
    Inspect(InspectError),
}

/// Inspects the texts that stand side by side in the translation only. `own`: what was judged and edited.
pub fn inspect_new(
    exchange: &Exchange,
    (own_tape, own): (&Tape, &[u8]),
    translated: &[u8],
    held: &mut Reservation,
) -> Result<Option<Found>, Failed> {
    let limits = &exchange.live.settings.limits.json;
    let limits = JsonLimits { depth: limits.depth.saturating_add(DEEPER), nodes: limits.nodes.saturating_mul(MORE) };
    let tape = Tape::read(translated, &limits).map_err(|_| Failed::Limits)?;
    hold(held, tape.memory()).map_err(|_| Failed::Busy)?;
    let whole = read(&tape, translated, Side::Request);
    hold(held, whole.memory()).map_err(|_| Failed::Busy)?;
    if runs(&whole).next().is_none() {
        return Ok(None);
    }
    let reading = read(own_tape, own, Side::Request);
    hold(held, reading.memory()).map_err(|_| Failed::Busy)?;
    let before = Body { bytes: own, tape: own_tape, reading: &reading };
    let judged: HashSet<blake3::Hash> = runs(&reading).map(|run| digest(before, run)).collect();
    let body = Body { bytes: translated, tape: &tape, reading: &whole };
    let parts = runs(&whole).filter(|run| !judged.contains(&digest(body, run))).flatten().copied().collect();
    let fresh = Reading { parts, ..Reading::default() };
    let body = Body { reading: &fresh, ..body };
    strike(exchange.gate.faults(), Direction::Request).map_err(Failed::Inspect)?;
    let mut units = inspect(exchange, body, false).map_err(Failed::Inspect)?;
    if units.iter().all(|unit| unit.scan.findings.is_empty()) {
        return Ok(None);
    }
    // What was found in one of them alone was judged there.
    let units_before = inspect(exchange, before, false).map_err(Failed::Inspect)?;
    let known = surfaces(before, &units_before);
    for unit in &mut units {
        let text = body.text(body.parts(unit));
        let is_new = |label: &Label, surface: Option<&str>| !known.contains(&(label.clone(), surface.unwrap_or_default().to_owned()));
        let scan = std::sync::Arc::make_mut(&mut unit.scan);
        scan.findings.retain(|finding| is_new(&finding.label, text.get(finding.start..finding.end)));
    }
    let first = units.iter().find_map(|unit| unit.scan.findings.first()).map(|finding| finding.label.clone());
    Ok(first.map(|label| Found { findings: body.event_findings(units.iter()), label }))
}

/// Texts that are made of several parts.
fn runs(reading: &Reading) -> impl Iterator<Item = &[Part]> {
    reading.parts.chunk_by(|one, next| one.run == next.run).filter(|run| run.len() > 1)
}

fn digest(body: Body<'_>, run: &[Part]) -> blake3::Hash {
    blake3::hash(body.text(run).as_bytes())
}

fn surfaces(body: Body<'_>, units: &[Unit]) -> HashSet<(Label, String)> {
    let of = |unit: &Unit| {
        let text = body.text(body.parts(unit));
        let surface =
            |finding: &bartizan_vocabulary::Finding| Some((finding.label.clone(), text.get(finding.start..finding.end)?.to_owned()));
        unit.scan.findings.iter().filter_map(surface).collect::<Vec<_>>()
    };
    units.iter().flat_map(of).collect()
}
