//! Brazil: CPF and CNPJ (Receita Federal) and PIS (Caixa).

use super::sums::{compact, numbers, part, varied, weighted};

fn check(sum: u32) -> u32 {
    if sum % 11 < 2 { 0 } else { 11 - sum % 11 }
}

/// CPF: two check digits, weights 10 and 11 downwards, modulo 11.
pub(super) fn cpf(value: &[u8]) -> bool {
    let digits = numbers(value);
    let first = check(weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(weighted(&digits, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    digits.len() == 11 && varied(&digits) && first == part(&digits, 9, 10) && second == part(&digits, 10, 11)
}

/// CNPJ, since 2026 also with letters, which count by their place behind `0` in ASCII (IN RFB 2.229/2024).
pub(super) fn cnpj(value: &[u8]) -> bool {
    let code = compact(value);
    let all: Vec<u32> = code.iter().map(|byte| u32::from(byte.saturating_sub(b'0'))).collect();
    let first = check(weighted(&all, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(weighted(&all, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    code.len() == 14 && varied(&all) && Some(&first) == all.get(12) && Some(&second) == all.get(13)
}

/// PIS, PASEP and NIS: weights 3-2-9-…-2, modulo 11.
pub(super) fn pis(value: &[u8]) -> bool {
    let digits = numbers(value);
    let right = check(weighted(&digits, &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == part(&digits, 10, 11);
    digits.len() == 11 && varied(&digits) && right
}
