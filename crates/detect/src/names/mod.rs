//! Names of persons, places, addresses, organisations and what else no pattern can express: a small tagger that learned from
//! texts. What lives here: words, features, weights, the walk over a text. Training lives in [`train`], rules elsewhere.

mod features;
mod gazetteer;
mod given;
pub(crate) mod hash;
mod info;
mod model;
mod scan;
mod spans;
mod tokens;
pub mod train;

pub use given::Given;
pub use model::{ModelError, Names};
pub(crate) use scan::Tagger;
pub use spans::Name;

use self::tokens::{Shape, Token};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A person.
    Person,
    /// A country, region, city or other place.
    Location,
    /// A street address, with all of its lines.
    Address,
    /// A company, authority or other organisation.
    Organization,
    /// A nationality.
    Nrp,
    /// A date.
    Date,
    /// A date of birth.
    DateOfBirth,
    /// An age in years.
    Age,
}

impl Kind {
    /// All of them, in the order of their tags.
    pub const ALL: [Self; 8] =
        [Self::Person, Self::Location, Self::Address, Self::Organization, Self::Nrp, Self::Date, Self::DateOfBirth, Self::Age];

    /// The label of its findings.
    pub fn label(self) -> &'static str {
        match self {
            Self::Person => "pii.person",
            Self::Location => "pii.location",
            Self::Address => "pii.address",
            Self::Organization => "pii.organization",
            Self::Nrp => "pii.nrp",
            Self::Date => "pii.date",
            Self::DateOfBirth => "pii.date_of_birth",
            Self::Age => "pii.age",
        }
    }

    /// The kind that a label of this or another project stands for.
    pub fn from_label(label: &str) -> Option<Self> {
        Some(match label {
            "pii.person" | "PERSON" => Self::Person,
            "pii.location" | "GPE" | "LOCATION" => Self::Location,
            "pii.address" | "STREET_ADDRESS" | "ZIP_CODE" => Self::Address,
            "pii.organization" | "ORGANIZATION" => Self::Organization,
            "pii.nrp" | "NRP" => Self::Nrp,
            "pii.date" | "DATE_TIME" => Self::Date,
            "pii.date_of_birth" => Self::DateOfBirth,
            "pii.age" | "AGE" => Self::Age,
            _ => return None,
        })
    }

    /// Its place in [`Kind::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

/// How many tags there are: none, then beginning and inside of each kind; an age is one word and has no inside.
pub(crate) const TAGS: usize = 16;

/// What a token is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) u8);

impl Tag {
    /// No part of a name.
    pub(crate) const NONE: Self = Self(0);

    /// The first token of a name.
    pub(crate) fn begin(kind: Kind) -> Self {
        Self(kind as u8 * 2 + 1)
    }

    /// A later token of a name; an age is one token long, so its next one begins anew.
    pub(crate) fn inside(kind: Kind) -> Self {
        if kind == Kind::Age { Self::begin(kind) } else { Self(kind as u8 * 2 + 2) }
    }

    /// Which kind of name this is part of.
    pub(crate) fn kind(self) -> Option<Kind> {
        Kind::ALL.get(usize::from(self.0.checked_sub(1)? / 2)).copied()
    }

    /// Whether it goes on with a name.
    pub(crate) fn is_inside(self) -> bool {
        self.0 != 0 && self.0.is_multiple_of(2)
    }

    /// Whether a token may have it behind another: no name begins with a mark, and none goes on that has not begun.
    pub(crate) fn may_follow(self, before: Self, token: &Token) -> bool {
        if self.is_inside() { before.kind() == self.kind() } else { self == Self::NONE || token.shape != Shape::Mark }
    }
}
