//! Timestamps against an independent calendar.

use bartizan_vocabulary::Timestamp;
use proptest::prelude::*;

proptest! {
    #[test]
    fn agrees_with_jiff_and_round_trips(micros in -62_135_596_800_000_000i64..253_402_300_799_999_999) {
        let ours = Timestamp::from_micros(micros);
        let theirs: jiff::Timestamp = ours.to_string().parse().map_err(|e| TestCaseError::fail(format!("{ours}: {e}")))?;
        prop_assert_eq!(theirs.as_microsecond(), micros);
        prop_assert_eq!(ours.to_string().parse::<Timestamp>().ok(), Some(ours));
    }
}

#[test]
fn rejects_other_forms() {
    for text in ["", "2026-11-22", "2026-11-22T09:30:00", "2026-13-01T00:00:00Z", "2026-11-22T09:30:00.Z", "2026-11-22T09:30:00+01:00"] {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
}
