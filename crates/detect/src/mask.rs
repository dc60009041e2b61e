//! What stands in for a value that is not restored: a placeholder, or a mask that leaves the end readable.

use bartizan_vocabulary::Label;

/// `[REDACTED_EMAIL]`: the last part of the label in capital letters.
pub fn placeholder(label: &Label) -> String {
    let tail = label.as_str().rsplit('.').next().unwrap_or_default();
    format!("[REDACTED_{}]", tail.to_ascii_uppercase())
}

/// Letters and digits but the last `count` become `*`, separators stay; with `None`, or when no more than `count` (or half
/// of the value) would be hidden, the value becomes `****`. So does one with an escape of JSON, which must not stay by half.
pub fn keep_last(value: &str, count: Option<usize>) -> String {
    let shown = value.chars().filter(|c| c.is_alphanumeric()).count();
    let Some(count) = count.filter(|count| *count * 2 <= shown && !value.contains('\\')) else { return "****".to_owned() };
    let mut hidden = shown - count;
    let mask = |c: char| {
        let hide = c.is_alphanumeric() && hidden > 0;
        hidden -= usize::from(hide);
        if hide { '*' } else { c }
    };
    value.chars().map(mask).collect()
}
