//! The one door to a decompressor: capped by the budgets of the document.

use flate2::{Decompress, FlushDecompress, Status};

use crate::model::{Limit, Reason};
use crate::sink::Sink;

/// What came out.
pub struct Inflated {
    pub bytes: Vec<u8>,
    /// How many bytes went in. Behind a stream that ended, this is where it ended.
    pub used: usize,
    /// Why it is not the whole, if it is not.
    pub fault: Option<Reason>,
}

/// Inflates raw deflate, or with `zlib` its container. What came out before an error or a limit is kept.
pub fn inflate(bytes: &[u8], zlib: bool, sink: &mut Sink<'_>) -> Inflated {
    const STEP: usize = 32 << 10;
    let cap = sink.inflate_cap(bytes.len());
    if cap == 0 {
        return Inflated { bytes: Vec::new(), used: 0, fault: Some(Reason::Limit(Limit::Inflate)) };
    }
    let mut machine = Decompress::new(zlib);
    let mut out = Vec::new();
    let mut used = 0;
    let fault = loop {
        if out.len() >= cap {
            // One byte more tells a stream that ends here from one that goes on.
            let mut probe = [0; 1];
            let before = machine.total_out();
            let ended = machine.decompress(crate::rest(bytes, used), &mut probe, FlushDecompress::None);
            let whole = matches!(ended, Ok(Status::StreamEnd)) && machine.total_out() == before;
            break (!whole).then_some(Reason::Limit(Limit::Inflate));
        }
        out.reserve_exact(STEP.max(out.len() / 2).min(cap - out.len()));
        let before = (used, out.len());
        let status = machine.decompress_vec(crate::rest(bytes, used), &mut out, FlushDecompress::None);
        used = usize::try_from(machine.total_in()).unwrap_or(usize::MAX).min(bytes.len());
        match status {
            Ok(Status::StreamEnd) => break None,
            Ok(_) if (used, out.len()) != before => {}
            _ => break Some(Reason::Damaged),
        }
    };
    out.truncate(cap);
    // A stream of empty blocks gives nothing and costs all the same.
    let used = usize::try_from(machine.total_in()).unwrap_or(usize::MAX).min(bytes.len());
    sink.took_inflated(out.len().max(used));
    Inflated { bytes: out, used, fault }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;
    use crate::model::Limits;

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn check(packed: &[u8], inflated_bytes: usize, len: usize, fault: Option<Reason>) {
        let limits = Limits { inflated_bytes, ..Limits::default() };
        let inflated = inflate(packed, false, &mut Sink::new(&limits));
        assert_eq!((inflated.bytes.len(), inflated.fault), (len, fault));
    }

    #[test]
    fn stops_at_the_cap_and_at_damage() {
        let packed = deflate(&b"a".repeat(100_000));
        check(&packed, 100_000, 100_000, None);
        check(&packed, 99_999, 99_999, Some(Reason::Limit(Limit::Inflate)));
        let limits = Limits::default();
        let bomb = deflate(&vec![0; 8 << 20]);
        let inflated = inflate(&bomb, false, &mut Sink::new(&limits));
        assert_eq!((inflated.bytes.len(), inflated.fault), ((bomb.len() * 200).max(1 << 20), Some(Reason::Limit(Limit::Inflate))));
        let noise: Vec<u8> = (0..20_000_u32).map(|it| u8::try_from(it.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
        let packed = deflate(&noise);
        let torn = &packed[..packed.len() / 2];
        let inflated = inflate(torn, false, &mut Sink::new(&limits));
        assert_eq!(inflated.fault, Some(Reason::Damaged));
        assert!(!inflated.bytes.is_empty() && noise.starts_with(&inflated.bytes));
    }
}
