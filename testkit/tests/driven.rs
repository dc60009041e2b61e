//! A driven provider: each piece arrives when it is sent, the answer ends when the call is dropped.

use std::time::Duration;

use bartizan_testkit::driven::DrivenUpstream;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

#[tokio::test]
async fn pieces_arrive_one_by_one() {
    let mut upstream = DrivenUpstream::start().await.unwrap();
    let address = upstream.url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(connection);
    let request =
        Request::post("/v1/messages?beta=true").header("host", address).body(Full::new(bytes::Bytes::from_static(b"asked"))).unwrap();
    let (call, response) = tokio::join!(upstream.call(), sender.send_request(request));
    let (call, mut body) = (call.unwrap(), response.unwrap().into_body());
    assert_eq!((call.path.as_str(), call.body.as_ref()), ("/v1/messages?beta=true", &b"asked"[..]));
    for piece in ["one", "two"] {
        assert!(timeout(Duration::from_millis(20), body.frame()).await.is_err(), "nothing comes unasked");
        call.send(piece.into()).await.unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
    }
    drop(call);
    assert!(body.frame().await.is_none());
}
