//! Reading a request.

use std::borrow::Cow;

use super::super::ir::{Ask, Choice, Content, Effort, Media, Part, Piece, Shape, Speaker, Thinking, Tool, Turn};
use super::super::look::{Fields, Look};
use crate::json::NodeKind;
use crate::translate::TranslateError;

const ROOT: &[&str] = &[
    "model",
    "messages",
    "system",
    "max_tokens",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "service_tier",
    "cache_control",
    "context_management",
];

/// Reads a request.
pub(in crate::translate) fn ask(root: Look<'_>) -> Result<Ask<'_>, TranslateError> {
    let fields = root.fields(ROOT)?;
    let mut ask = Ask::default();
    hint(&fields, "cache_control", &mut ask);
    if let Some(system) = fields.get("system") {
        for piece in pieces(system, &mut ask)? {
            match piece.part {
                Part::Text(text) => ask.system.push(text),
                _ => return Err(piece.at.refused()),
            }
        }
    }
    let messages = fields.get("messages").ok_or_else(|| root.wrong("has no `messages`"))?;
    for message in messages.list()? {
        let inner = message.fields(&["role", "content"])?;
        let role = inner.get("role").ok_or_else(|| message.wrong("has no `role`"))?;
        let speaker = match role.string()?.as_ref() {
            "user" => Speaker::User,
            "assistant" => Speaker::Assistant,
            _ => return Err(role.refused()),
        };
        let content = inner.get("content").ok_or_else(|| message.wrong("has no `content`"))?;
        let pieces = pieces(content, &mut ask)?;
        ask.turns.push(Turn { speaker, pieces, at: message });
    }
    ask.max_tokens = fields.get("max_tokens");
    (ask.temperature, ask.top_p, ask.top_k) = (fields.get("temperature"), fields.get("top_p"), fields.get("top_k"));
    if let Some(stop) = fields.get("stop_sequences") {
        ask.stop = stop.list()?.map(Look::string).collect::<Result<_, _>>()?;
    }
    if let Some(list) = fields.get("tools") {
        for one in list.list()? {
            let tool = tool(one, &mut ask)?;
            ask.tools.push(tool);
        }
    }
    if let Some(choice) = fields.get("tool_choice") {
        read_choice(choice, &mut ask)?;
    }
    if let Some(metadata) = fields.get("metadata") {
        ask.user = metadata.fields(&["user_id"])?.get("user_id").map(Look::string).transpose()?;
    }
    if let Some(tier) = fields.get("service_tier").filter(|tier| !tier.says("auto") && !tier.says("standard_only")) {
        return Err(tier.refused());
    }
    thinking(&fields, &mut ask)?;
    clearing(&fields, &mut ask)?;
    Ok(ask)
}

/// Notes a hint that has no place elsewhere.
fn hint(fields: &Fields<'_>, name: &'static str, ask: &mut Ask<'_>) {
    if fields.get(name).is_some() {
        ask.left_out.insert(name);
    }
}

/// Earlier thinking may be cleared: it goes nowhere else anyway. Nothing else of a conversation is.
fn clearing(fields: &Fields<'_>, ask: &mut Ask<'_>) -> Result<(), TranslateError> {
    let Some(management) = fields.get("context_management") else { return Ok(()) };
    let inner = management.fields(&["edits"])?;
    for edit in inner.get("edits").map(Look::list).transpose()?.into_iter().flatten() {
        let kind = edit.get("type").ok_or_else(|| edit.wrong("has no `type`"))?;
        if !kind.string()?.starts_with("clear_thinking_") {
            return Err(kind.refused());
        }
    }
    hint(fields, "context_management", ask);
    Ok(())
}

fn thinking<'a>(fields: &Fields<'a>, ask: &mut Ask<'a>) -> Result<(), TranslateError> {
    if let Some(thinking) = fields.get("thinking") {
        let inner = thinking.fields(&["type", "budget_tokens", "display"])?;
        hint(&inner, "display", ask);
        let kind = inner.get("type").ok_or_else(|| thinking.wrong("has no `type`"))?;
        let said = match kind.string()?.as_ref() {
            "disabled" => Thinking::Off,
            "adaptive" => Thinking::Free,
            "enabled" => Thinking::Budget(inner.get("budget_tokens").ok_or_else(|| thinking.wrong("has no `budget_tokens`"))?),
            _ => return Err(kind.refused()),
        };
        ask.thinking = Some((said, thinking));
    }
    let Some(config) = fields.get("output_config") else { return Ok(()) };
    let inner = config.fields(&["effort", "format"])?;
    if let Some(effort) = inner.get("effort") {
        let word = Effort::of(&effort.string()?).ok_or_else(|| effort.refused())?;
        match ask.thinking {
            Some((Thinking::Budget(_) | Thinking::Off, _)) => return Err(effort.wrong("stands beside `thinking`; send one of them")),
            _ => ask.thinking = Some((Thinking::Effort(word), effort)),
        }
    }
    if let Some(format) = inner.get("format") {
        let inner = format.fields(&["type", "schema"])?;
        let kind = inner.get("type").ok_or_else(|| format.wrong("has no `type`"))?;
        let schema = inner.get("schema").filter(|_| kind.says("json_schema")).ok_or_else(|| kind.refused())?;
        ask.shape = Some(Shape::Schema { name: None, schema: Cow::Borrowed(schema.object()?), strict: true });
    }
    Ok(())
}

fn pieces<'a>(content: Look<'a>, ask: &mut Ask<'a>) -> Result<Vec<Piece<'a>>, TranslateError> {
    if let Some(text) = content.text() {
        return Ok(vec![Piece { part: Part::Text(text), at: content }]);
    }
    let mut out = Vec::new();
    for block in content.list()? {
        if let Some(part) = read_block(block, ask)? {
            out.push(Piece { part, at: block });
        }
    }
    Ok(out)
}

fn read_block<'a>(block: Look<'a>, ask: &mut Ask<'a>) -> Result<Option<Part<'a>>, TranslateError> {
    let kind = block.get("type").ok_or_else(|| block.wrong("has no `type`"))?;
    let names: &'static [&'static str] = match kind.string()?.as_ref() {
        "text" => &["type", "cache_control", "text"],
        "image" => &["type", "cache_control", "source"],
        "document" => &["type", "cache_control", "source", "title"],
        "tool_use" => &["type", "cache_control", "id", "name", "input"],
        "tool_result" => &["type", "cache_control", "tool_use_id", "content", "is_error"],
        // Only the provider that made it can read it, and no other format has a place for it.
        "thinking" | "redacted_thinking" => {
            ask.left_out.insert("thinking");
            return Ok(None);
        }
        _ => return Err(kind.refused()),
    };
    let fields = block.fields(names)?;
    hint(&fields, "cache_control", ask);
    let want = |name: &str| fields.get(name).ok_or_else(|| block.wrong("does not hold what its `type` says"));
    Ok(Some(match names.get(2) {
        Some(&"text") => Part::Text(want("text")?.string()?),
        Some(&"source") => {
            let title = names.contains(&"title").then(|| fields.get("title")).flatten().map(Look::string).transpose()?;
            document(want("source")?, title)?
        }
        Some(&"id") => {
            let arguments = Cow::Borrowed(want("input")?.object()?);
            Part::Call { id: want("id")?.string()?, name: want("name")?.string()?, arguments }
        }
        _ => {
            let failed = fields.get("is_error").map_or(Ok(false), Look::flag)?;
            let content = fields.get("content").map_or(Ok(Vec::new()), |content| texts(content, ask))?;
            Part::Result { id: want("tool_use_id")?.string()?, content: Content::Texts(content), failed }
        }
    }))
}

/// What a tool gave back: text only, so that nothing is left out between two, and nothing nests.
fn texts<'a>(content: Look<'a>, ask: &mut Ask<'a>) -> Result<Vec<Cow<'a, str>>, TranslateError> {
    if let Some(other) = content.items().find(|block| !block.get("type").is_some_and(|kind| kind.says("text"))) {
        return Err(other.refused());
    }
    let only_text = |piece: Piece<'a>| if let Part::Text(text) = piece.part { Ok(text) } else { Err(piece.at.refused()) };
    pieces(content, ask)?.into_iter().map(only_text).collect()
}

/// The text of a document is a text, under its title.
fn document<'a>(source: Look<'a>, title: Option<Cow<'a, str>>) -> Result<Part<'a>, TranslateError> {
    if !source.get("type").is_some_and(|kind| kind.says("text")) {
        return Ok(Part::Media(media(source, title)?));
    }
    let fields = source.fields(&["type", "media_type", "data"])?;
    let text = fields.get("data").ok_or_else(|| source.wrong("has no `data`"))?.string()?;
    Ok(Part::Text(match title {
        Some(title) => Cow::Owned(format!("{title}\n\n{text}")),
        None => text,
    }))
}

fn media<'a>(source: Look<'a>, name: Option<Cow<'a, str>>) -> Result<Media<'a>, TranslateError> {
    let kind = source.get("type").ok_or_else(|| source.wrong("has no `type`"))?;
    if kind.says("url") {
        let fields = source.fields(&["type", "url"])?;
        return Ok(Media::Url(fields.get("url").ok_or_else(|| source.wrong("has no `url`"))?.string()?));
    }
    if !kind.says("base64") {
        return Err(kind.refused());
    }
    let fields = source.fields(&["type", "media_type", "data"])?;
    let mime = fields.get("media_type").ok_or_else(|| source.wrong("has no `media_type`"))?.mime()?;
    let data = fields.get("data").ok_or_else(|| source.wrong("has no `data`"))?.string()?;
    Ok(Media::Data { mime, data, name })
}

fn tool<'a>(tool: Look<'a>, ask: &mut Ask<'a>) -> Result<Tool<'a>, TranslateError> {
    // Before the fields: a provider's own tool has others.
    if let Some(kind) = tool.get("type").filter(|kind| !kind.says("custom")) {
        return Err(kind.refused());
    }
    let fields = tool.fields(&["type", "name", "description", "input_schema", "cache_control", "strict", "eager_input_streaming"])?;
    hint(&fields, "cache_control", ask);
    hint(&fields, "eager_input_streaming", ask);
    Ok(Tool {
        name: fields.get("name").ok_or_else(|| tool.wrong("has no `name`"))?.string()?,
        description: fields.get("description").map(Look::string).transpose()?,
        schema: fields.get("input_schema").map(Look::object).transpose()?.map(Cow::Borrowed),
        strict: fields.get("strict").filter(|strict| !strict.is(NodeKind::False)),
    })
}

fn read_choice<'a>(choice: Look<'a>, ask: &mut Ask<'a>) -> Result<(), TranslateError> {
    let fields = choice.fields(&["type", "name", "disable_parallel_tool_use"])?;
    let kind = fields.get("type").ok_or_else(|| choice.wrong("has no `type`"))?;
    let name = || fields.get("name").ok_or_else(|| choice.wrong("has no `name`"))?.string();
    if !kind.says("tool") {
        fields.none_of(&["name"])?;
    }
    ask.choice = Some(match kind.string()?.as_ref() {
        "auto" => Choice::Auto,
        "none" => Choice::None,
        "any" => Choice::Any,
        "tool" => Choice::Named(name()?),
        _ => return Err(kind.refused()),
    });
    if let Some(one) = fields.get("disable_parallel_tool_use") {
        ask.one_call = one.flag()?.then_some(one);
    }
    Ok(())
}
