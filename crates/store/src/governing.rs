//! What governs the decisions, in the log: when the process began and ended, and which configuration and policies were in force.

use bartizan_ledger::Entry;
use bartizan_vocabulary::PolicyVersion;
use sha2::{Digest, Sha256};

use crate::erase::hex;
use crate::{DataDir, StoreError};

const CONFIG: &str = "recorded-config";
const POLICY: &str = "recorded-policy";

impl DataDir {
    /// Records that a process of this version begins.
    ///
    /// # Errors
    /// [`StoreError::Journal`] when it cannot be recorded.
    pub fn record_start(&self, software: &str) -> Result<(), StoreError> {
        self.record(Entry::Start { time: (self.options.clock)(), software: software.to_owned() })
    }

    /// Records that the process ends in order.
    ///
    /// # Errors
    /// [`StoreError::Journal`] when it cannot be recorded.
    pub fn record_stop(&self) -> Result<(), StoreError> {
        self.record(Entry::Stop { time: (self.options.clock)() })
    }

    /// Records the digest of what comes into force as configuration, when it is not the one that was recorded last.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be recorded.
    pub fn record_config(&self, effective: &str) -> Result<(), StoreError> {
        let (time, version) = ((self.options.clock)(), format!("sha256:{}", hex(&Sha256::digest(effective))));
        self.record_change(CONFIG, &version, Entry::Config { time, version: version.clone() })
    }

    /// Records that this policy set comes into force, when it is not the one that was recorded last.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be recorded.
    pub fn record_policy(&self, version: &PolicyVersion) -> Result<(), StoreError> {
        let time = (self.options.clock)();
        self.record_change(POLICY, version.as_str(), Entry::Policy { time, version: version.clone() })
    }

    /// The entry first: what is recorded twice does no harm.
    fn record_change(&self, name: &str, version: &str, entry: Entry) -> Result<(), StoreError> {
        if self.db.setting(name)?.as_deref() == Some(version.as_bytes()) {
            return Ok(());
        }
        self.record(entry)?;
        if let Err(error) = self.db.set_setting(name, version.as_bytes()) {
            tracing::warn!(error = &error as &dyn std::error::Error, "what governs will be recorded again at the next start");
        }
        Ok(())
    }

    /// The next start records what governs, whatever was recorded before.
    pub(crate) fn forget_governing(&self) -> Result<(), StoreError> {
        self.db.set_setting(CONFIG, b"")?;
        self.db.set_setting(POLICY, b"")
    }
}
