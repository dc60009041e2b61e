//! What judging costs with 10, 100 and 1,000 policies: `cargo run --release -p bartizan-policy --example judge_cost`.
//! Ends with a failure when judging with 1,000 policies costs more than three times as much as with 10.

#[path = "../tests/generated/mod.rs"]
mod generated;

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use bartizan_policy::{Facts, Judge, PolicySet};

const SIZES: [usize; 3] = [10, 100, 1_000];
const WINDOWS: usize = 9;
const BAR: f64 = 3.0;

struct Subject {
    size: usize,
    whole: Vec<f64>,
    cold: Vec<f64>,
    sliced: Vec<f64>,
    cached: Vec<f64>,
    judge: Judge,
}

fn micros(facts: &[Facts], rounds: usize, mut judge: impl FnMut(&Facts)) -> f64 {
    let start = Instant::now();
    for _ in 0..rounds {
        facts.iter().for_each(&mut judge);
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand calls")]
    let calls = (rounds * facts.len()) as f64;
    start.elapsed().as_secs_f64() * 1e6 / calls
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> ExitCode {
    let warm: Vec<Facts> = (0..64).map(generated::facts).collect();
    // More callers than slices are remembered, so that each request builds its slice.
    let many: Vec<Facts> = (0..4_096).map(generated::facts).collect();
    let mut subjects = Vec::new();
    for size in SIZES {
        let set = match PolicySet::load(&generated::policies(size)) {
            Ok(set) => set,
            Err(errors) => {
                eprintln!("{errors}");
                return ExitCode::from(2);
            }
        };
        let judge = Judge::new(set, 4_096);
        subjects.push(Subject { size, whole: Vec::new(), cold: Vec::new(), sliced: Vec::new(), cached: Vec::new(), judge });
    }
    for _ in 0..WINDOWS {
        for subject in &mut subjects {
            let set = subject.judge.policies();
            subject.whole.push(micros(&warm, 1, |facts| drop(black_box(set.judge_whole(facts)))));
            subject.cold.push(micros(&many, 1, |facts| drop(black_box(set.judge(facts)))));
            micros(&warm, 1, |facts| drop(black_box(set.judge(facts))));
            subject.sliced.push(micros(&warm, 40, |facts| drop(black_box(set.judge(facts)))));
            micros(&warm, 1, |facts| drop(black_box(subject.judge.judge(facts))));
            subject.cached.push(micros(&warm, 200, |facts| drop(black_box(subject.judge.judge(facts)))));
        }
    }
    report(&subjects)
}

fn report(subjects: &[Subject]) -> ExitCode {
    println!("median of {WINDOWS} windows, microseconds per decision, 64 callers with 0 to 3 labels");
    println!("{:>8}  {:>12}  {:>14}  {:>10}  {:>10}", "policies", "whole set", "new caller", "sliced", "cached");
    let mut first = None;
    let mut ratio = f64::NAN;
    let mut result = String::from("RESULT");
    for subject in subjects {
        let (whole, cold) = (median(&subject.whole), median(&subject.cold));
        let (sliced, cached) = (median(&subject.sliced), median(&subject.cached));
        println!("{:>8}  {whole:>12.1}  {cold:>14.2}  {sliced:>10.2}  {cached:>10.3}", subject.size);
        ratio = sliced / *first.get_or_insert(sliced);
        let size = subject.size;
        let _ = write!(
            result,
            " whole_us_{size}={whole:.1} new_caller_us_{size}={cold:.2} sliced_us_{size}={sliced:.2} cached_us_{size}={cached:.3}"
        );
    }
    println!("1,000 policies cost {ratio:.2} times as much as 10 (bar: at most {BAR})");
    println!("{result} judge_ratio={ratio:.2}");
    if ratio <= BAR { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
