//! Power-loss safety: group `fdatasync` without a timer. The next batch is flushed as soon as the previous flush ends.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use bartizan_ledger::{Appended, JournalError};
use futures_channel::oneshot;

use crate::StoreError;
use crate::segment::Segment;

type Waiter = (Arc<Segment>, oneshot::Sender<Result<(), JournalError>>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<(Vec<Waiter>, bool)>,
    wake: Condvar,
    /// System error number of a failed flush that nobody has taken note of yet; 0 for none.
    failed: AtomicI32,
}

/// The flushing thread; ends when dropped.
pub(crate) struct Flusher {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    pub(crate) fn start() -> Result<Self, StoreError> {
        let queue = Arc::new(Queue::default());
        let shared = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("journal-flush".to_owned()).spawn(move || run(&shared));
        let thread = thread.map_err(|error| StoreError::Sequencer(error.to_string()))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// A failed flush, once: what was written before it may never reach the disk, so the segment must be left.
    pub(crate) fn failure(&self) -> Option<JournalError> {
        match self.queue.failed.swap(0, Ordering::AcqRel) {
            0 => None,
            number => Some(JournalError::Write(number)),
        }
    }

    /// Answers when the bytes written to `segment` so far are on the disk.
    pub(crate) fn wait_for(&self, segment: Arc<Segment>) -> Appended {
        let (done, answer) = oneshot::channel();
        let mut waiting = self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.0.push((segment, done));
        drop(waiting);
        self.queue.wake.notify_one();
        Appended::Later(Box::pin(async move { answer.await.unwrap_or(Err(JournalError::Closed)) }))
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.queue.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(queue: &Queue) {
    loop {
        let mut waiting = queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.0.is_empty() && !waiting.1 {
            waiting = queue.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let batch = std::mem::take(&mut waiting.0);
        drop(waiting);
        if batch.is_empty() {
            return;
        }
        flush(batch, &queue.failed);
    }
}

fn flush(batch: Vec<Waiter>, failed: &AtomicI32) {
    let mut flushed: Vec<(u64, Result<(), JournalError>)> = Vec::new();
    for (segment, done) in batch {
        let known = flushed.iter().find(|(number, _)| *number == segment.number).map(|(_, result)| *result);
        let result = known.unwrap_or_else(|| {
            let result = segment.file.sync_data().map_err(|error| {
                let number = error.raw_os_error().unwrap_or(-1);
                failed.store(number, Ordering::Release);
                JournalError::Write(number)
            });
            flushed.push((segment.number, result));
            result
        });
        let _ = done.send(result);
    }
}
