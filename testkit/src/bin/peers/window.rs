//! Alternating windows: load on one gateway, its CPU time and memory before and after.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bartizan_testkit::load::{Plan, run};
use bartizan_testkit::tree::Tree;
use bartizan_testkit::{Answer, ScriptedUpstream};
use bytes::Bytes;

use crate::peer::{Kind, Peer};
use crate::traffic::{Traffic, answer, answer_text};

/// How long work that an answer left behind may take and still count.
const SETTLE: Duration = Duration::from_secs(1);

/// One window of one gateway.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// CPU time of each request, in microseconds.
    pub cpu: f64,
    /// Requests.
    pub requests: u64,
    /// Resident memory afterwards, in MB.
    pub resident: f64,
}

/// All windows of one gateway; the n-th windows of all gateways ran beside each other.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which gateway.
    pub kind: Kind,
    /// Resident memory before the first request of this kind of traffic, in MB.
    pub before: f64,
    /// Its windows.
    pub windows: Vec<Window>,
}

/// How many windows, how long, with how many connections.
pub struct Windows {
    /// Windows for each gateway.
    pub count: usize,
    /// How long a window is.
    pub length: Duration,
    /// How long each is under load before the first window.
    pub warm: Duration,
    /// Connections.
    pub connections: usize,
    /// Microseconds of a clock tick.
    pub tick_micros: f64,
    /// The number of the next text: none is sent twice.
    pub texts: AtomicU64,
}

impl Windows {
    /// Warms all gateways up, then lets them take turns. Who begins changes from turn to turn.
    pub async fn run(&self, peers: &[Peer], upstream: &ScriptedUpstream, traffic: Traffic) -> Result<Vec<Outcome>> {
        upstream.record(false);
        upstream.always(Answer::json(answer()));
        let mut outcomes = Vec::new();
        for peer in peers {
            let before = Tree::of(peer.pid())?;
            self.window(peer, traffic, self.warm).await?;
            outcomes.push(Outcome { kind: peer.kind, before: mega(before.resident()), windows: Vec::new() });
        }
        for turn in 0..self.count {
            let first = turn % peers.len().max(1);
            for at in (first..peers.len()).chain(0..first) {
                let (Some(peer), Some(outcome)) = (peers.get(at), outcomes.get_mut(at)) else { continue };
                outcome.windows.push(self.window(peer, traffic, self.length).await?);
            }
            println!("{}: turn {} of {}", traffic.name(), turn + 1, self.count);
        }
        Ok(outcomes)
    }

    async fn window(&self, peer: &Peer, traffic: Traffic, length: Duration) -> Result<Window> {
        let stock: Vec<Bytes> = traffic.stock().iter().map(|text| peer.body(&format!("{NUMBER} {text}"))).collect();
        let mut plan = Plan::same(peer.address, Bytes::new(), self.connections, length);
        plan.path = peer.path.to_owned();
        plan.headers.clone_from(&peer.headers);
        plan.expect = Some(Bytes::from(answer_text()));
        let first = self.texts.load(Ordering::Relaxed);
        plan.bodies = Arc::new(move |number| numbered(&stock, first + number));
        let before = Tree::of(peer.pid())?;
        let report = run(plan).await;
        self.texts.fetch_add(report.requests + 1, Ordering::Relaxed);
        tokio::time::sleep(SETTLE).await;
        let after = Tree::of(peer.pid()).with_context(|| format!("{} has ended: {}", peer.kind.name(), peer.last_words()))?;
        ensure!(
            report.errors == 0 && report.requests > 0,
            "{} answers as they must be and {} others from {}: {}",
            report.requests,
            report.errors,
            peer.kind.name(),
            peer.last_words()
        );
        #[expect(clippy::cast_precision_loss, reason = "a measurement")]
        let (ticks, requests) = (after.ticks().saturating_sub(before.ticks()) as f64, report.requests as f64);
        let cpu = ticks * self.tick_micros / requests;
        Ok(Window { cpu, requests: report.requests, resident: mega(after.resident()) })
    }
}

/// Stands where the number of the request goes.
const NUMBER: &str = "000000000000";

/// A request of the stock with its number in it: a text that was not sent before.
fn numbered(stock: &[Bytes], number: u64) -> Bytes {
    let count = u64::try_from(stock.len()).unwrap_or(1).max(1);
    let body = usize::try_from(number % count).ok().and_then(|at| stock.get(at)).cloned().unwrap_or_default();
    let Some(at) = memchr::memmem::find(&body, NUMBER.as_bytes()) else { return body };
    let mut body = body.to_vec();
    let words: Vec<u8> = format!("{number:012}").bytes().map(|digit| digit - b'0' + b'a').collect();
    if let Some(place) = body.get_mut(at..at + NUMBER.len()) {
        place.copy_from_slice(&words);
    }
    Bytes::from(body)
}

#[expect(clippy::cast_precision_loss, reason = "a measurement")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_a_text_of_its_own() {
        let stock = [Bytes::from_static(b"[000000000000 harbour]"), Bytes::from_static(b"[000000000000 town]")];
        assert_eq!(numbered(&stock, 0), "[aaaaaaaaaaaa harbour]");
        assert_eq!(numbered(&stock, 1), "[aaaaaaaaaaab town]");
        assert_eq!(numbered(&stock, 1_002), "[aaaaaaaabaac harbour]");
    }
}
