//! The compressions of pages. What a page unpacks to is said in front of it: never is more than that made, and never more than its caller allows.

use std::io::Read;

use crate::model::Reason;

/// How the pages of a column are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    None,
    Snappy,
    Gzip,
    /// LZ4 in the frames of Hadoop, or without any.
    Lz4,
    Lz4Raw,
    Zstd,
    /// LZO, Brotli and what comes later.
    Other,
}

impl Codec {
    pub const fn of(number: i64) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Snappy,
            2 => Self::Gzip,
            5 => Self::Lz4,
            6 => Self::Zstd,
            7 => Self::Lz4Raw,
            _ => Self::Other,
        }
    }
}

/// Most bytes that nothing is packed to.
const EMPTY: usize = 32;

/// Adds what the bytes unpack to, which must be exactly so long.
pub fn unpack(codec: Codec, packed: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), Reason> {
    if size == 0 && codec != Codec::None {
        return if packed.len() <= EMPTY { Ok(()) } else { Err(Reason::Damaged) };
    }
    let start = out.len();
    let whole = match codec {
        Codec::None => {
            out.extend_from_slice(packed);
            Some(out.len() - start)
        }
        Codec::Gzip => {
            let limit = u64::try_from(size).unwrap_or(u64::MAX).saturating_add(1);
            flate2::read::MultiGzDecoder::new(packed).take(limit).read_to_end(out).ok()
        }
        Codec::Snappy => {
            // The length in front of it is checked by the decoder against the place that it gets.
            let fits = snap::raw::decompress_len(packed).ok().filter(|len| *len == size).ok_or(Reason::Damaged)?;
            snap::raw::Decoder::new().decompress(packed, room(out, fits)).ok()
        }
        Codec::Zstd => zstd::bulk::decompress_to_buffer(packed, room(out, size)).ok(),
        Codec::Lz4Raw => lz4_flex::block::decompress_into(packed, room(out, size)).ok(),
        Codec::Lz4 => {
            let framed = hadoop(packed, room(out, size));
            framed.or_else(|| lz4_flex::block::decompress_into(packed, out.get_mut(start..)?).ok())
        }
        Codec::Other => return Err(Reason::Method),
    };
    if whole == Some(size) { Ok(()) } else { Err(Reason::Damaged) }
}

/// Zeros to be written over.
fn room(out: &mut Vec<u8>, size: usize) -> &mut [u8] {
    let start = out.len();
    out.resize(start + size, 0);
    out.get_mut(start..).unwrap_or_default()
}

/// Blocks with their two lengths in front.
fn hadoop(mut packed: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut done = 0_usize;
    while !packed.is_empty() {
        let (size, rest) = packed.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let (block, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
        let made = lz4_flex::block::decompress_into(block, out.get_mut(done..done.checked_add(size)?)?).ok()?;
        if made != size {
            return None;
        }
        done += made;
        packed = rest;
    }
    Some(done)
}
