//! Kinds that are text: the whole input is one segment, markup adds what it shows differently.

use std::borrow::Cow;

use memchr::memmem;

use crate::model::{Hint, Kind, Reason, Unreadable, View};
use crate::sink::Sink;
use crate::{charset, html, notebook, xml};

pub fn read(bytes: &[u8], kind: Kind, hint: &Hint<'_>, sink: &mut Sink<'_>) -> Result<Kind, Unreadable> {
    let declared = hint.media_type.and_then(|it| charset::parameter(it, "charset"));
    let named;
    let declared = match declared {
        Some(declared) => Some(declared),
        None if matches!(kind, Kind::Xml | Kind::Html) => {
            named = named_inside(bytes);
            named.as_deref()
        }
        None => None,
    };
    let decoded = charset::decode(bytes, declared);
    let text: &str = &decoded.text;
    if text.contains('\0') {
        return Err(Unreadable::UnknownKind(crate::Looks::Binary));
    }
    if decoded.doubtful {
        sink.unread("text", Reason::Charset);
    }
    let markup = matches!(kind, Kind::Html | Kind::Xml | Kind::Notebook);
    let view = if markup { View::Beside } else { View::Shown };
    sink.literal("text", text, decoded.literal_from.map(|from| from..from + text.len()), view);
    match kind {
        Kind::Html => html::read(text, sink),
        Kind::Xml => xml::read_document(text, sink),
        Kind::Notebook => notebook::read(text, sink),
        _ => sink.render("text", text),
    }
    if crate::pdf::hides_in(bytes) {
        sink.unread("text", Reason::Ambiguous);
    }
    if memmem::find(bytes, b"-----BEGIN PGP MESSAGE-----").is_some() {
        sink.unread("text", Reason::Encrypted);
    }
    Ok(kind)
}

/// The character set that markup names in its first bytes: `<?xml encoding="…"?>`, `<meta charset=…>`.
fn named_inside(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let head = bytes.get(..1024).unwrap_or(bytes);
    let after =
        ["encoding=", "charset="].iter().find_map(|key| memmem::find(head, key.as_bytes()).map(|at| crate::rest(head, at + key.len())))?;
    let value = after.strip_prefix(b"\"").or_else(|| after.strip_prefix(b"'")).unwrap_or(after);
    let end = value.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"-_.:".contains(byte)).unwrap_or(value.len());
    Some(String::from_utf8_lossy(crate::part(value, 0..end)))
}
