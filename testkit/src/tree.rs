//! CPU time and memory of a process with everything that it started, from `/proc`, and what machine this is.

use std::collections::HashMap;
use std::process::Command;
use std::{fs, io};

use crate::process::resident;

/// A process and its descendants at one time.
#[derive(Clone, Debug)]
pub struct Tree {
    pids: Vec<u32>,
    ticks: u64,
}

impl Tree {
    /// Reads user and system time of every process of the tree, with the children that ended and were waited for.
    ///
    /// # Errors
    /// When the process is gone or `/proc` cannot be read.
    pub fn of(root: u32) -> io::Result<Self> {
        let mut all = HashMap::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // A process may end between the listing and the read.
            if let Some(stat) = fs::read_to_string(format!("/proc/{pid}/stat")).ok().as_deref().and_then(stat) {
                all.insert(pid, stat);
            }
        }
        let (_, ticks) = all.get(&root).copied().ok_or_else(|| io::Error::other(format!("process {root} is gone")))?;
        let mut tree = Self { pids: vec![root], ticks };
        let mut at = 0;
        while let Some(parent) = tree.pids.get(at).copied() {
            for (pid, (above, ticks)) in &all {
                if *above == parent && !tree.pids.contains(pid) {
                    tree.pids.push(*pid);
                    tree.ticks += ticks;
                }
            }
            at += 1;
        }
        Ok(tree)
    }

    /// CPU time in clock ticks.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Resident memory of all of them in bytes. Pages that they share count for each.
    pub fn resident(&self) -> u64 {
        self.pids.iter().filter_map(|pid| resident(*pid).ok()).map(|(now, _)| now).sum()
    }
}

/// Parent, and the time of the process and of the children that it waited for, in ticks (proc(5), fields 4 and 14 to 17).
fn stat(line: &str) -> Option<(u32, u64)> {
    // The name stands in brackets and may hold anything.
    let (_, after) = line.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let times = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok());
    Some((parent, times.sum::<Option<u64>>()?))
}

/// Microseconds of a clock tick.
///
/// # Errors
/// When `getconf` cannot be run or says something else than a number.
pub fn tick_micros() -> io::Result<f64> {
    let said = Command::new("getconf").arg("CLK_TCK").output()?.stdout;
    let hertz: u32 = String::from_utf8_lossy(&said).trim().parse().map_err(io::Error::other)?;
    Ok(1e6 / f64::from(hertz.max(1)))
}

/// Cores and the model of the processor, for a page of figures.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let model = if model.is_empty() { "processor of unknown name" } else { model.trim() };
    format!("{cores} cores, {model}")
}
