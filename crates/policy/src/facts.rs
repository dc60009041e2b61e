//! The complete input of a decision, as the gate builds it and as an event keeps it.
//! How it looks to Cedar is in `cedar_input`, how it becomes a cache key in `encode`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bartizan_vocabulary::{Direction, GuardStatus, Label, ModelName, Principal, ProviderName, Role, Timestamp, UninspectedKind};
use serde::{Deserialize, Serialize};

/// Prefix of the labels that stand for content which could not be read.
pub(crate) const UNINSPECTED: &str = "uninspected.";

/// What the caller wants to do. Counting tokens sends the same bytes as a prompt and is judged as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Send text to a model.
    #[serde(rename = "prompt")]
    Prompt,
    /// Receive a model's answer.
    #[serde(rename = "complete")]
    Complete,
    /// See which models there are.
    #[serde(rename = "listModels")]
    ListModels,
}

impl Action {
    /// Every action that is judged.
    pub const ALL: [Self; 3] = [Self::Prompt, Self::Complete, Self::ListModels];

    /// The id of the Cedar action.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Complete => "complete",
            Self::ListModels => "listModels",
        }
    }

    /// Whether the resource is a model; otherwise it is the route.
    pub const fn is_on_model(self) -> bool {
        matches!(self, Self::Prompt | Self::Complete)
    }
}

/// What is acted on, and in whose name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Model as the client named it. `prompt` and `complete` without a model are judged on `Model::""`.
    #[serde(default)]
    pub model: Option<ModelName>,
    /// The provider that it leads to.
    #[serde(default)]
    pub provider: Option<ProviderName>,
    /// What is known of that provider.
    #[serde(default)]
    pub provider_facts: ProviderFacts,
    /// Route such as `POST /v1/chat/completions`.
    #[serde(default)]
    pub route: Arc<str>,
    /// App of the key.
    #[serde(default)]
    pub app: Option<Arc<str>>,
    /// Team of the app.
    #[serde(default)]
    pub team: Option<Arc<str>>,
    /// Organisation of the team.
    #[serde(default)]
    pub organisation: Option<Arc<str>>,
}

/// Whether a provider trains models with what it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingUse {
    /// It does not.
    None,
    /// It does, unless one asks it not to, and that was asked.
    OptOut,
    /// It does.
    Yes,
    /// Nobody said.
    #[default]
    Unknown,
}

impl TrainingUse {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::None, Self::OptOut, Self::Yes, Self::Unknown];

    /// The word in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OptOut => "opt_out",
            Self::Yes => "yes",
            Self::Unknown => "unknown",
        }
    }
}

/// What its operator says of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderFacts {
    /// Where it processes what it is sent.
    pub region: Option<Arc<str>>,
    /// Whether it trains with that.
    pub training_use: TrainingUse,
    /// For how many days it keeps that.
    pub retention_days: Option<u32>,
}

impl ProviderFacts {
    /// Stands for days that nobody said, so that a rule for at most so many days does not hold.
    pub const NOBODY_SAID: i64 = 2_147_483_647;

    /// The region in policies; empty when nobody said.
    pub fn region(&self) -> &str {
        self.region.as_deref().unwrap_or_default()
    }

    /// The days in policies.
    pub fn retention_days(&self) -> i64 {
        self.retention_days.map_or(Self::NOBODY_SAID, i64::from)
    }
}

/// How often a label was found, and how surely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelStat {
    /// Number of findings at or above the threshold.
    pub count: u32,
    /// Highest score among them in basis points; 0 for `uninspected.*`.
    #[serde(default)]
    pub max_score_bp: u16,
}

/// Labels as they were found, without their parents; parents are implied: `pii.email` carries `pii`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<Label, LabelStat>);

impl Labels {
    /// Counts one finding.
    pub fn add(&mut self, label: &Label, score_bp: u16) {
        if let Some(stat) = self.0.get_mut(label) {
            stat.count = stat.count.saturating_add(1);
            stat.max_score_bp = stat.max_score_bp.max(score_bp);
        } else {
            self.0.insert(label.clone(), LabelStat { count: 1, max_score_bp: score_bp });
        }
    }

    /// Labels as found, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Label, &LabelStat)> {
        self.0.iter()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of different labels.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a label or one below it was found: `pii` is contained when `pii.email` is.
    pub fn contains(&self, word: &str) -> bool {
        self.0.contains_key(word) || self.0.keys().any(|label| label.as_str().strip_prefix(word).is_some_and(|rest| rest.starts_with('.')))
    }

    /// Every label and every dotted parent of it, sorted, once.
    pub fn with_parents(&self) -> BTreeSet<&str> {
        self.words().collect()
    }

    /// Every label and every dotted parent of it; a parent comes once for each label below it.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.keys().flat_map(|label| std::iter::successors(Some(label.as_str()), parent_of))
    }

    /// Number of findings; content that could not be read is not a finding.
    pub fn findings(&self) -> u32 {
        let counted = self.0.iter().filter(|(label, _)| !label.as_str().starts_with(UNINSPECTED));
        counted.fold(0, |sum, (_, stat)| sum.saturating_add(stat.count))
    }

    /// Highest score of all.
    pub fn max_score_bp(&self) -> u16 {
        self.0.values().map(|stat| stat.max_score_bp).max().unwrap_or(0)
    }

    /// Kinds of content that could not be read.
    pub fn uninspected(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|label| label.as_str().strip_prefix(UNINSPECTED))
    }

    fn retain(&mut self, keep: impl Fn(&Label) -> bool) {
        self.0.retain(|label, _| keep(label));
    }
}

fn parent_of<'a>(word: &&'a str) -> Option<&'a str> {
    word.rsplit_once('.').map(|(parent, _)| parent)
}

/// Labels by who wrote the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ByRole {
    /// System or developer instructions.
    pub system: RoleFacts,
    /// What the caller wrote.
    pub user: RoleFacts,
    /// What the model wrote.
    pub assistant: RoleFacts,
    /// What a tool returned.
    pub tool: RoleFacts,
    /// Anything else.
    pub other: RoleFacts,
}

/// What was found in the texts of one role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleFacts {
    /// Labels as found.
    pub labels: Labels,
}

impl ByRole {
    /// The facts of one role.
    pub fn get(&self, role: Role) -> &RoleFacts {
        match role {
            Role::System => &self.system,
            Role::User => &self.user,
            Role::Assistant => &self.assistant,
            Role::Tool => &self.tool,
            Role::Other => &self.other,
        }
    }

    fn get_mut(&mut self, role: Role) -> &mut RoleFacts {
        match role {
            Role::System => &mut self.system,
            Role::User => &mut self.user,
            Role::Assistant => &mut self.assistant,
            Role::Tool => &mut self.tool,
            Role::Other => &mut self.other,
        }
    }
}

/// A finding that did not reach its threshold: kept for replay, never counted and never seen by a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BelowThreshold {
    /// What it might be.
    pub label: Label,
    /// Score in basis points.
    pub score_bp: u16,
    /// Length in bytes.
    pub length: usize,
}

/// The moment of the decision, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeFacts {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub epoch_s: i64,
    /// 0 to 23.
    pub hour: u8,
    /// 1 is Monday, 7 is Sunday.
    pub weekday: u8,
}

impl From<Timestamp> for TimeFacts {
    fn from(time: Timestamp) -> Self {
        let epoch_s = time.as_micros().div_euclid(1_000_000);
        let hour = epoch_s.rem_euclid(86_400) / 3_600;
        // Day 0 was a Thursday.
        let weekday = (epoch_s.div_euclid(86_400) + 3).rem_euclid(7) + 1;
        Self { epoch_s, hour: u8::try_from(hour).unwrap_or(0), weekday: u8::try_from(weekday).unwrap_or(1) }
    }
}

impl Default for TimeFacts {
    fn default() -> Self {
        Self::from(Timestamp::from_micros(0))
    }
}

/// What policies read as `context`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Which way the bytes go.
    pub direction: Direction,
    /// Whether the answer was asked for as a stream.
    #[serde(default)]
    pub stream: bool,
    /// Labels over all roles.
    #[serde(default)]
    pub labels: Labels,
    /// Labels by role.
    #[serde(default)]
    pub by_role: ByRole,
    /// Labels, parents included, of which every finding was edited.
    #[serde(default)]
    pub remedied: BTreeSet<Label>,
    /// How each guard's run ended.
    #[serde(default)]
    pub guards: BTreeMap<Arc<str>, GuardStatus>,
    /// Untrusted text entered this conversation.
    #[serde(default)]
    pub session_tainted: bool,
    /// Names of the tools that are offered or called.
    #[serde(default)]
    pub tools: BTreeSet<Arc<str>>,
    /// Estimated tokens of the request.
    #[serde(default)]
    pub token_estimate: u64,
    /// Bytes of the body.
    #[serde(default)]
    pub body_bytes: u64,
    /// When.
    #[serde(default)]
    pub time: TimeFacts,
    /// Findings below their threshold, for replay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub below_threshold: Vec<BelowThreshold>,
}

/// Everything that a decision rests on. The same facts and the same policy set always give the same verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Who asks, with all groups.
    pub principal: Arc<Principal>,
    /// For what.
    pub action: Action,
    /// Of what.
    pub resource: Resource,
    /// Under which circumstances.
    pub context: Context,
}

impl Facts {
    /// Facts with nothing found yet. The direction follows the action: `complete` judges a response.
    pub fn new(principal: Arc<Principal>, action: Action, resource: Resource, time: Timestamp) -> Self {
        let direction = if action == Action::Complete { Direction::Response } else { Direction::Request };
        let context = Context {
            direction,
            stream: false,
            labels: Labels::default(),
            by_role: ByRole::default(),
            remedied: BTreeSet::new(),
            guards: BTreeMap::new(),
            session_tainted: false,
            tools: BTreeSet::new(),
            token_estimate: 0,
            body_bytes: 0,
            time: TimeFacts::from(time),
            below_threshold: Vec::new(),
        };
        Self { principal, action, resource, context }
    }

    /// Counts a finding at or above its threshold.
    pub fn add_finding(&mut self, role: Role, label: &Label, score_bp: u16) {
        self.context.labels.add(label, score_bp);
        self.context.by_role.get_mut(role).labels.add(label, score_bp);
    }

    /// Notes content that could not be read, as the label `uninspected.<kind>`.
    pub fn add_uninspected(&mut self, role: Role, kind: UninspectedKind) {
        let label = Label::new(format!("{UNINSPECTED}{kind}"));
        self.add_finding(role, &label, 0);
    }

    /// The facts after edits: `remaining` are the findings that were *not* edited, as (role, label, score).
    /// A label goes only when every finding that carries it was edited, and is then named in `remedied`, and so is its
    /// parent when nothing below it remains. What could not be read cannot be edited and stays.
    #[must_use]
    pub fn recompute<'a>(&self, remaining: impl IntoIterator<Item = (Role, &'a Label, u16)>) -> Self {
        let mut after = self.keeping(|label| label.as_str().starts_with(UNINSPECTED));
        for (role, label, score_bp) in remaining {
            after.add_finding(role, label, score_bp);
        }
        after.note_remedied(self);
        after
    }

    /// The facts if every finding whose label satisfies `edited` were edited. Used to simulate.
    #[must_use]
    pub fn without(&self, edited: impl Fn(&Label) -> bool) -> Self {
        let mut after = self.keeping(|label| label.as_str().starts_with(UNINSPECTED) || !edited(label));
        after.note_remedied(self);
        after
    }

    fn keeping(&self, keep: impl Fn(&Label) -> bool) -> Self {
        let mut kept = self.clone();
        kept.context.labels.retain(&keep);
        for role in Role::ALL {
            kept.context.by_role.get_mut(*role).labels.retain(&keep);
        }
        kept
    }

    fn note_remedied(&mut self, before: &Self) {
        let context = &mut self.context;
        let left = context.labels.with_parents();
        context.remedied.retain(|label| !left.contains(label.as_str()));
        let before = before.context.labels.with_parents();
        context.remedied.extend(before.into_iter().filter(|word| !left.contains(word)).map(Label::from));
    }
}
