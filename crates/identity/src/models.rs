//! Models that a key may name.

use bartizan_vocabulary::ModelName;

/// A pattern that would not do what it looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing.
    #[error("a model pattern is empty; remove it")]
    Empty,
    /// A star before the end.
    #[error("the model pattern `{0}` has a `*` before its end; write a name, or a beginning and `*`")]
    Star(String),
}

/// Checks one entry of `--models`: a name, or a beginning and `*`.
///
/// # Errors
/// When it is empty or has a star anywhere but at its end.
pub fn check_pattern(pattern: &str) -> Result<(), PatternError> {
    match pattern {
        "" => Err(PatternError::Empty),
        _ if pattern.strip_suffix('*').unwrap_or(pattern).contains('*') => Err(PatternError::Star(pattern.to_owned())),
        _ => Ok(()),
    }
}

/// Whether a caller with these patterns may name `model`. `None` is any model, an empty list is none. Letter case counts.
pub fn may_use(patterns: Option<&[ModelName]>, model: &str) -> bool {
    let fits = |pattern: &ModelName| match pattern.as_str().strip_suffix('*') {
        Some(beginning) => model.starts_with(beginning),
        None => pattern.as_str() == model,
    };
    patterns.is_none_or(|patterns| patterns.iter().any(fits))
}
