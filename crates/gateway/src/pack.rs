//! An encoder that an operator installed, asked for the names in the texts of a request: on threads of its own, behind a bounded queue,
//! under a deadline. What it does not say in time is left to the built-in recogniser, and that is recorded. See decision 032.

mod pool;
mod texts;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bartizan_detect::names::{Given, Name};
use bartizan_vocabulary::GuardStatus;
pub(crate) use pool::Pack;

use crate::blocking::{LARGE, in_place};
use crate::exchange::{Exchange, Phase};
use crate::guard::Parsed;

/// Finds names in whole texts, better and slower than the built-in recogniser.
pub trait NameReader: Send + Sync {
    /// The names of a normalised text. Asks now and then whether to go on; `None` when it was told to stop.
    ///
    /// # Errors
    /// A sentence for the log, without anything of the text.
    fn names(&self, normalised: &str, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Vec<Name>>, String>;

    /// Of all that its answers depend on.
    fn digest(&self) -> [u8; 32];
}

/// A reader, and how it is asked.
#[derive(Clone)]
pub struct PackSettings {
    /// The reader.
    pub reader: Arc<dyn NameReader>,
    /// For all texts of a request together, waiting included.
    pub deadline: Duration,
    /// Threads that read.
    pub threads: usize,
    /// Requests that may wait for them.
    pub queue: usize,
}

/// Why texts of a request were left to the built-in recogniser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Missing {
    /// More text than can be read under any deadline.
    Long,
    /// The deadline has passed.
    Late,
    /// Too many requests wait already.
    Busy,
    /// It failed.
    Failed,
}

impl Missing {
    /// The reason, as events tell it.
    const fn reason(self) -> &'static str {
        match self {
            Self::Long => "too long: the built-in recogniser read the rest",
            Self::Late => "late: the built-in recogniser read the rest",
            Self::Busy => "busy: the built-in recogniser read the rest",
            Self::Failed => "failed: the built-in recogniser read the rest",
        }
    }
}

/// What came of asking for the texts of a request.
#[derive(Debug, Default)]
pub struct Asked {
    /// The names of the texts that were read.
    given: HashMap<Arc<str>, Given>,
    /// Why others were not.
    missing: Option<Missing>,
    micros: u64,
}

impl Asked {
    /// The names of a text, when it was read to its end.
    pub(crate) fn of(&self, text: &str) -> Option<&Given> {
        self.given.get(text)
    }

    /// How it went, as policies know it.
    pub(crate) fn status(&self) -> GuardStatus {
        if self.missing.is_some() { GuardStatus::Skipped } else { GuardStatus::Ran }
    }

    /// Writes down how it went.
    pub(crate) fn record(&self, phase: &mut Phase) {
        phase.gate_micros += self.micros;
        match self.missing {
            None => phase.ran(GUARD, self.micros),
            Some(missing) => phase.not_run(GUARD, GuardStatus::Skipped, missing.reason()),
        }
    }
}

/// Its name among the guards.
pub(crate) const GUARD: &str = "pack";

/// Asks for the texts of a request that is about to be guarded; once for an exchange. Never fails: what is missing is looked for by the
/// built-in recogniser.
pub(crate) async fn ask(exchange: &Exchange, parsed: &Parsed) {
    let Some(pack) = exchange.live.pack.as_ref() else { return };
    if exchange.given.get().is_some() {
        return;
    }
    let wanted = in_place(parsed.bytes.len() > LARGE, || texts::of(parsed));
    let asked = pack.ask(exchange, wanted).await;
    if let Some(asked) = asked {
        let metrics = exchange.gate.metrics();
        metrics.pack_texts_total.add(asked.given.len() as u64);
        if let Some(missing) = asked.missing {
            metrics.pack_fallbacks_total.add(1);
            pack.warn(missing);
        }
        let _somebody_asked_meanwhile = exchange.given.set(Arc::new(asked));
    }
}
