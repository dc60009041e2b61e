//! Typed names and ids. No bare `String` crosses a room's border.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a word; the caller has checked its form.
            pub fn new(word: impl Into<Arc<str>>) -> Self {
                Self(word.into())
            }

            /// The word itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                Self::new(word)
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::new(word)
            }
        }
    };
}

word!(
    /// What a finding is: dotted lower-case words such as `pii.email`; the part before the first dot is its parent.
    Label
);
word!(
    /// The rule that made a finding, such as `pii.email` or `secret.github.fine_grained`.
    RuleId
);
word!(
    /// A policy's `@id`, or its position when it has none.
    PolicyId
);
word!(
    /// Digest of a loaded policy set: `sha256:` and 64 hex digits.
    PolicyVersion
);
word!(
    /// UUID v7 of one interaction, as sent in `bartizan-request-id`.
    RequestId
);
word!(
    /// UUID v7 of one event.
    EventId
);
word!(
    /// UUID v7 of a virtual key or token (never the key itself).
    KeyId
);
word!(
    /// A group of people or services, as named in configuration or by `keys create --group`.
    GroupName
);
word!(
    /// A configured provider.
    ProviderName
);
word!(
    /// A model as clients name it.
    ModelName
);

impl Label {
    /// The part before the first dot: `pii` of `pii.email`.
    pub fn parent(&self) -> &str {
        self.0.split_once('.').map_or(&*self.0, |(parent, _)| parent)
    }
}
