//! The small statistics that verdicts of the measurements rest on.

use bartizan_testkit::stats::{Dice, Spread, quantile, slope};
use bartizan_testkit::traffic;

#[test]
fn quantiles_by_nearest_rank() {
    let mut values: Vec<f64> = (1..=101).rev().map(f64::from).collect();
    for (q, expected) in [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 101.0)] {
        assert!((quantile(&mut values, q) - expected).abs() < 1e-9, "{q}");
    }
    assert!(quantile(&mut [], 0.5).abs() < 1e-9);
}

#[test]
fn spread_of_a_list() {
    let spread = Spread::of(vec![3.0, 1.0, 2.0]);
    assert!((spread.median - 2.0).abs() < 1e-9 && (spread.min - 1.0).abs() < 1e-9 && (spread.max - 3.0).abs() < 1e-9);
}

#[test]
fn slope_of_a_line() {
    let line: Vec<(f64, f64)> = (0..10).map(|x| (f64::from(x), 5.0 + 2.0 * f64::from(x))).collect();
    assert!((slope(&line) - 2.0).abs() < 1e-9);
    assert!(slope(&[(1.0, 1.0)]).abs() < 1e-9);
}

#[test]
fn bodies_have_their_size_and_repeat() {
    for (body, size, slack) in [
        (traffic::small(), 300, 40),
        (traffic::three_findings(), 2_048, 250),
        (traffic::history(20_480, 1), 20_480, 1_024),
        (traffic::history(102_400, 1), 102_400, 1_024),
    ] {
        assert!(body.len().abs_diff(size) < slack, "{} instead of {size}", body.len());
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
    }
    assert_eq!(traffic::history(5_000, 2), traffic::history(5_000, 2));
    assert_ne!(Dice::new(1).below(1 << 40), Dice::new(2).below(1 << 40));
}
