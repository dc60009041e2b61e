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
    }
}
