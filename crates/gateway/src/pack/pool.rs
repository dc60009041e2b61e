//! The threads that read, the queue before them, and the names that are known already.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bartizan_detect::names::Given;
use bartizan_detect::normalise;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::oneshot;

use super::texts::{TEXT, Wanted};
use super::{Asked, Missing, NameReader, PackSettings};
use crate::exchange::Exchange;

/// Bytes of names that are remembered.
const REMEMBERED: u64 = 8 << 20;
/// Between two warnings of the log.
const QUIET: Duration = Duration::from_mins(1);

/// A reader with its threads. They end when nobody holds it any more.
pub(crate) struct Pack {
    settings: PackSettings,
    shared: Arc<Shared>,
    warned: Mutex<Option<Instant>>,
    unsaid: AtomicU64,
}

struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
    known: Known,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    closed: bool,
}

/// The texts of one request.
struct Job {
    texts: Vec<(u128, Arc<str>)>,
    until: Instant,
    read: Arc<Mutex<HashMap<Arc<str>, Given>>>,
    done: oneshot::Sender<Option<Missing>>,
}

type Known = Cache<u128, Given, Weight>;

#[derive(Clone)]
struct Weight;

impl Weighter<u128, Given> for Weight {
    fn weight(&self, _: &u128, given: &Given) -> u64 {
        96 + 32 * given.len() as u64
    }
}

impl Pack {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn start(settings: PackSettings) -> std::io::Result<Self> {
        let items = usize::try_from(REMEMBERED / 96).unwrap_or(usize::MAX);
        let known = Cache::with_weighter(items, REMEMBERED, Weight);
        let shared = Arc::new(Shared { queue: Mutex::default(), more: Condvar::new(), known });
        let pack = Self { shared: Arc::clone(&shared), warned: Mutex::new(None), unsaid: AtomicU64::new(0), settings };
        for _ in 0..pack.settings.threads.max(1) {
            let (shared, reader) = (Arc::clone(&shared), Arc::clone(&pack.settings.reader));
            std::thread::Builder::new().name("pack".to_owned()).spawn(move || work(&shared, &*reader))?;
        }
        Ok(pack)
    }

    /// Of all that its answers depend on.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.settings.reader.digest()
    }

    /// Asks for texts, and waits until the deadline at most. `None` when there is nothing to ask.
    pub(super) async fn ask(&self, exchange: &Exchange, wanted: Wanted) -> Option<Asked> {
        let began = Instant::now();
        if wanted.texts.is_empty() && wanted.missing.is_none() {
            return None;
        }
        let scope = exchange.scope();
        let (mut given, mut texts) = (HashMap::with_capacity(wanted.texts.len()), Vec::new());
        for text in wanted.texts {
            let key = scope.of_names(&text);
            match self.shared.known.get(&key) {
                Some(names) => drop(given.insert(text, names)),
                None => texts.push((key, text)),
            }
        }
        let mut missing = wanted.missing;
        if !texts.is_empty() {
            let (read, problem) = self.read(texts, began + self.settings.deadline).await;
            given.extend(read);
            missing = missing.max(problem);
        }
        Some(Asked { given, missing, micros: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX) })
    }

    async fn read(&self, texts: Vec<(u128, Arc<str>)>, until: Instant) -> (HashMap<Arc<str>, Given>, Option<Missing>) {
        let (done, answer) = oneshot::channel();
        let read = Arc::new(Mutex::default());
        if !self.enqueue(Job { texts, until, read: Arc::clone(&read), done }) {
            return (HashMap::new(), Some(Missing::Busy));
        }
        let missing = match tokio::time::timeout_at(until.into(), answer).await {
            Ok(answered) => answered.unwrap_or(Some(Missing::Failed)),
            Err(_) => Some(Missing::Late),
        };
        // Dropping `answer` has told whoever still reads that nobody waits any more.
        (std::mem::take(&mut *read.lock().unwrap_or_else(PoisonError::into_inner)), missing)
    }

    fn enqueue(&self, job: Job) -> bool {
        let mut queue = self.shared.lock();
        if queue.waiting.len() >= self.settings.queue {
            // Nobody waits for these any more.
            queue.waiting.retain(|job| !job.is_over());
        }
        let room = queue.waiting.len() < self.settings.queue;
        if room {
            queue.waiting.push_back(job);
            self.shared.more.notify_one();
        }
        room
    }

    /// Tells the log, once a minute at most.
    pub(super) fn warn(&self, missing: Missing) {
        let requests = self.unsaid.fetch_add(1, Ordering::Relaxed) + 1;
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|at| at.elapsed() >= QUIET) {
            *warned = Some(Instant::now());
            self.unsaid.store(0, Ordering::Relaxed);
            let reason = missing.reason();
            tracing::warn!(
                reason,
                requests,
                "the accuracy pack did not read all texts of a request; `requests` counts those since the last warning"
            );
        }
    }
}

impl Drop for Pack {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        queue.waiting.clear();
        self.shared.more.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when there will be none.
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.waiting.pop_front() {
                return Some(job);
            }
            queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Job {
    /// Whether nobody waits for it.
    fn is_over(&self) -> bool {
        self.done.is_closed() || Instant::now() >= self.until
    }

    fn run(self, reader: &dyn NameReader, known: &Known) {
        let mut missing = None;
        for (key, text) in &self.texts {
            match catch_unwind(AssertUnwindSafe(|| self.text(text, reader))).unwrap_or(Err(Missing::Failed)) {
                Ok(given) => {
                    known.insert(*key, given.clone());
                    self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(text), given);
                }
                Err(Missing::Failed) => missing = Some(Missing::Failed),
                Err(problem) => {
                    missing = missing.max(Some(problem));
                    break;
                }
            }
        }
        let _nobody_waits_any_more = self.done.send(missing);
    }

    fn text(&self, text: &str, reader: &dyn NameReader) -> Result<Given, Missing> {
        if self.is_over() {
            return Err(Missing::Late);
        }
        let normalised = normalise(text);
        if normalised.len() > 2 * TEXT {
            return Err(Missing::Failed);
        }
        match reader.names(&normalised, &mut || !self.is_over()) {
            Ok(Some(names)) => Ok(Given::of(&normalised, names)),
            Ok(None) => Err(Missing::Late),
            Err(error) => {
                tracing::debug!(error, "the accuracy pack failed");
                Err(Missing::Failed)
            }
        }
    }
}

fn work(shared: &Shared, reader: &dyn NameReader) {
    while let Some(job) = shared.next() {
        job.run(reader, &shared.known);
    }
}
