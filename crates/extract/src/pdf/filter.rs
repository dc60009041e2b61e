//! Filters of streams (ISO 32000-1, 7.4): what makes bytes of them is undone under the budgets, what makes pictures is not.

use weezl::BitOrder;
use weezl::decode::{Configuration, Decoder};

use crate::inflate::inflate;
use crate::model::{Limit, Looks, Reason};
use crate::pdf::object::{Dict, Object};
use crate::sink::Sink;

/// Filters on one stream.
pub const MAX_FILTERS: usize = 8;

/// Undoes one filter after another. What could be decoded, and why it is not the whole.
pub fn decode(data: &[u8], filters: &[(Vec<u8>, Option<&Dict>)], sink: &mut Sink<'_>) -> (Vec<u8>, Option<Reason>) {
    if filters.len() > MAX_FILTERS {
        return (Vec::new(), Some(Reason::Limit(Limit::Depth)));
    }
    // Streams may overlap in the file, so their bytes are paid for as they stand too.
    if data.len() > sink.inflate_cap(data.len()) {
        return (Vec::new(), Some(Reason::Limit(Limit::Inflate)));
    }
    sink.took_inflated(data.len());
    let mut bytes = data.to_vec();
    let mut fault = None;
    for (name, parameters) in filters {
        let (decoded, broken) = match name.as_slice() {
            b"FlateDecode" | b"Fl" => flate(&bytes, sink),
            b"LZWDecode" | b"LZW" => lzw(&bytes, early_change(*parameters), sink),
            b"ASCIIHexDecode" | b"AHx" => unpacked(ascii_hex(&bytes), sink),
            b"ASCII85Decode" | b"A85" => unpacked(ascii_85(&bytes), sink),
            b"RunLengthDecode" | b"RL" => run_length(&bytes, sink),
            b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => {
                return (bytes, Some(Reason::Looks(Looks::Image)));
            }
            b"Crypt" => return (Vec::new(), Some(Reason::Encrypted)),
            _ => return (Vec::new(), Some(Reason::Method)),
        };
        fault = fault.or(broken);
        bytes = match parameters.and_then(|it| predict(&decoded, it)) {
            Some(Ok(plain)) => plain,
            Some(Err(reason)) => return (Vec::new(), Some(reason)),
            None => decoded,
        };
    }
    (bytes, fault)
}

/// Forms that hardly grow are paid for afterwards.
fn unpacked(bytes: Vec<u8>, sink: &mut Sink<'_>) -> (Vec<u8>, Option<Reason>) {
    sink.took_inflated(bytes.len());
    (bytes, None)
}

fn flate(bytes: &[u8], sink: &mut Sink<'_>) -> (Vec<u8>, Option<Reason>) {
    let zlib = inflate(bytes, true, sink);
    if !zlib.bytes.is_empty() || zlib.fault.is_none() {
        return (zlib.bytes, zlib.fault);
    }
    // A broken header; some readers go on with what is behind it.
    let raw = inflate(crate::rest(bytes, 2), false, sink);
    (raw.bytes, raw.fault.or(zlib.fault))
}

fn early_change(parameters: Option<&Dict>) -> bool {
    parameters.and_then(|it| it.get(b"EarlyChange".as_slice())).and_then(Object::size) != Some(0)
}

fn lzw(bytes: &[u8], early: bool, sink: &mut Sink<'_>) -> (Vec<u8>, Option<Reason>) {
    let cap = sink.inflate_cap(bytes.len());
    let mut machine: Decoder =
        if early { Configuration::with_tiff_size_switch(BitOrder::Msb, 8).build() } else { Configuration::new(BitOrder::Msb, 8).build() };
    let mut out = Vec::new();
    let mut chunk = vec![0; 8 << 10];
    let mut rest = bytes;
    let fault = loop {
        let result = machine.decode_bytes(rest, &mut chunk);
        out.extend_from_slice(crate::part(&chunk, 0..result.consumed_out));
        rest = crate::rest(rest, result.consumed_in);
        match result.status {
            _ if out.len() > cap => break Some(Reason::Limit(Limit::Inflate)),
            Ok(weezl::LzwStatus::Done) => break None,
            Ok(_) if result.consumed_in > 0 || result.consumed_out > 0 => {}
            // Many writers leave the end mark out.
            Ok(_) if rest.is_empty() => break None,
            _ => break Some(Reason::Damaged),
        }
    };
    out.truncate(cap);
    sink.took_inflated(out.len());
    (out, fault)
}

fn ascii_hex(bytes: &[u8]) -> Vec<u8> {
    let end = memchr::memchr(b'>', bytes).unwrap_or(bytes.len());
    let source = [b"<", crate::part(bytes, 0..end), b">"].concat();
    match super::object::Lexer::new(&source, 0).object() {
        Some(Object::Text(text)) => text,
        _ => Vec::new(),
    }
}

fn ascii_85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 5 * 4);
    let mut group: u32 = 0;
    let mut count = 0;
    for byte in bytes.strip_prefix(b"<~").unwrap_or(bytes) {
        match byte {
            b'~' => break,
            b'z' if count == 0 => out.extend([0; 4]),
            b'!'..=b'u' => {
                group = group.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                count += 1;
                if count == 5 {
                    out.extend(group.to_be_bytes());
                    (group, count) = (0, 0);
                }
            }
            _ => {}
        }
    }
    if count > 1 {
        for _ in count..5 {
            group = group.wrapping_mul(85).wrapping_add(84);
        }
        out.extend(group.to_be_bytes().iter().take(count - 1));
    }
    out
}

fn run_length(bytes: &[u8], sink: &mut Sink<'_>) -> (Vec<u8>, Option<Reason>) {
    let cap = sink.inflate_cap(bytes.len());
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut fault = None;
    while let Some((length, after)) = rest.split_first() {
        let length = usize::from(*length);
        match length {
            128 => break,
            0..128 => {
                out.extend_from_slice(crate::part(after, 0..(length + 1).min(after.len())));
                rest = crate::rest(after, length + 1);
            }
            _ => {
                let Some(byte) = after.first() else { break };
                out.resize(out.len() + 257 - length, *byte);
                rest = crate::rest(after, 1);
            }
        }
        if out.len() > cap {
            fault = Some(Reason::Limit(Limit::Inflate));
            break;
        }
    }
    sink.took_inflated(out.len());
    (out, fault)
}

/// Undoes a predictor. None: there is none.
fn predict(bytes: &[u8], parameters: &Dict) -> Option<Result<Vec<u8>, Reason>> {
    let size = |key: &str, otherwise: usize| parameters.get(key.as_bytes()).and_then(Object::size).unwrap_or(otherwise);
    let predictor = size("Predictor", 1);
    if predictor < 2 {
        return None;
    }
    let (colors, bits, columns) = (size("Colors", 1), size("BitsPerComponent", 8), size("Columns", 1));
    let Some(row_bits) = colors.checked_mul(bits).and_then(|it| it.checked_mul(columns)).filter(|it| *it > 0 && *it < 1 << 30) else {
        return Some(Err(Reason::Damaged));
    };
    let (row, pixel) = (row_bits.div_ceil(8), (colors * bits).div_ceil(8));
    if predictor >= 10 {
        return Some(Ok(png(bytes, row, pixel)));
    }
    // TIFF's, which nobody uses for anything but pictures.
    Some(if bits == 8 { Ok(tiff(bytes, row, pixel)) } else { Err(Reason::Method) })
}

fn tiff(bytes: &[u8], row: usize, pixel: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.chunks(row) {
        let start = out.len();
        for (at, byte) in line.iter().enumerate() {
            let left = if at >= pixel { out.get(start + at - pixel).copied().unwrap_or(0) } else { 0 };
            out.push(byte.wrapping_add(left));
        }
    }
    out
}

fn png(bytes: &[u8], row: usize, pixel: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut above_at: Option<usize> = None;
    for line in bytes.chunks(row + 1) {
        let Some((method, line)) = line.split_first() else { break };
        let start = out.len();
        for (at, byte) in line.iter().enumerate() {
            let get = |index: Option<usize>| index.and_then(|it| out.get(it)).copied().unwrap_or(0);
            let left_at = at.checked_sub(pixel);
            let left = get(left_at.map(|it| start + it));
            let above = get(above_at.map(|it| it + at));
            let corner = get(above_at.zip(left_at).map(|(it, left)| it + left));
            let guess = match method {
                1 => left,
                2 => above,
                3 => left.midpoint(above),
                4 => paeth(left, above, corner),
                _ => 0,
            };
            out.push(byte.wrapping_add(guess));
        }
        above_at = Some(start);
    }
    out
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |it: u8| (guess - i16::from(it)).abs();
    if distance(left) <= distance(above) && distance(left) <= distance(corner) {
        left
    } else if distance(above) <= distance(corner) {
        above
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Limits;

    #[test]
    fn ascii_forms() {
        assert_eq!(ascii_hex(b"48 65 6C6C 6>"), b"Hell`");
        assert_eq!(ascii_85(b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(ascii_85(b"87cUR~>"), b"Hell");
    }

    #[test]
    fn lzw_and_runs() {
        let limits = Limits::default();
        let mut sink = Sink::new(&limits);
        let packed = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(b"-----A---B").unwrap();
        assert_eq!(lzw(&packed, true, &mut sink), (b"-----A---B".to_vec(), None));
        assert_eq!(run_length(b"\x02abc\xFEd\x80zz", &mut sink), (b"abcddd".to_vec(), None));
    }

    #[test]
    fn predictors() {
        assert_eq!(png(b"\x01\x01\x01\x01\x02\x01\x01\x01", 3, 1), [1, 2, 3, 2, 3, 4]);
        assert_eq!(tiff(&[1, 1, 1, 5, 1, 1], 3, 1), [1, 2, 3, 5, 6, 7]);
    }
}
