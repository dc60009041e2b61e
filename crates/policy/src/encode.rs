//! Facts as bytes: equal bytes mean equal facts as far as policies can tell. Used as cache keys, compared whole, so that
//! no two different requests can ever share a verdict. Time and counters are left out: what reads them is not cached.

use bartizan_vocabulary::{Direction, GroupName, GuardStatus, Label, ModelName, PrincipalKind, ProviderName, Role};

use crate::{Facts, Labels};

/// Longer keys are not worth keeping.
pub(crate) const MAX_KEY_BYTES: usize = 8 * 1024;

struct Key(Vec<u8>);

impl Key {
    fn number(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    fn text(&mut self, text: &str) {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.byte(u8::from(text.is_some()));
        self.text(text.unwrap_or(""));
    }

    fn texts<'a>(&mut self, count: usize, texts: impl Iterator<Item = &'a str>) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
        texts.for_each(|text| self.text(text));
    }

    fn labels(&mut self, labels: &Labels) {
        self.texts(labels.len(), labels.iter().map(|(label, _)| label.as_str()));
        self.number(labels.findings().into());
        self.number(labels.max_score_bp().into());
    }
}

/// Principal with its groups, action, and resource: what a slice depends on.
pub(crate) fn scene(facts: &Facts) -> Vec<u8> {
    let mut key = Key(Vec::with_capacity(512));
    let principal = &facts.principal;
    key.byte(match principal.kind {
        PrincipalKind::User => 0,
        PrincipalKind::Service => 1,
        PrincipalKind::Anonymous => 2,
    });
    key.text(principal.id.as_str());
    key.texts(principal.groups.len(), principal.groups.iter().map(GroupName::as_str));
    key.text(facts.action.as_str());
    let resource = &facts.resource;
    key.optional(resource.model.as_ref().map(ModelName::as_str));
    key.optional(resource.provider.as_ref().map(ProviderName::as_str));
    let known = &resource.provider_facts;
    key.optional(known.region.as_deref());
    key.text(known.training_use.as_str());
    key.number(known.retention_days().unsigned_abs());
    key.text(&resource.route);
    key.optional(resource.app.as_deref());
    key.optional(resource.team.as_deref());
    key.optional(resource.organisation.as_deref());
    key.0
}

/// The scene's bytes and after them the whole context, but for time and counters.
pub(crate) fn whole(scene: Vec<u8>, facts: &Facts) -> Vec<u8> {
    let mut key = Key(scene);
    let context = &facts.context;
    key.byte(u8::from(context.direction == Direction::Response));
    key.byte(u8::from(context.stream));
    key.byte(u8::from(context.session_tainted));
    key.labels(&context.labels);
    for role in Role::ALL {
        key.labels(&context.by_role.get(*role).labels);
    }
    key.texts(context.remedied.len(), context.remedied.iter().map(Label::as_str));
    key.number(u64::try_from(context.guards.len()).unwrap_or(u64::MAX));
    for (name, status) in &context.guards {
        key.text(name);
        key.byte(match status {
            GuardStatus::Ran => 0,
            GuardStatus::Skipped => 1,
            GuardStatus::Failed => 2,
            GuardStatus::FailedOpen => 3,
        });
    }
    key.texts(context.tools.len(), context.tools.iter().map(|tool| &**tool));
    key.0
}
