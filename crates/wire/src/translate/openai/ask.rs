//! Reading a request.

use std::borrow::Cow;

use crate::json::NodeKind;
use crate::translate::TranslateError;
use crate::translate::ir::{Ask, Choice, Content, Effort, Media, Part, Piece, Shape, Speaker, Thinking, Tool, Turn, arguments};
use crate::translate::look::{Fields, Look, is_mime, tail};

const ROOT: &[&str] = &[
    "model",
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "response_format",
    "reasoning_effort",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "metadata",
    "stream",
    "stream_options",
    "store",
    "logprobs",
    "service_tier",
    "modalities",
];

const MESSAGE: &[&str] = &["role", "content", "refusal", "tool_calls", "tool_call_id", "reasoning_content", "reasoning", "annotations"];

const PART: &[&str] = &["type", "text", "image_url", "file", "refusal"];

/// Reads a request.
pub(in crate::translate) fn ask(root: Look<'_>) -> Result<Ask<'_>, TranslateError> {
    let fields = root.fields(ROOT)?;
    let mut ask = Ask::default();
    let messages = fields.get("messages").ok_or_else(|| root.wrong("has no `messages`"))?;
    for message in messages.list()? {
        read_message(message, &mut ask)?;
    }
    if let Some(tools) = fields.get("tools") {
        ask.tools = tools.list()?.map(tool).collect::<Result<_, _>>()?;
    }
    ask.choice = fields.get("tool_choice").map(choice).transpose()?;
    sampling(&fields, &mut ask)?;
    saying_nothing(&fields)?;
    ask.shape = fields.get("response_format").map(|format| shape(format, &mut ask)).transpose()?.flatten();
    if let Some(effort) = fields.get("reasoning_effort") {
        let word = Effort::of(&effort.string()?).ok_or_else(|| effort.refused())?;
        ask.thinking = Some((Thinking::Effort(word), effort));
    }
    if let Some(user) = fields.get("user").or(fields.get("safety_identifier")) {
        ask.user = Some(user.string()?);
    }
    if fields.get("user").is_some() && fields.get("safety_identifier").is_some() {
        ask.left_out.insert("safety_identifier");
    }
    for hint in ["prompt_cache_key", "prompt_cache_retention", "metadata"] {
        if fields.get(hint).is_some() {
            ask.left_out.insert(hint);
        }
    }
    if let Some(options) = fields.get("stream_options") {
        let options = options.fields(&["include_usage", "include_obfuscation"])?;
        ask.usage = options.get("include_usage").map_or(Ok(false), Look::flag)?;
    }
    Ok(ask)
}

fn sampling<'a>(fields: &Fields<'a>, ask: &mut Ask<'a>) -> Result<(), TranslateError> {
    let said = |name: &str, nothing: &str| fields.get(name).filter(|value| value.raw().trim_end_matches(".0") != nothing);
    ask.max_tokens = match (fields.get("max_completion_tokens"), fields.get("max_tokens")) {
        (Some(_), Some(old)) => return Err(old.wrong("stands beside `max_completion_tokens`; send one of them")),
        (new, old) => new.or(old),
    };
    ask.temperature = fields.get("temperature");
    ask.top_p = fields.get("top_p");
    ask.seed = fields.get("seed");
    ask.answers = said("n", "1");
    ask.presence = said("presence_penalty", "0");
    ask.frequency = said("frequency_penalty", "0");
    ask.logit_bias = said("logit_bias", "{}");
    if let Some(stop) = fields.get("stop") {
        ask.stop = match stop.text() {
            Some(one) => vec![one],
            None => stop.list()?.map(Look::string).collect::<Result<_, _>>()?,
        };
    }
    if let Some(parallel) = fields.get("parallel_tool_calls") {
        ask.one_call = (!parallel.flag()?).then_some(parallel);
    }
    Ok(())
}

/// Fields that are taken as long as they ask for nothing.
fn saying_nothing(fields: &Fields<'_>) -> Result<(), TranslateError> {
    for name in ["store", "logprobs"] {
        if let Some(value) = fields.get(name).filter(|value| !value.is(NodeKind::False)) {
            return Err(value.refused());
        }
    }
    if let Some(tier) = fields.get("service_tier").filter(|tier| !tier.says("auto") && !tier.says("default")) {
        return Err(tier.refused());
    }
    if let Some(other) = fields.get("modalities").and_then(|list| list.items().find(|one| !one.says("text"))) {
        return Err(other.refused());
    }
    Ok(())
}

fn read_message<'a>(message: Look<'a>, ask: &mut Ask<'a>) -> Result<(), TranslateError> {
    let fields = message.fields(MESSAGE)?;
    let role = fields.get("role").ok_or_else(|| message.wrong("has no `role`"))?;
    let said = role.string()?;
    if said != "assistant" {
        fields.none_of(&["refusal", "tool_calls", "reasoning_content", "reasoning", "annotations"])?;
    }
    if said != "tool" {
        fields.none_of(&["tool_call_id"])?;
    }
    match said.as_ref() {
        "system" | "developer" => {
            if !ask.turns.is_empty() {
                return Err(role.refused());
            }
            ask.system.extend(texts(message, &fields)?);
        }
        "user" => {
            let pieces = pieces(fields.get("content").ok_or_else(|| message.wrong("has no `content`"))?)?;
            ask.turns.push(Turn { speaker: Speaker::User, pieces, at: message });
        }
        "assistant" => assistant(message, &fields, ask)?,
        "tool" => {
            let id = fields.get("tool_call_id").ok_or_else(|| message.wrong("has no `tool_call_id`"))?.string()?;
            let part = Part::Result { id, content: Content::Texts(texts(message, &fields)?), failed: false };
            // Results of one round are one turn.
            match ask.turns.last_mut() {
                Some(turn) if turn.pieces.last().is_some_and(|piece| matches!(piece.part, Part::Result { .. })) => {
                    turn.pieces.push(Piece { part, at: message });
                }
                _ => ask.turns.push(Turn { speaker: Speaker::User, pieces: vec![Piece { part, at: message }], at: message }),
            }
        }
        _ => return Err(role.refused()),
    }
    Ok(())
}

fn assistant<'a>(message: Look<'a>, fields: &Fields<'a>, ask: &mut Ask<'a>) -> Result<(), TranslateError> {
    let mut all = fields.get("content").map_or(Ok(Vec::new()), pieces)?;
    if let Some(refusal) = fields.get("refusal") {
        all.push(Piece { part: Part::Text(refusal.string()?), at: refusal });
    }
    if let Some(calls) = fields.get("tool_calls") {
        for call in calls.list()? {
            all.push(Piece { part: tool_call(call)?, at: call });
        }
    }
    for (name, hint) in [("reasoning_content", "reasoning"), ("reasoning", "reasoning"), ("annotations", "annotations")] {
        if fields.get(name).is_some() {
            ask.left_out.insert(hint);
        }
    }
    ask.turns.push(Turn { speaker: Speaker::Assistant, pieces: all, at: message });
    Ok(())
}

fn tool_call(call: Look<'_>) -> Result<Part<'_>, TranslateError> {
    is_function(call)?;
    let fields = call.fields(&["id", "type", "function", "index"])?;
    let function = fields.get("function").ok_or_else(|| call.wrong("has no `function`"))?;
    let inner = function.fields(&["name", "arguments"])?;
    let id = fields.get("id").ok_or_else(|| call.wrong("has no `id`"))?.string()?;
    let name = inner.get("name").ok_or_else(|| function.wrong("has no `name`"))?.string()?;
    let given = match inner.get("arguments") {
        Some(text) => arguments(text.string()?, text)?,
        None => Cow::Borrowed("{}"),
    };
    Ok(Part::Call { id, name, arguments: given })
}

fn is_function(value: Look<'_>) -> Result<(), TranslateError> {
    match value.get("type").filter(|kind| !kind.says("function")) {
        Some(other) => Err(other.refused()),
        None => Ok(()),
    }
}

/// A content that may only be text.
fn texts<'a>(message: Look<'a>, fields: &Fields<'a>) -> Result<Vec<Cow<'a, str>>, TranslateError> {
    let content = fields.get("content").ok_or_else(|| message.wrong("has no `content`"))?;
    let only_text = |piece: Piece<'a>| if let Part::Text(text) = piece.part { Ok(text) } else { Err(piece.at.refused()) };
    if let Some(refusal) = content.items().find_map(|part| part.get("type").filter(|kind| kind.says("refusal"))) {
        return Err(refusal.refused());
    }
    pieces(content)?.into_iter().map(only_text).collect()
}

fn pieces(content: Look<'_>) -> Result<Vec<Piece<'_>>, TranslateError> {
    if let Some(text) = content.text() {
        return Ok(vec![Piece { part: Part::Text(text), at: content }]);
    }
    content.list()?.map(|part| Ok(Piece { part: read_part(part)?, at: part })).collect()
}

fn read_part(part: Look<'_>) -> Result<Part<'_>, TranslateError> {
    let kind = part.get("type").ok_or_else(|| part.wrong("has no `type`"))?;
    let known = ["text", "refusal", "image_url", "file"].into_iter().find(|word| kind.says(word)).ok_or_else(|| kind.refused())?;
    let fields = part.fields(PART)?;
    for name in PART.iter().filter(|name| **name != "type" && **name != known) {
        fields.none_of(&[name])?;
    }
    let value = fields.get(known).ok_or_else(|| part.wrong("does not hold what its `type` says"))?;
    match known {
        "image_url" => {
            let fields = value.fields(&["url", "detail"])?;
            if let Some(detail) = fields.get("detail").filter(|detail| !detail.says("auto")) {
                return Err(detail.refused());
            }
            let url = fields.get("url").ok_or_else(|| value.wrong("has no `url`"))?;
            Ok(Part::Media(media(url, None)?))
        }
        "file" => {
            let fields = value.fields(&["file_data", "filename"])?;
            let data = fields.get("file_data").ok_or_else(|| value.wrong("has no `file_data`"))?;
            let name = fields.get("filename").map(Look::string).transpose()?;
            match media(data, name)? {
                Media::Url(_) => Err(data.must_be("a data URL")),
                data @ Media::Data { .. } => Ok(Part::Media(data)),
            }
        }
        _ => Ok(Part::Text(value.string()?)),
    }
}

/// A data URL in base64 (RFC 2397), or another one.
fn media<'a>(url: Look<'a>, name: Option<Cow<'a, str>>) -> Result<Media<'a>, TranslateError> {
    let text = url.string()?;
    let Some(rest) = text.strip_prefix("data:") else {
        let web = text.starts_with("https://") || text.starts_with("http://");
        return if web { Ok(Media::Url(text)) } else { Err(url.must_be("a data URL or a web address")) };
    };
    let comma = rest.find(',').ok_or_else(|| url.must_be("a data URL"))?;
    let head = rest.get(..comma).unwrap_or_default();
    let mime = head.strip_suffix(";base64").ok_or_else(|| url.must_be("a data URL in base64"))?;
    let mime: Cow<'_, str> = Cow::Owned(mime.split(';').next().unwrap_or_default().to_owned());
    if !is_mime(&mime) {
        return Err(url.must_be("a data URL with a media type"));
    }
    Ok(Media::Data { mime, data: tail(text, "data:".len() + comma + 1), name })
}

fn tool(tool: Look<'_>) -> Result<Tool<'_>, TranslateError> {
    // Before the fields: tools of other kinds have others.
    is_function(tool)?;
    let fields = tool.fields(&["type", "function"])?;
    let function = fields.get("function").ok_or_else(|| tool.wrong("has no `function`"))?;
    let fields = function.fields(&["name", "description", "parameters", "strict"])?;
    Ok(Tool {
        name: fields.get("name").ok_or_else(|| function.wrong("has no `name`"))?.string()?,
        description: fields.get("description").map(Look::string).transpose()?,
        schema: fields.get("parameters").map(Look::object).transpose()?.map(Cow::Borrowed),
        strict: fields.get("strict").filter(|strict| !strict.is(NodeKind::False)),
    })
}

fn choice(choice: Look<'_>) -> Result<Choice<'_>, TranslateError> {
    if let Some(word) = choice.text() {
        return match word.as_ref() {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" => Ok(Choice::Any),
            _ => Err(choice.refused()),
        };
    }
    is_function(choice)?;
    let fields = choice.fields(&["type", "function"])?;
    let function = fields.get("function").ok_or_else(|| choice.wrong("has no `function`"))?;
    let name = function.fields(&["name"])?.get("name").ok_or_else(|| function.wrong("has no `name`"))?;
    Ok(Choice::Named(name.string()?))
}

fn shape<'a>(format: Look<'a>, ask: &mut Ask<'a>) -> Result<Option<Shape<'a>>, TranslateError> {
    let fields = format.fields(&["type", "json_schema"])?;
    let kind = fields.get("type").ok_or_else(|| format.wrong("has no `type`"))?;
    if !kind.says("json_schema") {
        fields.none_of(&["json_schema"])?;
    }
    if kind.says("text") {
        return Ok(None);
    }
    if kind.says("json_object") {
        return Ok(Some(Shape::Json(kind)));
    }
    let inner = fields.get("json_schema").filter(|_| kind.says("json_schema")).ok_or_else(|| kind.refused())?;
    let fields = inner.fields(&["name", "description", "schema", "strict"])?;
    if fields.get("description").is_some() {
        ask.left_out.insert("response_format.json_schema.description");
    }
    let schema = fields.get("schema").ok_or_else(|| inner.wrong("has no `schema`"))?;
    Ok(Some(Shape::Schema {
        name: fields.get("name").map(Look::string).transpose()?,
        schema: Cow::Borrowed(schema.object()?),
        strict: fields.get("strict").map_or(Ok(false), Look::flag)?,
    }))
}
