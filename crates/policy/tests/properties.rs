//! What must hold for all policies and facts: slicing and remembering change nothing, facts survive as text, edits only remove.

#[path = "generated/mod.rs"]
mod generated;

use std::collections::BTreeSet;
use std::sync::Arc;

use bartizan_policy::{
    Action, Facts, Judge, Labels, LoadErrors, Outcome, PolicySet, ProviderFacts, Resource, Source, TrainingUse, default_sources,
};
use bartizan_vocabulary::{
    GroupName, GuardStatus, Label, ModelName, Principal, PrincipalId, PrincipalKind, ProviderName, Role, Timestamp, UninspectedKind,
};
use proptest::prelude::*;
use proptest::sample::select;

const LABELS: [&str; 8] =
    ["pii.email", "pii.phone", "pii.url", "pci.card", "secret.jwt", "attack.jailbreak", "secret.github.app", "uninspected.image"];
const KINDS: [PrincipalKind; 3] = [PrincipalKind::User, PrincipalKind::Service, PrincipalKind::Anonymous];
const GROUPS: [&str; 4] = ["dev", "ops", "staff", "guests"];
const ROLES: [&str; 5] = ["system", "user", "assistant", "tool", "other"];

fn a_role() -> impl Strategy<Value = Role> {
    select(Role::ALL)
}

fn some_provider_facts() -> impl Strategy<Value = ProviderFacts> {
    let region = select(vec![None, Some("eu"), Some("us")]);
    (region, select(TrainingUse::ALL.to_vec()), select(vec![None, Some(0), Some(30)]))
        .prop_map(|(region, training_use, days)| ProviderFacts { region: region.map(Arc::from), training_use, retention_days: days })
}

fn some_facts() -> impl Strategy<Value = Facts> {
    let who = (select(vec!["ada", "bob", "eve"]), select(KINDS.to_vec()), prop::collection::btree_set(select(GROUPS.to_vec()), 0..4));
    let what = (select(Action::ALL.to_vec()), select(vec!["small", "large"]), select(vec![Some("main"), Some("lab"), None]), any::<bool>());
    let found = prop::collection::vec((a_role(), select(LABELS.to_vec()), 0u16..=10_000), 0..5);
    let flags = (any::<bool>(), any::<bool>(), prop::collection::btree_set(select(vec!["shell", "mail"]), 0..3), any::<bool>());
    let counters = (select(vec![0u64, 1, 7, 1 << 40, u64::MAX]), 0u64..100, 0i64..2_000_000_000);
    let unread = prop::collection::vec(select(UninspectedKind::ALL), 0..2);
    (who, what, found, flags, counters, unread, some_provider_facts()).prop_map(|(who, what, found, flags, counters, unread, known)| {
        let kind = who.1;
        let id = match kind {
            PrincipalKind::User => format!("user:{}", who.0),
            PrincipalKind::Service => format!("service:{}", who.0),
            PrincipalKind::Anonymous => "anonymous".to_owned(),
        };
        let groups = who.2.into_iter().map(GroupName::from).collect();
        let principal = Principal { id: PrincipalId::new(id), kind, key: None, groups, models: None };
        let resource = Resource {
            model: Some(ModelName::from(what.1)),
            provider: what.2.map(ProviderName::from),
            provider_facts: known,
            route: Arc::from("POST /v1/messages"),
            app: what.3.then(|| Arc::from("desk")),
            team: what.3.then(|| Arc::from("risk")),
            organisation: None,
        };
        let mut facts = Facts::new(Arc::new(principal), what.0, resource, Timestamp::from_micros(counters.2 * 1_000_000));
        for (role, label, score) in found {
            facts.add_finding(role, &Label::from(label), score);
        }
        for kind in unread {
            facts.add_uninspected(Role::User, kind);
        }
        let context = &mut facts.context;
        (context.stream, context.session_tainted) = (flags.0, flags.1);
        context.tools = flags.2.into_iter().map(Arc::from).collect();
        context.guards.insert(Arc::from("detect"), if flags.3 { GuardStatus::Ran } else { GuardStatus::FailedOpen });
        (context.token_estimate, context.body_bytes) = (counters.0, counters.1);
        facts
    })
}

/// Conditions of every form that the slicer understands, of forms that it does not, and of some that err.
fn a_condition() -> impl Strategy<Value = String> {
    let label =
        || select(vec!["pii", "pii.email", "pci", "secret", "secret.github", "attack", "uninspected", "uninspected.image", "nothing"]);
    let atom = prop_oneof![
        label().prop_map(|label| format!("context.labels.contains(\"{label}\")")),
        (label(), label()).prop_map(|(a, b)| format!("context.labels.containsAny([\"{a}\", \"{b}\"])")),
        (label(), label()).prop_map(|(a, b)| format!("context.labels.containsAll([\"{a}\", \"{b}\"])")),
        (select(ROLES.to_vec()), label()).prop_map(|(role, label)| format!("context.by_role.{role}.labels.contains(\"{label}\")")),
        select(ROLES.to_vec()).prop_map(|role| format!("context.by_role.{role}.labels.isEmpty()")),
        (select(ROLES.to_vec()), 0..9_999).prop_map(|(role, score)| format!("context.by_role.{role}.max_score_bp > {score}")),
        (select(vec!["<", "<=", ">", ">=", "==", "!="]), 0..4).prop_map(|(op, n)| format!("context.findings {op} {n}")),
        (select(vec!["<", "<=", ">", ">="]), 0..24).prop_map(|(op, n)| format!("{n} {op} context.time.hour")),
        (1..8).prop_map(|day| format!("context.time.weekday == {day}")),
        Just("[\"image\", \"sealed\"].containsAll(context.uninspected)".to_owned()),
        Just("context.uninspected.contains(\"audio\")".to_owned()),
        Just("context.remedied.contains(\"pii\")".to_owned()),
        Just("context.tools.contains(\"shell\")".to_owned()),
        Just("context.tools == [\"shell\", \"mail\"]".to_owned()),
        Just("context.guards.failed_open.contains(\"detect\")".to_owned()),
        Just("context.stream".to_owned()),
        Just("context.session.tainted".to_owned()),
        Just("\"request\" == context.direction".to_owned()),
        Just("context.route like \"*messages\"".to_owned()),
        Just("context.route == \"POST /v1/messages\"".to_owned()),
        Just("principal in Group::\"ops\"".to_owned()),
        Just("principal in Team::\"risk\"".to_owned()),
        Just("principal == User::\"ada\"".to_owned()),
        Just("principal is Service".to_owned()),
        Just("principal is User in Group::\"dev\"".to_owned()),
        Just("context.provider.region == \"eu\"".to_owned()),
        Just("context.provider.training_use != \"none\"".to_owned()),
        (select(vec!["<", "<=", ">", ">=", "=="]), 0..40).prop_map(|(op, n)| format!("context.provider.retention_days {op} {n}")),
        Just("context.token_estimate * 9223372036854775807 > 7".to_owned()),
        Just("context.body_bytes + context.token_estimate > 50".to_owned()),
        Just("context.findings * 3 - context.by_role.user.findings >= -(context.body_bytes)".to_owned()),
        Just("-9223372036854775808 - context.findings < 0".to_owned()),
        Just("(if context.stream then context.findings > 1 else context.token_estimate + 1 > 0)".to_owned()),
    ];
    atom.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

fn a_policy() -> impl Strategy<Value = String> {
    let effect = select(vec![
        "permit",
        "permit",
        "forbid",
        "@remedy(\"redact\") @labels(\"pii.*\") forbid",
        "@remedy(\"tokenise\") @labels(\"pii.email, pci.*\") forbid",
        "@remedy(\"mask\") @labels(\"*\") @operator(\"keep_last:4\") forbid",
        "@remedy(\"log\") forbid",
        "@remedy(\"coach\") @coach(\"mind\") forbid",
        "@mode(\"shadow\") forbid",
    ]);
    let principal = select(vec![
        "principal",
        "principal",
        "principal == User::\"ada\"",
        "principal in Group::\"dev\"",
        "principal is Service",
        "principal is User in Group::\"ops\"",
        "principal in App::\"desk\"",
    ]);
    let action = select(vec![
        "action == Action::\"prompt\"",
        "action == Action::\"complete\"",
        "action in [Action::\"prompt\", Action::\"complete\"]",
        "action",
    ]);
    let resource =
        select(vec!["resource", "resource", "resource == Model::\"small\"", "resource in Provider::\"lab\"", "resource is Model"]);
    (effect, principal, action, resource, prop::option::of(a_condition()), prop::option::weighted(0.2, a_condition())).prop_map(
        |(effect, principal, action, resource, when, unless)| {
            let when = when.map(|when| format!(" when {{ {when} }}")).unwrap_or_default();
            let unless = unless.map(|unless| format!(" unless {{ {unless} }}")).unwrap_or_default();
            format!("{effect} ({principal}, {action}, {resource}){when}{unless};\n")
        },
    )
}

fn a_set() -> impl Strategy<Value = PolicySet> {
    // Policies that the validator finds impossible are left out: such a set is refused, which is tested elsewhere.
    prop::collection::vec(a_policy(), 1..12).prop_filter_map("no policy is left", |policies| {
        let source = |text: String| vec![Source { name: "random".to_owned(), text }];
        let good: String = policies.into_iter().filter(|policy| PolicySet::load(&source(policy.clone())).is_ok()).collect();
        if good.is_empty() { None } else { PolicySet::load(&source(good)).ok() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn slicing_changes_nothing(set in a_set(), facts in prop::collection::vec(some_facts(), 1..8)) {
        for facts in &facts {
            prop_assert_eq!(set.judge(facts), set.judge_whole(facts));
        }
    }

    #[test]
    fn remembering_changes_nothing(set in a_set(), facts in prop::collection::vec(some_facts(), 1..8)) {
        let judge = Judge::new(set, 64);
        for _ in 0..2 {
            for facts in &facts {
                prop_assert_eq!(&*judge.judge(facts), &judge.policies().judge_whole(facts));
            }
        }
    }

    #[test]
    fn facts_survive_as_text(set in a_set(), facts in some_facts()) {
        let text = serde_json::to_string(&facts).unwrap();
        let back: Facts = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &facts);
        prop_assert_eq!(set.judge(&back), set.judge(&facts));
        prop_assert_eq!(serde_json::to_string(&set.explain(&back)).unwrap(), serde_json::to_string(&set.explain(&facts)).unwrap());
    }

    #[test]
    fn an_error_never_permits(set in a_set(), facts in some_facts()) {
        let verdict = set.judge(&facts);
        let broken = verdict.errors.iter().any(|error| !error.recording);
        prop_assert_eq!(broken, verdict.outcome == Outcome::Failed);
    }

    #[test]
    fn a_label_goes_only_with_its_last_finding(findings in prop::collection::vec((a_role(), select(LABELS[..7].to_vec()), 0u16..=10_000, any::<bool>()), 0..8)) {
        let mut before = generated::facts(0);
        for (role, label, score, _) in &findings {
            before.add_finding(*role, &Label::from(*label), *score);
        }
        before.add_uninspected(Role::User, UninspectedKind::Image);
        let kept: Vec<(Role, Label, u16)> =
            findings.iter().filter(|(.., edited)| !edited).map(|(role, label, score, _)| (*role, Label::from(*label), *score)).collect();
        let after = before.recompute(kept.iter().map(|(role, label, score)| (*role, label, *score)));

        let words = |labels: &Labels| -> BTreeSet<String> { labels.with_parents().into_iter().map(str::to_owned).collect() };
        let (was, is) = (words(&before.context.labels), words(&after.context.labels));
        let mut expected = Labels::default();
        for (_, label, score) in &kept {
            expected.add(label, *score);
        }
        expected.add(&Label::from("uninspected.image"), 0);
        prop_assert_eq!(&after.context.labels, &expected);
        let remedied: BTreeSet<String> = after.context.remedied.iter().map(ToString::to_string).collect();
        prop_assert_eq!(remedied, was.difference(&is).cloned().collect::<BTreeSet<_>>());
        for role in Role::ALL {
            let count = kept.iter().filter(|(at, ..)| at == role).count();
            prop_assert_eq!(after.context.by_role.get(*role).labels.findings() as usize, count);
        }
    }
}

#[test]
fn the_generated_thousand_is_sliced_rightly() {
    let set = PolicySet::load(&generated::policies(1_000)).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(set.len(), 1_000);
    for n in 0..24 {
        let facts = generated::facts(n);
        assert_eq!(set.judge(&facts), set.judge_whole(&facts), "{n}");
    }
}

fn load(text: &str) -> Result<PolicySet, LoadErrors> {
    PolicySet::load(&[Source { name: "test".to_owned(), text: text.to_owned() }])
}

#[test]
fn what_reads_time_or_counters_is_not_remembered() {
    let rows = [
        ("permit (principal, action, resource);", 1),
        ("permit (principal, action, resource); forbid (principal, action, resource) when { context.time.hour > 23 };", 0),
        (
            "permit (principal, action, resource); forbid (principal, action, resource) when { context.stream && context.body_bytes > 9 };",
            0,
        ),
        (
            "permit (principal, action, resource); @remedy(\"log\") forbid (principal, action, resource) when { context.token_estimate > 9 };",
            0,
        ),
        // Out of scope for the caller: it cannot matter.
        ("permit (principal, action, resource); forbid (principal == User::\"eve\", action, resource) when { context.time.hour > 1 };", 1),
    ];
    for (text, remembered) in rows {
        let judge = Judge::new(load(text).unwrap(), 16);
        let mut facts = generated::facts(0);
        for size in 0..5 {
            facts.context.body_bytes = size;
            assert_eq!(judge.judge(&facts).outcome, Outcome::Permit);
        }
        assert_eq!(judge.remembered(), remembered, "{text}");
        assert_eq!(judge.policies().reads_time_or_counters(&facts), remembered == 0, "{text}");
    }
}

#[test]
fn a_forbid_that_begins_to_match_is_seen() {
    let judge = Judge::new(
        load("permit (principal, action, resource); forbid (principal, action, resource) when { context.time.hour >= 18 };").unwrap(),
        16,
    );
    let mut facts = generated::facts(0);
    assert_eq!(judge.judge(&facts).outcome, Outcome::Permit);
    facts.context.time.hour = 18;
    assert!(matches!(judge.judge(&facts).outcome, Outcome::Block(_)));
}

#[test]
fn version_covers_names_and_texts_but_not_their_order() {
    let mut sources = default_sources();
    let version = PolicySet::load(&sources).unwrap().version().clone();
    assert!(version.as_str().starts_with("sha256:") && version.as_str().len() == 71);
    sources.reverse();
    assert_eq!(PolicySet::load(&sources).unwrap().version(), &version);
    sources[0].text.push('\n');
    assert_ne!(PolicySet::load(&sources).unwrap().version(), &version);
    sources[0].text.pop();
    sources[0].name.push('x');
    assert_ne!(PolicySet::load(&sources).unwrap().version(), &version);
}
