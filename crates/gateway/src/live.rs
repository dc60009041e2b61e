//! What is in force now. A reload makes a new one and swaps it in whole; requests under way keep the one they began with.

use bartizan_detect::Detector;
use bartizan_policy::Judge;
use bartizan_wire::{Form, Part};

use crate::circuits::Circuits;
use crate::pack::{Pack, PackSettings};
use crate::quotas::Quotas;
use crate::settings::Settings;
use crate::upstream::{ClientError, Upstream, UpstreamError};

/// Settings, rules, policies and the client for providers.
pub struct Live {
    /// Settings.
    pub settings: Settings,
    /// Detector.
    pub detector: Detector,
    /// The same without names, for what is no prose.
    pub plain: Detector,
    /// Digest of the detector, for the findings cache.
    pub detector_digest: [u8; 32],
    /// The accuracy pack, if there is one.
    pub(crate) pack: Option<Pack>,
    /// Policies.
    pub judge: Judge,
    /// Health of the providers.
    pub(crate) circuits: Circuits,
    /// Rate limits and budgets.
    pub(crate) quotas: Quotas,
    /// Clients, one for each provider.
    upstreams: Vec<Upstream>,
}

/// Whether names may stand in a part.
pub(crate) fn is_prose(part: &Part) -> bool {
    !part.fixed && !part.id && part.form != Form::Number
}

impl Live {
    /// Puts everything together.
    ///
    /// # Errors
    /// When the client for providers cannot be made.
    pub fn new(settings: Settings, detector: Detector, judge: Judge) -> Result<Self, ClientError> {
        let (upstreams, circuits) = (Upstream::for_each(&settings)?, Circuits::new(&settings));
        let quotas = Quotas::new(&settings.quotas, &settings.prices);
        Ok(Self {
            detector_digest: detector.digest(),
            plain: detector.without_names(),
            settings,
            detector,
            pack: None,
            judge,
            circuits,
            quotas,
            upstreams,
        })
    }

    /// The same with an accuracy pack, which is asked for the names in requests.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn with_pack(mut self, settings: PackSettings) -> std::io::Result<Self> {
        let pack = Pack::start(settings)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.detector_digest).update(&pack.digest());
        self.detector_digest = *hasher.finalize().as_bytes();
        self.pack = Some(pack);
        Ok(self)
    }

    /// What looks through a part.
    pub(crate) fn detector_for(&self, part: &Part) -> &Detector {
        if is_prose(part) { &self.detector } else { &self.plain }
    }

    /// The client for a provider.
    ///
    /// # Errors
    /// When there is no such provider: nothing can be sent then.
    pub(crate) fn upstream(&self, provider: usize) -> Result<&Upstream, UpstreamError> {
        self.upstreams.get(provider).ok_or(UpstreamError::Address)
    }

    /// Takes over what is known of the providers, and what was counted.
    pub(crate) fn adopt(&mut self, before: &Self) {
        self.circuits.adopt(&self.settings, &before.circuits, &before.settings);
        self.quotas.adopt(&before.quotas);
    }
}
