//! Content encodings, with the inflated size capped: the only place where decompressors are called.

use std::io::Write;

use bytes::Bytes;

use crate::blocking::blocking;
use crate::budget::Reservation;

/// An encoding that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// None.
    Identity,
    /// gzip (RFC 1952), several members allowed.
    Gzip,
    /// zlib (RFC 1950), called `deflate` in HTTP.
    Deflate,
    /// zstd (RFC 8878).
    Zstd,
}

/// Why bytes were not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not what the encoding's name says.
    #[error("the body is not in the encoding that `content-encoding` names")]
    Damaged,
    /// Inflates beyond the limit, in bytes.
    #[error("the body inflates beyond {0} bytes")]
    TooLarge(usize),
    /// The budget of bytes in flight is used up.
    #[error("too many bytes are in flight; try again in a moment")]
    Busy,
}

impl Encoding {
    /// From the value of `content-encoding`; `None` when it is not read here.
    pub fn named(value: Option<&[u8]>) -> Option<Self> {
        let word = value.unwrap_or_default().trim_ascii().to_ascii_lowercase();
        match word.as_slice() {
            b"" | b"identity" => Some(Self::Identity),
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            b"zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Collects decoder output up to a limit, and within the budget where there is one.
struct Capped {
    out: Vec<u8>,
    limit: usize,
    held: Option<Reservation>,
    full: Option<DecodeError>,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.out.len() + bytes.len() > self.limit {
            self.full = Some(DecodeError::TooLarge(self.limit));
            return Err(std::io::Error::other("over the limit"));
        }
        if self.held.as_mut().is_some_and(|held| !held.grow(bytes.len())) {
            self.full = Some(DecodeError::Busy);
            return Err(std::io::Error::other("over the budget"));
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

enum Machine {
    Identity(Capped),
    Gzip(flate2::write::MultiGzDecoder<Capped>),
    Deflate(flate2::write::ZlibDecoder<Capped>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Capped>>),
}

/// Decodes a body piece by piece.
pub struct Decoder {
    machine: Machine,
}

impl Decoder {
    /// A decoder that hands out at most `limit` bytes between two calls of [`take`](Self::take).
    ///
    /// # Errors
    /// When the decoder cannot be set up.
    pub fn new(encoding: Encoding, limit: usize) -> Result<Self, DecodeError> {
        Self::within(encoding, limit, None)
    }

    fn within(encoding: Encoding, limit: usize, held: Option<Reservation>) -> Result<Self, DecodeError> {
        let sink = Capped { out: Vec::new(), limit, held, full: None };
        let machine = match encoding {
            Encoding::Identity => Machine::Identity(sink),
            Encoding::Gzip => Machine::Gzip(flate2::write::MultiGzDecoder::new(sink)),
            Encoding::Deflate => Machine::Deflate(flate2::write::ZlibDecoder::new(sink)),
            Encoding::Zstd => {
                let mut decoder = zstd::stream::write::Decoder::new(sink).map_err(|_| DecodeError::Damaged)?;
                decoder.window_log_max(27).map_err(|_| DecodeError::Damaged)?;
                Machine::Zstd(Box::new(decoder))
            }
        };
        Ok(Self { machine })
    }

    fn sink(&mut self) -> &mut Capped {
        match &mut self.machine {
            Machine::Identity(sink) => sink,
            Machine::Gzip(decoder) => decoder.get_mut(),
            Machine::Deflate(decoder) => decoder.get_mut(),
            Machine::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn judge(&mut self, result: &std::io::Result<()>) -> Result<(), DecodeError> {
        let sink = self.sink();
        match result {
            Ok(()) => Ok(()),
            Err(_) => Err(sink.full.unwrap_or(DecodeError::Damaged)),
        }
    }

    /// Feeds encoded bytes.
    ///
    /// # Errors
    /// Damaged input, or more output than allowed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let result = match &mut self.machine {
            Machine::Identity(sink) => sink.write_all(bytes),
            Machine::Gzip(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Machine::Deflate(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Machine::Zstd(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
        };
        self.judge(&result)
    }

    /// Ends the input.
    ///
    /// # Errors
    /// When the encoded bytes end too early.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        let result = match &mut self.machine {
            Machine::Identity(_) => Ok(()),
            Machine::Gzip(decoder) => decoder.try_finish(),
            Machine::Deflate(decoder) => decoder.try_finish(),
            Machine::Zstd(decoder) => decoder.flush(),
        };
        self.judge(&result)
    }

    /// What was decoded since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sink().out)
    }
}

/// Stands for an error: the thread that inflated a body was stopped.
pub const STOPPED: &str = "inflating the body failed";

/// Decodes a whole body. Its length says nothing about how long that takes, so it is done off the worker threads; what comes out is
/// counted as it comes. `None`: it panicked.
pub async fn inflate(encoding: Encoding, bytes: Bytes, limit: usize, held: &mut Reservation) -> Option<Result<Bytes, DecodeError>> {
    // What is held goes along: a request that is abandoned meanwhile stays counted until the thread lets go of it.
    let before = held.split(usize::MAX);
    let run = move || {
        let mut decoder = Decoder::within(encoding, limit, Some(before))?;
        decoder.push(&bytes)?;
        decoder.finish()?;
        let inflated = decoder.take();
        Ok((inflated, decoder.sink().held.take()))
    };
    let result = blocking(true, run).await?;
    Some(result.map(|(inflated, counted)| {
        if let Some(counted) = counted {
            *held = counted;
        }
        // The packed bytes are gone; less is always there to be had.
        let _fits = held.resize(inflated.len());
        Bytes::from(inflated)
    }))
}
