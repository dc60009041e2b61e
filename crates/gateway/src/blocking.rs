//! Work that would keep a worker thread from other requests. What is not large is done where it stands.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Handle, RuntimeFlavor};

/// Bodies and stream events larger than this are read and inspected off the worker threads.
pub const LARGE: usize = 256 << 10;

/// Runs something that takes long where it stands, when it is large: other tasks of this worker thread go on elsewhere meanwhile.
pub fn in_place<T>(large: bool, run: impl FnOnce() -> T) -> T {
    let elsewhere = || Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if large && elsewhere() { tokio::task::block_in_place(run) } else { run() }
}

/// Runs something that takes long when the body is large. `None`: it panicked, which is a failure of a guard, not of the connection.
pub async fn blocking<T: Send + 'static>(large: bool, run: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if large { tokio::task::spawn_blocking(run).await.ok() } else { catch_unwind(AssertUnwindSafe(run)).ok() }
}
