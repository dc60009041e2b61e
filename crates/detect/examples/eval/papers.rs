//! Numbers on people's papers in the countries of the languages that are measured, made by the rules of those who give them out. As
//! in `draw`, the arithmetic is written apart from that of the detectors.

use crate::draw::{CAPITALS, Draw, grouped, values, weighted, with_luhn};

const DIGITS: &str = "0123456789";
/// Letters of German papers: no vowels, nothing that looks like a digit.
const GERMAN: &str = "CFGHJKLMNPRTVWXYZ";

/// What a letter or digit counts: letters from 10 on.
fn worth(c: char) -> u64 {
    c.to_digit(36).map_or(0, u64::from)
}

/// A sum of products, each with its digits summed up.
fn crossed(digits: &[u64], weights: &[u64]) -> u64 {
    digits.iter().zip(weights).map(|(digit, weight)| (digit * weight) / 10 + (digit * weight) % 10).sum()
}

/// Day and month of a birth, two digits each.
fn day_month(draw: &mut Draw) -> (usize, usize) {
    (1 + draw.below(28), 1 + draw.below(12))
}

/// German passport or identity card: weights 7-3-1 of ICAO 9303.
pub fn de_card(draw: &mut Draw) -> String {
    let body = draw.from("CFGHJK", 1) + &draw.from(&format!("{GERMAN}{DIGITS}"), 6) + &draw.from(DIGITS, 1);
    let sum: u64 = body.chars().zip([7, 3, 1].iter().cycle()).map(|(c, weight)| worth(c) * weight).sum();
    format!("{body}{}", sum % 10)
}

/// ISO 7064, mod 11,10; one digit twice.
pub fn de_tax(draw: &mut Draw) -> String {
    let mut digits: Vec<u64> = (0..10).collect();
    for at in (1..10).rev() {
        digits.swap(at, draw.below(at + 1));
    }
    if digits[0] == 0 {
        digits.swap(0, 5);
    }
    digits[9] = digits[3];
    let product = digits.iter().fold(10, |product, digit| match (digit + product) % 10 {
        0 => 20 % 11,
        sum => sum * 2 % 11,
    });
    let check = (11 - product) % 10;
    let plain: String = digits.iter().chain(&[check]).map(u64::to_string).collect();
    if draw.below(2) == 0 { plain } else { grouped(&plain, &[2, 3, 3, 3], " ") }
}

/// Area, date of birth, a letter, a serial number.
pub fn de_pension(draw: &mut Draw) -> String {
    let (day, month) = day_month(draw);
    let (place, serial) = (draw.below(26), draw.from(DIGITS, 2));
    let front = format!("{}{day:02}{month:02}{:02}", draw.pick(&["12", "13", "53", "65"]), 50 + draw.below(50));
    let all = values(&format!("{front}{:02}{serial}", place + 1));
    let check = crossed(&all, &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]) % 10;
    let letter = &CAPITALS[place..=place];
    match draw.below(2) {
        0 => format!("{front}{letter}{serial}{check}"),
        _ => format!("{} {} {letter} {serial} {check}", &front[..2], &front[2..]),
    }
}

/// A letter and nine digits.
pub fn de_health(draw: &mut Draw) -> String {
    let (place, body) = (draw.below(26), draw.digits(8));
    let check = crossed(&values(&format!("{:02}{body}", place + 1)), &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10;
    format!("{}{body}{check}", &CAPITALS[place..=place])
}

pub fn de_postcode(draw: &mut Draw) -> String {
    draw.pick(&["24937", "10115", "80331", "50667", "01067", "70173"]).to_owned()
}

pub fn uk_postcode(draw: &mut Draw) -> String {
    draw.pick(&["SW1A 2AA", "M1 1AE", "EH1 2NG", "LS6 3AB", "CF10 3AT"]).to_owned()
}

/// British and Japanese passports are two letters and seven digits, American ones nine digits or a letter and eight.
pub fn us_passport(draw: &mut Draw) -> String {
    if draw.below(2) == 0 { draw.digits(9) } else { draw.from("ABCE", 1) + &draw.digits(8) }
}

pub fn two_and_seven(draw: &mut Draw) -> String {
    draw.from("ABCEFGHKLMNPRTWXYZ", 2) + &draw.digits(7)
}

pub fn us_itin(draw: &mut Draw) -> String {
    format!("9{}-{}-{}", draw.from(DIGITS, 2), 70 + draw.below(19), draw.digits(4))
}

/// British taxpayer reference: the first digit checks the rest.
pub fn uk_utr(draw: &mut Draw) -> String {
    let body = draw.digits(9);
    let rest = weighted(&body, &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    let check = [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1];
    format!("{}{body}", check[usize::try_from(rest).unwrap_or(0)])
}

pub fn fr_passport(draw: &mut Draw) -> String {
    format!("{:02}{}{}", 5 + draw.below(20), draw.from("ACDEFHKLPRTVX", 2), draw.digits(5))
}

/// The first ten digits modulo 511.
pub fn fr_tax(draw: &mut Draw) -> String {
    let body = draw.from("0123", 1) + &draw.digits(9);
    let plain = format!("{body}{:03}", body.parse::<u64>().unwrap_or(0) % 511);
    if draw.below(2) == 0 { plain } else { grouped(&plain, &[2, 2, 3, 3, 3], " ") }
}

/// The establishment of a company: Luhn over nine digits, then over fourteen.
pub fn fr_siret(draw: &mut Draw) -> String {
    let company = with_luhn(&draw.digits(8));
    with_luhn(&format!("{company}{}", draw.pick(&["0001", "0002", "0013"])))
}

const SPANISH: &str = "TRWAGMYFPDXBNJZSQVHLCKE";

/// A foreigner's number: X, Y and Z count 0, 1 and 2.
pub fn es_nie(draw: &mut Draw) -> String {
    let (first, body) = (draw.below(3), draw.digits(7));
    let at = usize::try_from(format!("{first}{body}").parse::<u64>().unwrap_or(0) % 23).unwrap_or(0);
    format!("{}{body}{}", ["X", "Y", "Z"][first], &SPANISH[at..=at])
}

pub fn es_passport(draw: &mut Draw) -> String {
    draw.from("ABCDFGHKLMNPRSTX", 3) + &draw.digits(6)
}

/// What letters and digits in odd places count, from 0 and A on.
const ITALIAN: [u64; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// Codice fiscale.
pub fn it_fiscal(draw: &mut Draw) -> String {
    let names = draw.pick(&["RSSMRA", "BNCLCU", "FRRGLI", "CNTSFO", "MRTNNA"]);
    let town = draw.pick(&["H501", "F205", "L219", "A944"]);
    let (day, woman) = (1 + draw.below(28), draw.below(2) * 40);
    let body = format!("{names}{:02}{}{:02}{town}", 45 + draw.below(55), draw.from("ABCDEHLMPRST", 1), day + woman);
    let sum: u64 = body
        .bytes()
        .enumerate()
        .map(|(at, byte)| {
            let place = usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
            if at % 2 == 0 { ITALIAN[place] } else { place as u64 }
        })
        .sum();
    let at = usize::try_from(sum % 26).unwrap_or(0);
    format!("{body}{}", &CAPITALS[at..=at])
}

/// Partita IVA: Luhn over eleven digits.
pub fn it_vat(draw: &mut Draw) -> String {
    with_luhn(&format!("0{}", draw.digits(9)))
}

/// The electronic identity card.
pub fn it_card(draw: &mut Draw) -> String {
    format!("C{}{}{}", draw.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1), draw.digits(5), draw.from(CAPITALS, 2))
}

/// Weights 9 to 2, modulo 11.
pub fn pt_nif(draw: &mut Draw) -> String {
    let body = draw.from("2", 1) + &draw.digits(7);
    let check = match weighted(&body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    let plain = format!("{body}{check}");
    if draw.below(2) == 0 { plain } else { grouped(&plain, &[3, 3, 3], " ") }
}

/// Cartão de cidadão: Luhn over twelve characters, letters from 10 on.
pub fn pt_card(draw: &mut Draw) -> String {
    let (number, series) = (draw.digits(9), draw.from("XYZ", 1) + &draw.from("ABCDEFGHIJ", 1));
    let body = format!("{number}{series}");
    let sum: u64 = body
        .chars()
        .rev()
        .enumerate()
        .map(|(at, c)| match (at % 2, worth(c) * 2) {
            (1, double) => double / 2,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    format!("{} {} {series}{}", &number[..8], &number[8..], (10 - sum % 10) % 10)
}

pub fn nl_passport(draw: &mut Draw) -> String {
    draw.from("BNSX", 1) + &draw.from("ABCDEFGHJKLMNPRSTUVWXYZ", 1) + &draw.from("BCDFGHJK123456789", 6) + &draw.digits(1)
}

/// My Number: weights 6-5-4-3-2-7-6-5-4-3-2, modulo 11.
pub fn jp_number(draw: &mut Draw) -> String {
    let body = draw.digits(11);
    let check = match weighted(&body, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    let plain = format!("{body}{check}");
    if draw.below(2) == 0 { plain } else { grouped(&plain, &[4, 4, 4], " ") }
}

/// Corporate number: the first digit checks the rest.
pub fn jp_corporate(draw: &mut Draw) -> String {
    let body = draw.digits(12);
    format!("{}{body}", 9 - weighted(&body, &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]) % 9)
}

pub fn username(draw: &mut Draw) -> String {
    format!("{}{}", draw.pick(&["mokafor", "j.lund", "anna_weber", "t-nguyen", "sofia.m", "rhuber"]), 10 + draw.below(89))
}

/// A birth as it is written in a language: `D` and `M` have two digits, `X` and `N` no nought before them, `L` is the month's name.
fn birth(draw: &mut Draw, forms: &[&str], months: &[&str; 12]) -> String {
    let (day, month) = day_month(draw);
    let year = (1935 + draw.below(70)).to_string();
    let two = |number: usize| format!("{number:02}");
    let mut text = String::new();
    for c in draw.pick(forms).chars() {
        match c {
            'D' => text += &two(day),
            'X' => text += &day.to_string(),
            'M' => text += &two(month),
            'N' => text += &month.to_string(),
            'Y' => text += &year,
            'L' => text += months[month - 1],
            c => text.push(c),
        }
    }
    text
}

macro_rules! births {
    ($($name:ident: $($form:literal)|+, $months:literal;)+) => {
        $(pub fn $name(draw: &mut Draw) -> String {
            let mut months = [""; 12];
            months.iter_mut().zip($months.split(' ')).for_each(|(month, name)| *month = name);
            birth(draw, &[$($form),+], &months)
        })+
    };
}

births! {
    birth_en: "D/M/Y" | "Y-M-D" | "L X, Y" | "X L Y", "January February March April May June July August September October November December";
    birth_de: "D.M.Y" | "X. L Y" | "Y-M-D" | "X.N.Y", "Januar Februar März April Mai Juni Juli August September Oktober November Dezember";
    birth_fr: "D/M/Y" | "X L Y" | "D-M-Y" | "D.M.Y", "janvier février mars avril mai juin juillet août septembre octobre novembre décembre";
    birth_es: "D/M/Y" | "X de L de Y" | "D-M-Y", "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre";
    birth_it: "D/M/Y" | "X L Y" | "D.M.Y", "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre";
    birth_pt: "D/M/Y" | "X de L de Y" | "D-M-Y", "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro";
    birth_nl: "D-M-Y" | "X L Y" | "D/M/Y", "januari februari maart april mei juni juli augustus september oktober november december";
    birth_ja: "Y年N月X日" | "Y/M/D" | "Y-M-D", "1 2 3 4 5 6 7 8 9 10 11 12";
}
