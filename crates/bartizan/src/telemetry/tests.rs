//! The bounds of what waits.

use bartizan_gateway::{Called, Judged, Operation, Vendor};
use bartizan_vocabulary::{RequestId, Timestamp};
use bartizan_wire::Usage;

use super::*;

fn call() -> Called {
    Called {
        span: [2; 8],
        began: Duration::ZERO,
        lasted: Duration::from_millis(5),
        route: "POST /v1/chat/completions",
        operation: Some(Operation::Chat),
        vendor: Vendor::OpenAi,
        provider: "main".into(),
        host: "127.0.0.1".to_owned(),
        port: 9,
        model: None,
        answered_by: None,
        stream: false,
        status: Some(200),
        failure: None,
        first_chunk: None,
        usage: Usage::default(),
        finish: Vec::new(),
    }
}

fn observed(sampled: bool) -> Box<Observed> {
    Box::new(Observed {
        trace: [1; 16],
        span: [1; 8],
        parent: None,
        sampled,
        began: Timestamp::from_micros(1),
        lasted: Duration::from_millis(6),
        request_id: RequestId::new("r"),
        method: Some("POST"),
        route: Some("POST /v1/chat/completions"),
        version: Some("1.1"),
        status: Some(200),
        stream: false,
        decision: None,
        reason: None,
        end: None,
        model: None,
        policy_version: None,
        events: Vec::new(),
        request: Judged::default(),
        answer: Judged::default(),
        calls: vec![call()],
    })
}

#[test]
fn a_full_queue_drops_and_counts() {
    let counts = Arc::new(Counts::default());
    let (sender, mut queue) = mpsc::channel(QUEUE);
    let tell = teller(sender, Arc::clone(&counts));
    for _ in 0..QUEUE + 3 {
        tell(observed(true));
    }
    assert_eq!((queue.len(), counts.exchanges_dropped.get()), (QUEUE, 3));
    queue.close();
    tell(observed(true));
    assert_eq!(counts.exchanges_dropped.get(), 4, "nobody takes anything along any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_wait_within_bounds() {
    let config =
        TelemetryConfig { otlp_endpoint: Some("http://127.0.0.1:9".to_owned()), interval: Some(3_600.0), ..TelemetryConfig::default() };
    let export = config.export().unwrap().unwrap();
    let (counts, (_cut, cutting), (_sender, queue)) = (Arc::new(Counts::default()), watch::channel(false), mpsc::channel(QUEUE));
    let mut worker = Worker::new(&export, &Collector::new(Arc::clone(&counts), cutting), queue, Arc::clone(&counts)).unwrap();
    // Each is two spans: the request's and its call's.
    for _ in 0..WAITING / 2 + 5 {
        worker.take(&observed(true));
        worker.take(&observed(false));
    }
    assert_eq!((worker.waiting.len(), counts.spans_dropped.get()), (WAITING, 10));
    worker.send(1);
    worker.send(1);
    assert_eq!(worker.waiting.len(), WAITING - BATCH, "one export at a time, and no larger than one");
}
