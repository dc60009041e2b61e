//! Payment data beside card numbers and IBANs.

use super::luhn;
use super::sums::{compact, numbers, part};

/// Countries that have bank identifier codes (ISO 9362 uses ISO 3166-1).
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AR AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CK CL CM CN CO CR CU \
CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE \
IL IM IN IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MO MQ MR MS \
MT MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR NZ OM PA PE PF PG PH PK PL PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN \
SO SR SS ST SV SX SY SZ TC TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VN VU WS XK YE YT ZA ZM ZW";

/// Bank identifier code: the fifth and sixth letters are a country; not a word in small letters.
pub(super) fn bic(value: &[u8]) -> bool {
    let country = std::str::from_utf8(value.get(4..6).unwrap_or_default()).unwrap_or_default();
    !value.iter().any(u8::is_ascii_lowercase) && COUNTRIES.split(' ').any(|other| other == country)
}

/// Tracks 1 and 2 (ISO/IEC 7813): a card number, then year and month.
pub(super) fn track(value: &[u8]) -> bool {
    let length = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let Some((number, rest)) = value.split_at_checked(length) else { return false };
    let rest = if rest.first() == Some(&b'^') {
        rest.iter().rposition(|byte| *byte == b'^').and_then(|at| rest.get(at + 1..))
    } else {
        rest.get(1..)
    };
    let digits = numbers(rest.unwrap_or_default());
    luhn::card(number) && matches!(part(&digits, 2, 4), 1..=12)
}

/// A month and a year of two or four digits.
pub(super) fn expiry(value: &[u8]) -> bool {
    let digits = numbers(value);
    let year = if digits.len() == 4 { 2000 + part(&digits, 2, 4) } else { part(&digits, 2, 6) };
    matches!(part(&digits, 0, 2), 1..=12) && (2000..2060).contains(&year)
}

/// Not one character over and over.
pub(super) fn varied(value: &[u8]) -> bool {
    let code = compact(value);
    code.windows(2).any(|pair| pair.first() != pair.last())
}
