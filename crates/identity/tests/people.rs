//! Groups, models and scopes.

use std::collections::BTreeSet;

use bartizan_identity::{GroupError, Groups, Scope, allows, check_pattern, endpoints, may_use};
use bartizan_vocabulary::{GroupName, ModelName};
use proptest::prelude::*;

type Definitions<'a> = &'a [(&'a str, &'a [&'a str])];

fn groups(definitions: Definitions) -> Result<Groups, GroupError> {
    Groups::new(definitions.iter().map(|(name, above)| (GroupName::from(*name), above.iter().map(|g| GroupName::from(*g)).collect())))
}

#[test]
fn closure_is_transitive_and_sorted() {
    let set = groups(&[("dev", &["staff", "tech"]), ("tech", &["all"]), ("staff", &["all"])]).unwrap();
    let direct = [GroupName::from("dev"), GroupName::from("guests"), GroupName::from("dev")];
    let names: Vec<String> = set.closure(&direct).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["all", "dev", "guests", "staff", "tech"]);
}

#[test]
fn circles_are_refused_with_their_names() {
    let rows: [(Definitions, &str); 4] = [
        (&[("a", &["a"])], "`a` → `a`"),
        (&[("a", &["b"]), ("b", &["a"])], "`a` → `b` → `a`"),
        (&[("x", &["a"]), ("a", &["b", "z"]), ("b", &["c"]), ("c", &["a"])], "`a` → `b` → `c` → `a`"),
        (&[("a", &[]), ("a", &["b"])], "the group `a` is defined twice"),
    ];
    for (definitions, expected) in rows {
        let error = groups(definitions).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

proptest! {
    #[test]
    fn closure_is_what_one_can_walk_to(edges in prop::collection::vec((0usize..12, 0usize..12), 0..30), start in 0usize..12) {
        // Edges lead upwards only, so there is no circle.
        let name = |n: usize| GroupName::new(format!("g{n}"));
        let parents = |n: usize| edges.iter().filter(move |(a, b)| *a.min(b) == n && a != b).map(|(a, b)| *a.max(b));
        let set = Groups::new((0..12).map(|n| (name(n), parents(n).map(name).collect()))).unwrap();
        let mut walked = BTreeSet::from([start]);
        for n in 0..12 {
            if walked.contains(&n) {
                walked.extend(parents(n));
            }
        }
        let walked: BTreeSet<GroupName> = walked.into_iter().map(name).collect();
        prop_assert_eq!(set.closure(&[name(start)]), walked.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn models_by_name_or_beginning() {
    let rows: [(Option<&[&str]>, &str, bool); 8] = [
        (None, "anything", true),
        (Some(&[]), "gpt-4o", false),
        (Some(&["gpt-4o"]), "gpt-4o", true),
        (Some(&["gpt-4o"]), "gpt-4o-mini", false),
        (Some(&["gpt-4o*"]), "gpt-4o-mini", true),
        (Some(&["gpt-4o*"]), "GPT-4o", false),
        (Some(&["claude-*", "o1"]), "o1", true),
        (Some(&["*"]), "anything", true),
    ];
    for (patterns, model, expected) in rows {
        let patterns: Option<Vec<ModelName>> = patterns.map(|all| all.iter().map(|one| ModelName::from(*one)).collect());
        assert_eq!(may_use(patterns.as_deref(), model), expected, "{patterns:?} {model}");
    }
    for (pattern, good) in [("gpt-*", true), ("*", true), ("a*b", false), ("**", false), ("", false), ("gpt-4o", true)] {
        assert_eq!(check_pattern(pattern).is_ok(), good, "{pattern}");
    }
}

#[test]
fn scopes_as_the_table_says() {
    let lines = include_str!("../scopes.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(endpoints().len(), lines.count(), "every line can be read");
    for scope in Scope::ALL {
        for endpoint in endpoints() {
            let path = endpoint.path.replace("{id}", "0190").replace("{index}", "7");
            assert_eq!(allows(scope, endpoint.method, &path), endpoint.scopes.contains(&scope), "{scope} {path}");
        }
        for (method, path) in
            [("GET", "/api/v1/unknown"), ("PATCH", "/api/v1/keys"), ("DELETE", "/api/v1/keys/"), ("GET", "/api/v1/events/1/2")]
        {
            assert!(!allows(scope, method, path), "{scope} {method} {path}");
        }
        assert_eq!(scope.as_str().parse::<Scope>().unwrap(), scope);
    }
    assert!("root".parse::<Scope>().is_err());
}
