//! Why a body was not read, or not guarded.

use bartizan_wire::ControlError;
use bartizan_wire::json::JsonError;

use crate::body::ReadError;
use crate::exchange::Exchange;
use crate::inspect::InspectError;

/// Why a body was not guarded.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The guard itself failed.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// What was inspected could not be judged, or what policy asked for could not be carried out: nothing may be sent.
    #[error(transparent)]
    Judged(InspectError),
    /// Edits do not fit together: nothing may be sent.
    #[error("the edits do not fit the body")]
    Edits,
    /// Its files do not fit into the budget of bytes in flight.
    #[error(transparent)]
    Busy(ReadError),
}

/// Why a request cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, or over a limit.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Control fields.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Its spans do not fit into the budget of bytes in flight.
    #[error(transparent)]
    Busy(#[from] ReadError),
}

impl GuardError {
    /// Whether the scope chose that what could not be inspected may pass. What fails once policy was asked is no such failure: it may
    /// have asked for a block.
    pub fn may_fail_open(&self, exchange: &Exchange) -> bool {
        exchange.live.settings.fail_open && matches!(self, Self::Inspect(_))
    }
}
