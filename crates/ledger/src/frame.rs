//! Framing of journal records: `magic(4) ‖ length(u32 LE) ‖ type(1) ‖ payload ‖ CRC-32 (IEEE, LE) of all before`.
//!
//! The checksum finds torn and rotten records; it is no protection against an attacker (the tree and the seals are).
//! The magic holds bytes that never occur in UTF-8, so no text inside a record can be taken for a frame.

const MAGIC: [u8; 4] = [0xB7, 0xFE, 0xA2, 0xFF];
const HEAD: usize = 9;
const TAIL: usize = 4;

/// Bytes that a frame adds to its payload.
pub const FRAME_OVERHEAD: usize = HEAD + TAIL;

/// Payloads over this length (in bytes) are not written and not believed.
const MAX_PAYLOAD: usize = 64 << 20;

/// A payload that is too long for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a journal record of {0} bytes is too long")]
pub struct FrameError(pub usize);

/// Begins a frame at the end of `out` and gives where; append the payload, then call [`finish_frame`] with it.
pub fn start_frame(out: &mut Vec<u8>, kind: u8) -> usize {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.push(kind);
    start
}

/// Fills in length and checksum of the frame that begins at `start`.
///
/// # Errors
/// [`FrameError`] when the payload is longer than 64 MiB.
pub fn finish_frame(out: &mut Vec<u8>, start: usize) -> Result<(), FrameError> {
    let frame = out.get_mut(start..).unwrap_or_default();
    let payload = frame.len().saturating_sub(HEAD);
    let length = u32::try_from(payload).ok().filter(|_| payload <= MAX_PAYLOAD).ok_or(FrameError(payload))?;
    if let Some(field) = frame.get_mut(4..8) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    let sum = crc32fast::hash(frame);
    out.extend_from_slice(&sum.to_le_bytes());
    Ok(())
}

/// What stands at a place of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A whole record.
    Record {
        /// Its type.
        kind: u8,
        /// Its payload.
        payload: &'a [u8],
        /// Offset of the byte after it.
        end: usize,
    },
    /// The bytes from here on are not a whole record: torn, rotten, or still being written.
    Broken {
        /// Offset of the next whole record, when there is one.
        next: Option<usize>,
    },
}

/// Walks over a journal's bytes.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset of what the next call looks at.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Goes on at `offset`: how a caller passes over a broken part.
    pub fn skip_to(&mut self, offset: usize) {
        self.at = offset;
    }

    /// Whether the bytes from here on are the beginning of one record that was cut off: what a torn write leaves.
    pub fn is_torn(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some((head, _)) = rest.split_at_checked(8) else { return MAGIC.starts_with(rest) || rest.starts_with(&MAGIC) };
        let Some((magic, length)) = head.split_at_checked(4) else { return false };
        let length = length.try_into().ok().and_then(|length| usize::try_from(u32::from_le_bytes(length)).ok());
        magic == MAGIC && length.is_some_and(|length| length <= MAX_PAYLOAD && rest.len() < length + FRAME_OVERHEAD)
    }

    /// Whether a whole record stands at `at`.
    fn whole(&self, at: usize) -> Option<(u8, &'a [u8], usize)> {
        let rest = self.bytes.get(at..)?;
        let (magic, after) = rest.split_at_checked(MAGIC.len())?;
        let (length, after) = after.split_at_checked(4)?;
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
        if magic != MAGIC || length > MAX_PAYLOAD {
            return None;
        }
        let (kind, after) = after.split_first()?;
        let (payload, after) = after.split_at_checked(length)?;
        let (sum, _) = after.split_at_checked(TAIL)?;
        let checked = rest.get(..HEAD + length)?;
        (crc32fast::hash(checked).to_le_bytes() == *sum).then_some((*kind, payload, at + length + FRAME_OVERHEAD))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    /// A broken part is shown again until [`Frames::skip_to`] passes it.
    fn next(&mut self) -> Option<Frame<'a>> {
        if self.at >= self.bytes.len() {
            return None;
        }
        if let Some((kind, payload, end)) = self.whole(self.at) {
            self.at = end;
            return Some(Frame::Record { kind, payload, end });
        }
        let next = (self.at + 1..self.bytes.len()).find(|at| self.bytes.get(*at) == Some(&0xB7) && self.whole(*at).is_some());
        Some(Frame::Broken { next })
    }
}
