//! Verdicts in the form in which each caller wants them: the gate's own, `LiteLLM`'s, agentgateway's. Texts are copied from the bytes
//! that were inspected and edited, nothing else is.

use std::collections::HashSet;

use bartizan_detect::WINDOW;
use bartizan_ledger::canonical::Object;
use bartizan_ledger::packed::{Key, unpacked};
use bartizan_vocabulary::{Decision, EventFinding};
use bartizan_wire::json::{NodeId, Tape};
use bartizan_wire::refusal::{self, Reason, Shape};
use bartizan_wire::{Content, Form, Reading, Repeats, Route, Side};

use crate::event_json::{list, located};
use crate::exchange::Phase;

/// A body and where its texts stand.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    /// Spans.
    pub tape: &'a Tape,
    /// Bytes.
    pub bytes: &'a [u8],
    /// Places.
    pub content: Content,
}

/// What there is to tell.
pub struct Told<'a> {
    /// The exchange.
    pub request_id: &'a str,
    /// A request or an answer.
    pub side: Side,
    /// What was decided.
    pub decision: Decision,
    /// And why.
    pub phase: &'a Phase,
    /// Why nothing may go on.
    pub refusal: Option<&'a str>,
    /// What was inspected.
    pub reading: &'a Reading,
    /// Texts that were inspected in a message.
    pub repeats: &'a Repeats,
    /// The body as it came.
    pub before: Texts<'a>,
    /// The body as it may go on.
    pub after: Texts<'a>,
}

impl<'a> Texts<'a> {
    /// The bytes of a value.
    fn raw(&self, id: NodeId) -> &'a [u8] {
        self.tape.node(id).and_then(|node| self.bytes.get(node.outer())).unwrap_or_default()
    }
}

impl Told<'_> {
    /// Whether a value, by its nodes before and after, was edited.
    fn edited(&self, (before, after): (NodeId, NodeId)) -> bool {
        self.before.raw(before) != self.after.raw(after)
    }
}

/// Why edited texts cannot be given back to a caller, if they cannot: `LiteLLM` takes either texts or messages.
pub fn cannot_return(route: Route, told: &Told<'_>) -> Option<&'static str> {
    let mut alone = given_texts(told).into_iter().filter(|(before, _)| !told.repeats.contains_key(before));
    let torn = route == Route::LitellmGuard && only_in_messages(told) && alone.any(|pair| told.edited(pair));
    torn.then_some(
        "something was found both in a text without a message and in a message without a text, and only one of them can be given back",
    )
}

/// Writes the verdict for a route.
pub fn write(route: Route, told: &Told<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    match route {
        Route::LitellmGuard => litellm(&mut out, told),
        Route::WebhookRequest | Route::WebhookResponse => webhook(&mut out, told),
        _ => own(&mut out, told),
    }
    out
}

fn own(out: &mut Vec<u8>, told: &Told<'_>) {
    let mut object = Object::new(out);
    object.word("decision", told.decision.as_str());
    object.text("request_id", told.request_id);
    let findings = &told.phase.findings;
    list(object.key("findings"), findings.list(), finding);
    if findings.left_out() > 0 {
        object.number("findings_left_out", findings.left_out());
    }
    object.texts("policies", told.phase.policies.iter().map(|policy| policy.id.as_str()));
    if !told.phase.coach.is_empty() {
        object.texts("coach", told.phase.coach.iter().map(AsRef::as_ref));
    }
    if let Some(sentence) = told.refusal {
        object.text("message", sentence);
    } else {
        let content = told.after.content;
        for (name, node) in [("text", content.text), ("messages", content.messages)] {
            if let Some(node) = node {
                object.key(name).extend_from_slice(told.after.raw(node));
            }
        }
    }
    object.end();
}

fn finding(out: &mut Vec<u8>, found: &EventFinding) {
    let mut packed = Vec::new();
    let mut object = located(&mut packed, found);
    object.key(const { Key::new("score") }).extend_from_slice((f64::from(found.score_bp) / 10_000.0).to_string().as_bytes());
    object.end();
    out.extend_from_slice(&unpacked(&packed));
}

fn litellm(out: &mut Vec<u8>, told: &Told<'_>) {
    let mut object = Object::new(out);
    if let Some(sentence) = told.refusal {
        object.word("action", "BLOCKED");
        object.text("blocked_reason", sentence);
        object.end();
        return;
    }
    let texts = given_texts(told);
    let new_texts = texts.iter().any(|pair| told.edited(*pair));
    let tools = told.before.content.tools.zip(told.after.content.tools).filter(|pair| told.edited(*pair));
    let rows = told.after.content.messages.filter(|_| only_in_messages(told));
    let edited = new_texts || tools.is_some() || rows.is_some();
    object.word("action", if edited { "GUARDRAIL_INTERVENED" } else { "NONE" });
    if new_texts {
        list(object.key("texts"), &texts, |out, (_, after)| out.extend_from_slice(told.after.raw(*after)));
    }
    for (name, node) in [("structured_messages", rows), ("tools", tools.map(|(_, after)| after))] {
        if let Some(node) = node {
            object.key(name).extend_from_slice(told.after.raw(node));
        }
    }
    if told.side == Side::Answer {
        // Of a growing answer, the end may be the beginning of something that is found with what follows.
        list(object.key("stream_holdback_chars"), &texts, |out, _| out.extend_from_slice(WINDOW.to_string().as_bytes()));
    }
    object.end();
}

/// Each of the texts as it came, and where it stands as it may go on: where it was inspected.
fn given_texts(told: &Told<'_>) -> Vec<(NodeId, NodeId)> {
    let elements = |texts: Texts<'_>| -> Vec<NodeId> {
        texts.content.texts.map(|array| texts.tape.members(array).map(|(id, _)| id).collect()).unwrap_or_default()
    };
    let (before, after) = (elements(told.before), elements(told.after));
    before.into_iter().zip(after).map(|(id, same)| (id, told.repeats.get(&id).copied().unwrap_or(same))).collect()
}

/// Whether something was edited in a message that no text stands for: a call of a tool, a member of another name. Numbers of nodes are
/// the same before and after: in a request nothing is taken out.
fn only_in_messages(told: &Told<'_>) -> bool {
    let messages = told.before.content.messages.filter(|_| told.side == Side::Request);
    let Some(messages) = messages.and_then(|id| told.before.tape.node(id).map(|node| id..node.next)) else {
        return false;
    };
    let texts = told.before.content.texts.and_then(|id| told.before.tape.node(id).map(|node| id..node.next)).unwrap_or_default();
    let given: HashSet<NodeId> = told.repeats.iter().filter(|(from, _)| texts.contains(from)).map(|(_, to)| *to).collect();
    let other = |part: &&bartizan_wire::Part| messages.contains(&part.node) && !(part.form == Form::String && given.contains(&part.node));
    told.reading.parts.iter().filter(other).any(|part| told.edited((part.node, part.node)))
}

fn webhook(out: &mut Vec<u8>, told: &Told<'_>) {
    let mut object = Object::new(out);
    let action = Object::new(object.key("action"));
    match told.refusal {
        Some(sentence) => reject(action, told, sentence),
        None => pass(action, told),
    }
    object.end();
}

fn reject(mut action: Object<'_>, told: &Told<'_>, sentence: &str) {
    let reason = if told.decision == Decision::Failed { Reason::GuardUnavailable } else { Reason::PolicyBlocked };
    let body = refusal::body(Shape::OpenAi, reason, sentence, told.request_id);
    action.text("body", &String::from_utf8_lossy(&body));
    action.number("status_code", reason.status().into());
    action.text("reason", sentence);
    action.end();
}

fn pass(mut action: Object<'_>, told: &Told<'_>) {
    let (before, after) = (told.before.content, told.after.content);
    for (name, pair) in [("messages", before.messages.zip(after.messages)), ("choices", before.choices.zip(after.choices))] {
        if let Some(pair) = pair.filter(|pair| told.edited(*pair)) {
            let mut body = Object::new(action.key("body"));
            body.key(name).extend_from_slice(told.after.raw(pair.1));
            body.end();
        }
    }
    action.word("reason", told.decision.as_str());
    action.end();
}
