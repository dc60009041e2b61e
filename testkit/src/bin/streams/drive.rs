//! One stream, driven event by event: what the client has after each, and how long it took to get there. Provider and client are in
//! this process and look at the same clock.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bartizan_testkit::driven::{Call, DrivenUpstream};
use bartizan_testkit::traffic::EMAIL;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::route::{Format, Route};
use crate::text::{Kind, Text};

/// Patience with what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// When the next event is sent.
#[derive(Clone, Copy)]
pub enum Pace<'a> {
    /// When the client has what was sent, or when nothing came for so long.
    Quiet(Duration),
    /// When the client has so many characters after the n-th delta, or all that were sent, and then this pause.
    Until(Option<&'a [usize]>, Duration),
}

/// What came of a stream.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was said.
    pub text: Text,
    /// Characters sent, after each delta.
    pub sent: Vec<usize>,
    /// Characters that the client had, after each delta.
    pub had: Vec<usize>,
    /// From the writing of a delta until the client had what it set free, in microseconds.
    pub delays: Vec<f64>,
    /// All that the client got.
    pub got: String,
}

/// The client's end of a stream.
struct Listener {
    format: Format,
    body: Incoming,
    _driver: JoinSet<()>,
    pending: Vec<u8>,
    got: String,
    /// Events with text, from the first one that is not empty.
    deltas: usize,
}

impl Listener {
    /// Takes in what comes next. Says whether the stream goes on.
    async fn hear(&mut self) -> Result<bool> {
        let Some(frame) = self.body.frame().await else { return Ok(false) };
        if let Some(data) = frame.context("the stream broke")?.data_ref() {
            self.pending.extend_from_slice(data);
        }
        while let Some(end) = event_end(&self.pending) {
            let event: Vec<u8> = self.pending.drain(..end).collect();
            let Some(text) = self.format.delta(std::str::from_utf8(&event)?) else { continue };
            if !text.is_empty() || self.deltas > 0 {
                self.deltas += 1;
                self.got.push_str(&text);
            }
        }
        Ok(true)
    }
}

/// Where the first complete event ends.
fn event_end(bytes: &[u8]) -> Option<usize> {
    let end = |mark: &[u8]| memchr::memmem::find(bytes, mark).map(|at| at + mark.len());
    match (end(b"\n\n"), end(b"\r\n\r\n")) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A side of the comparison.
#[derive(Clone, Copy)]
pub struct Side {
    /// Where it listens.
    pub address: SocketAddr,
    /// It passes everything on as it is, and translates nothing.
    pub bare: bool,
}

/// Runs one stream over a route.
pub async fn drive(side: Side, upstream: &mut DrivenUpstream, route: Route, kind: Kind, deltas: usize, pace: Pace<'_>) -> Result<Outcome> {
    let (path, body) = if side.bare { route.asked_bare() } else { route.asked() };
    let format = if side.bare { route.provider } else { route.client };
    let (mut listener, call) = open(side.address, upstream, path, body, format).await?;
    let text = Text::new(kind, deltas, &pseudonym(&call)?);
    let whole = text.whole();
    let events = route.provider.events(&text.deltas(&whole));
    let mut outcome = Outcome { text, sent: Vec::new(), had: Vec::new(), delays: Vec::new(), got: String::new() };
    let mut sent = 0;
    for event in events {
        let said = route.provider.delta(std::str::from_utf8(&event)?).filter(|said| !said.is_empty());
        if let (Some(_), Pace::Until(_, pause)) = (&said, pace) {
            tokio::time::sleep(pause).await;
        }
        let begun = Instant::now();
        call.send(event).await?;
        let Some(said) = said else { continue };
        sent += said.len();
        let before = listener.got.len();
        outcome.sent.push(sent);
        wait(&mut listener, pace, &outcome.sent).await.with_context(|| format!("after delta {}", outcome.sent.len()))?;
        outcome.had.push(listener.got.len());
        if listener.got.len() > before {
            outcome.delays.push(begun.elapsed().as_secs_f64() * 1e6);
        }
    }
    drop(call);
    while timeout(PATIENCE, listener.hear()).await.context("the stream does not end")?? {}
    outcome.got = listener.got;
    Ok(outcome)
}

/// Waits until the client has what there is after these deltas.
async fn wait(listener: &mut Listener, pace: Pace<'_>, sent: &[usize]) -> Result<()> {
    match pace {
        Pace::Quiet(quiet) => {
            while listener.deltas < sent.len() {
                match timeout(quiet, listener.hear()).await {
                    Ok(goes_on) => ensure!(goes_on?, "the stream ended too early"),
                    Err(_) => break,
                }
            }
        }
        Pace::Until(had, _) => {
            let number = sent.len().saturating_sub(1);
            let aim = had.unwrap_or(sent).get(number).copied().context("the stream has more deltas than the one before")?;
            while listener.got.len() < aim {
                ensure!(
                    timeout(PATIENCE, listener.hear()).await.context("the client does not get what it got before")??,
                    "the stream ended too early"
                );
            }
        }
    }
    Ok(())
}

/// Sends the request and waits until the provider has it and the client has the head of the answer.
async fn open(address: SocketAddr, upstream: &mut DrivenUpstream, path: &str, body: Bytes, format: Format) -> Result<(Listener, Call)> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // A broken connection shows in the stream that it breaks.
        drop(connection.await);
    });
    let request = Request::post(path).header("host", address.to_string()).header("content-type", "application/json");
    let answer = sender.send_request(request.body(Full::new(body))?);
    tokio::pin!(answer);
    let call = tokio::select! {
        call = timeout(PATIENCE, upstream.call()) => call.context("the provider was not asked")??,
        refused = &mut answer => {
            let body = refused?.into_body().collect().await?.to_bytes();
            bail!("refused: {}", String::from_utf8_lossy(&body));
        }
    };
    let response = timeout(PATIENCE, answer).await.context("no head of the answer")??;
    ensure!(response.status() == 200, "status {}", response.status());
    Ok((Listener { format, body: response.into_body(), _driver: driver, pending: Vec::new(), got: String::new(), deltas: 0 }, call))
}

/// What stands in the request that reached the provider in the place of the caller's address.
fn pseudonym(call: &Call) -> Result<String> {
    let body = String::from_utf8_lossy(&call.body);
    if body.contains(EMAIL) {
        return Ok(EMAIL.to_owned());
    }
    let at = body.find("EMAIL_").with_context(|| format!("no pseudonym in the request: {body}"))?;
    let word = body.get(at..).unwrap_or_default();
    let end = word.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(word.len());
    Ok(word.get(..end).unwrap_or_default().to_owned())
}
