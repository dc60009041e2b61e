//! A fake process behind the console, and a client that writes bytes to a socket.

use std::path::Path;
use std::sync::{Arc, Mutex};

use bartizan_console::{
    Console, Control, ControlError, CreatedKey, CreatedToken, Erasure, EventQuery, ListedKey, ListedToken, NewKey, NewToken,
};
use bartizan_detect::Detector;
use bartizan_detect::names::Names;
use bartizan_identity::Scope;
use bartizan_vocabulary::{Hidden, KeyId, PrincipalId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// A process that says yes and remembers what it was asked.
#[derive(Default)]
pub struct Fake {
    pub reasons: Mutex<Vec<String>>,
    pub reload_problem: Mutex<Option<String>>,
    pub asked: Mutex<Vec<String>>,
}

impl Fake {
    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

impl Control for Fake {
    fn authenticate(&self, presented: &str) -> Option<Scope> {
        presented.strip_prefix("bzt_")?.parse().ok()
    }

    fn readiness(&self) -> Vec<String> {
        self.reasons.lock().unwrap().clone()
    }

    fn reload_problem(&self) -> Option<String> {
        self.reload_problem.lock().unwrap().clone()
    }

    fn metrics(&self) -> String {
        "# TYPE bartizan_up gauge\nbartizan_up 1\n".to_owned()
    }

    fn events(&self, query: &EventQuery) -> Result<Vec<u8>, ControlError> {
        self.note(format!("{query:?}"));
        Ok(b"{\"schema\":1}\n".to_vec())
    }

    fn create_key(&self, new: NewKey) -> Result<CreatedKey, ControlError> {
        self.note(format!("{new:?}"));
        Ok(CreatedKey { id: KeyId::from("k1"), key: "bzk_secret".to_owned() })
    }

    fn keys(&self) -> Result<Vec<ListedKey>, ControlError> {
        Ok(Vec::new())
    }

    fn revoke_key(&self, id: &KeyId) -> Result<bool, ControlError> {
        Ok(id.as_str() == "k1")
    }

    fn create_token(&self, new: NewToken) -> Result<CreatedToken, ControlError> {
        self.note(format!("{new:?}"));
        Ok(CreatedToken { id: KeyId::from("k1"), token: "bzt_secret".to_owned() })
    }

    fn tokens(&self) -> Result<Vec<ListedToken>, ControlError> {
        Ok(Vec::new())
    }

    fn revoke_token(&self, id: &KeyId) -> Result<bool, ControlError> {
        Ok(id.as_str() == "k1")
    }

    fn erase(&self, principal: &PrincipalId) -> Result<Erasure, ControlError> {
        self.note(format!("erase {}", principal.as_str()));
        Ok(Erasure { commitment: "00".to_owned(), salt: "01".to_owned(), data_keys: 1, keys: Vec::new() })
    }

    fn backup(&self, dir: &Path) -> Result<(), ControlError> {
        match dir.to_str() {
            Some("/full") => Err(ControlError::Refused("`/full` is not usable: it is not empty; choose a new folder".to_owned())),
            Some("/broken") => Err(ControlError::Failed(Box::new(std::io::Error::other("the disk is gone")))),
            Some("/panic") => panic!("the fake panics"),
            _ => Ok(()),
        }
    }

    fn reload(&self) -> Result<Vec<&'static str>, ControlError> {
        Ok(vec!["gate.listen"])
    }

    fn policy_version(&self) -> Option<String> {
        Some("sha256:00".to_owned())
    }

    fn checkpoint(&self) -> Result<Vec<u8>, ControlError> {
        Ok(b"origin\n1\nroot\n".to_vec())
    }

    fn detector(&self, names: bool) -> Result<Detector, ControlError> {
        let detector = Detector::builtin().unwrap();
        Ok(if names { detector.with_names(Names::builtin().unwrap()) } else { detector })
    }

    fn detection_key(&self) -> Result<Hidden<[u8; 32]>, ControlError> {
        Ok(Hidden::new([7; 32]))
    }
}

/// A listening console.
pub struct Running {
    pub port: u16,
    pub fake: Arc<Fake>,
    pub stop: watch::Sender<bool>,
    pub task: JoinHandle<()>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Running {
    pub async fn start() -> Self {
        let fake = Arc::new(Fake::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = watch::channel(false);
        let console = Console::new(Arc::clone(&fake) as Arc<dyn Control>, vec!["Gate.example".to_owned()]);
        let task = TaskTracker::new().spawn(console.serve(listener, None, stopped));
        Self { port, fake, stop, task }
    }

    /// Sends bytes on a connection of their own and reads to the end of the answer.
    pub async fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        // A server that has heard enough may close while we still write.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
        Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// A request as a good client sends it, with more header lines.
    pub async fn call(&self, method: &str, target: &str, lines: &str, body: &str) -> Reply {
        let length = body.len();
        let host = if lines.starts_with("host:") { String::new() } else { format!("host: 127.0.0.1:{}\r\n", self.port) };
        let head = format!("{method} {target} HTTP/1.1\r\n{host}{lines}content-length: {length}\r\nconnection: close\r\n\r\n");
        self.raw(format!("{head}{body}").as_bytes()).await
    }

    /// A POST by an administrator.
    pub async fn post(&self, target: &str, body: &str) -> Reply {
        self.call("POST", target, "authorization: Bearer bzt_admin\r\ncontent-type: application/json\r\n", body).await
    }

    /// A GET by an administrator.
    pub async fn get(&self, target: &str) -> Reply {
        self.call("GET", target, "authorization: Bearer bzt_admin\r\n", "").await
    }
}
