//! Content encodings, with the inflated size capped: the only place where decompressors are called.

use std::io::Write;

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

/// Collects decoder output up to a limit.
struct Capped {
    out: Vec<u8>,
    limit: usize,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.out.len() + bytes.len() > self.limit {
            self.full = true;
            return Err(std::io::Error::other("over the limit"));
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
        let sink = Capped { out: Vec::new(), limit, full: false };
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
            Err(_) if sink.full => Err(DecodeError::TooLarge(sink.limit)),
            Err(_) => Err(DecodeError::Damaged),
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

/// Decodes a whole body.
///
/// # Errors
/// Damaged input, or more than `limit` bytes.
pub fn decode(encoding: Encoding, bytes: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = Decoder::new(encoding, limit)?;
    decoder.push(bytes)?;
    decoder.finish()?;
    Ok(decoder.take())
}
