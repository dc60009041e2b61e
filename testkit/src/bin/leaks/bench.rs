//! One gate between one scripted provider and one client, and the order in which cells come.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use bartizan_testkit::process::Running;
use bartizan_testkit::stats::Dice;
use bartizan_testkit::{Answer, Recorded, ScriptedUpstream};
use serde_json::Value;

use crate::body::{bytes_of, payloads, tokens};
use crate::client::{Client, Reply};
use crate::decode::{leak, undo};
use crate::encode::quote;
use crate::fields::{Before, Route, Stream};
use crate::form::{CONTENT_TYPE, form};
use crate::tally::{Outcome, Row, Tally};

/// A worker's share.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which worker.
    pub number: u64,
    /// Of how many.
    pub workers: u64,
    /// One cell of so many.
    pub one_of: u64,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// A worker's gate, provider and client.
pub struct Bench {
    /// What came of its cells.
    pub tally: Tally,
    upstream: ScriptedUpstream,
    client: Client,
    plan: Plan,
    cells: u64,
    /// The first pseudonym of the request that came before, where there is one.
    before: Arc<Mutex<String>>,
    _gate: Running,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// Starts a gate on a folder of its own.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(binary: &Path, plan: Plan) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let upstream = ScriptedUpstream::start()?;
        let log = folder.path().join("gate.log");
        let config = folder.path().join("bartizan.toml");
        std::fs::write(&config, configuration(&upstream.url()))?;
        let mut command = Command::new(binary);
        command.arg("up").arg("--data").arg(folder.path().join("data")).arg("--config").arg(&config);
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.stderr(std::fs::File::create(&log)?);
        let running = Running::start(&mut command).with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
        let client = Client::new(running.address("gate")?);
        Ok(Self { tally: Tally::default(), upstream, client, plan, cells: 0, before: Arc::default(), _gate: running, _folder: folder })
    }

    /// The next cell: its dice, if it is this worker's and in the sample.
    pub fn turn(&mut self) -> Option<Dice> {
        self.cells += 1;
        let mut dice = Dice::new(self.cells ^ (self.plan.seed << 40));
        let drawn = (dice.below(1 << 30), dice.below(self.plan.one_of)).1;
        (drawn == 0 && self.cells % self.plan.workers == self.plan.number).then_some(dice)
    }

    /// Counts a cell that does not apply; one worker does it for all.
    pub fn leave_out(&mut self, route: &Route, reason: &str) {
        if self.plan.number == 0 {
            self.tally.leave_out(&route.name, reason);
        }
    }

    /// Answers with every pseudonym of the request, whole or as the first text of the route's stream.
    pub fn echo(&self, route: &Route, stream: bool) {
        let route = route.clone();
        self.upstream.respond_with(move |request| {
            let said = format!("<{}>", tokens(&undo(&request.text())).join("|"));
            answer_saying(&route, stream, &said)
        });
    }

    /// Answers the next request as `answer` says of the first pseudonym in it.
    pub fn answer(&self, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) {
        let before = Arc::clone(&self.before);
        self.upstream.respond_with(move |request| {
            let found = tokens(&undo(&request.text()));
            let before = before.lock().unwrap_or_else(PoisonError::into_inner);
            answer(found.first().map_or(before.as_str(), String::as_str))
        });
    }

    /// Sends a request; gives the answer, and what reached the provider.
    ///
    /// # Errors
    /// When the gate gives no answer.
    pub fn send(&mut self, route: &Route, stream: bool, body: &str) -> Result<(Reply, Vec<Recorded>)> {
        self.send_with(route, stream, body, &[], "", None)
    }

    /// Sends a request that nothing is wrong with; gives the answer.
    ///
    /// # Errors
    /// When it does not reach the provider: whatever is scripted would prove nothing then.
    pub fn ask(&mut self, route: &Route, stream: bool, body: &str) -> Result<Reply> {
        let (reply, requests) = self.send(route, stream, body)?;
        ensure!(!requests.is_empty(), "`{}` is refused, so nothing was tried: {}\n{body}", route.name, reply.text());
        Ok(reply)
    }

    /// The same as [`send`](Self::send) with headers, a query string, and the body in chunks.
    ///
    /// # Errors
    /// When the gate gives no answer.
    pub fn send_with(
        &mut self,
        route: &Route,
        stream: bool,
        body: &str,
        headers: &[(String, String)],
        query: &str,
        cuts: Option<&[usize]>,
    ) -> Result<(Reply, Vec<Recorded>)> {
        let path = route.stream_path.as_ref().filter(|_| stream).unwrap_or(&route.path);
        let start = format!("{} {path}{query}", route.method());
        let (content_type, body) = if route.form { (CONTENT_TYPE, form(body)?) } else { ("application/json", body.as_bytes().to_vec()) };
        let mut all: Vec<(String, String)> = vec![("content-type".to_owned(), content_type.to_owned())];
        all.extend(route.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        all.extend_from_slice(headers);
        self.upstream.forget();
        for before in &route.before {
            self.go_before(before, content_type, before.body.as_ref().map_or(&body, |body| body.as_bytes()))?;
        }
        // It went where the path comes from.
        let is_sent = route.before.iter().any(|before| before.body.is_none());
        let body = if route.method() == "GET" || is_sent { Vec::new() } else { body };
        let said = || format!("{start}\n{}", String::from_utf8_lossy(&body));
        let reply = self.client.send(&start, &all, &body, cuts).with_context(said)?;
        Ok((reply, self.upstream.requests()))
    }

    /// Makes what the path of a route names, in the same conversation.
    fn go_before(&mut self, before: &Before, content_type: &str, body: &[u8]) -> Result<()> {
        self.upstream.push(Answer::json(before.answer.clone()));
        let headers = [("content-type".to_owned(), content_type.to_owned())];
        let start = format!("POST {}", before.path);
        let said = || format!("{start}\n{}", String::from_utf8_lossy(body));
        // Owners are kept as fast as the disk takes them; until then the gate refuses, as it says.
        let mut reply = self.client.send(&start, &headers, body, None).with_context(said)?;
        for _ in 0..PATIENCE {
            if reply.status != 503 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
            reply = self.client.send(&start, &headers, body, None).with_context(said)?;
        }
        let requests = self.upstream.requests();
        let asked = requests.first().with_context(|| format!("refused, so nothing was tried: {}\n{}", said(), reply.text()))?;
        let first = tokens(&undo(&asked.text())).into_iter().next();
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = first.unwrap_or_default();
        self.upstream.forget();
        Ok(())
    }

    /// Counts a cell.
    pub fn count(&mut self, route: &Route, what: &'static str, field: &str, cell: &str, outcome: &Outcome) {
        self.tally.count(&Row { route: route.name.clone(), what }, field, cell, outcome);
    }
}

/// So often what a route needs before it is asked for again.
const PATIENCE: usize = 50;

/// The provider speaks every format, and for the routes that are translated one only, by the model's name.
fn configuration(url: &str) -> String {
    // Errors of the provider are among the cells: no number of them may close the way for the others.
    let entry = |kind: &str| {
        let (model, own_key) = if kind == "both" { ("*".to_owned(), true) } else { (format!("on-{kind}"), false) };
        format!(
            "[[providers]]\nname = \"{kind}\"\nkind = \"{kind}\"\nbase_url = \"{url}\"\npass_client_key = {own_key}\n[[models]]\nname = \"{model}\"\nprovider = \"{kind}\"\n"
        )
    };
    "[breaker]\nfailures = 0\n".to_owned() + &["openai", "anthropic", "gemini", "both"].map(entry).concat()
}

/// The body of a request for a streamed answer, or for a whole one.
pub fn asking(route: &Route, stream: bool, body: &str) -> String {
    match route.stream_member.as_ref().filter(|_| stream) {
        Some(member) => body.replacen('{', &format!("{{\"{member}\":true,"), 1),
        None => body.to_owned(),
    }
}

/// What of a value reached the provider.
pub fn leaked_upstream(requests: &[Recorded], value: &str) -> Option<String> {
    requests.iter().find_map(|request| {
        let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let headers = headers.join("\r\n");
        let head = format!("{} {} HTTP/1.1\r\n{headers}\r\n\r\n", request.method, request.path);
        leak(&[head.as_bytes(), &request.body].concat(), value)
    })
}

/// An answer of the route that says a text.
pub fn answer_saying(route: &Route, stream: bool, said: &str) -> Answer {
    match (&route.echo, &route.stream) {
        (_, Some(stream_of)) if stream => {
            let pieces: Vec<String> = said.as_bytes().chunks(3).map(|piece| quote(&String::from_utf8_lossy(piece))).collect();
            let events = stream_of.text.first().map(|text| payloads(stream_of, text, &pieces, &quote(said))).unwrap_or_default();
            streamed(stream_of, &bytes_of(stream_of, &events), &[])
        }
        (Some(echo), _) => Answer::json(echo.body.replace("@@", &quote(said))),
        _ => Answer::json(route.plain_answer.clone()),
    }
}

/// A streamed answer, its bytes cut at the given places.
pub fn streamed(stream: &Stream, bytes: &str, cuts: &[usize]) -> Answer {
    let answer = Answer::stream_split(bytes.as_bytes(), cuts);
    if stream.array { answer.with_header("content-type", "application/json") } else { answer }
}

/// The string at a pointer of an answer's body.
pub fn said(reply: &Reply, at: &str) -> String {
    let value: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}
