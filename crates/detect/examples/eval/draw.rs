//! Values made up by the rules of those who give them out. The arithmetic here is written apart from that of the detectors: what
//! both sides shared, both would get wrong.

/// A source of numbers that gives the same ones each time.
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub fn from(&mut self, letters: &str, count: usize) -> String {
        let letters: Vec<char> = letters.chars().collect();
        (0..count).map(|_| self.pick(&letters)).collect()
    }

    /// Digits, the first of them not 0.
    pub fn digits(&mut self, count: usize) -> String {
        self.from("123456789", 1) + &self.from("0123456789", count.saturating_sub(1))
    }

    pub fn hex(&mut self, count: usize) -> String {
        self.from("0123456789abcdef", count)
    }

    /// Puts digits for `#` and digits from 2 to 9 for `N`.
    pub fn fill(&mut self, form: &str) -> String {
        let mut filled = String::new();
        for c in form.chars() {
            match c {
                '#' => filled += &self.from("0123456789", 1),
                'N' => filled += &self.from("23456789", 1),
                _ => filled.push(c),
            }
        }
        filled
    }
}

pub const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

pub fn values(digits: &str) -> Vec<u64> {
    digits.chars().filter_map(|c| c.to_digit(10)).map(u64::from).collect()
}

pub fn weighted(digits: &str, weights: &[u64]) -> u64 {
    values(digits).iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Digits with their Luhn digit behind them.
pub fn with_luhn(body: &str) -> String {
    let sum: u64 =
        values(body).iter().rev().enumerate().map(|(at, digit)| if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit }).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

pub fn grouped(digits: &str, sizes: &[usize], between: &str) -> String {
    let mut rest = digits;
    let mut groups = Vec::new();
    for size in sizes {
        let (group, tail) = rest.split_at((*size).min(rest.len()));
        groups.push(group);
        rest = tail;
    }
    groups.join(between)
}

pub fn email(draw: &mut Draw) -> String {
    let name = draw.pick(&["mira.okafor", "jlund", "t.nguyen+orders", "anna_weber", "r.oconnor82", "li-wei", "sofia.m"]);
    let host = draw.pick(&["harbour-lane", "mail.fjordpost", "quayside", "nordlicht-bau", "clinic.tidewater"]);
    let end = draw.pick(&["com", "de", "co.uk", "example", "fr", "org", "com.br", "nl"]);
    format!("{name}@{host}.{end}")
}

pub fn url(draw: &mut Draw) -> String {
    let host = draw.pick(&["harbour-lane.com", "www.fjordpost.no", "docs.quayside.ie", "nordlicht-bau.de:8443"]);
    format!("{}://{host}/{}/{}", draw.pick(&["https", "http"]), draw.pick(&["orders", "u", "share"]), draw.hex(8))
}

pub fn ipv4(draw: &mut Draw) -> String {
    format!("{}.{}.{}.{}", 11 + draw.below(110), draw.below(256), draw.below(256), 1 + draw.below(254))
}

pub fn ipv6(draw: &mut Draw) -> String {
    let group = |draw: &mut Draw| draw.hex(4);
    match draw.below(3) {
        0 => format!("2001:db8:{}:{}::{}", group(draw), group(draw), group(draw)),
        1 => format!("fe80::{}:{}%eth{}", group(draw), group(draw), draw.below(4)),
        _ => (0..8).map(|_| format!("2{}", draw.hex(3))).collect::<Vec<_>>().join(":"),
    }
}

pub fn card(draw: &mut Draw) -> String {
    let (prefix, length, sizes): (&str, usize, &[usize]) = draw.pick(&[
        ("4", 16, &[4, 4, 4, 4][..]),
        ("52", 16, &[4, 4, 4, 4][..]),
        ("37", 15, &[4, 6, 5][..]),
        ("6011", 16, &[4, 4, 4, 4][..]),
        ("3530", 16, &[4, 4, 4, 4][..]),
        ("36", 14, &[4, 6, 4][..]),
    ]);
    let body = prefix.to_owned() + &draw.from("0123456789", length - prefix.len() - 1);
    let between = draw.pick(&["", " ", "-", ""]);
    grouped(&with_luhn(&body), sizes, between)
}

pub fn iban(draw: &mut Draw) -> String {
    let (country, form) = draw.pick(&[
        ("DE", "##################"),
        ("FR", "#######################"),
        ("GB", "@@@@##############"),
        ("NL", "@@@@##########"),
        ("ES", "####################"),
    ]);
    let mut body = draw.fill(form);
    if body.starts_with("@@@@") {
        body = draw.from(CAPITALS, 4) + &body[4..];
    }
    let rest = |text: &str| {
        text.chars().fold(0_u64, |sum, c| {
            let value = u64::from(c.to_digit(36).unwrap_or(0));
            (if value > 9 { sum * 100 } else { sum * 10 } + value) % 97
        })
    };
    let check = 98 - rest(&format!("{body}{country}00"));
    let plain = format!("{country}{check:02}{body}");
    if draw.below(2) == 0 {
        plain
    } else {
        plain.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).into_owned()).collect::<Vec<_>>().join(" ")
    }
}

pub fn ssn(draw: &mut Draw) -> String {
    format!("{:03}-{:02}-{:04}", 1 + draw.below(665), 1 + draw.below(99), 1 + draw.below(9_999))
}

pub fn nino(draw: &mut Draw) -> String {
    let spaces = draw.pick(&["", " "]);
    grouped(
        &format!("{}{}{}", draw.pick(&["JK", "AB", "CE", "HP"]), draw.from("0123456789", 6), draw.pick(&["A", "B", "C"])),
        &[2, 2, 2, 2, 1],
        spaces,
    )
}

/// Luhn after the prefix of the health industry.
pub fn npi(draw: &mut Draw) -> String {
    let body = format!("808401{}", draw.from("0123456789", 8));
    with_luhn(&body)[5..].to_owned()
}

pub fn imei(draw: &mut Draw) -> String {
    with_luhn(&format!("35{}", draw.digits(12)))
}

pub fn mac(draw: &mut Draw) -> String {
    let between = draw.pick(&[":", ":", "-"]);
    let pairs: Vec<String> = (0..6).map(|at| if at == 0 { "3c".to_owned() } else { draw.hex(2) }).collect();
    pairs.join(between)
}

/// Weights 10 to 2, then 11 to 2.
pub fn cpf(draw: &mut Draw) -> String {
    let body = draw.digits(9);
    let digit = |sum: u64| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    let first = digit(weighted(&body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = digit(weighted(&format!("{body}{first}"), &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    format!("{}-{first}{second}", grouped(&body, &[3, 3, 3], "."))
}

pub fn nif(draw: &mut Draw) -> String {
    let number = 10_000_000 + draw.below(80_000_000);
    format!("{number}{}", &"TRWAGMYFPDXBNJZSQVHLCKE"[number % 23..=number % 23])
}

pub fn nir(draw: &mut Draw) -> String {
    let body = format!(
        "{}{:02}{:02}{:02}{}{}",
        1 + draw.below(2),
        40 + draw.below(59),
        1 + draw.below(12),
        1 + draw.below(95),
        draw.digits(3),
        draw.digits(3)
    );
    let key = 97 - body.parse::<u64>().unwrap_or(0) % 97;
    let plain = format!("{body}{key:02}");
    if draw.below(2) == 0 { plain } else { grouped(&plain, &[1, 2, 2, 2, 3, 3, 2], " ") }
}

/// Eleven test: weights 9 to 2 and minus 1.
pub fn bsn(draw: &mut Draw) -> String {
    loop {
        let body = draw.digits(8);
        let check = weighted(&body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        if check < 10 {
            return format!("{body}{check}");
        }
    }
}

pub fn pesel(draw: &mut Draw) -> String {
    let body = format!("{:02}{:02}{:02}{}", 40 + draw.below(59), 1 + draw.below(12), 1 + draw.below(28), draw.digits(4));
    format!("{body}{}", (10 - weighted(&body, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10)
}

pub fn nhs(draw: &mut Draw) -> String {
    loop {
        let body = draw.fill("4########");
        let check = 11 - weighted(&body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        if check != 10 {
            return grouped(&format!("{body}{}", check % 11), &[3, 3, 4], " ");
        }
    }
}

/// ISO 7064, mod 11-2.
pub fn resident(draw: &mut Draw) -> String {
    let body = format!("110105{}{:02}{:02}{}", 1950 + draw.below(50), 1 + draw.below(12), 1 + draw.below(28), draw.from("0123456789", 3));
    let sum = weighted(&body, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    format!("{body}{}", &"10X98765432"[usize::try_from(sum).unwrap_or(0)..][..1])
}

pub fn birth(draw: &mut Draw) -> String {
    let (year, month, day) = (1935 + draw.below(70), 1 + draw.below(12), 1 + draw.below(28));
    draw.pick(&[
        format!("{year}-{month:02}-{day:02}").as_str(),
        &format!("{day:02}.{month:02}.{year}"),
        &format!("{month:02}/{day:02}/{year}"),
    ])
    .to_owned()
}

pub fn aws_key(draw: &mut Draw) -> String {
    format!("AKIA{}", draw.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16))
}

pub fn anthropic(draw: &mut Draw) -> String {
    format!("sk-ant-api03-{}AA", draw.from(LETTERS, 93))
}

pub fn password(draw: &mut Draw) -> String {
    format!("{}{}{}", draw.from(LETTERS, 9), draw.pick(&["!", "#", "%", "+"]), draw.digits(3))
}

macro_rules! phones {
    ($($name:ident: $($form:literal)|+;)+) => {
        $(pub fn $name(draw: &mut Draw) -> String {
            let form = draw.pick(&[$($form),+]);
            draw.fill(form)
        })+
    };
}

phones! {
    phone_us: "(NN#) N##-####" | "NN#-N##-####" | "+1 NN# N## ####" | "NN#.N##.####" | "NN#-N##-#### x###" | "1-NN#-N##-####" | "+1-NN#-N##-####";
    phone_gb: "+44 20 7946 ####" | "020 7946 ####" | "07700 900###" | "+44 7700 900###" | "(0161) 496 0###" | "0044 20 7946 ####";
    phone_de: "+49 30 5550 ####" | "030 5550####" | "0171 55#####" | "+49 (0)89 55## ####" | "089/55##-###" | "0049 40 55## ###";
    phone_fr: "+33 1 70 18 ## ##" | "01 70 18 ## ##" | "06.39.98.##.##" | "+33 6 39 98 ## ##" | "0033 1 70 18 ## ##";
    phone_es: "+34 9NN ### ###" | "6NN ## ## ##" | "9NN ### ###" | "+34 6NN######";
    phone_it: "+39 06 5550 ####" | "06 5550####" | "347 55# ####" | "+39 347 55#####";
    phone_br: "+55 11 9#### ####" | "(11) 9####-####" | "(21) 2###-####" | "+55 (11) 9####-####";
    phone_pt: "+351 912 ### ###" | "912 ### ###" | "21N ### ###" | "+351 21N ### ###" | "00351 912 ### ###";
    phone_nl: "+31 20 555 ####" | "020 555 ####" | "06-55## ####" | "+31 6 55######";
    phone_in: "+91 98### #####" | "098### #####" | "+91-22-5550-####";
    phone_jp: "+81 3-5550-####" | "03-5550-####" | "090-####-####" | "+81 90 #### ####";
}
