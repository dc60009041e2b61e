//! What was spent from budgets, between the gate and the data folder. No request waits for it: it is taken along every second.

use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_gateway::{Gate, Spent};
use bartizan_store::{DataDir, SpentRow};

/// What was spent before, for the gate.
///
/// # Errors
/// When the data folder cannot be read.
pub fn before(data: &DataDir) -> Result<Vec<Spent>> {
    let spent = |row: SpentRow| Spent { id: row.id, until: row.until, tokens: row.tokens, nanos: row.nanos };
    let rows = data.spent().context("what was spent from budgets cannot be read from the data folder")?;
    Ok(rows.into_iter().map(spent).collect())
}

/// Keeps what was spent since the last time. What cannot be kept is tried again with what comes then.
#[derive(Default)]
pub struct Keeper {
    waiting: Vec<SpentRow>,
}

impl Keeper {
    /// Takes along what is new.
    pub async fn keep(&mut self, gate: &Gate, data: &Arc<DataDir>) {
        let fresh = gate.spent().into_iter();
        // The later one of the same id counts.
        self.waiting.extend(fresh.map(|one| SpentRow { id: one.id, until: one.until, tokens: one.tokens, nanos: one.nanos }));
        if self.waiting.is_empty() {
            return;
        }
        let (rows, data) = (std::mem::take(&mut self.waiting), Arc::clone(data));
        let kept = tokio::task::spawn_blocking(move || {
            let kept = data.save_spent(&rows);
            (kept, rows)
        });
        let Ok((kept, rows)) = kept.await else { return };
        if let Err(error) = kept {
            tracing::warn!(error = &error as &dyn std::error::Error, "what was spent from budgets could not be kept; it is tried again");
            self.waiting = newest(rows);
        }
    }
}

/// One row for each id: what is tried again does not grow with the time that it takes.
fn newest(mut rows: Vec<SpentRow>) -> Vec<SpentRow> {
    rows.reverse();
    rows.sort_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_same_budget_the_last_row_is_tried_again() {
        let row = |id: u8, tokens| SpentRow { id: [id; 32], until: 1, tokens, nanos: 0 };
        assert_eq!(newest(vec![row(2, 1), row(1, 5), row(2, 3), row(2, 2)]), [row(1, 5), row(2, 2)]);
    }
}
