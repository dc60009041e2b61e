//! What is in force now. A reload makes a new one and swaps it in whole; requests under way keep the one they began with.

use bartizan_detect::Detector;
use bartizan_policy::Judge;

use crate::settings::Settings;
use crate::upstream::{ClientError, Upstream};

/// Settings, rules, policies and the client for providers.
pub struct Live {
    /// Settings.
    pub settings: Settings,
    /// Detector.
    pub detector: Detector,
    /// Digest of the detector, for the findings cache.
    pub detector_digest: [u8; 32],
    /// Policies.
    pub judge: Judge,
    /// Client for providers.
    pub upstream: Upstream,
}

impl Live {
    /// Puts everything together.
    ///
    /// # Errors
    /// When the client for providers cannot be made.
    pub fn new(settings: Settings, detector: Detector, judge: Judge) -> Result<Self, ClientError> {
        let upstream = Upstream::new(&settings.timeouts, settings.extra_roots.as_deref())?;
        Ok(Self { detector_digest: detector.digest(), settings, detector, judge, upstream })
    }
}
