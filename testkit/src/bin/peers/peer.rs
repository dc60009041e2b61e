//! The gateways: how each is started and addressed.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use bartizan_testkit::process::{Running, gate};
use bytes::Bytes;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The gate as it is without configuration: every recogniser, the built-in policies.
    Gate,
    /// `TensorZero` without guards.
    TensorZero,
    /// Portkey without guards.
    Portkey,
    /// `LiteLLM` with its content filter.
    LiteLlm,
}

impl Kind {
    /// All, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Gate, Self::TensorZero, Self::Portkey, Self::LiteLlm];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gate => "Bartizan",
            Self::TensorZero => "TensorZero",
            Self::Portkey => "Portkey",
            Self::LiteLlm => "LiteLLM",
        }
    }

    /// Name in `versions.json` and in the `RESULT` line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::TensorZero => "tensorzero",
            Self::Portkey => "portkey",
            Self::LiteLlm => "litellm",
        }
    }

    /// What it looks for.
    pub fn guards(self) -> &'static str {
        match self {
            Self::Gate => "`core`: all recognisers and built-in policies, both ways, signed log",
            Self::TensorZero | Self::Portkey => "none",
            Self::LiteLlm => "content filter with 4 patterns, both ways",
        }
    }

    /// The model that a request names.
    pub fn model(self) -> &'static str {
        if self == Self::TensorZero { "tensorzero::model_name::fixed" } else { "fixed" }
    }
}

/// Where things are.
pub struct Places<'a> {
    /// The binary `bartizan`.
    pub gate: &'a Path,
    /// Installed packages.
    pub installed: &'a Path,
    /// Configurations of ours.
    pub configs: &'a Path,
    /// For what is written.
    pub scratch: &'a Path,
    /// Base URL of the provider.
    pub upstream: &'a str,
}

impl Places<'_> {
    /// A configuration of ours with the provider's base URL in it.
    fn config(&self, name: &str) -> Result<std::path::PathBuf> {
        let text = fs::read_to_string(self.configs.join(name)).with_context(|| format!("reading `{name}`"))?;
        let path = self.scratch.join(name);
        fs::write(&path, text.replace("UPSTREAM", self.upstream))?;
        Ok(path)
    }

    /// A command of the venv, whose output goes to a log.
    fn command(&self, program: &Path, log: &str) -> Result<Command> {
        // Not the file behind a link: the Python of a venv knows it by the link.
        let mut command = Command::new(std::path::absolute(program)?);
        command.current_dir(self.scratch).stdin(Stdio::null()).stderr(File::create(self.scratch.join(log))?);
        Ok(command)
    }
}

/// A process that says when it is ready, or one that must be asked. It is killed when this is dropped.
enum Process {
    Says(Running),
    Asked(Child),
}

/// A gateway that runs.
pub struct Peer {
    /// Which.
    pub kind: Kind,
    /// Where it listens.
    pub address: SocketAddr,
    /// Request path.
    pub path: &'static str,
    /// Headers that it wants.
    pub headers: Vec<(String, String)>,
    log: std::path::PathBuf,
    process: Process,
}

impl Peer {
    /// Starts one. It need not be ready yet.
    pub fn start(kind: Kind, places: &Places<'_>) -> Result<Self> {
        let name = format!("{}.log", kind.key());
        let log = places.scratch.join(&name);
        let (address, process) = match kind {
            Kind::Gate => says(&mut gate(places.gate, &places.scratch.join("data"), places.upstream, &log)?)?,
            Kind::TensorZero => {
                let script = fs::canonicalize(places.configs.join("start_tensorzero.py"))?;
                let mut command = places.command(&places.installed.join("venv/bin/python"), &name)?;
                says(command.arg(script).arg(places.config("tensorzero.toml")?).env("RUST_LOG", "error"))?
            }
            Kind::Portkey => {
                let script = fs::canonicalize(places.installed.join("npm/node_modules/@portkey-ai/gateway/build/start-server.js"))?;
                let (address, port) = free_port()?;
                let mut command = places.command(&places.installed.join("node"), &name)?;
                command.arg(script).arg(format!("--port={port}")).arg("--headless").env("NODE_ENV", "production");
                (address, asked(&mut command)?)
            }
            Kind::LiteLlm => {
                let (address, port) = free_port()?;
                let mut command = places.command(&places.installed.join("venv/bin/litellm"), &name)?;
                command.arg("--config").arg(places.config("litellm.yaml")?).args(["--host", "127.0.0.1", "--telemetry", "False", "--port"]);
                command.arg(port.to_string()).env("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true");
                command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_LOG", "ERROR");
                (address, asked(&mut command)?)
            }
        };
        let path = if kind == Kind::TensorZero { "/openai/v1/chat/completions" } else { "/v1/chat/completions" };
        let mut headers = vec![("authorization".to_owned(), "Bearer unused".to_owned())];
        if kind == Kind::Portkey {
            headers.push(("x-portkey-provider".to_owned(), "openai".to_owned()));
            headers.push(("x-portkey-custom-host".to_owned(), places.upstream.to_owned()));
        }
        Ok(Self { kind, address, path, headers, log, process })
    }

    /// Process id of the first process.
    pub fn pid(&self) -> u32 {
        match &self.process {
            Process::Says(running) => running.pid(),
            Process::Asked(child) => child.id(),
        }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        match &mut self.process {
            Process::Says(running) => running.has_ended(),
            Process::Asked(child) => child.try_wait().map(|status| status.is_some()),
        }
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(log.len().saturating_sub(2_000)..).unwrap_or_default()).into_owned()
    }

    /// A chat request with this text.
    pub fn body(&self, text: &str) -> Bytes {
        let messages = [serde_json::json!({"role": "user", "content": text})];
        Bytes::from(serde_json::json!({"model": self.kind.model(), "messages": messages}).to_string())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Process::Asked(child) = &mut self.process {
            // Already ended is as good as killed.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn says(command: &mut Command) -> Result<(SocketAddr, Process)> {
    let running = Running::start(command)?;
    Ok((running.address("gate")?, Process::Says(running)))
}

fn asked(command: &mut Command) -> Result<Process> {
    Ok(Process::Asked(command.stdout(Stdio::null()).spawn()?))
}

/// A port that is free now, for programs that cannot say which one they took.
fn free_port() -> io::Result<(SocketAddr, u16)> {
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    Ok((address, address.port()))
}
