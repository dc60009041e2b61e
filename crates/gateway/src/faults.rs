//! A seam for tests: makes a guard fail on purpose. Empty in production.

use std::sync::Arc;

use bartizan_vocabulary::Direction;

use crate::inspect::InspectError;

/// What a guard is made to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Report an error.
    Error,
    /// Take too long.
    Timeout,
    /// Panic.
    Panic,
    /// Inspect, and panic while what policy says is found out or carried out.
    Judging,
    /// Judge, and panic while the verdict is written.
    Writing,
}

/// Asked before each inspection.
pub type Faults = Arc<dyn Fn(Direction) -> Option<Fault> + Send + Sync>;

/// Lets a fault happen.
#[expect(clippy::panic, reason = "the fault that is asked for is a panic")]
pub fn strike(faults: Option<&Faults>, direction: Direction) -> Result<(), InspectError> {
    match faults.and_then(|faults| faults(direction)) {
        None | Some(Fault::Judging | Fault::Writing) => Ok(()),
        Some(Fault::Error) => Err(InspectError::Error),
        Some(Fault::Timeout) => Err(InspectError::Timeout),
        Some(Fault::Panic) => panic!("a fault was asked for"),
    }
}

/// Lets a fault happen after inspecting: a panic, when one is asked for.
pub fn strike_judged(faults: Option<&Faults>, direction: Direction) {
    let asked = faults.and_then(|faults| faults(direction));
    assert!(asked != Some(Fault::Judging), "a fault was asked for");
}

/// Lets a fault happen after judging: a panic, when one is asked for.
pub fn strike_writing(faults: Option<&Faults>, direction: Direction) {
    let asked = faults.and_then(|faults| faults(direction));
    assert!(asked != Some(Fault::Writing), "a fault was asked for");
}
