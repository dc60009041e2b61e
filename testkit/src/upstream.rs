//! A provider that answers by a script and records what it was sent. It listens on the loopback address only.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::answer::Answer;
use crate::echo::Manner;
use crate::serve;

/// A request as it arrived, its body raw.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `POST` and the like.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Headers in order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body bytes as sent, still compressed if they were.
    pub body: Bytes,
}

impl Recorded {
    /// First value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Body as text, with replacement characters where it is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

type Responder = Arc<dyn Fn(&Recorded) -> Answer + Send + Sync>;

/// What the connections of one upstream share.
pub(crate) struct Shared {
    queue: Mutex<VecDeque<Answer>>,
    responder: Mutex<Responder>,
    requests: Mutex<Vec<Recorded>>,
    record: AtomicBool,
    pub(crate) served: AtomicUsize,
    pub(crate) gone: Arc<AtomicUsize>,
}

impl Shared {
    fn new() -> Self {
        let responder: Responder = Arc::new(|request| Manner::Echo.answer(request));
        Self {
            queue: Mutex::default(),
            responder: Mutex::new(responder),
            requests: Mutex::default(),
            record: AtomicBool::new(true),
            served: AtomicUsize::new(0),
            gone: Arc::default(),
        }
    }

    /// Keeps the request and picks its answer: the next of the queue, else what the responder says.
    pub(crate) fn answer(&self, request: Recorded) -> Answer {
        self.served.fetch_add(1, Ordering::SeqCst);
        let queued = lock(&self.queue).pop_front();
        let responder = Arc::clone(&lock(&self.responder));
        let answer = queued.unwrap_or_else(|| responder(&request));
        if self.record.load(Ordering::SeqCst) {
            lock(&self.requests).push(request);
        }
        answer
    }

    pub(crate) fn push(&self, answer: Answer) {
        lock(&self.queue).push_back(answer);
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        lock(&self.requests).clone()
    }

    pub(crate) fn forget(&self) {
        lock(&self.requests).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A scripted provider on its own thread. It stops when it is dropped.
pub struct ScriptedUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptedUpstream {
    /// Starts on a free loopback port. Without a script it echoes the last user text.
    ///
    /// # Errors
    /// When the port cannot be bound or the thread cannot be started.
    pub fn start() -> io::Result<Self> {
        Self::start_on(0)
    }

    /// Starts on a given loopback port; 0 takes a free one.
    ///
    /// # Errors
    /// When the port cannot be bound or the thread cannot be started.
    pub fn start_on(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::new(Shared::new());
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("upstream".to_owned()).spawn(move || {
            runtime.block_on(serve::until_stopped(listener, state, stopped));
        })?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base URL as an OpenAI client wants it, ending in `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Queues an answer for the next request that is not answered yet. Answers are used in the order they were queued.
    pub fn push(&self, answer: Answer) {
        self.shared.push(answer);
    }

    /// Answers every request alike, once the queue is empty.
    pub fn always(&self, answer: Answer) {
        self.respond_with(move |_| answer.clone());
    }

    /// Asks `responder` for the answer to each request, once the queue is empty.
    pub fn respond_with(&self, responder: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) {
        *lock(&self.shared.responder) = Arc::new(responder);
    }

    /// Whether requests are kept (they are, unless this says no).
    pub fn record(&self, on: bool) {
        self.shared.record.store(on, Ordering::SeqCst);
    }

    /// Everything that was sent here, in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests()
    }

    /// Drops what was recorded.
    pub fn forget(&self) {
        self.shared.forget();
    }

    /// How many requests were answered, recorded or not.
    pub fn served(&self) -> usize {
        self.shared.served.load(Ordering::SeqCst)
    }

    /// How often a client went away before the end of its answer.
    pub fn clients_gone(&self) -> usize {
        self.shared.gone.load(Ordering::SeqCst)
    }

    /// Waits until at least `count` clients went away, at most `limit`. Says whether it came to that.
    pub fn wait_for_gone(&self, count: usize, limit: std::time::Duration) -> bool {
        let start = std::time::Instant::now();
        while self.clients_gone() < count {
            if start.elapsed() > limit {
                return false;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        true
    }

    /// Serves until the process is ended. For the `upstream` binary.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panicked server thread ends the wait like a stopped one.
            drop(thread.join());
        }
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        // Dropping the sender is the signal.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A base URL on which nobody listens, for "connection refused".
///
/// # Errors
/// When no port can be bound.
pub fn refused_url() -> io::Result<String> {
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    Ok(format!("http://{address}/v1"))
}
