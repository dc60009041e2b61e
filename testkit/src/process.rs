//! Child processes of a measurement: start, wait for the ready line, read CPU time and memory from `/proc`, end.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A child that printed its ready line. It is killed when this is dropped.
pub struct Running {
    child: Child,
    /// Kept open: a child that prints later must not meet a closed pipe.
    stdout: BufReader<ChildStdout>,
    /// The ready line.
    pub ready: Value,
    /// From start to ready line.
    pub took: Duration,
}

impl Running {
    /// Starts a command and waits for its first line on stdout, a JSON object with `"ready":true`.
    ///
    /// # Errors
    /// When it cannot be started, or ends or prints something else first.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let begun = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(|| io::Error::other("the child has no stdout"))?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        if ready.get("ready").and_then(Value::as_bool) != Some(true) {
            child.kill()?;
            let status = child.wait()?;
            return Err(io::Error::other(format!("`{command:?}` was not ready, it printed `{}` ({status})", line.trim_end())));
        }
        Ok(Self { child, stdout, ready, took: begun.elapsed() })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Address in a `http://…` member of the ready line.
    ///
    /// # Errors
    /// When there is no such member or it is not an address.
    pub fn address(&self, member: &str) -> io::Result<SocketAddr> {
        let url = self.ready.get(member).and_then(Value::as_str).unwrap_or_default();
        let address = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        address.parse().map_err(|error| io::Error::other(format!("`{member}` of the ready line is `{url}`: {error}")))
    }

    /// Ends the process at once (SIGKILL) and waits for it.
    ///
    /// # Errors
    /// When the process cannot be signalled or waited for.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Whether the process has ended by itself.
    ///
    /// # Errors
    /// When the process cannot be asked.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        self.child.try_wait().map(|status| status.is_some())
    }

    /// The next line that the child prints, empty at its end.
    ///
    /// # Errors
    /// When the pipe cannot be read.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is as good as killed.
        drop(self.kill());
    }
}

/// Another binary beside the one that runs.
///
/// # Errors
/// When the path of this binary cannot be read.
pub fn sibling(name: &str) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().unwrap_or_else(|| Path::new(".")).join(name))
}

/// CPU time of a process, thread by thread.
#[derive(Clone, Debug, Default)]
pub struct Cpu(HashMap<String, u64>);

impl Cpu {
    /// Reads the time that every thread has run (`/proc/PID/task/*/schedstat`, nanoseconds).
    ///
    /// # Errors
    /// When the process is gone.
    pub fn of(pid: u32) -> io::Result<Self> {
        let mut threads = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let entry = entry?;
            // A thread may end between the listing and the read.
            let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
            let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
            threads.insert(entry.file_name().to_string_lossy().into_owned(), nanos);
        }
        Ok(Self(threads))
    }

    /// Microseconds that were used since an earlier reading. Threads that ended in between are left out.
    pub fn micros_since(&self, earlier: &Self) -> f64 {
        let nanos: u64 = self.0.iter().map(|(thread, now)| now.saturating_sub(earlier.0.get(thread).copied().unwrap_or(0))).sum();
        #[expect(clippy::cast_precision_loss, reason = "a measurement")]
        let micros = nanos as f64 / 1_000.0;
        micros
    }
}

/// Resident memory of a process in bytes (`VmRSS`), and the largest it has been (`VmHWM`).
///
/// # Errors
/// When the process is gone.
pub fn resident(pid: u32) -> io::Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilo = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0)
    };
    Ok((kilo("VmRSS:") * 1_024, kilo("VmHWM:") * 1_024))
}

/// The command that starts the gate on free ports, with every model name sent to `upstream`. Logs go to `log`.
///
/// # Errors
/// When the log file cannot be made.
pub fn gate(binary: &Path, data: &Path, upstream: &str, log: &Path) -> io::Result<Command> {
    let mut command = Command::new(binary);
    command.arg("up").arg("--data").arg(data).arg("--upstream").arg(upstream);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.stderr(fs::OpenOptions::new().create(true).append(true).open(log)?);
    Ok(command)
}
