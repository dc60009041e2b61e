//! Futures that are made where they stay.

use std::pin::Pin;

/// Makes a future in its box. `Box::pin` makes it elsewhere and copies all of its room, which is for the most part empty then: for one
/// that answers a request 16 KiB.
#[inline]
pub fn placed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    let place = Box::new_uninit();
    Box::into_pin(Box::write(place, make()))
}
