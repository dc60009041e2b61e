//! The policies that come with the binary, from `policies/` at the top of the repository.

use crate::load::Source;

/// The default policy set: what is judged when nothing is configured.
pub fn default_sources() -> Vec<Source> {
    let files = [
        ("access.cedar", include_str!("../../../policies/access.cedar")),
        ("secrets.cedar", include_str!("../../../policies/secrets.cedar")),
        ("personal.cedar", include_str!("../../../policies/personal.cedar")),
        ("attacks.cedar", include_str!("../../../policies/attacks.cedar")),
        ("uninspected.cedar", include_str!("../../../policies/uninspected.cedar")),
    ];
    files.into_iter().map(|(name, text)| Source { name: name.to_owned(), text: text.to_owned() }).collect()
}

/// The decision table of the default set.
pub const DEFAULT_TABLE: &str = include_str!("../../../policies/tests/default.toml");
