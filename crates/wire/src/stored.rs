//! Requests of the Responses API: their form, and what they name of what the provider keeps.
//!
//! What is named by id may be somebody else's: ids of responses and of their items are told to whoever knows the owners, everything
//! else that has an id is refused.

pub(crate) mod conversations;

use bartizan_vocabulary::{Role, UninspectedKind};

use crate::body::Unread;
use crate::control::{self, ControlError};
use crate::json::{Node, NodeId, NodeKind, Tape};

/// Members of tools by which a provider reads stores and containers.
const OF_TOOLS: &[&str] = &["vector_store_ids", "container_id", "container", "skill_id"];

/// Members of tools that say what a tool works in.
const INNER: &[&str] = &["container", "environment", "input_image_mask"];

/// The member by which tools hold tools, and items too.
const TOOLS: &[&str] = &["tools"];

/// The member by which an item, or what it ran in, names a container.
const CONTAINER: &str = "container_id";

/// Members by which files are named: one, or several in a tool.
const FILE: &str = "file_id";
const FILES: &str = "file_ids";

/// Content parts that may name a file instead of carrying one.
const PARTS: &[&str] = &["input_image", "input_file", "input_audio", "computer_screenshot"];

/// What makes an item whole, by its type. One with an id and without that is looked up by the provider, whatever else it holds; so is, for
/// all that is known, one of another type.
const WHOLE: &[(&str, &str)] = &[
    ("message", "content"),
    ("function_call", "call_id"),
    ("function_call_output", "call_id"),
    ("custom_tool_call", "call_id"),
    ("custom_tool_call_output", "call_id"),
    ("local_shell_call", "action"),
    ("local_shell_call_output", "output"),
    ("shell_call", "call_id"),
    ("shell_call_output", "call_id"),
    ("apply_patch_call", "call_id"),
    ("apply_patch_call_output", "call_id"),
    ("computer_call", "call_id"),
    ("computer_call_output", "call_id"),
    ("web_search_call", "action"),
    ("file_search_call", "queries"),
    ("code_interpreter_call", "code"),
    ("image_generation_call", "result"),
    ("program", "call_id"),
    ("program_output", "call_id"),
    ("tool_search_call", "call_id"),
    ("tool_search_output", "tools"),
    ("mcp_list_tools", "tools"),
    ("mcp_call", "name"),
    ("mcp_approval_request", "name"),
    ("mcp_approval_response", "approval_request_id"),
];

/// Most items of earlier answers that a request may name by id.
const MOST_ITEMS: usize = 256;

/// Most places in which a request may name files.
const MOST_FILES: usize = 256;

/// Most containers that a request may name.
const MOST_CONTAINERS: usize = 256;

/// Most items of one answer that are bound.
const MOST_MADE: usize = 1_024;

/// Longest id of a response or an item.
const ID_BYTES: usize = 256;

/// What a request of the Responses API says of what the provider keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The id of the response that it goes on from, a string.
    pub previous: Option<NodeId>,
    /// The id of the conversation that it goes on in, a string.
    pub conversation: Option<NodeId>,
    /// Ids of items that only the provider knows, strings: references, and reasoning that is not sealed. Of items that are put into a
    /// conversation all ids: the provider may keep them under these.
    pub items: Vec<NodeId>,
    /// Ids of files, strings: those in parts and tools, wherever these stand.
    pub files: Vec<NodeId>,
    /// Ids of containers, strings: those in items of earlier answers.
    pub containers: Vec<NodeId>,
    /// The name of the cache that it begins with, a string: Gemini's cached content.
    pub cache: Option<NodeId>,
    /// Whether its items go into a conversation.
    pub joins: bool,
    /// Whether the provider is to keep the answer.
    pub store: bool,
}

impl Kept {
    /// Whether it names anything that must be the caller's own.
    pub fn names_any(&self) -> bool {
        self.previous.is_some()
            || self.conversation.is_some()
            || !self.items.is_empty()
            || !self.files.is_empty()
            || !self.containers.is_empty()
            || self.cache.is_some()
    }
}

/// Whether a text has the form of an id of a response or an item: it can stand in a path as it is.
pub fn is_object_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.len() <= ID_BYTES && text.bytes().all(plain)
}

/// What a provider keeps of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Made {
    /// The response.
    Response(String),
    /// An item of its output.
    Item(String),
    /// A container in which the provider ran something, kept whether the response is or not.
    Container(String),
}

/// What the provider keeps of a whole answer: the response, and the items of its output.
pub fn made(tape: &Tape, bytes: &[u8]) -> Vec<Made> {
    let mut all = Vec::new();
    made_response(tape, bytes, 0, &mut all);
    all
}

/// What an event of a stream tells of it.
pub fn made_by_event(tape: &Tape, bytes: &[u8]) -> Vec<Made> {
    let mut all = Vec::new();
    if let Some(response) = tape.member(bytes, 0, "response") {
        made_response(tape, bytes, response, &mut all);
    }
    if let Some(item) = tape.member(bytes, 0, "item") {
        all.extend(own_id(tape, bytes, item).map(Made::Item));
        made_containers(tape, bytes, item, &mut all);
    }
    all
}

/// The id of a file that a provider took, or of a conversation.
pub fn made_object(tape: &Tape, bytes: &[u8]) -> Option<String> {
    own_id(tape, bytes, 0)
}

/// The ids by which a body names files in the place of their content.
///
/// # Errors
/// When one could not be the id of a file, or there are too many.
pub fn file_mentions(tape: &Tape, bytes: &[u8], unread: &[Unread], kept: Option<&Kept>) -> Result<Vec<NodeId>, ControlError> {
    let named = |one: &&Unread| one.kind == UninspectedKind::File && !one.attached;
    let by_name = |id: &NodeId| tape.key(bytes, *id).is_some_and(|name| name == FILE);
    let mut all: Vec<NodeId> = unread.iter().filter(named).map(|one| one.node).filter(by_name).collect();
    all.extend(kept.iter().flat_map(|kept| &kept.files));
    all.sort_unstable();
    all.dedup();
    if all.len() > MOST_FILES {
        return Err(ControlError::Type(FILE, "given in at most 256 places of a request"));
    }
    if all.iter().all(|id| is_object_id(&tape.text(bytes, *id))) { Ok(all) } else { Err(ControlError::Type(FILE, "the id of a file")) }
}

/// Whether the provider says that it deleted what it was asked to.
pub fn is_deleted(tape: &Tape, bytes: &[u8]) -> bool {
    tape.member(bytes, 0, "type").is_some_and(|kind| tape.says(bytes, kind, "file_deleted"))
        || tape.member(bytes, 0, "deleted").and_then(|id| tape.node(id)).is_some_and(|node| node.kind == NodeKind::True)
}

fn made_response(tape: &Tape, bytes: &[u8], response: NodeId, all: &mut Vec<Made>) {
    let output = tape.member(bytes, response, "output");
    for (item, _) in output.iter().flat_map(|output| tape.members(*output)).take(MOST_MADE) {
        made_containers(tape, bytes, item, all);
    }
    let kind = |name: &str| tape.member(bytes, response, name).and_then(|id| tape.node(id)).map(|node| node.kind);
    match (own_id(tape, bytes, response), kind("store")) {
        // A conversation keeps the items also of a response that is not kept.
        (Some(_), Some(NodeKind::False)) if matches!(kind("conversation"), Some(NodeKind::Object | NodeKind::String)) => {}
        (None, _) | (_, Some(NodeKind::False)) => return,
        (Some(id), _) => all.push(Made::Response(id)),
    }
    let Some(output) = output else { return };
    all.extend(tape.members(output).filter_map(|(item, _)| own_id(tape, bytes, item)).take(MOST_MADE).map(Made::Item));
}

fn made_containers(tape: &Tape, bytes: &[u8], item: NodeId, all: &mut Vec<Made>) {
    let ids = containers_of(tape, bytes, item).map(|id| tape.text(bytes, id)).filter(|id| is_object_id(id));
    all.extend(ids.map(|id| Made::Container(id.into_owned())));
}

/// Containers that an item names: itself, or in what it ran in.
fn containers_of<'a>(tape: &'a Tape, bytes: &'a [u8], item: NodeId) -> impl Iterator<Item = NodeId> + 'a {
    let inner = tape.members(item).filter(|(_, node)| node.kind == NodeKind::Object).map(|(id, _)| id);
    let is_object = tape.node(item).is_some_and(|node| node.kind == NodeKind::Object);
    let holders = std::iter::once(item).chain(inner).filter(move |_| is_object);
    let named = move |node: &Node| node.kind == NodeKind::String && control::is_named(tape, bytes, node.slot, &[CONTAINER]).is_some();
    holders.flat_map(move |holder| tape.members(holder).filter(move |(_, node)| named(node)).map(|(id, _)| id))
}

/// The id of an object, where it could be sent back.
pub(crate) fn own_id(tape: &Tape, bytes: &[u8], object: NodeId) -> Option<String> {
    let id = tape.member(bytes, object, "id")?;
    let text = (tape.node(id)?.kind == NodeKind::String).then(|| tape.text(bytes, id))?;
    is_object_id(&text).then(|| text.into_owned())
}

/// Checks a request; gives the first message of the user, and what it says of what the provider keeps.
///
/// # Errors
/// A sentence for the client.
pub(crate) fn check(tape: &Tape, bytes: &[u8]) -> Result<(Option<NodeId>, Kept), ControlError> {
    let member = |name: &str| tape.member(bytes, 0, name);
    let kind = |id: NodeId| tape.node(id).map(|node| node.kind);
    if member("instructions").is_some_and(|id| !matches!(kind(id), Some(NodeKind::String | NodeKind::Null))) {
        return Err(ControlError::Type("instructions", "a string"));
    }
    let mut kept = Kept { store: stores(tape, member("store"))?, ..Kept::default() };
    if let Some(previous) = member("previous_response_id").filter(|id| kind(*id) != Some(NodeKind::Null)) {
        if kind(previous) != Some(NodeKind::String) || !is_object_id(&tape.text(bytes, previous)) {
            return Err(ControlError::Type("previous_response_id", "the id of a response"));
        }
        kept.previous = Some(previous);
    }
    kept.conversation = conversations::named(tape, bytes, member("conversation"))?;
    kept.joins = kept.conversation.is_some();
    if kept.previous.is_some() && kept.conversation.is_some() {
        return Err(ControlError::Either("previous_response_id", "conversation"));
    }
    // The answer would be fetched by an id later.
    if member("background").is_some_and(|id| !matches!(kind(id), Some(NodeKind::False | NodeKind::Null))) {
        return Err(ControlError::Stored("background"));
    }
    of_tools(tape, bytes, 0, &mut kept.files)?;
    // The variables of a stored prompt are parts too.
    if let Some(prompt) = member("prompt") {
        files_of_parts(tape, bytes, prompt, &mut kept.files);
    }
    // A stored prompt may need nothing else.
    let Some(input) = member("input") else {
        return if member("prompt").is_some() { Ok((None, kept)) } else { Err(ControlError::Missing("input")) };
    };
    match kind(input) {
        Some(NodeKind::String) => Ok((Some(input), kept)),
        Some(NodeKind::Array) => {
            check_items(tape, bytes, ("input", input), &mut kept)?;
            Ok((first_user(tape, bytes, input), kept))
        }
        _ => Err(ControlError::Type("input", "a string or an array")),
    }
}

/// Checks the items of a request; tells what they name.
fn check_items(tape: &Tape, bytes: &[u8], (name, items): (&'static str, NodeId), kept: &mut Kept) -> Result<(), ControlError> {
    control::one_role_each(tape, bytes, items)?;
    for (item, node) in tape.members(items) {
        kept.items.extend(check_item(tape, bytes, name, (item, node), kept.joins)?);
        // Tools may be added on the way.
        of_tools(tape, bytes, item, &mut kept.files)?;
        kept.containers.extend(containers_of(tape, bytes, item));
    }
    if !kept.containers.iter().all(|id| is_object_id(&tape.text(bytes, *id))) {
        return Err(ControlError::Stored(CONTAINER));
    }
    if kept.containers.len() > MOST_CONTAINERS {
        return Err(ControlError::Type(CONTAINER, "given in at most 256 places of a request"));
    }
    if kept.items.len() > MOST_ITEMS {
        return Err(ControlError::Type(name, "at most 256 references to items of earlier answers"));
    }
    files_of_parts(tape, bytes, items, &mut kept.files);
    Ok(())
}

/// Whether the provider keeps the answer, as it does when nothing is said.
fn stores(tape: &Tape, store: Option<NodeId>) -> Result<bool, ControlError> {
    match store.and_then(|id| tape.node(id)).map(|node| node.kind) {
        None | Some(NodeKind::Null | NodeKind::True) => Ok(true),
        Some(NodeKind::False) => Ok(false),
        Some(_) => Err(ControlError::Type("store", "`true` or `false`")),
    }
}

/// Whether an item of this type is complete with these members. Without a type it is a message.
fn is_whole(kind: Option<&str>, held: &[&str]) -> bool {
    let kind = kind.unwrap_or("message");
    WHOLE.iter().any(|(known, member)| *known == kind && held.contains(member))
}

/// Whether a value holds anything.
fn says_something(value: &Node) -> bool {
    match value.kind {
        NodeKind::Array | NodeKind::Object => value.end - value.start > 2,
        NodeKind::String => !value.inner().is_empty(),
        _ => true,
    }
}

/// Checks one item; gives its id where only the provider knows the rest, or may keep it under that. `joins`: it goes into a conversation.
fn check_item(
    tape: &Tape,
    bytes: &[u8],
    name: &'static str,
    (item, node): (NodeId, &Node),
    joins: bool,
) -> Result<Option<NodeId>, ControlError> {
    if node.kind != NodeKind::Object {
        let what = if name == "input" { "a string or an array of items, each of them an object" } else { "an array of items" };
        return Err(ControlError::Type(name, what));
    }
    control::one_type(tape, bytes, item)?;
    control::one_type_each(tape, bytes, item)?;
    control::no_files_in_text(tape, bytes, item)?;
    let spelt_oddly = |value: &Node| control::is_named(tape, bytes, value.slot, &["id"]).is_some() && !tape.says(bytes, value.slot, "id");
    if joins && tape.members(item).any(|(_, value)| spelt_oddly(value)) {
        return Err(ControlError::Stored(name));
    }
    let (mut ids, mut held, mut sealed, mut kind) = (Vec::new(), Vec::new(), 0, None);
    for (member, value) in tape.members(item).filter(|(_, value)| value.kind != NodeKind::Null) {
        match tape.text(bytes, value.slot).as_ref() {
            "id" => ids.push(member),
            // An empty seal leaves the rest to the provider's memory.
            "encrypted_content" => sealed += usize::from(value.kind != NodeKind::String || !value.inner().is_empty()),
            "type" => kind = Some(tape.text(bytes, member)),
            other => held.extend(WHOLE.iter().map(|(_, member)| *member).find(|member| *member == other && says_something(value))),
        }
    }
    // Parsers differ on which of several counts.
    let only = || match ids.as_slice() {
        [id] if tape.node(*id).is_some_and(|node| node.kind == NodeKind::String) && is_object_id(&tape.text(bytes, *id)) => Some(*id),
        _ => None,
    };
    let only = || only().map(Some).ok_or(ControlError::Stored(name));
    match kind.as_deref() {
        Some("item_reference") => only(),
        // Sealed reasoning is complete; without that only the provider knows it.
        Some("reasoning") if !ids.is_empty() && sealed == 0 => only().map_err(|_| ControlError::Reasoning),
        Some("reasoning") if !ids.is_empty() && sealed != 1 => Err(ControlError::Reasoning),
        // A picture that was made, or a message of before.
        kind if !ids.is_empty() && sealed == 0 && !is_whole(kind, &held) => only(),
        _ if !ids.is_empty() && joins => only(),
        _ => Ok(None),
    }
}

/// Files that parts name, wherever they stand in `input`.
fn files_of_parts(tape: &Tape, bytes: &[u8], input: NodeId, files: &mut Vec<NodeId>) {
    let end = tape.node(input).map_or(input, |node| node.next);
    let objects = tape.nodes().filter(|(id, node)| node.kind == NodeKind::Object && (input..end).contains(id));
    for (object, _) in objects {
        let (mut part, before) = (false, files.len());
        for (member, _) in tape.members(object).filter(|(_, value)| value.kind == NodeKind::String) {
            match tape.key(bytes, member).as_deref() {
                Some("type") => part |= PARTS.contains(&tape.text(bytes, member).as_ref()),
                Some(FILE) => files.push(member),
                _ => {}
            }
        }
        if !part {
            files.truncate(before);
        }
    }
}

/// Files that the tools of a request, or of an item, name. Stores and containers that the provider keeps are refused.
fn of_tools(tape: &Tape, bytes: &[u8], holder: NodeId, files: &mut Vec<NodeId>) -> Result<(), ControlError> {
    let named = |node: &Node, names| control::is_named(tape, bytes, node.slot, names).is_some();
    // Tools hold tools as deep as a body may go: no recursion.
    let mut holders = vec![holder];
    while let Some(holder) = holders.pop() {
        if tape.node(holder).is_none_or(|node| node.kind != NodeKind::Object) {
            continue;
        }
        for (tools, node) in tape.members(holder).filter(|(_, node)| named(node, TOOLS)) {
            // One tool stands for the list of it.
            let alone = (node.kind == NodeKind::Object).then_some(tools);
            let listed = tape.members(tools).filter(|(_, tool)| tool.kind == NodeKind::Object).map(|(id, _)| id);
            for tool in listed.chain(alone) {
                // What a tool is and what it works in; the parameters of a function are anybody's words.
                let inner = tape.members(tool).filter(|(_, node)| named(node, INNER)).map(|(id, _)| id);
                for holder in std::iter::once(tool).chain(inner) {
                    of_tool(tape, bytes, holder, files)?;
                }
                holders.push(tool);
            }
        }
    }
    Ok(())
}

fn of_tool(tape: &Tape, bytes: &[u8], holder: NodeId, files: &mut Vec<NodeId>) -> Result<(), ControlError> {
    if tape.node(holder).is_none_or(|node| node.kind != NodeKind::Object) {
        return Ok(());
    }
    for (id, node) in tape.members(holder) {
        let named = |names| control::is_named(tape, bytes, node.slot, names);
        let says_something = match node.kind {
            NodeKind::String => true,
            NodeKind::Array => node.end - node.start > 2,
            _ => false,
        };
        if let Some(name) = named(OF_TOOLS).filter(|_| says_something) {
            return Err(ControlError::Stored(name));
        }
        let own = |member: (NodeId, &Node)| Some(member.0).filter(|_| member.1.kind == NodeKind::String);
        match named(&[FILE, FILES]) {
            Some(_) if node.kind == NodeKind::String => files.push(id),
            Some(_) if node.kind == NodeKind::Array => {
                for member in tape.members(id) {
                    files.push(own(member).ok_or(ControlError::Type(FILES, "a list of ids of files"))?);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn first_user(tape: &Tape, bytes: &[u8], input: NodeId) -> Option<NodeId> {
    let user = |id: NodeId| tape.member(bytes, id, "role").is_some_and(|role| tape.says(bytes, role, Role::User.as_str()));
    let item = tape.members(input).map(|(id, _)| id).find(|id| user(*id))?;
    tape.member(bytes, item, "content")
}
