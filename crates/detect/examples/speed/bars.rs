//! What has a bar besides the speed over a whole text: how long small texts take, what all rules need to load, and memory.

use std::fmt;
use std::time::Instant;

use bartizan_detect::{Detector, Hint, RuleError};

use crate::{corpus, cpu_seconds, exact};

/// A value and what it has to reach.
pub struct Bar {
    name: &'static str,
    value: f64,
    pub needed: f64,
    more_is_better: bool,
}

impl Bar {
    pub fn least(name: &'static str, value: f64, needed: f64) -> Self {
        Self { name, value, needed, more_is_better: true }
    }

    pub fn most(name: &'static str, value: f64, needed: f64) -> Self {
        Self { name, value, needed, more_is_better: false }
    }

    pub fn reached(&self) -> bool {
        if self.more_is_better { self.value >= self.needed } else { self.value <= self.needed }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:.1}", self.name, self.value)
    }
}

/// What all rules need before much was scanned.
pub struct Small {
    /// CPU time until they can be used, from the start of the process.
    pub load_ms: f64,
    /// Most memory that the process has held when it has scanned a megabyte.
    pub memory_mb: f64,
}

/// Measured first: the corpus takes memory of its own, as does what is measured later.
pub fn small(start: Instant) -> Result<Small, RuleError> {
    let all = Detector::builtin()?;
    let load_ms = cpu_seconds(start) * 1e3;
    let text = corpus(1_000_000).0;
    let found = all.scan(&text, Hint::default()).findings.len();
    let memory_mb = exact::peak_mb();
    println!("all rules load in {load_ms:.1} ms; {memory_mb:.0} MB of memory when a megabyte is scanned ({found} findings)");
    Ok(Small { load_ms, memory_mb })
}

/// Wall time in microseconds within which 99 of 100 texts of 4 KB are scanned, each by itself.
pub fn p99_micros(detector: &Detector, text: &str) -> f64 {
    let (mut rest, mut times) = (text, Vec::new());
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(rest.ceil_char_boundary(4_096.min(rest.len())));
        let begun = Instant::now();
        let found = detector.scan(head, Hint::default());
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        drop(found);
        rest = tail;
    }
    times.sort_by(f64::total_cmp);
    let of = |hundredths: usize| times[(times.len() - 1) * hundredths / 100];
    println!("texts of 4 KB with all rules: p50 {:.0} us, p99 {:.0} us, most {:.0} us", of(50), of(99), of(100));
    of(99)
}
