//! The default policies against the decision table beside them.

use bartizan_policy::{DEFAULT_TABLE, PolicySet, default_sources, run_table};

#[test]
fn default_policies_decide_as_the_table_says() {
    let set = PolicySet::load(&default_sources()).unwrap_or_else(|errors| panic!("{errors}"));
    let report = run_table(&set, DEFAULT_TABLE).unwrap();
    assert!(!report.rows.is_empty());
    let wrong: Vec<_> = report.rows.iter().filter(|row| !row.differences.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
