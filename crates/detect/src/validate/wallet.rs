//! Addresses of crypto-currencies, with their checksums.

use sha2::{Digest, Sha256};

const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// The bytes that base 58 stands for.
fn base58(value: &[u8], alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    let mut bytes: Vec<u8> = Vec::new();
    for letter in value {
        let mut carry = alphabet.iter().position(|other| other == letter)?;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xFF).unwrap_or(0);
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push(u8::try_from(carry & 0xFF).unwrap_or(0));
            carry >>= 8;
        }
    }
    let zeros = value.iter().take_while(|letter| Some(*letter) == alphabet.first()).count();
    bytes.extend(std::iter::repeat_n(0, zeros));
    bytes.reverse();
    Some(bytes)
}

/// The last four bytes are the start of the hash of the hash of the others.
fn checked(value: &[u8], alphabet: &[u8; 58]) -> Option<(u8, usize)> {
    let bytes = base58(value, alphabet)?;
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    let hash = Sha256::digest(Sha256::digest(body));
    (hash.get(..4) == Some(sum)).then_some((*body.first()?, body.len()))
}

/// Bitcoin, Litecoin, Dogecoin, Dash, Zcash and Tron (Bitcoin wiki, `Base58Check` encoding).
pub(super) fn base58_check(value: &[u8]) -> bool {
    checked(value, BITCOIN).is_some_and(|(_, length)| matches!(length, 21 | 22))
}

/// XRP Ledger (XLS-5, base58 encodings): its own alphabet, type 0.
pub(super) fn ripple(value: &[u8]) -> bool {
    checked(value, RIPPLE) == Some((0, 21))
}

/// Bech32 and Bech32m (BIP 173, BIP 350): one letter case, a checksum over prefix and data.
pub(super) fn bech32(value: &[u8]) -> bool {
    let mixed = value.iter().any(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_uppercase);
    let lower = value.to_ascii_lowercase();
    let Some(one) = lower.iter().rposition(|byte| *byte == b'1').filter(|at| *at > 0) else { return false };
    let (prefix, data) = lower.split_at(one);
    let mut letters = Vec::new();
    for byte in data.iter().skip(1) {
        let Some(place) = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l".iter().position(|other| other == byte) else { return false };
        letters.push(u32::try_from(place).unwrap_or(0));
    }
    let high = prefix.iter().map(|byte| u32::from(byte >> 5));
    let low = prefix.iter().map(|byte| u32::from(byte & 31));
    let all = high.chain([0]).chain(low).chain(letters.iter().copied());
    !mixed && letters.len() >= 12 && matches!(polymod(all), 1 | 0x2BC8_30A3)
}

fn polymod(values: impl Iterator<Item = u32>) -> u32 {
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let start = (sum & 0x01FF_FFFF) << 5 ^ value;
        [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(start, |sum, (_, generator)| sum ^ generator)
    })
}

/// Ethereum (EIP-55): in mixed letter case, a letter is a capital where the Keccak hash of the address has a high digit.
pub(super) fn ethereum(value: &[u8]) -> bool {
    let Some(address) = value.get(2..).filter(|address| address.len() == 40) else { return false };
    let letters = address.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let varied = address.windows(4).any(|run| run.windows(2).all(|pair| pair.first() != pair.last()));
    let lower = !address.iter().any(u8::is_ascii_uppercase);
    let upper = !address.iter().any(u8::is_ascii_lowercase);
    if lower || upper {
        return varied && letters >= 4;
    }
    let hash = keccak_256(&address.to_ascii_lowercase());
    address.iter().enumerate().all(|(at, byte)| {
        let pair = hash.get(at / 2).copied().unwrap_or(0);
        let digit = if at % 2 == 0 { pair >> 4 } else { pair & 15 };
        byte.is_ascii_digit() || byte.is_ascii_uppercase() == (digit >= 8)
    })
}

/// Keccak-256 of less than one block (the Keccak reference, version 3): rate 136 bytes, padding 1.
fn keccak_256(message: &[u8]) -> [u8; 32] {
    let mut block = [0u8; 136];
    for (slot, byte) in block.iter_mut().zip(message) {
        *slot = *byte;
    }
    if let Some(slot) = block.get_mut(message.len()) {
        *slot ^= 1;
    }
    if let Some(slot) = block.last_mut() {
        *slot ^= 0x80;
    }
    let mut lanes = [0u64; 25];
    for (lane, bytes) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane = u64::from_le_bytes(*bytes);
    }
    permute(&mut lanes);
    let mut out = [0; 32];
    for (slot, byte) in out.iter_mut().zip(lanes.iter().flat_map(|lane| lane.to_le_bytes())) {
        *slot = byte;
    }
    out
}

/// `Keccak-f[1600]`. Round constants come from the linear feedback register of the reference.
#[expect(clippy::indexing_slicing, reason = "indexes are remainders by 5 of a state of 25 lanes")]
fn permute(lanes: &mut [u64; 25]) {
    let mut register = 1u8;
    for _ in 0..24 {
        let columns: [u64; 5] = std::array::from_fn(|x| (0..5).fold(0, |sum, y| sum ^ lanes[x + 5 * y]));
        for (at, lane) in lanes.iter_mut().enumerate() {
            *lane ^= columns[(at + 4) % 5] ^ columns[(at + 1) % 5].rotate_left(1);
        }
        let (mut x, mut y, mut current) = (1, 0, lanes[1]);
        for step in 0..24u32 {
            (x, y) = (y, (2 * x + 3 * y) % 5);
            let turned = current.rotate_left((step + 1) * (step + 2) / 2 % 64);
            current = std::mem::replace(&mut lanes[x + 5 * y], turned);
        }
        for y in 0..5 {
            let row: [u64; 5] = std::array::from_fn(|x| lanes[5 * y + x]);
            for x in 0..5 {
                lanes[5 * y + x] = row[x] ^ (!row[(x + 1) % 5] & row[(x + 2) % 5]);
            }
        }
        for bit in 0..7 {
            if register & 1 == 1 {
                lanes[0] ^= 1 << ((1u32 << bit) - 1);
            }
            register = if register & 0x80 == 0 { register << 1 } else { register << 1 ^ 0x71 };
        }
    }
}
