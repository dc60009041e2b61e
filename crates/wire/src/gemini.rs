//! Control fields of Gemini's requests. Google reads each field in two spellings, `systemInstruction` and `system_instruction`; a
//! field counts as repeated across them.

pub(crate) mod caches;

use crate::control::{Control, ControlError};
use crate::json::{NodeId, NodeKind, Tape};
use crate::route::Route;
use crate::stored::Kept;

const ROOT: &[&str] = &[
    "model",
    "contents",
    "content",
    "requests",
    "generateContentRequest",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
    "labels",
    "taskType",
    "title",
    "outputDimensionality",
    "store",
    "serviceTier",
    // What routers and proxies read: see `ELSEWHERE`.
    "models",
    "fallbacks",
    "route",
    "provider",
    "apiBase",
    "baseUrl",
    "apiKey",
    "extraBody",
];

/// Fields that lead past what is judged: to other models, places, keys or stored objects. A cache is one too, where none is looked up.
const ELSEWHERE: &[&str] = &["models", "fallbacks", "route", "provider", "apiBase", "baseUrl", "apiKey", "extraBody"];

const CONTENT: &[&str] = &["role", "parts"];

const PART: &[&str] = &[
    "text",
    "thought",
    "thoughtSignature",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

const DATA: &[&str] = &["mimeType", "data", "fileUri"];

const CALL: &[&str] = &["name", "args", "id", "response", "parts"];

const CONFIG: &[&str] = &[
    "responseLogprobs",
    "logprobs",
    "routingConfig",
    "modelSelectionConfig",
    "responseSchema",
    "responseJsonSchema",
    "stopSequences",
    "candidateCount",
    "maxOutputTokens",
    "thinkingConfig",
    "cachedContent",
];

const TOOL: &[&str] = &["functionDeclarations", "fileSearch", "retrieval", "mcpServers", "exaAiSearch", "parallelAiSearch"];

/// Tools that reach stored objects, other servers, or places with a key of their own.
const TOOLS_ELSEWHERE: &[&str] = &["fileSearch", "retrieval", "mcpServers", "exaAiSearch", "parallelAiSearch"];

// One bit each in `once`.
const _: () = assert!(ROOT.len() <= 64 && PART.len() <= 64, "too many control fields for a bit set");

/// Reads the control fields of a request.
pub(crate) fn control(tape: &Tape, bytes: &[u8], route: Route) -> Result<Control, ControlError> {
    let takes_cache = matches!(route, Route::GenerateContent | Route::StreamGenerateContent | Route::CountContentTokens);
    let mut reader = Reader { tape, bytes, models: Vec::new(), first_user: None, takes_cache, cache: None };
    match route {
        Route::CountContentTokens => reader.count()?,
        Route::EmbedContent => reader.embed(0)?,
        Route::BatchEmbedContents => reader.embed_batch()?,
        Route::CreateCache => reader.makes_cache()?,
        Route::UpdateCache => reader.changes_cache()?,
        _ => reader.generate(0)?,
    }
    let stream = route == Route::StreamGenerateContent;
    let kept = reader.cache.map(|cache| Box::new(Kept { cache: Some(cache), ..Kept::default() }));
    Ok(Control { model: None, also: reader.models, stream, session: None, first_user: reader.first_user, kept })
}

struct Reader<'a> {
    tape: &'a Tape,
    bytes: &'a [u8],
    /// Strings that name the model.
    models: Vec<NodeId>,
    /// The parts of the first user content.
    first_user: Option<NodeId>,
    /// Whether a cache may be named.
    takes_cache: bool,
    /// The name of the cache that is named.
    cache: Option<NodeId>,
}

impl Reader<'_> {
    fn generate(&mut self, root: NodeId) -> Result<(), ControlError> {
        self.root(root)?;
        // Requests in a request: what they name would not be looked up.
        for name in ["requests", "generateContentRequest"] {
            if self.asks(root, name) {
                return Err(ControlError::Elsewhere(name));
            }
        }
        let contents = self.get(root, "contents").ok_or(ControlError::Missing("contents"))?;
        self.contents(contents)?;
        self.settings(root)
    }

    fn count(&mut self) -> Result<(), ControlError> {
        self.root(0)?;
        let inner = self.get(0, "generateContentRequest");
        let contents = self.get(0, "contents");
        match (inner, contents) {
            (None, None) => return Err(ControlError::Missing("contents")),
            (Some(_), Some(_)) => return Err(ControlError::Repeated("contents")),
            (None, Some(contents)) => self.contents(contents)?,
            (Some(inner), None) => {
                self.object(inner).ok_or(ControlError::Type("generateContentRequest", "an object"))?;
                self.generate(inner)?;
            }
        }
        self.settings(0)
    }

    fn embed(&mut self, root: NodeId) -> Result<(), ControlError> {
        self.root(root)?;
        let content = self.get(root, "content").ok_or(ControlError::Missing("content"))?;
        self.object(content).ok_or(ControlError::Type("content", "an object"))?;
        self.content(content)
    }

    fn embed_batch(&mut self) -> Result<(), ControlError> {
        self.root(0)?;
        let requests = self.get(0, "requests").ok_or(ControlError::Missing("requests"))?;
        for request in self.list(requests, "requests")? {
            self.embed(request)?;
        }
        Ok(())
    }

    /// What every request object may hold at its top.
    fn root(&mut self, root: NodeId) -> Result<(), ControlError> {
        self.once(root, ROOT)?;
        for &name in ELSEWHERE {
            if self.get(root, name).is_some_and(|id| !self.is(id, NodeKind::Null)) {
                return Err(ControlError::Elsewhere(name));
            }
        }
        self.cache(root)?;
        if let Some(model) = self.get(root, "model") {
            if !self.is(model, NodeKind::String) {
                return Err(ControlError::Type("model", "a string"));
            }
            self.models.push(model);
        }
        Ok(())
    }

    fn contents(&mut self, contents: NodeId) -> Result<(), ControlError> {
        for content in self.list(contents, "contents")? {
            self.content(content)?;
        }
        Ok(())
    }

    fn content(&mut self, content: NodeId) -> Result<(), ControlError> {
        self.once(content, CONTENT)?;
        let Some(parts) = self.get(content, "parts") else { return Ok(()) };
        let user = self.get(content, "role").is_none_or(|role| self.tape.says(self.bytes, role, "user"));
        if user && self.first_user.is_none() {
            self.first_user = Some(parts);
        }
        self.parts(parts)
    }

    /// What a part is must be as certain as which model is called. Depth is bounded by that of the JSON.
    fn parts(&self, parts: NodeId) -> Result<(), ControlError> {
        for part in self.list(parts, "parts")? {
            self.once(part, PART)?;
            for data in ["inlineData", "fileData"].iter().filter_map(|name| self.get(part, name)) {
                self.once(data, DATA)?;
            }
            for call in ["functionCall", "functionResponse", "toolCall", "toolResponse"].iter().filter_map(|name| self.get(part, name)) {
                self.once(call, CALL)?;
                if let Some(parts) = self.get(call, "parts") {
                    self.parts(parts)?;
                }
            }
        }
        Ok(())
    }

    fn settings(&mut self, root: NodeId) -> Result<(), ControlError> {
        if let Some(system) = self.get(root, "systemInstruction") {
            self.once(system, CONTENT)?;
            if let Some(parts) = self.get(system, "parts") {
                self.parts(parts)?;
            }
        }
        if let Some(config) = self.get(root, "generationConfig") {
            self.config(config)?;
        }
        if let Some(tools) = self.get(root, "tools") {
            for tool in self.list(tools, "tools")? {
                self.once(tool, TOOL)?;
                if let Some(name) = TOOLS_ELSEWHERE.iter().find(|name| self.get(tool, name).is_some_and(|id| !self.is(id, NodeKind::Null)))
                {
                    return Err(ControlError::Elsewhere(name));
                }
            }
        }
        let Some(config) = self.get(root, "toolConfig") else { return Ok(()) };
        self.once(config, &["functionCallingConfig"])?;
        let Some(calling) = self.get(config, "functionCallingConfig") else { return Ok(()) };
        self.once(calling, &["streamFunctionCallArguments"])?;
        if self.asks(calling, "streamFunctionCallArguments") {
            return Err(ControlError::Refused("streamFunctionCallArguments"));
        }
        Ok(())
    }

    fn config(&self, config: NodeId) -> Result<(), ControlError> {
        self.once(config, CONFIG)?;
        for name in ["routingConfig", "modelSelectionConfig", "cachedContent"] {
            if self.asks(config, name) {
                return Err(ControlError::Elsewhere(name));
            }
        }
        // Log probabilities repeat the text token by token.
        for name in ["responseLogprobs", "logprobs"] {
            if self.asks(config, name) {
                return Err(ControlError::Refused(name));
            }
        }
        Ok(())
    }

    /// Whether a field says anything but null, false or zero.
    fn asks(&self, object: NodeId, name: &str) -> bool {
        let quiet = |id| self.is(id, NodeKind::Null) || self.is(id, NodeKind::False) || self.tape.text(self.bytes, id) == "0";
        self.get(object, name).is_some_and(|id| !quiet(id))
    }

    fn is(&self, id: NodeId, kind: NodeKind) -> bool {
        self.tape.node(id).is_some_and(|node| node.kind == kind)
    }

    fn object(&self, id: NodeId) -> Option<NodeId> {
        self.is(id, NodeKind::Object).then_some(id)
    }

    /// The objects of a list. One object may stand in its place.
    fn list(&self, id: NodeId, name: &'static str) -> Result<Vec<NodeId>, ControlError> {
        if self.is(id, NodeKind::Object) {
            return Ok(vec![id]);
        }
        if !self.is(id, NodeKind::Array) {
            return Err(ControlError::Type(name, "an array of objects"));
        }
        let objects = self.tape.members(id).map(|(id, _)| self.object(id).ok_or(ControlError::Type(name, "an array of objects")));
        objects.collect()
    }

    /// The member of an object under either spelling of a name.
    fn get(&self, object: NodeId, name: &str) -> Option<NodeId> {
        let either = |key: NodeId| is_spelt(name, &self.tape.text(self.bytes, key));
        self.object(object)?;
        self.tape.members(object).find(|(_, node)| either(node.slot)).map(|(id, _)| id)
    }

    /// None of these fields stands twice in an object, nor in a spelling that only some parsers read.
    fn once(&self, object: NodeId, names: &'static [&'static str]) -> Result<(), ControlError> {
        let mut seen = 0_u64;
        for (id, _) in self.tape.children(object).filter(|(_, node)| node.kind == NodeKind::Key) {
            let key = self.tape.text(self.bytes, id);
            let Some(at) = names.iter().position(|name| is_like(name, &key)) else { continue };
            let name = names.get(at).copied().unwrap_or_default();
            if seen & (1 << at) != 0 || !is_spelt(name, &key) {
                return Err(ControlError::Respelt(name));
            }
            seen |= 1 << at;
        }
        Ok(())
    }
}

/// One of the two spellings that Google reads: `fileUri`, `file_uri`.
fn is_spelt(name: &str, key: &str) -> bool {
    name == key || snake(name).eq(key.chars())
}

fn snake(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().flat_map(|char| char.is_ascii_uppercase().then_some('_').into_iter().chain([char.to_ascii_lowercase()]))
}

/// Whether some parser could take a key for a name: in another letter case, with other underscores, with characters that it drops
/// or stops at.
fn is_like(name: &str, key: &str) -> bool {
    let stops = |char: char| matches!(char, '\0' | char::REPLACEMENT_CHARACTER);
    let same = |key: &mut dyn Iterator<Item = char>| letters(name.chars()).eq(letters(key));
    // Cheap for most keys: another first letter, or too long.
    let bare = key.is_ascii() && !key.contains('\0');
    if bare {
        return key.len() <= 2 * name.len() + 2 && same(&mut key.chars());
    }
    same(&mut key.chars().filter(|char| !stops(*char))) || same(&mut key.chars().take_while(|char| !stops(*char)))
}

/// The letters of a name as case-insensitive parsers see them, underscores left out.
fn letters(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    chars.filter(|char| *char != '_').map(crate::control::folded)
}
