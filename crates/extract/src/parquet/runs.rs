//! Numbers in few bits: runs and packed bits for levels and indexes, differences for numbers and lengths. Each reader keeps only where
//! it is, and is given the bytes of its page each time.

use crate::model::Reason;
use crate::parquet::thrift::unzigzag;

/// Runs of one value, and values in packed bits.
#[derive(Clone, Default)]
pub struct Runs {
    at: usize,
    end: usize,
    width: usize,
    left: u64,
    /// The value of the run; without one, where the next packed bits are.
    same: Option<u32>,
    bit: usize,
}

impl Runs {
    /// Values of so many bits, from here to there.
    pub fn new(at: usize, end: usize, width: usize) -> Result<Self, Reason> {
        if width > 32 { Err(Reason::Damaged) } else { Ok(Self { at, end, width, ..Self::default() }) }
    }

    pub fn next(&mut self, bytes: &[u8]) -> Result<u32, Reason> {
        if self.width == 0 {
            return Ok(0);
        }
        while self.left == 0 {
            self.run(bytes)?;
        }
        self.left -= 1;
        if let Some(same) = self.same {
            return Ok(same);
        }
        if self.bit + self.width > self.end * 8 {
            return Err(Reason::Damaged);
        }
        let value = bits(bytes, self.bit, self.width)?;
        self.bit += self.width;
        u32::try_from(value).map_err(|_| Reason::Damaged)
    }

    fn run(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        let head = varint(bytes.get(..self.end).unwrap_or(bytes), &mut self.at)?;
        if head & 1 == 0 {
            let len = self.width.div_ceil(8);
            let value = bytes.get(self.at..self.at + len).filter(|_| self.at + len <= self.end).ok_or(Reason::Damaged)?;
            self.same = Some(value.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte)));
            self.left = head >> 1;
            self.at += len;
            return Ok(());
        }
        let groups = usize::try_from(head >> 1).map_err(|_| Reason::Damaged)?;
        self.same = None;
        self.bit = self.at * 8;
        self.left = (head >> 1).checked_mul(8).ok_or(Reason::Damaged)?;
        // The last group may be cut short.
        self.at = groups.checked_mul(self.width).and_then(|len| self.at.checked_add(len)).ok_or(Reason::Damaged)?.min(self.end);
        Ok(())
    }
}

/// Numbers as differences, in blocks of small blocks that have a width each.
#[derive(Clone)]
pub struct Deltas {
    at: usize,
    minis: usize,
    per_mini: usize,
    /// How many are still to come.
    pub left: usize,
    last: i64,
    started: bool,
    least: i64,
    widths: usize,
    mini: usize,
    mini_left: usize,
    bit: usize,
    width: usize,
}

impl Deltas {
    /// Reads the header. More values than `most` there cannot be.
    pub fn new(bytes: &[u8], mut at: usize, most: usize) -> Result<Self, Reason> {
        let mut number = || usize::try_from(varint(bytes, &mut at)?).map_err(|_| Reason::Damaged);
        let (block, minis, left) = (number()?, number()?, number()?);
        let last = unzigzag(varint(bytes, &mut at)?);
        let per_mini = block.checked_div(minis).unwrap_or_default();
        if block > 1 << 20 || per_mini == 0 || !per_mini.is_multiple_of(8) || per_mini * minis != block || left > most {
            return Err(Reason::Damaged);
        }
        Ok(Self { at, minis, per_mini, left, last, started: false, least: 0, widths: 0, mini: minis, mini_left: 0, bit: 0, width: 0 })
    }

    pub fn next(&mut self, bytes: &[u8]) -> Result<i64, Reason> {
        self.left = self.left.checked_sub(1).ok_or(Reason::Damaged)?;
        if !self.started {
            self.started = true;
            return Ok(self.last);
        }
        if self.mini_left == 0 {
            self.open(bytes)?;
        }
        self.mini_left -= 1;
        let more = bits(bytes, self.bit, self.width)?;
        self.bit += self.width;
        self.last = self.last.wrapping_add(self.least).wrapping_add(more.cast_signed());
        Ok(self.last)
    }

    /// A length among the numbers.
    pub fn next_len(&mut self, bytes: &[u8]) -> Result<usize, Reason> {
        usize::try_from(self.next(bytes)?).map_err(|_| Reason::Damaged)
    }

    fn open(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        if self.mini == self.minis {
            self.least = unzigzag(varint(bytes, &mut self.at)?);
            (self.widths, self.mini) = (self.at, 0);
            self.at += self.minis;
        }
        self.width = usize::from(*bytes.get(self.widths + self.mini).ok_or(Reason::Damaged)?);
        if self.width > 64 {
            return Err(Reason::Damaged);
        }
        self.bit = self.at * 8;
        self.at += self.width * self.per_mini / 8;
        (self.mini, self.mini_left) = (self.mini + 1, self.per_mini);
        Ok(())
    }

    /// Where the bytes go on behind all of the numbers.
    pub fn end(&self, bytes: &[u8]) -> Result<usize, Reason> {
        let mut all = self.clone();
        while all.left > 0 {
            all.next(bytes)?;
        }
        Ok(all.at)
    }
}

fn varint(bytes: &[u8], at: &mut usize) -> Result<u64, Reason> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at).ok_or(Reason::Damaged)?;
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Reason::Damaged)
}

/// So many bits, at most 64, from this bit on; the lowest come first.
fn bits(bytes: &[u8], at: usize, width: usize) -> Result<u64, Reason> {
    if width == 0 {
        return Ok(0);
    }
    let (first, shift) = (at / 8, at % 8);
    let taken = bytes.get(first..(at + width).div_ceil(8)).ok_or(Reason::Damaged)?;
    let all = taken.iter().rev().fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
    u64::try_from((all >> shift) & ((1_u128 << width) - 1)).map_err(|_| Reason::Damaged)
}
