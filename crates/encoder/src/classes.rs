//! The classes of a model's configuration, and what each of them is to us.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a token is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing, or something that others know better.
    Other,
    /// A name of a person.
    Person,
    /// The number of a house.
    Number,
    /// A street.
    Street,
    /// A flat, a floor, a suite.
    Unit,
    /// A city.
    City,
    /// A state.
    State,
    /// A postal code.
    Zip,
}

impl Class {
    /// How many there are.
    pub(crate) const COUNT: usize = 8;
    /// All of them, each at its place.
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Other, Self::Person, Self::Number, Self::Street, Self::Unit, Self::City, Self::State, Self::Zip];

    fn of(name: &str) -> Self {
        match name.trim_start_matches("B-").trim_start_matches("I-") {
            "GIVEN_NAME" | "SURNAME" => Self::Person,
            "BUILDING_NUMBER" => Self::Number,
            "STREET_NAME" => Self::Street,
            "SECONDARY_ADDRESS" => Self::Unit,
            "CITY" => Self::City,
            "STATE" => Self::State,
            "ZIP_CODE" => Self::Zip,
            _ => Self::Other,
        }
    }
}

/// What is read of `config.json`.
#[derive(Deserialize)]
struct Config {
    id2label: BTreeMap<String, String>,
    max_position_embeddings: usize,
}

/// Classes by the place of their output, and how many positions the model has; `None` when it is no such configuration, which the
/// sentence says.
pub(crate) fn read(config: &[u8]) -> Result<(Vec<Class>, usize), String> {
    let config: Config = serde_json::from_slice(config).map_err(|error| error.to_string())?;
    let name = |at: usize| config.id2label.get(&at.to_string()).ok_or_else(|| format!("`id2label` has no class {at}"));
    let names: Vec<&String> = (0..config.id2label.len()).map(name).collect::<Result<_, _>>()?;
    if !names.iter().any(|name| *name == "O") {
        return Err("`id2label` has no class `O`".to_owned());
    }
    for needed in ["GIVEN_NAME", "SURNAME", "STREET_NAME", "CITY"] {
        if !names.iter().any(|name| name.ends_with(needed)) {
            return Err(format!("`id2label` has no class `B-{needed}`"));
        }
    }
    Ok((names.into_iter().map(|name| Class::of(name)).collect(), config.max_position_embeddings))
}
