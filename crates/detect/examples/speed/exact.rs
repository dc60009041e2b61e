//! Speed of exact data match, with tables of made-up rows: numbers of ten digits, names, codes of letters and digits, and names that
//! a number must confirm. The text is the corpus of `throughput` with a value of the table in every 4 KB.

use std::sync::Arc;
use std::time::Instant;

use bartizan_detect::exact::{Builder, Exact, Settings};
use bartizan_detect::known::{IndexError, IndexKey};

use crate::{Random, cpu_seconds};

/// The bar for the slowest kind of table, MB/s.
const BAR: f64 = 40.0;

const KINDS: [&str; 4] = ["numbers", "names", "codes", "confirmed"];

/// A made-up syllable.
fn syllable(random: &mut Random) -> &'static str {
    const ALL: [&str; 40] = [
        "an", "bel", "car", "da", "el", "fer", "ga", "har", "is", "jo", "ka", "lin", "ma", "nor", "o", "pe", "qui", "ro", "sa", "ter",
        "ul", "vi", "wen", "xa", "yo", "za", "mar", "the", "in", "re", "con", "tra", "ser", "per", "men", "dra", "ste", "lo", "ber", "ton",
    ];
    ALL[random.below(ALL.len())]
}

fn name(random: &mut Random) -> String {
    let word = |random: &mut Random, count: usize| -> String { (0..count).map(|_| syllable(random)).collect() };
    let (first, last) = (2 + random.below(2), 2 + random.below(3));
    format!("{} {}", word(random, first), word(random, last))
}

/// The value of a row and what confirms it; the same for the same number.
fn row(kind: &str, number: usize) -> (String, String) {
    let mut random = Random(number as u64 * 77 + 5);
    random.next();
    let other = format!("{:08}", random.below(100_000_000));
    let value = match kind {
        "numbers" => format!("{:010}", (number as u64).wrapping_mul(2_654_435_761) % 10_000_000_000),
        "codes" => random.key(12),
        _ => name(&mut random),
    };
    (value, other)
}

fn table(kind: &str, rows: usize) -> Result<(Exact, usize), IndexError> {
    let key = IndexKey::new([9; 32]);
    let confirmed = usize::from(kind == "confirmed");
    let settings = Settings { columns: confirmed, need: confirmed, most_rows: 1_000, ..Settings::default() };
    let mut builder = Builder::new(&key, settings)?;
    for number in 0..rows {
        let (value, other) = row(kind, number);
        builder.add(&value, (confirmed > 0).then_some(other.as_str()))?;
    }
    let built = builder.finish()?;
    let bytes = built.bytes.len();
    println!("  {} of {} rows kept, {:.1} bytes each", built.kept, built.rows, bytes as f64 / built.kept as f64);
    Ok((Exact::load(Arc::new(built.bytes), &key)?, bytes))
}

/// The text with values planted, and how many.
fn planted(kind: &str, rows: usize, text: &str) -> (String, usize) {
    let mut random = Random(99);
    let (mut out, mut count, mut rest) = (String::with_capacity(text.len() + text.len() / 64), 0, text);
    while !rest.is_empty() {
        let at = rest.as_bytes().iter().take(8_192).skip(4_096).position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 4_097);
        let (head, tail) = rest.split_at(at.min(rest.len()));
        let (value, other) = row(kind, random.below(rows));
        out.push_str(head);
        out.push_str(&format!("{value}, {other}\n"));
        count += 1;
        rest = tail;
    }
    (out, count)
}

/// Most memory that this process has held, in MB.
pub fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).map_or(0.0, |kilobytes| kilobytes / 1024.0)
}

/// Measures every kind of table; true when the slowest holds the bar.
pub fn run(rows: usize, text: &str, start: Instant) -> Result<bool, IndexError> {
    let (mut slowest, mut most, mut result) = (f64::MAX, 0.0_f64, String::new());
    for kind in KINDS {
        println!("{kind}:");
        let before = cpu_seconds(start);
        let (exact, bytes) = table(kind, rows)?;
        let built = cpu_seconds(start) - before;
        let (text, count) = planted(kind, rows, text);
        let mut rates = Vec::new();
        let mut found = 0;
        for _ in 0..5 {
            let before = cpu_seconds(start);
            found = exact.scan(&text).len();
            rates.push(text.len() as f64 / 1e6 / (cpu_seconds(start) - before));
        }
        rates.sort_by(f64::total_cmp);
        let (rate, each) = (rates[rates.len() / 2], bytes as f64 / exact.rows() as f64);
        println!("  {rate:.1} MB/s, built in {built:.1} s, {found} found of {count} planted, index {:.1} MB", bytes as f64 / 1e6);
        slowest = slowest.min(rate);
        most = most.max(each);
        result.push_str(&format!(" exact_{kind}_mb_s={rate:.1}"));
    }
    println!("RESULT exact_rows={rows} exact_mb_s={slowest:.1}{result} exact_bytes_each={most:.1} exact_peak_mb={:.0}", peak_mb());
    Ok(slowest >= BAR)
}
