//! (being written)

/// The text of an OpenAI stream.
pub fn content(stream: &str) -> String {
    let events = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let values = events.map(|data| serde_json::from_str::<serde_json::Value>(data).unwrap_or_else(|error| panic!("{error}: {data}")));
    values.filter_map(|value| value.pointer("/choices/0/delta/content")?.as_str().map(str::to_owned)).collect()
}
