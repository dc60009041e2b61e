//! What was spent from budgets: one row for each spender of a budget, written in batches by nobody's request.

use rusqlite::params;

use crate::{DataDir, StoreError};

/// What was spent from one budget in the period that ends at `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpentRow {
    /// A keyed hash of the budget and who spends it.
    pub id: [u8; 32],
    /// Microseconds since the epoch.
    pub until: i64,
    /// Tokens.
    pub tokens: u64,
    /// Money, in thousand-millionths.
    pub nanos: u64,
}

/// SQL's integers are signed: more than that is as much as that.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl DataDir {
    /// Keeps what was spent, in place of what was known of the same ids. All or nothing.
    ///
    /// # Errors
    /// When the database does not take it; it can be given again.
    pub fn save_spent(&self, rows: &[SpentRow]) -> Result<(), StoreError> {
        let mut db = self.db.write();
        let transaction = db.transaction()?;
        for row in rows {
            let statement = "INSERT INTO spending (id, until_us, tokens, nanos) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (id) DO UPDATE SET until_us = excluded.until_us, tokens = excluded.tokens, nanos = excluded.nanos";
            let values = params![row.id, row.until, signed(row.tokens), signed(row.nanos)];
            transaction.prepare_cached(statement)?.execute(values)?;
        }
        Ok(transaction.commit()?)
    }

    /// What was spent in periods that still run. What is over is forgotten.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn spent(&self) -> Result<Vec<SpentRow>, StoreError> {
        let now = (self.options.clock)().as_micros();
        let db = self.db.write();
        db.execute("DELETE FROM spending WHERE until_us <= ?1", [now])?;
        let mut query = db.prepare("SELECT id, until_us, tokens, nanos FROM spending")?;
        let rows = query.query_map([], |row| {
            let (tokens, nanos): (i64, i64) = (row.get(2)?, row.get(3)?);
            Ok(SpentRow { id: row.get(0)?, until: row.get(1)?, tokens: tokens.unsigned_abs(), nanos: nanos.unsigned_abs() })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
