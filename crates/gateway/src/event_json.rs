//! The JSON of an event, written straight from what is known of an exchange: no copies on the way, and only fields that say something.
//!
//! Packed: see [`bartizan_ledger::packed`]. The form is [`bartizan_vocabulary::Event`] over [`Facts`]; what is left out here is what reading fills in by itself.

use bartizan_ledger::canonical::{Object, string};
use bartizan_ledger::packed::Key;
use bartizan_policy::{Context, Facts, Labels, ProviderFacts};
use bartizan_vocabulary::{
    AppliedRemedy, Decision, Direction, EndState, EventFinding, EventId, FiredPolicy, GroupName, GuardRun, Label, ModelName, Principal,
    ProviderName, Role, Timestamp,
};

use crate::exchange::{Exchange, Phase};

/// What an event says beyond its exchange and its phase.
pub struct Told<'a> {
    /// Its id.
    pub id: &'a EventId,
    /// When it was decided.
    pub time: Timestamp,
    /// Which way the bytes went.
    pub direction: Direction,
    /// What was decided.
    pub decision: Decision,
    /// Status for the client.
    pub status: u16,
    /// How it ended.
    pub end: EndState,
    /// Bytes of the body that went out.
    pub bytes_out: u64,
    /// Microseconds since the request began.
    pub total_micros: u64,
}

/// Writes an event.
pub fn write(out: &mut Vec<u8>, exchange: &Exchange, phase: &Phase, told: &Told<'_>) {
    let mut event = Object::new(out);
    event.number(const { Key::new("schema") }, 1);
    event.word(const { Key::new("id") }, told.id.as_str());
    event.time(const { Key::new("time") }, told.time);
    event.text(const { Key::new("request_id") }, exchange.request_id.as_str());
    event.text(const { Key::new("principal") }, exchange.principal.id.as_str());
    event.texts(const { Key::new("groups") }, exchange.principal.groups.iter().map(GroupName::as_str));
    event.text(const { Key::new("route") }, exchange.route.unwrap_or("unknown"));
    optional(&mut event, const { Key::new("provider") }, exchange.provider.as_ref().map(ProviderName::as_str));
    optional(&mut event, const { Key::new("model") }, exchange.model.as_ref().map(ModelName::as_str));
    truth(&mut event, const { Key::new("stream") }, exchange.stream);
    event.word(const { Key::new("direction") }, told.direction.as_str());
    event.word(const { Key::new("decision") }, told.decision.as_str());
    list(event.key(const { Key::new("remedies") }), &phase.remedies, remedy);
    list(event.key(const { Key::new("policies") }), &phase.policies, policy);
    event.text(const { Key::new("policy_version") }, exchange.live.judge.policies().version().as_str());
    list(event.key(const { Key::new("findings") }), phase.findings.list(), finding);
    if phase.findings.left_out() > 0 {
        event.number(const { Key::new("findings_left_out") }, phase.findings.left_out());
    }
    list(event.key(const { Key::new("guards") }), &phase.guards, guard);
    event.number(const { Key::new("status") }, told.status.into());
    if let Some(reason) = phase.reason {
        event.word(const { Key::new("reason") }, reason);
    }
    event.word(const { Key::new("end") }, told.end.as_str());
    event.number(const { Key::new("bytes_in") }, exchange.bytes_in);
    event.number(const { Key::new("bytes_out") }, told.bytes_out);
    let mut latency = Object::new(event.key(const { Key::new("latency_us") }));
    latency.number(const { Key::new("total") }, told.total_micros);
    latency.number(const { Key::new("gate") }, phase.gate_micros);
    latency.end();
    match &phase.facts {
        Some(of) => facts(event.key(const { Key::new("facts") }), of),
        None => event.key(const { Key::new("facts") }).extend_from_slice(b"null"),
    }
    event.end();
}

fn truth(object: &mut Object<'_>, key: Key, value: bool) {
    object.key(key).extend_from_slice(if value { b"true" } else { b"false" });
}

fn optional(object: &mut Object<'_>, key: Key, value: Option<&str>) {
    match value {
        Some(text) => object.text(key, text),
        None => object.key(key).extend_from_slice(b"null"),
    }
}

/// Writes an array.
pub fn list<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

fn remedy(out: &mut Vec<u8>, applied: &AppliedRemedy) {
    let mut object = Object::new(out);
    object.text(const { Key::new("label") }, applied.label.as_str());
    object.word(const { Key::new("remedy") }, applied.remedy.as_str());
    object.number(const { Key::new("count") }, applied.count.into());
    object.end();
}

fn policy(out: &mut Vec<u8>, fired: &FiredPolicy) {
    let mut object = Object::new(out);
    object.text(const { Key::new("id") }, fired.id.as_str());
    object.text(const { Key::new("effect") }, &fired.effect);
    object.text(const { Key::new("mode") }, &fired.mode);
    object.end();
}

/// Begins a finding: what it is and where. Its score is left to the caller.
pub fn located<'a>(out: &'a mut Vec<u8>, found: &EventFinding) -> Object<'a> {
    let mut object = Object::new(out);
    object.text(const { Key::new("label") }, found.label.as_str());
    object.text(const { Key::new("rule") }, found.rule.as_str());
    object.word(const { Key::new("role") }, found.role.as_str());
    object.text(const { Key::new("path") }, &found.path);
    object.number(const { Key::new("start") }, found.start as u64);
    object.number(const { Key::new("end") }, found.end as u64);
    object
}

fn finding(out: &mut Vec<u8>, found: &EventFinding) {
    let mut object = located(out, found);
    object.number(const { Key::new("score_bp") }, found.score_bp.into());
    object.end();
}

fn guard(out: &mut Vec<u8>, run: &GuardRun) {
    let mut object = Object::new(out);
    object.text(const { Key::new("name") }, &run.name);
    object.word(const { Key::new("status") }, run.status.as_str());
    if let Some(reason) = &run.reason {
        object.text(const { Key::new("reason") }, reason);
    }
    object.number(const { Key::new("micros") }, run.micros);
    object.end();
}

fn facts(out: &mut Vec<u8>, facts: &Facts) {
    let mut object = Object::new(out);
    principal(object.key(const { Key::new("principal") }), &facts.principal);
    object.word(const { Key::new("action") }, facts.action.as_str());
    let mut resource = Object::new(object.key(const { Key::new("resource") }));
    let known = &facts.resource;
    let words = [
        (const { Key::new("model") }, known.model.as_ref().map(ModelName::as_str)),
        (const { Key::new("provider") }, known.provider.as_ref().map(ProviderName::as_str)),
        (const { Key::new("route") }, Some(&*known.route)),
        (const { Key::new("app") }, known.app.as_deref()),
        (const { Key::new("team") }, known.team.as_deref()),
        (const { Key::new("organisation") }, known.organisation.as_deref()),
    ];
    for (key, word) in words {
        if let Some(word) = word {
            resource.text(key, word);
        }
    }
    if known.provider_facts != ProviderFacts::default() {
        let mut said = Object::new(resource.key(const { Key::new("provider_facts") }));
        if let Some(region) = &known.provider_facts.region {
            said.text(const { Key::new("region") }, region);
        }
        said.word(const { Key::new("training_use") }, known.provider_facts.training_use.as_str());
        if let Some(days) = known.provider_facts.retention_days {
            said.number(const { Key::new("retention_days") }, days.into());
        }
        said.end();
    }
    resource.end();
    context(object.key(const { Key::new("context") }), &facts.context);
    object.end();
}

fn principal(out: &mut Vec<u8>, principal: &Principal) {
    let mut object = Object::new(out);
    object.text(const { Key::new("id") }, principal.id.as_str());
    object.word(const { Key::new("kind") }, principal.kind.as_str());
    if let Some(key) = &principal.key {
        object.text(const { Key::new("key") }, key.as_str());
    }
    object.texts(const { Key::new("groups") }, principal.groups.iter().map(GroupName::as_str));
    if let Some(models) = &principal.models {
        object.texts(const { Key::new("models") }, models.iter().map(ModelName::as_str));
    }
    object.end();
}

fn context(out: &mut Vec<u8>, context: &Context) {
    let mut object = Object::new(out);
    object.word(const { Key::new("direction") }, context.direction.as_str());
    truth(&mut object, const { Key::new("stream") }, context.stream);
    labels(object.key(const { Key::new("labels") }), &context.labels);
    if Role::ALL.iter().any(|role| !context.by_role.get(*role).labels.is_empty()) {
        let mut roles = Object::new(object.key(const { Key::new("by_role") }));
        for role in Role::ALL.iter().filter(|role| !context.by_role.get(**role).labels.is_empty()) {
            let mut one = Object::new(roles.any_key(role.as_str()));
            labels(one.key(const { Key::new("labels") }), &context.by_role.get(*role).labels);
            one.end();
        }
        roles.end();
    }
    if !context.remedied.is_empty() {
        object.texts(const { Key::new("remedied") }, context.remedied.iter().map(Label::as_str));
    }
    if !context.guards.is_empty() {
        let mut guards = Object::new(object.key(const { Key::new("guards") }));
        for (name, state) in &context.guards {
            string(guards.any_key(name), state.as_str());
        }
        guards.end();
    }
    if context.session_tainted {
        truth(&mut object, const { Key::new("session_tainted") }, true);
    }
    if !context.tools.is_empty() {
        object.texts(const { Key::new("tools") }, context.tools.iter().map(|tool| &**tool));
    }
    object.number(const { Key::new("token_estimate") }, context.token_estimate);
    object.number(const { Key::new("body_bytes") }, context.body_bytes);
    let mut time = Object::new(object.key(const { Key::new("time") }));
    time.number(const { Key::new("epoch_s") }, u64::try_from(context.time.epoch_s).unwrap_or(0));
    time.number(const { Key::new("hour") }, context.time.hour.into());
    time.number(const { Key::new("weekday") }, context.time.weekday.into());
    time.end();
    if !context.below_threshold.is_empty() {
        list(object.key(const { Key::new("below_threshold") }), &context.below_threshold, |out, below| {
            let mut object = Object::new(out);
            object.text(const { Key::new("label") }, below.label.as_str());
            object.number(const { Key::new("score_bp") }, below.score_bp.into());
            object.number(const { Key::new("length") }, below.length as u64);
            object.end();
        });
    }
    object.end();
}

fn labels(out: &mut Vec<u8>, labels: &Labels) {
    let mut object = Object::new(out);
    for (label, stat) in labels.iter() {
        let mut one = Object::new(object.any_key(label.as_str()));
        one.number(const { Key::new("count") }, stat.count.into());
        one.number(const { Key::new("max_score_bp") }, stat.max_score_bp.into());
        one.end();
    }
    object.end();
}
