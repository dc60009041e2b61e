//! Every `tests/tables/NAME.toml` against the policies of `NAME.cedar`, and the default table against the default policies.

use std::fs;
use std::path::Path;

use bartizan_policy::{DEFAULT_TABLE, PolicySet, Source, default_sources, run_table};

fn check(sources: &[Source], table: &str) -> Result<(), String> {
    let set = PolicySet::load(sources).map_err(|errors| errors.to_string())?;
    let report = run_table(&set, table).map_err(|error| format!("{error:?}"))?;
    let wrong: Vec<_> = report.rows.iter().filter(|row| !row.differences.is_empty()).collect();
    assert_eq!(report.holds(), wrong.is_empty());
    if wrong.is_empty() && !report.rows.is_empty() { Ok(()) } else { Err(format!("{wrong:#?}")) }
}

#[test]
fn default_policies_decide_as_their_table_says() {
    assert_eq!(check(&default_sources(), DEFAULT_TABLE), Ok(()));
}

#[test]
fn policies_decide_as_the_tables_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tables");
    let tables: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let tables: Vec<_> = tables.into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    assert!(tables.len() >= 4);
    for table in tables {
        let policies = table.with_extension("cedar");
        let name = policies.file_name().unwrap().to_string_lossy().into_owned();
        let source = Source { name, text: fs::read_to_string(&policies).unwrap() };
        assert_eq!(check(&[source], &fs::read_to_string(&table).unwrap()), Ok(()));
    }
}

#[test]
fn a_wrong_expectation_and_a_wrong_table_are_told() {
    let set = PolicySet::load(&default_sources()).unwrap();
    let row =
        "[[row]]\nname = \"x\"\naction = \"prompt\"\nexpect = \"blocked\"\ncoach = \"no\"\npolicies = []\nremedies = { a = \"redact\" }";
    let report = run_table(&set, row).unwrap();
    assert!(!report.holds());
    assert_eq!(report.rows[0].differences.len(), 4, "{report:?}");
    for bad in ["row = 1", "[[row]]\nname = \"x\"", "[[row]]\nname = \"x\"\naction = \"prompt\"\nexpect = \"permit\"\nlabel = 1"] {
        assert!(run_table(&set, bad).is_err(), "{bad}");
    }
}
