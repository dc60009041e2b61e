//! The JSON of an event, written straight from what is known of an exchange: no copies on the way, and only fields that say something.
//!
//! The form is [`bartizan_vocabulary::Event`] over [`Facts`]; what is left out here is what reading fills in by itself.

use bartizan_ledger::canonical::{Object, string};
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
    event.number("schema", 1);
    event.word("id", told.id.as_str());
    event.time("time", told.time);
    event.text("request_id", exchange.request_id.as_str());
    event.text("principal", exchange.principal.id.as_str());
    event.texts("groups", exchange.principal.groups.iter().map(GroupName::as_str));
    event.text("route", exchange.route.unwrap_or("unknown"));
    optional(&mut event, "provider", exchange.provider.as_ref().map(ProviderName::as_str));
    optional(&mut event, "model", exchange.model.as_ref().map(ModelName::as_str));
    truth(&mut event, "stream", exchange.stream);
    event.word("direction", told.direction.as_str());
    event.word("decision", told.decision.as_str());
    list(event.key("remedies"), &phase.remedies, remedy);
    list(event.key("policies"), &phase.policies, policy);
    event.text("policy_version", exchange.live.judge.policies().version().as_str());
    list(event.key("findings"), phase.findings.list(), finding);
    if phase.findings.left_out() > 0 {
        event.number("findings_left_out", phase.findings.left_out());
    }
    list(event.key("guards"), &phase.guards, guard);
    event.number("status", told.status.into());
    if let Some(reason) = phase.reason {
        event.word("reason", reason);
    }
    event.word("end", told.end.as_str());
    event.number("bytes_in", exchange.bytes_in);
    event.number("bytes_out", told.bytes_out);
    let mut latency = Object::new(event.key("latency_us"));
    latency.number("total", told.total_micros);
    latency.number("gate", phase.gate_micros);
    latency.end();
    match &phase.facts {
        Some(of) => facts(event.key("facts"), of),
        None => event.key("facts").extend_from_slice(b"null"),
    }
    event.end();
}

fn truth(object: &mut Object<'_>, key: &str, value: bool) {
    object.key(key).extend_from_slice(if value { b"true" } else { b"false" });
}

fn optional(object: &mut Object<'_>, key: &str, value: Option<&str>) {
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
    object.text("label", applied.label.as_str());
    object.word("remedy", applied.remedy.as_str());
    object.number("count", applied.count.into());
    object.end();
}

fn policy(out: &mut Vec<u8>, fired: &FiredPolicy) {
    let mut object = Object::new(out);
    object.text("id", fired.id.as_str());
    object.text("effect", &fired.effect);
    object.text("mode", &fired.mode);
    object.end();
}

/// Begins a finding: what it is and where. Its score is left to the caller.
pub fn located<'a>(out: &'a mut Vec<u8>, found: &EventFinding) -> Object<'a> {
    let mut object = Object::new(out);
    object.text("label", found.label.as_str());
    object.text("rule", found.rule.as_str());
    object.word("role", found.role.as_str());
    object.text("path", &found.path);
    object.number("start", found.start as u64);
    object.number("end", found.end as u64);
    object
}

fn finding(out: &mut Vec<u8>, found: &EventFinding) {
    let mut object = located(out, found);
    object.number("score_bp", found.score_bp.into());
    object.end();
}

fn guard(out: &mut Vec<u8>, run: &GuardRun) {
    let mut object = Object::new(out);
    object.text("name", &run.name);
    object.word("status", run.status.as_str());
    if let Some(reason) = &run.reason {
        object.text("reason", reason);
    }
    object.number("micros", run.micros);
    object.end();
}

fn facts(out: &mut Vec<u8>, facts: &Facts) {
    let mut object = Object::new(out);
    principal(object.key("principal"), &facts.principal);
    object.word("action", facts.action.as_str());
    let mut resource = Object::new(object.key("resource"));
    let known = &facts.resource;
    let words = [
        ("model", known.model.as_ref().map(ModelName::as_str)),
        ("provider", known.provider.as_ref().map(ProviderName::as_str)),
        ("route", Some(&*known.route)),
        ("app", known.app.as_deref()),
        ("team", known.team.as_deref()),
        ("organisation", known.organisation.as_deref()),
    ];
    for (key, word) in words {
        if let Some(word) = word {
            resource.text(key, word);
        }
    }
    if known.provider_facts != ProviderFacts::default() {
        let mut said = Object::new(resource.key("provider_facts"));
        if let Some(region) = &known.provider_facts.region {
            said.text("region", region);
        }
        said.word("training_use", known.provider_facts.training_use.as_str());
        if let Some(days) = known.provider_facts.retention_days {
            said.number("retention_days", days.into());
        }
        said.end();
    }
    resource.end();
    context(object.key("context"), &facts.context);
    object.end();
}

fn principal(out: &mut Vec<u8>, principal: &Principal) {
    let mut object = Object::new(out);
    object.text("id", principal.id.as_str());
    object.word("kind", principal.kind.as_str());
    if let Some(key) = &principal.key {
        object.text("key", key.as_str());
    }
    object.texts("groups", principal.groups.iter().map(GroupName::as_str));
    if let Some(models) = &principal.models {
        object.texts("models", models.iter().map(ModelName::as_str));
    }
    object.end();
}

fn context(out: &mut Vec<u8>, context: &Context) {
    let mut object = Object::new(out);
    object.word("direction", context.direction.as_str());
    truth(&mut object, "stream", context.stream);
    labels(object.key("labels"), &context.labels);
    if Role::ALL.iter().any(|role| !context.by_role.get(*role).labels.is_empty()) {
        let mut roles = Object::new(object.key("by_role"));
        for role in Role::ALL.iter().filter(|role| !context.by_role.get(**role).labels.is_empty()) {
            let mut one = Object::new(roles.key(role.as_str()));
            labels(one.key("labels"), &context.by_role.get(*role).labels);
            one.end();
        }
        roles.end();
    }
    if !context.remedied.is_empty() {
        object.texts("remedied", context.remedied.iter().map(Label::as_str));
    }
    if !context.guards.is_empty() {
        let mut guards = Object::new(object.key("guards"));
        for (name, state) in &context.guards {
            string(guards.any_key(name), state.as_str());
        }
        guards.end();
    }
    if context.session_tainted {
        truth(&mut object, "session_tainted", true);
    }
    if !context.tools.is_empty() {
        object.texts("tools", context.tools.iter().map(|tool| &**tool));
    }
    object.number("token_estimate", context.token_estimate);
    object.number("body_bytes", context.body_bytes);
    let mut time = Object::new(object.key("time"));
    time.number("epoch_s", u64::try_from(context.time.epoch_s).unwrap_or(0));
    time.number("hour", context.time.hour.into());
    time.number("weekday", context.time.weekday.into());
    time.end();
    if !context.below_threshold.is_empty() {
        list(object.key("below_threshold"), &context.below_threshold, |out, below| {
            let mut object = Object::new(out);
            object.text("label", below.label.as_str());
            object.number("score_bp", below.score_bp.into());
            object.number("length", below.length as u64);
            object.end();
        });
    }
    object.end();
}

fn labels(out: &mut Vec<u8>, labels: &Labels) {
    let mut object = Object::new(out);
    for (label, stat) in labels.iter() {
        let mut one = Object::new(object.any_key(label.as_str()));
        one.number("count", stat.count.into());
        one.number("max_score_bp", stat.max_score_bp.into());
        one.end();
    }
    object.end();
}
