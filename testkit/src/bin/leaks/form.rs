//! Forms with a file, written from the JSON of a field list: strings become fields, `file` becomes the file.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The type of such a form.
pub const CONTENT_TYPE: &str = "multipart/form-data; boundary=----leaks-form";

/// The form. `file` has a `name`, a `type`, and its `content` as it is or in `base64`.
///
/// # Errors
/// When the body is no object of JSON.
pub fn form(body: &str) -> Result<Vec<u8>> {
    let value: Value = serde_json::from_str(body).with_context(|| format!("`{body}`"))?;
    let members = value.as_object().with_context(|| format!("`{body}` is no object"))?;
    let mut out = Vec::new();
    for (name, member) in members {
        out.extend_from_slice(format!("------leaks-form\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes());
        let Some(file) = member.as_object() else {
            out.extend_from_slice(format!("\r\n\r\n{}\r\n", text(member)).as_bytes());
            continue;
        };
        let said = |name: &str| file.get(name).map(text).unwrap_or_default();
        out.extend_from_slice(format!("; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n", said("name"), said("type")).as_bytes());
        out.extend_from_slice(said("content").as_bytes());
        out.extend_from_slice(&STANDARD.decode(said("base64"))?);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"------leaks-form--\r\n");
    Ok(out)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
