//! Records as programs write them: logs, JSON, tables, lists of numbers and years. They are about nothing.

use super::fill::filled;
use crate::names::train::rng::Rng;

/// Some lines of one kind of record.
pub(super) fn records(rng: &mut Rng) -> String {
    let (count, style) = (rng.between(8, 40), rng.below(10));
    let mut out = String::from(if style == 1 { "[\n" } else { "" });
    for number in 0..count {
        out.push_str(&line(style, number, rng));
        out.push('\n');
    }
    out
}

fn line(style: usize, number: usize, rng: &mut Rng) -> String {
    let (person, city, day) = (filled("{person}", rng), filled("{city}", rng), filled("{date}", rng));
    let (high, low, small) = (rng.below(10_000), rng.below(1_000), rng.below(60));
    let year = rng.between(1985, 2026);
    match style {
        0 => format!(
            "2026-0{}-1{} 12:{small:02}:09 INFO worker[{high}]: request {low} from 10.0.{small}.7 took {low} ms status=200",
            number % 9 + 1,
            number % 10
        ),
        1 => format!(
            "  {{\"id\": {high}, \"user\": \"{person}\", \"city\": \"{city}\", \"active\": true, \"tags\": [\"a{low}\"], \"created\": \"{day}\"}},"
        ),
        2 => format!("{number},{person},{low},{city},{day},{high}"),
        3 => {
            format!("{}: {high}\n  enabled: false\n  path: /var/lib/{}/{low}", city.to_lowercase(), filled("{product}", rng).to_lowercase())
        }
        4 => format!("| {number} | {person} | {city} | {low} |"),
        5 => (0..30).map(|_| rng.below(2 + number % 3 * 40).to_string()).collect::<Vec<_>>().join(" "),
        6 => (0..12).map(|step| (year + step).to_string()).collect::<Vec<_>>().join(", "),
        7 => format!(" {year}-{}  {person}", year + rng.below(20)),
        8 => format!(
            "This release merges the fixes that appear in v{}.{}.{small}, v2.{small}.{} and v{}.{low}.",
            number % 5,
            number % 30,
            number % 7,
            number % 4
        ),
        _ => format!("{:#06x}, {:#04x}, 0x{high:x}, {low}.{small}, -{small}, {}e-{}", high, low, number, small % 9),
    }
}
