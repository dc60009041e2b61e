//! Reading a request.

use std::borrow::Cow;

use super::super::ir::{Ask, Choice, Content, Effort, Media, Part, Piece, Shape, Speaker, Thinking, Tool, Turn};
use super::super::look::{Fields, Look};
use super::schema;
use crate::json::NodeKind;
use crate::translate::{CALLS, TranslateError};

const ROOT: &[&str] = &["model", "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "labels"];

const CONFIG: &[&str] = &[
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "stopSequences",
    "candidateCount",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "thinkingConfig",
    "responseModalities",
];

const PART: &[&str] = &["text", "thought", "thoughtSignature", "inlineData", "functionCall", "functionResponse"];

/// Reads a request whose tokens are to be counted, which may stand in another.
pub(in crate::translate) fn count(root: Look<'_>) -> Result<Ask<'_>, TranslateError> {
    let inner = root.get("generateContentRequest").or_else(|| root.get("generate_content_request"));
    match inner {
        Some(inner) => {
            root.fields_of_google(&["model", "generateContentRequest"])?;
            ask(inner)
        }
        None => ask(root),
    }
}

/// Reads a request.
pub(in crate::translate) fn ask(root: Look<'_>) -> Result<Ask<'_>, TranslateError> {
    let fields = root.fields_of_google(ROOT)?;
    let mut ask = Ask::default();
    if let Some(system) = fields.get("systemInstruction") {
        system_texts(system, &mut ask)?;
    }
    let contents = fields.get("contents").ok_or_else(|| root.wrong("has no `contents`"))?;
    let mut waiting = Waiting::default();
    for content in contents.list()? {
        let turn = read_content(content, &mut waiting, &mut ask)?;
        if !turn.pieces.is_empty() {
            ask.turns.push(turn);
        }
    }
    for list in fields.get("tools").map(Look::list).transpose()?.into_iter().flatten() {
        let inner = list.fields_of_google(&["functionDeclarations"])?;
        for one in inner.get("functionDeclarations").map(Look::list).transpose()?.into_iter().flatten() {
            ask.tools.push(tool(one)?);
        }
    }
    if let Some(config) = fields.get("toolConfig") {
        let inner = config.fields_of_google(&["functionCallingConfig"])?;
        ask.choice = inner.get("functionCallingConfig").map(choice).transpose()?.flatten();
    }
    if let Some(config) = fields.get("generationConfig") {
        sampling(&config.fields_of_google(CONFIG)?, &mut ask)?;
    }
    // No other provider has Google's filters: only that they are off can be said elsewhere.
    for setting in fields.get("safetySettings").map(Look::list).transpose()?.into_iter().flatten() {
        let inner = setting.fields_of_google(&["category", "threshold", "method"])?;
        if let Some(on) = inner.get("threshold").filter(|one| !one.says("BLOCK_NONE") && !one.says("OFF")) {
            return Err(on.refused());
        }
    }
    if fields.get("labels").is_some() {
        ask.left_out.insert("labels");
    }
    Ok(ask)
}

fn system_texts<'a>(system: Look<'a>, ask: &mut Ask<'a>) -> Result<(), TranslateError> {
    let fields = system.fields_of_google(&["role", "parts"])?;
    for part in fields.get("parts").map(Look::list).transpose()?.into_iter().flatten() {
        let inner = part.fields_of_google(&["text"])?;
        ask.system.push(inner.get("text").ok_or_else(|| part.wrong("has no `text`"))?.string()?);
    }
    Ok(())
}

/// Calls whose results have not come. Google tells them apart by name; the other formats by ids.
#[derive(Default)]
struct Waiting<'a> {
    turn: usize,
    calls: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Waiting<'a> {
    /// The id of a call that its client gave none.
    fn call(&mut self, id: Option<Cow<'a, str>>, name: &Cow<'a, str>, at: Look<'a>) -> Result<Cow<'a, str>, TranslateError> {
        if self.calls.len() >= CALLS as usize {
            return Err(at.wrong("is one call too many in its turn"));
        }
        let id = id.unwrap_or_else(|| Cow::Owned(format!("call_{}_{}", self.turn, self.calls.len())));
        self.calls.push((id.clone(), name.clone()));
        Ok(id)
    }

    /// The id of the call that a result is for.
    fn result(&mut self, id: Option<&str>, name: &str, at: Look<'a>) -> Result<Cow<'a, str>, TranslateError> {
        let found = self.calls.iter().position(|(known, called)| id.map_or(called == name, |id| known == id));
        let found = found.ok_or_else(|| at.wrong("is for a call that is not in the turn before"))?;
        Ok(self.calls.remove(found).0)
    }
}

fn read_content<'a>(content: Look<'a>, waiting: &mut Waiting<'a>, ask: &mut Ask<'a>) -> Result<Turn<'a>, TranslateError> {
    let fields = content.fields_of_google(&["role", "parts"])?;
    let speaker = match fields.get("role") {
        None => Speaker::User,
        Some(role) if role.says("user") || role.says("function") => Speaker::User,
        Some(role) if role.says("model") => Speaker::Assistant,
        Some(role) => return Err(role.refused()),
    };
    if speaker == Speaker::Assistant {
        waiting.turn += 1;
        waiting.calls.clear();
    }
    let mut pieces = Vec::new();
    for part in fields.get("parts").map(Look::list).transpose()?.into_iter().flatten() {
        if let Some(read) = read_part(part, waiting, ask)? {
            pieces.push(Piece { part: read, at: part });
        }
    }
    Ok(Turn { speaker, pieces, at: content })
}

fn read_part<'a>(part: Look<'a>, waiting: &mut Waiting<'a>, ask: &mut Ask<'a>) -> Result<Option<Part<'a>>, TranslateError> {
    let fields = part.fields_of_google(PART)?;
    // Only the provider that made it can read it, and no other format has a place for it.
    if fields.get("thoughtSignature").is_some() {
        ask.left_out.insert("thoughtSignature");
    }
    if fields.get("thought").is_some_and(|thought| thought.is(NodeKind::True)) {
        ask.left_out.insert("thought");
        return Ok(None);
    }
    let kinds = ["text", "inlineData", "functionCall", "functionResponse"];
    let mut there = kinds.iter().filter_map(|name| Some((*name, fields.get(name)?)));
    let Some((kind, value)) = there.next() else { return Ok(None) };
    if let Some((_, second)) = there.next() {
        return Err(second.wrong("stands beside other content of its part"));
    }
    Ok(Some(match kind {
        "text" => Part::Text(value.string()?),
        "inlineData" => {
            let fields = value.fields_of_google(&["mimeType", "data", "displayName"])?;
            let mime = fields.get("mimeType").ok_or_else(|| value.wrong("has no `mimeType`"))?.mime()?;
            let data = fields.get("data").ok_or_else(|| value.wrong("has no `data`"))?.string()?;
            Part::Media(Media::Data { mime, data, name: fields.get("displayName").map(Look::string).transpose()? })
        }
        "functionCall" => {
            let fields = value.fields_of_google(&["id", "name", "args"])?;
            let name = fields.get("name").ok_or_else(|| value.wrong("has no `name`"))?.string()?;
            let arguments = fields.get("args").map(Look::object).transpose()?.unwrap_or("{}");
            let id = waiting.call(fields.get("id").map(Look::string).transpose()?, &name, value)?;
            Part::Call { id, name, arguments: Cow::Borrowed(arguments) }
        }
        _ => {
            let fields = value.fields_of_google(&["id", "name", "response"])?;
            let name = fields.get("name").ok_or_else(|| value.wrong("has no `name`"))?.string()?;
            let id = fields.get("id").map(Look::string).transpose()?;
            let id = waiting.result(id.as_deref(), &name, value)?;
            let response = fields.get("response").ok_or_else(|| value.wrong("has no `response`"))?;
            let (content, failed) = result(response)?;
            Part::Result { id, content, failed }
        }
    }))
}

/// `{"output":"…"}` and `{"error":"…"}` are Google's words for a text that a tool gave back; all else stands for itself.
fn result(response: Look<'_>) -> Result<(Content<'_>, bool), TranslateError> {
    let json = response.object()?;
    let mut members = response.members();
    if let (Some((name, value)), None) = (members.next(), members.next()) {
        let failed = name == "error";
        if let Some(text) = value.text().filter(|_| failed || name == "output") {
            return Ok((Content::Texts(vec![text]), failed));
        }
    }
    Ok((Content::Object(json), false))
}

fn tool(tool: Look<'_>) -> Result<Tool<'_>, TranslateError> {
    let fields = tool.fields_of_google(&["name", "description", "parameters", "parametersJsonSchema"])?;
    let schema = match (fields.get("parametersJsonSchema"), fields.get("parameters")) {
        (Some(_), Some(second)) => return Err(second.wrong("stands beside `parametersJsonSchema`")),
        (Some(schema), None) => Some(Cow::Borrowed(schema.object()?)),
        (None, Some(schema)) => Some(Cow::Owned(schema::to_json_schema(schema)?)),
        (None, None) => None,
    };
    Ok(Tool {
        name: fields.get("name").ok_or_else(|| tool.wrong("has no `name`"))?.string()?,
        description: fields.get("description").map(Look::string).transpose()?,
        schema,
        strict: None,
    })
}

fn choice(config: Look<'_>) -> Result<Option<Choice<'_>>, TranslateError> {
    let fields = config.fields_of_google(&["mode", "allowedFunctionNames"])?;
    let mut names: Vec<Look<'_>> = Vec::new();
    if let Some(allowed) = fields.get("allowedFunctionNames") {
        names = allowed.list()?.collect();
    }
    let Some(mode) = fields.get("mode") else {
        return fields.none_of(&["allowedFunctionNames"]).map(|()| None);
    };
    Ok(match (mode.string()?.as_ref(), names.as_slice()) {
        ("ANY", [one]) => Some(Choice::Named(one.string()?)),
        ("ANY", []) => Some(Choice::Any),
        (_, [_, second, ..]) => return Err(second.refused()),
        (_, [one]) => return Err(one.refused()),
        ("AUTO", []) => Some(Choice::Auto),
        ("NONE", []) => Some(Choice::None),
        ("MODE_UNSPECIFIED", []) => None,
        _ => return Err(mode.refused()),
    })
}

fn sampling<'a>(fields: &Fields<'a>, ask: &mut Ask<'a>) -> Result<(), TranslateError> {
    let said = |name: &str, nothing: &str| fields.get(name).filter(|value| value.raw().trim_end_matches(".0") != nothing);
    ask.temperature = fields.get("temperature");
    ask.top_p = fields.get("topP");
    ask.top_k = fields.get("topK");
    ask.max_tokens = fields.get("maxOutputTokens");
    ask.seed = fields.get("seed");
    ask.answers = said("candidateCount", "1");
    ask.presence = said("presencePenalty", "0");
    ask.frequency = said("frequencyPenalty", "0");
    if let Some(stop) = fields.get("stopSequences") {
        ask.stop = stop.list()?.map(Look::string).collect::<Result<_, _>>()?;
    }
    if let Some(other) = fields.get("responseModalities").and_then(|list| list.items().find(|one| !one.says("TEXT"))) {
        return Err(other.refused());
    }
    shape(fields, ask)?;
    if let Some(thinking) = fields.get("thinkingConfig") {
        ask.thinking = read_thinking(thinking)?.map(|said| (said, thinking));
    }
    Ok(())
}

fn shape<'a>(fields: &Fields<'a>, ask: &mut Ask<'a>) -> Result<(), TranslateError> {
    let schema = match (fields.get("responseJsonSchema"), fields.get("responseSchema")) {
        (Some(_), Some(second)) => return Err(second.wrong("stands beside `responseJsonSchema`")),
        (Some(schema), None) => Some(Cow::Borrowed(schema.object()?)),
        (None, Some(schema)) => Some(Cow::Owned(schema::to_json_schema(schema)?)),
        (None, None) => None,
    };
    let mime = fields.get("responseMimeType").filter(|mime| !mime.says("text/plain"));
    ask.shape = match (mime, schema) {
        (Some(mime), _) if !mime.says("application/json") => return Err(mime.refused()),
        (_, Some(schema)) => Some(Shape::Schema { name: None, schema, strict: false }),
        (Some(mime), None) => Some(Shape::Json(mime)),
        (None, None) => None,
    };
    Ok(())
}

fn read_thinking(thinking: Look<'_>) -> Result<Option<Thinking<'_>>, TranslateError> {
    let fields = thinking.fields_of_google(&["thinkingBudget", "thinkingLevel", "includeThoughts"])?;
    let shows = fields.get("includeThoughts").map_or(Ok(false), Look::flag)?;
    match (fields.get("thinkingBudget"), fields.get("thinkingLevel")) {
        (Some(_), Some(level)) => Err(level.wrong("stands beside `thinkingBudget`; send one of them")),
        (Some(budget), None) => Ok(Some(match budget.whole()? {
            "0" => Thinking::Off,
            "-1" => Thinking::Free,
            _ => Thinking::Budget(budget),
        })),
        (None, Some(level)) => Effort::of(&level.string()?).map(|word| Some(Thinking::Effort(word))).ok_or_else(|| level.refused()),
        (None, None) => Ok(shows.then_some(Thinking::Free)),
    }
}
