//! Whether a gateway does its work at all: it answers with the provider's text, and what is said to mask masks.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bartizan_testkit::traffic::EMAIL;
use bartizan_testkit::{Answer, ScriptedUpstream, canned};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::peer::{Kind, Peer};
use crate::traffic::{answer, answer_text};

/// Patience with a gateway that starts.
const START: Duration = Duration::from_mins(3);
/// Patience with one request.
const PATIENCE: Duration = Duration::from_secs(20);
/// An address of the provider's own, which a guard on answers must not let through.
const FOREIGN: &str = "ottoline.marchbanks@example.org";

/// Waits until a gateway passes a request on and the answer back, then asks for one more that counts.
pub async fn ready(peer: &mut Peer, upstream: &ScriptedUpstream) -> Result<()> {
    upstream.always(Answer::json(answer()));
    let begun = Instant::now();
    while let Err(error) = answers(peer.address, peer.path, &peer.headers, peer.body("Are you there?")).await {
        let late = begun.elapsed() > START;
        if late || peer.has_ended()? {
            return Err(error.context(format!("it does not answer; the end of its log: {}", peer.last_words())));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    answers(peer.address, peer.path, &peer.headers, peer.body("And still?")).await
}

/// One request, whose answer must have status 200 and the text of the provider.
pub async fn answers(target: SocketAddr, path: &str, headers: &[(String, String)], body: Bytes) -> Result<()> {
    let content = content(target, path, headers, body).await?;
    ensure!(content == answer_text(), "the text of the answer is not the provider's: `{content}`");
    Ok(())
}

/// The text of the answer to a chat request. Another status than 200 and an empty text are errors.
async fn content(target: SocketAddr, path: &str, headers: &[(String, String)], body: Bytes) -> Result<String> {
    let (status, body) = tokio::time::timeout(PATIENCE, post(target, path, headers, body)).await.context("no answer in time")??;
    let text = String::from_utf8_lossy(&body);
    ensure!(status == 200, "status {status}: {text}");
    let answer: Value = serde_json::from_slice(&body).with_context(|| format!("not JSON: {text}"))?;
    match answer.pointer("/choices/0/message/content").and_then(Value::as_str) {
        Some(content) if !content.is_empty() => Ok(content.to_owned()),
        _ => bail!("no text in the answer: {text}"),
    }
}

async fn post(target: SocketAddr, path: &str, headers: &[(String, String)], body: Bytes) -> Result<(u16, Bytes)> {
    let stream = tokio::net::TcpStream::connect(target).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(connection);
    let mut request = Request::post(path).header("host", target.to_string()).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = sender.send_request(request.body(Full::new(body))?).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// Sends a value one way and another one back. A gateway with guards must hide the first from the provider and the second from the
/// client; for one without, both must pass, or its row would say something that is not so.
pub async fn guards(peer: &Peer, upstream: &ScriptedUpstream) -> Result<()> {
    upstream.forget();
    upstream.record(true);
    upstream.always(Answer::json(canned::chat("fixed", &format!("Ask {FOREIGN} instead."))));
    let content = content(peer.address, peer.path, &peer.headers, peer.body(&format!("Write to {EMAIL} today."))).await?;
    let requests = upstream.requests();
    upstream.record(false);
    upstream.always(Answer::json(answer()));
    let sent = requests.iter().rfind(|request| request.method == "POST").context("the provider was not asked")?.text();
    judge(matches!(peer.kind, Kind::Gate | Kind::LiteLlm), &sent, &content)
}

/// What went to the provider and what came to the client, judged.
fn judge(guarded: bool, sent: &str, content: &str) -> Result<()> {
    for (text, value, place) in [(sent, EMAIL, "to the provider"), (content, FOREIGN, "to the client")] {
        let passed = text.contains(value);
        ensure!(!(guarded && passed), "its guard is off: an e-mail address went {place}: {text}");
        ensure!(guarded || passed, "it is to have no guard, and changed what went {place}: {text}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole check against a gateway that gives this answer.
    async fn check(answer: Answer) -> Result<()> {
        let broken = ScriptedUpstream::start().unwrap();
        broken.always(answer);
        answers(broken.address(), "/v1/chat/completions", &[], Bytes::from_static(b"{}")).await
    }

    #[tokio::test]
    async fn an_answer_must_be_the_providers() {
        check(Answer::json(answer())).await.unwrap();
        let error = |result: Result<()>| format!("{:#}", result.unwrap_err());
        assert!(error(check(Answer::json(answer()).with_status(500)).await).contains("status 500"));
        assert!(error(check(Answer::json(canned::chat("fixed", ""))).await).contains("no text"));
        assert!(error(check(Answer::json(canned::chat("fixed", "Cached."))).await).contains("not the provider's"));
        assert!(error(check(Answer::garbage()).await).contains("not JSON"));
    }

    #[test]
    fn a_guard_must_hide_both_ways_and_none_must_hide_nothing() {
        let (sent, content) = (format!("to {EMAIL}"), format!("ask {FOREIGN}"));
        judge(true, "to [EMAIL]", "ask [EMAIL]").unwrap();
        judge(true, &sent, "ask [EMAIL]").unwrap_err();
        judge(true, "to [EMAIL]", &content).unwrap_err();
        judge(false, &sent, &content).unwrap();
        judge(false, "to [EMAIL]", &content).unwrap_err();
    }
}
