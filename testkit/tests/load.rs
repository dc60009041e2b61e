//! The load generator counts only answers that are as they must be.

use std::time::Duration;

use bartizan_testkit::load::{Plan, run};
use bartizan_testkit::{Answer, ScriptedUpstream, canned};
use bytes::Bytes;

async fn check(answer: Answer, expect: Option<&'static str>) -> (u64, u64) {
    let Ok(upstream) = ScriptedUpstream::start() else { return (0, 0) };
    upstream.always(answer);
    let mut plan = Plan::same(upstream.address(), Bytes::from_static(b"{}"), 2, Duration::from_secs(20));
    plan.count = Some(6);
    plan.expect = expect.map(Bytes::from);
    let report = run(plan).await;
    (report.requests, report.errors)
}

#[tokio::test]
async fn an_answer_without_what_is_expected_is_an_error() {
    let answer = || Answer::json(canned::chat("fixed", "Paris is the capital."));
    assert_eq!(check(answer(), Some("the capital")).await, (6, 0));
    assert_eq!(check(answer(), Some("the harbour")).await, (0, 6));
    assert_eq!(check(answer().with_status(500), Some("the capital")).await, (0, 6));
    assert_eq!(check(Answer::json(""), None).await, (6, 0));
}
