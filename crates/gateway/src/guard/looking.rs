//! Looking through what the guards judge: bodies, files, headers, names.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bartizan_vocabulary::{Direction, Role, TextClass};

use super::GuardError;
use crate::attachments::{self, Attached};
use crate::cache::WORTH;
use crate::exchange::Exchange;
use crate::faults::strike_judged;
use crate::inspect::{Body, InspectError, Inspector, Unit};

/// Whether nothing is found in a name or a header, under a member name if any. A failing detector finds nothing clean.
pub fn is_clean(exchange: &Exchange, text: &str, key: Option<&str>) -> bool {
    let scan = || {
        let mut inspector = inspector(exchange, false);
        if key.is_some() {
            // A name that comes with every request: remembered however short it is.
            inspector.worth = 0;
        }
        inspector.text(text, (Role::Other, TextClass::Metadata, key), false).map_err(GuardError::from)
    };
    caught(|_| scan()).is_ok_and(|scan| scan.findings.is_empty())
}

/// How far a guard has come.
#[derive(Default)]
pub(super) struct Stage(Cell<bool>);

impl Stage {
    /// All was looked through, and policy is asked. What fails from now on is no failure to inspect.
    pub(super) fn judging(&self, exchange: &Exchange, direction: Direction) {
        self.0.set(true);
        strike_judged(exchange.gate.faults(), direction);
    }
}

/// A panic of a guard is a failure of the guard, not of the process.
pub(super) fn caught<T>(run: impl FnOnce(&Stage) -> Result<T, GuardError>) -> Result<T, GuardError> {
    let stage = Stage::default();
    let result = catch_unwind(AssertUnwindSafe(|| run(&stage))).unwrap_or(Err(GuardError::Inspect(InspectError::Panic)));
    result.map_err(|error| match error {
        GuardError::Inspect(error) if stage.0.get() => GuardError::Judged(error),
        other => other,
    })
}

pub(super) fn inspector(exchange: &Exchange, tokens: bool) -> Inspector<'_> {
    let live = &exchange.live;
    Inspector {
        detector: &live.detector,
        plain: &live.plain,
        cache: exchange.gate.cache(),
        scope: exchange.scope(),
        worth: WORTH,
        tokens,
        subjects: false,
        given: None,
        deadline: Instant::now() + live.settings.limits.inspect,
        lookups: (0, 0),
    }
}

/// Inspects the texts of a body.
///
/// # Errors
/// When it takes too long or finds too much.
pub fn inspect(exchange: &Exchange, body: Body<'_>, tokens: bool) -> Result<Vec<Unit>, InspectError> {
    let mut inspector = inspector(exchange, tokens);
    let units = inspector.body(body)?;
    count_lookups(exchange, &inspector);
    Ok(units)
}

pub(super) fn inspect_with_files(exchange: &Exchange, body: Body<'_>) -> Result<(Vec<Unit>, Attached), GuardError> {
    let mut inspector = inspector(exchange, true);
    inspector.subjects = true;
    inspector.given = exchange.given.get().map(|asked| &**asked);
    let units = inspector.body(body)?;
    let attached = attachments::inspect(exchange, body, &mut inspector)?;
    count_lookups(exchange, &inspector);
    Ok((units, attached))
}

pub(super) fn count_lookups(exchange: &Exchange, inspector: &Inspector<'_>) {
    let metrics = exchange.gate.metrics();
    metrics.cache_hits_total.add(inspector.lookups.0);
    metrics.cache_misses_total.add(inspector.lookups.1);
}

/// Findings in header values and the query, as a unit that has no parts in the body.
pub(super) fn inspect_outside(exchange: &Exchange, text: &str) -> Result<Vec<Unit>, InspectError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let scan = inspector(exchange, false).text(text, (Role::Other, TextClass::Metadata, None), false)?;
    let silent = scan.findings.is_empty() && scan.below.is_empty();
    Ok(if silent {
        Vec::new()
    } else {
        vec![Unit { parts: 0..0, role: Role::Other, class: TextClass::Metadata, scan, attached: None, about: None }]
    })
}
