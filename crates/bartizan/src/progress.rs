//! How far a long work is, in one line on standard error that is written over: only for people, and only where nothing else goes to
//! the same terminal.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The line is written so often at most.
const PAUSE: Duration = Duration::from_millis(200);

/// The progress of a work over files.
pub struct Progress {
    shown: bool,
    began: Instant,
    told: Instant,
    files: usize,
    bytes: u64,
    done_files: usize,
    done_bytes: u64,
}

impl Progress {
    /// Over these files. Nothing is shown for a single one, or when standard error is no terminal, or standard output is one.
    pub fn new(paths: &[PathBuf]) -> Self {
        let shown = paths.len() > 1 && std::io::stderr().is_terminal() && !std::io::stdout().is_terminal();
        let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |meta| meta.len());
        let now = Instant::now();
        let bytes = if shown { paths.iter().map(size).sum() } else { 0 };
        Self { shown, began: now, told: now, files: paths.len(), bytes, done_files: 0, done_bytes: 0 }
    }

    /// One more file is done.
    pub fn file(&mut self, path: &std::path::Path) {
        if !self.shown {
            return;
        }
        self.done_files += 1;
        self.done_bytes += std::fs::metadata(path).map_or(0, |meta| meta.len());
        if self.told.elapsed() >= PAUSE {
            self.told = Instant::now();
            write(&format!("\r\x1b[K{}", self.line(self.began.elapsed())));
        }
    }

    fn line(&self, passed: Duration) -> String {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let (done, all) = (self.done_bytes as f64, self.bytes as f64);
        let rate = done / passed.as_secs_f64().max(0.001);
        let left = if rate > 0.0 { Duration::from_secs_f64(((all - done) / rate).clamp(0.0, 1e7)).as_secs() } else { 0 };
        format!("{} of {} files, {:.1} MB/s, {}:{:02} left", self.done_files, self.files, rate / 1e6, left / 60, left % 60)
    }

    /// Takes the line away, so that something else can be said.
    pub fn clear(&self) {
        if self.shown {
            write("\r\x1b[K");
        }
    }
}

/// The progress of a work over one long file: how many things, how many a second, how long still.
pub struct Meter {
    shown: bool,
    what: &'static str,
    began: Instant,
    told: Instant,
    /// Bytes of the whole file; 0 when nobody knows.
    bytes: u64,
}

impl Meter {
    /// Over a file of so many bytes. Nothing is shown when standard error is no terminal.
    pub fn new(what: &'static str, bytes: u64) -> Self {
        let now = Instant::now();
        Self { shown: std::io::stderr().is_terminal(), what, began: now, told: now, bytes }
    }

    /// So many are done, and so many bytes were read. The clock is looked at once in a while only.
    pub fn tell(&mut self, done: u64, read: u64) {
        if self.shown && done.is_multiple_of(1024) && self.told.elapsed() >= PAUSE {
            self.told = Instant::now();
            write(&format!("\r\x1b[K{}", self.line(done, read, self.began.elapsed())));
        }
    }

    fn line(&self, done: u64, read: u64, passed: Duration) -> String {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let (count, read, all) = (done as f64, read as f64, self.bytes as f64);
        let seconds = passed.as_secs_f64().max(0.001);
        let line = format!("{done} {}, {:.0} a second", self.what, count / seconds);
        if read <= 0.0 || all <= 0.0 {
            return line;
        }
        let left = Duration::from_secs_f64(((all - read) * seconds / read).clamp(0.0, 1e7)).as_secs();
        format!("{line}, {}:{:02} left", left / 60, left % 60)
    }

    /// Takes the line away, so that something else can be said.
    pub fn clear(&self) {
        if self.shown {
            write("\r\x1b[K");
        }
    }
}

fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    let _nobody_looks = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_far_how_fast_and_how_long() {
        let now = Instant::now();
        let progress =
            |done_bytes| Progress { shown: true, began: now, told: now, files: 340, bytes: 100_000_000, done_files: 12, done_bytes };
        assert_eq!(progress(20_000_000).line(Duration::from_secs(20)), "12 of 340 files, 1.0 MB/s, 1:20 left");
        assert_eq!(progress(0).line(Duration::ZERO), "12 of 340 files, 0.0 MB/s, 0:00 left");
        let meter = |bytes| Meter { shown: true, what: "rows", began: now, told: now, bytes };
        assert_eq!(meter(1_000).line(2_048, 250, Duration::from_secs(30)), "2048 rows, 68 a second, 1:30 left");
        assert_eq!(meter(0).line(2_048, 250, Duration::from_secs(32)), "2048 rows, 64 a second");
    }
}
