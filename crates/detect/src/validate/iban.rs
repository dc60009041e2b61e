//! IBAN (ISO 13616, SWIFT registry): structure by country, then ISO 7064 mod 97-10.

/// Country and structure of its account number: `n` digits, `a` capital letters, `c` both, each with a count.
const COUNTRIES: &str = "AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI5n5n11n2n BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c \
CZ20n DE18n DJ5n5n11n2n DK14n DO4c20n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n GR7n16c GT4c20c \
HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c LI5n12c LT16n LU3n13c LV4a13c LY21n \
MC10n11c2n MD2c18c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a NI4a20n NL4a10n NO11n OM3n16c PK4a16c PL24n PS4a21c PT21n QA4a21c \
RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n SK20n SM1a10n12c SO19n ST21n SV4a20n TL19n TN20n TR5n1n16c UA6n19c VA18n \
VG4a16n XK16n YE4a4n18c";

/// Whether spaces and dashes stand where people put them, the structure is the country's, and the checksum is right.
pub(super) fn check(value: &[u8]) -> bool {
    let compact: Vec<u8> = value.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    let same = value.iter().filter(|byte| !byte.is_ascii_alphanumeric()).collect::<std::collections::HashSet<_>>().len() <= 1;
    let (Some(country), Some(account)) = (compact.get(..2), compact.get(4..)) else { return false };
    let form = COUNTRIES.split(' ').find_map(|entry| entry.as_bytes().strip_prefix(country));
    same && form.is_some_and(|form| fits(form, account)) && mod_97(&compact) == 1
}

fn fits(form: &[u8], account: &[u8]) -> bool {
    let mut rest = account.iter();
    let mut count = 0u32;
    for byte in form {
        if byte.is_ascii_digit() {
            count = count * 10 + u32::from(*byte - b'0');
            continue;
        }
        for _ in 0..count {
            let right = rest.next().is_some_and(|c| match byte {
                b'n' => c.is_ascii_digit(),
                b'a' => c.is_ascii_uppercase(),
                _ => true,
            });
            if !right {
                return false;
            }
        }
        count = 0;
    }
    rest.next().is_none()
}

/// The first four characters moved to the end, letters as 10 to 35, modulo 97.
fn mod_97(compact: &[u8]) -> u32 {
    compact.iter().cycle().skip(4).take(compact.len()).fold(0, |rest, byte| match char::from(*byte).to_digit(36) {
        Some(value @ 10..) => (rest * 100 + value) % 97,
        Some(value) => (rest * 10 + value) % 97,
        None => rest,
    })
}
