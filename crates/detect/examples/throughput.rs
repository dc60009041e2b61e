//! Speed of detection on a generated corpus: 16 MB, 60 % prose, 20 % code, 10 % JSON, 10 % logs, a finding per 2 KB, a
//! near-miss per 500 bytes, 5 % non-ASCII. Prints MB/s of one core by CPU time, and nanoseconds per small push, with all
//! rules; then MB/s with names; how long texts of 4 KB take; how long all rules take to load, and the memory
//! of a process that has them and has scanned a megabyte. Each has its bar. `--extra N` adds N made-up rules: keys with
//! prefixes, values beside common words, numbers with words around them. `--mb N` takes N MB. `--exact N` measures tables of N rows instead.
//!
//! To compare two builds: `--list` prints every finding in a part of the corpus and in random mixes of the rules' examples;
//! `--only-all N` scans N MB with nothing else, `--pieces N` half a MB in pieces of N bytes, for counting instructions.
#![expect(
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    reason = "a program for people, on known data"
)]

#[path = "speed/bars.rs"]
mod bars;
#[path = "speed/exact.rs"]
mod exact;

use std::fmt::Write;
use std::time::Instant;

use bartizan_detect::names::Names;
use bartizan_detect::{Detector, Hint, RuleError, RuleFile};

const SIZE: usize = 16_000_000;

/// The generator `SplitMix64`: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap_or(0))).collect()
    }

    fn key(&mut self, count: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..count).map(|_| char::from(ALPHABET[self.below(ALPHABET.len())])).collect()
    }
}

const WORDS: &[&str] = &[
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "was",
    "on",
    "with",
    "as",
    "be",
    "by",
    "this",
    "meeting",
    "harbour",
    "ledger",
    "quarter",
    "customer",
    "invoice",
    "please",
    "review",
    "draft",
    "contract",
    "before",
    "Friday",
    "team",
    "design",
    "answer",
    "question",
    "number",
    "account",
    "service",
    "request",
    "response",
    "important",
    "between",
    "through",
    "however",
    "because",
    "people",
    "running",
    "written",
    "another",
    "should",
    "would",
    "which",
    "their",
    "about",
    "secret",
    "token",
    "password",
    "access",
    "private",
    "key",
];
const FOREIGN: &[&str] =
    &["naïve", "façade", "übermorgen", "größer", "Äpfel", "señor", "привет", "договор", "会議", "契約書", "“quoted”", "—", "…", "café"];

fn luhn(random: &mut Random) -> String {
    let body = format!("4532{}", random.digits(11));
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte - b'0');
            if index % 2 == 1 {
                digit
            } else if digit > 4 {
                digit * 2 - 9
            } else {
                digit * 2
            }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn finding(random: &mut Random) -> String {
    match random.below(8) {
        0 => format!("{}.{}@mail.example.org", random.pick(WORDS).to_lowercase(), random.digits(3)),
        1 => luhn(random),
        2 => format!("+4420794{}", random.digits(5)),
        3 => format!("203.0.{}.{}", random.below(255), random.below(255)),
        4 => format!("ghp_{}", random.key(36)),
        5 => format!("AKIA{}", random.key(40).to_uppercase().replace(['0', '1', '8', '9'], "").chars().take(16).collect::<String>()),
        6 => format!("https://example.org/{}", random.key(12)),
        _ => format!("password: {}7q", random.key(14)),
    }
}

fn near_miss(random: &mut Random) -> String {
    match random.below(8) {
        0 => "@mentions".to_owned(),
        1 => random.digits(16),
        2 => format!("v{}.{}.{}", random.below(9), random.below(20), random.below(40)),
        3 => format!("2026-11-{} 10:{}:{}", random.below(28), random.below(60), random.below(60)),
        4 => "sk-ip".to_owned(),
        5 => "token = None".to_owned(),
        6 => format!("#{}-{}", random.digits(4), random.digits(3)),
        _ => "std::vector".to_owned(),
    }
}

fn prose(random: &mut Random, out: &mut String) {
    for _ in 0..8 {
        let word = if random.below(100) < 12 { random.pick(FOREIGN) } else { random.pick(WORDS) };
        out.push_str(word);
        out.push_str(if random.below(9) == 0 { ". " } else { " " });
    }
    out.push('\n');
}

fn code(random: &mut Random, out: &mut String) {
    let (a, b) = (random.pick(WORDS), random.pick(WORDS));
    let _ = writeln!(out, "    let {a}_{b} = self.{b}({}, &{a}.items[{}])?; // {b}", random.below(90), random.below(9));
}

fn json(random: &mut Random, out: &mut String) {
    let (a, b) = (random.pick(WORDS), random.pick(WORDS));
    let _ = writeln!(out, "{{\"{a}\": \"{b}\", \"id\": {}, \"ok\": true, \"text\": \"{a} {b}\\n\"}},", random.digits(5));
}

fn log(random: &mut Random, out: &mut String) {
    let _ = writeln!(
        out,
        "2026-11-22T09:{:02}:{:02}.{}Z INFO {} request_id={} status=200 micros={}",
        random.below(60),
        random.below(60),
        random.digits(3),
        random.pick(WORDS),
        random.key(8),
        random.below(9000)
    );
}

/// The corpus and how many findings were planted.
fn corpus(size: usize) -> (String, usize) {
    let mut random = Random(20_261_122);
    let mut out = String::with_capacity(size + 4096);
    let (mut planted, mut findings_at, mut misses_at) = (0, 2_000, 500);
    while out.len() < size {
        let kind = random.below(10);
        let stop = out.len() + 600;
        while out.len() < stop {
            match kind {
                0..=5 => prose(&mut random, &mut out),
                6 | 7 => code(&mut random, &mut out),
                8 => json(&mut random, &mut out),
                _ => log(&mut random, &mut out),
            }
            if out.len() >= misses_at {
                misses_at += 500;
                out.push_str(&near_miss(&mut random));
                out.push_str(" \n");
            }
            if out.len() >= findings_at {
                findings_at += 2_000;
                planted += 1;
                out.push_str(&finding(&mut random));
                out.push_str(" \n");
            }
        }
    }
    (out, planted)
}

/// A rule of the kinds that there are many of.
fn made_up(random: &mut Random, index: usize) -> String {
    let (low, high) = (2 + random.below(3), 3 + random.below(4));
    let length = 3 + random.below(4);
    let (prefix, word) = (random.key(length).to_lowercase(), random.pick(WORDS));
    let (anchor, pattern, score) = match index % 3 {
        0 => (format!("keywords = ['{prefix}_', '{prefix}-']"), format!("{prefix}[_-][A-Za-z0-9]{{32}}"), 0.9),
        1 => {
            let before = r#"["']?[ ]?[:=][ ]?["']?"#;
            let anchor = format!("keywords = ['{word}', '{word}{prefix}', '{prefix}']\nbefore = '''{before}'''");
            (anchor, "[a-z0-9]{32}".to_owned(), 0.9)
        }
        _ => ("class = 'digits'".to_owned(), format!(r"\d{{{low}}}[ -]?\d{{{high}}}[ -]?\d{{4}}"), 0.3),
    };
    let context: Vec<String> = (0..8).map(|_| format!("'{}'", random.key(7).to_lowercase())).collect();
    let examples = "[{ text = '', find = '' }, { text = '', find = '' }]";
    format!(
        "label = 'extra.x{index}'\ndescription = ''\nthreshold = 0.5\nseverity = 'low'\n[[rule]]\nid = 'extra.x{index}'\n{anchor}\n\
         pattern = '''{pattern}'''\nscore = {score}\ncontext = [{}]\ncontext_score = 0.9\nsource = ''\nexamples = {examples}\n\
         counter_examples = ['', '']\n",
        context.join(", ")
    )
}

/// All rules, and so many more.
fn detector(extra: usize) -> Result<Detector, RuleError> {
    if extra == 0 {
        return Detector::builtin();
    }
    let mut random = Random(7);
    let mut files = RuleFile::builtin()?;
    for index in 0..extra {
        files.push(RuleFile::parse(&made_up(&mut random, index))?);
    }
    Detector::from_rules(&files)
}

/// The number behind a flag.
fn number(flag: &str) -> Option<usize> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == flag)?;
    arguments.get(at + 1)?.parse().ok()
}

/// CPU time of this process in seconds where the system tells it, else wall time.
fn cpu_seconds(since: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()));
    nanos.map_or(since.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

/// MB/s over a whole text, the median of some runs, and how much was found.
fn whole(name: &str, detector: &Detector, text: &str, start: Instant) -> (f64, usize) {
    let (mut rates, mut found) = (Vec::new(), 0);
    for _ in 0..number("--runs").unwrap_or(7).max(1) {
        let before = cpu_seconds(start);
        found = detector.scan(text, Hint::default()).findings.len();
        rates.push(text.len() as f64 / 1e6 / (cpu_seconds(start) - before));
    }
    rates.sort_by(f64::total_cmp);
    let rate = rates[rates.len() / 2];
    println!("{name}: {rate:.0} MB/s (from {:.0} to {:.0}), {found} findings", rates[0], rates[rates.len() - 1]);
    (rate, found)
}

/// The exit code of a measurement of its own.
fn own(held: Result<bool, impl std::fmt::Display>) -> std::process::ExitCode {
    match held {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(2)
        }
    }
}

/// Every finding in the corpus, and in random mixes of the rules' examples.
fn list() -> Result<(), RuleError> {
    let all = Detector::builtin()?;
    let mut texts = vec![corpus(2_000_000).0];
    let mut examples = Vec::new();
    for file in RuleFile::builtin()? {
        for rule in file.rules {
            examples.extend(rule.examples.into_iter().map(|example| example.text));
            examples.extend(rule.counter_examples);
            examples.extend(rule.context.iter().chain(&rule.after).chain(&rule.negative).cloned());
        }
    }
    let mut random = Random(99);
    for _ in 0..number("--mixes").unwrap_or(20_000) {
        let mut text = String::new();
        for _ in 0..=random.below(6) {
            text.push_str(&examples[random.below(examples.len())]);
            text.push_str(random.pick(&["", " ", "", "\n", ".", "-", "1", "a", "é", ": ", "_"]));
            if random.below(3) == 0 {
                let count = random.below(12);
                text.push_str(&random.digits(count));
            }
        }
        texts.push(text);
    }
    for (index, text) in texts.iter().enumerate() {
        let scan = all.scan(text, Hint { tokens: true, ..Hint::default() });
        for (kind, findings) in [("found", &scan.findings), ("below", &scan.below)] {
            for one in findings {
                println!("{index} {kind} {} {} {:?} {:?} {}", one.start, one.end, one.label, one.rule, one.score_bp);
            }
        }
    }
    Ok(())
}

/// One thing alone, where a flag asks for it.
fn only(start: Instant) -> Option<std::process::ExitCode> {
    let (all, piece) = (number("--only-all"), number("--pieces"));
    let detector = Detector::builtin().ok()?;
    if let Some(mb) = all {
        whole("alone", &detector, &corpus(mb * 1_000_000).0, start);
    } else {
        in_pieces(&detector, piece?);
    }
    Some(std::process::ExitCode::SUCCESS)
}

/// Half a megabyte in pieces of so many bytes.
fn in_pieces(detector: &Detector, piece: usize) {
    let text = corpus(500_000).0;
    let mut stream = detector.stream(Hint { tokens: true, at_once: true, ..Hint::default() });
    let (mut rest, mut events) = (text.as_str(), Vec::new());
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(rest.ceil_char_boundary(piece.clamp(1, rest.len())));
        stream.push(head);
        stream.drain(&mut events);
        events.clear();
        rest = tail;
    }
}

fn main() -> std::process::ExitCode {
    let start = Instant::now();
    if let Some(rows) = number("--exact") {
        return own(exact::run(rows, &corpus(number("--mb").map_or(SIZE, |mb| mb * 1_000_000)).0, start));
    }
    if std::env::args().any(|argument| argument == "--list") {
        return if list().is_ok() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE };
    }
    if let Some(status) = only(start) {
        return status;
    }
    own(measure(start))
}

/// Everything that has a bar; whether all of them were reached.
fn measure(start: Instant) -> Result<bool, Box<dyn std::error::Error>> {
    let small = bars::small(start)?;
    let detector = detector(number("--extra").unwrap_or(0))?;
    let (text, planted) = corpus(number("--mb").map_or(SIZE, |mb| mb * 1_000_000));
    let foreign = text.bytes().filter(|byte| !byte.is_ascii()).count();
    println!("corpus {:.1} MB, {:.1} % non-ASCII bytes", text.len() as f64 / 1e6, 100.0 * foreign as f64 / text.len() as f64);
    let (rate, found) = whole("whole", &detector, &text, start);
    let bytes = text.len() / 8;
    let part = &text[..text.floor_char_boundary(bytes)];
    let mut stream = detector.stream(Hint { tokens: true, at_once: true, ..Hint::default() });
    let (mut rest, mut pushes, mut events) = (part, 0u32, Vec::new());
    let before = cpu_seconds(start);
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(rest.ceil_char_boundary(5.min(rest.len())));
        stream.push(piece);
        if stream.settled() > 0 {
            stream.drain(&mut events);
            events.clear();
        }
        pushes += 1;
        rest = tail;
    }
    let nanos = (cpu_seconds(start) - before) * 1e9 / f64::from(pushes);
    println!("stream: {nanos:.0} ns per push of 5 bytes, {} bytes held", stream.held());
    let part = &text[..text.floor_char_boundary(text.len() / 4)];
    let names_rate = whole("with names", &detector.with_names(Names::builtin()?), part, start).0;
    let bars = [
        bars::Bar::least("detect_mb_s", rate, 100.0),
        bars::Bar::least("detect_names_mb_s", names_rate, 10.0),
        bars::Bar::most("detect_4kb_p99_us", bars::p99_micros(&detector, &text), 1_000.0),
        bars::Bar::most("detect_memory_mb", small.memory_mb, 60.0),
        bars::Bar::most("detect_load_ms", small.load_ms, 50.0),
    ];
    let values: Vec<String> = bars.iter().map(ToString::to_string).collect();
    println!("RESULT {} push_ns={nanos:.0} found={found} planted={planted}", values.join(" "));
    for missed in bars.iter().filter(|bar| !bar.reached()) {
        println!("MISSED {missed}, the bar is {}", missed.needed);
    }
    Ok(bars.iter().all(bars::Bar::reached))
}
