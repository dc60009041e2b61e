//! What the values of a column mean, and how they read as text.

use std::fmt::Write;

use crate::parquet::thrift::Value;

/// How values are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Physical {
    Bool,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Bytes,
    /// Bytes of one length.
    Fixed(usize),
}

impl Physical {
    pub const fn of(number: i64, length: usize) -> Option<Self> {
        Some(match number {
            0 => Self::Bool,
            1 => Self::Int32,
            2 => Self::Int64,
            3 => Self::Int96,
            4 => Self::Float,
            5 => Self::Double,
            6 => Self::Bytes,
            7 => Self::Fixed(length),
            _ => return None,
        })
    }

    /// Bytes of a value, where all have the same.
    pub const fn width(self) -> Option<usize> {
        match self {
            Self::Int32 | Self::Float => Some(4),
            Self::Int64 | Self::Double => Some(8),
            Self::Int96 => Some(12),
            Self::Fixed(length) => Some(length),
            Self::Bool | Self::Bytes => None,
        }
    }
}

/// The unit of a time: how many make a second.
type Unit = i64;

/// What values mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What the stored type says.
    Plain,
    Unsigned,
    /// A number with so many digits behind the point.
    Decimal(usize),
    Date,
    Time(Unit),
    Instant(Unit),
    Text,
    Uuid,
    HalfFloat,
}

impl Form {
    /// By what an element of the schema says of it.
    pub fn of(physical: Physical, element: &Value<'_>) -> Self {
        let logical = element.field(10);
        let has = |id| logical.is_some_and(|it| it.field(id).is_some());
        let of_time = |id| logical.and_then(|it| it.field(id)).and_then(|it| it.field(2)).map_or(1_000, unit);
        let converted = element.int(6);
        let scale = logical.and_then(|it| it.field(5)?.size(1)).or_else(|| element.size(7)).unwrap_or_default();
        let bytes = matches!(physical, Physical::Bytes | Physical::Fixed(_));
        let ints = matches!(physical, Physical::Int32 | Physical::Int64);
        match converted {
            _ if (has(5) || converted == Some(5)) && (bytes || ints) => Self::Decimal(scale.min(100)),
            Some(0 | 4 | 19) if bytes => Self::Text,
            _ if bytes && (has(1) || has(4) || has(12)) => Self::Text,
            _ if has(14) && physical == Physical::Fixed(16) => Self::Uuid,
            _ if has(15) && physical == Physical::Fixed(2) => Self::HalfFloat,
            _ if physical == Physical::Int96 => Self::Instant(1_000_000_000),
            _ if !ints => Self::Plain,
            _ if has(6) => Self::Date,
            _ if has(7) => Self::Time(of_time(7)),
            _ if has(8) => Self::Instant(of_time(8)),
            _ if logical.and_then(|it| it.field(10)?.bool(2)) == Some(false) => Self::Unsigned,
            Some(6) => Self::Date,
            Some(7) => Self::Time(1_000),
            Some(8) => Self::Time(1_000_000),
            Some(9) => Self::Instant(1_000),
            Some(10) => Self::Instant(1_000_000),
            Some(11..=14) => Self::Unsigned,
            _ => Self::Plain,
        }
    }

    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Plain)
    }
}

fn unit(tree: &Value<'_>) -> Unit {
    let has = |id| tree.field(id).is_some();
    if has(3) {
        1_000_000_000
    } else if has(2) {
        1_000_000
    } else {
        1_000
    }
}

/// A value as it was stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Raw<'v> {
    Bool(bool),
    Int(i64),
    Float(f32),
    Double(f64),
    Bytes(&'v [u8]),
}

/// Adds a value as text. False: it is bytes that are no text.
pub fn write(raw: Raw<'_>, physical: Physical, form: Form, out: &mut String) -> bool {
    // Nothing fails in writing to a `String`.
    let _always = match (raw, form) {
        (Raw::Bool(bool), _) => write!(out, "{bool}"),
        (Raw::Float(float), _) => write!(out, "{float}"),
        (Raw::Double(double), _) => write!(out, "{double}"),
        (Raw::Int(int), Form::Unsigned) if physical == Physical::Int32 => write!(out, "{}", int & 0xFFFF_FFFF),
        (Raw::Int(int), Form::Unsigned) => write!(out, "{}", int.cast_unsigned()),
        (Raw::Int(int), Form::Decimal(scale)) => decimal(&int.to_be_bytes(), scale, out),
        (Raw::Int(int), Form::Date) => date(int, out),
        (Raw::Int(int), Form::Time(unit)) => time(int, unit, out),
        (Raw::Int(int), Form::Instant(unit)) => instant(int.div_euclid(unit * 86_400), int.rem_euclid(unit * 86_400), unit, out),
        (Raw::Int(int), _) => write!(out, "{int}"),
        // Longer ones than any type of theirs would take long.
        (Raw::Bytes(bytes), Form::Decimal(_)) if bytes.len() > 64 => return false,
        (Raw::Bytes(bytes), Form::Decimal(scale)) => decimal(bytes, scale, out),
        (Raw::Bytes(bytes), Form::Instant(unit)) => match bytes.split_first_chunk::<8>() {
            // Nanoseconds of a day by the Julian count.
            Some((nanos, [a, b, c, d])) => {
                let day = i64::from(i32::from_le_bytes([*a, *b, *c, *d])) - 2_440_588;
                instant(day, i64::from_le_bytes(*nanos), unit, out)
            }
            _ => return false,
        },
        (Raw::Bytes(bytes), Form::Uuid) => bytes.iter().enumerate().try_for_each(|(index, byte)| {
            let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(out, "{dash}{byte:02x}")
        }),
        (Raw::Bytes([low, high]), Form::HalfFloat) => write!(out, "{}", half(u16::from_le_bytes([*low, *high]))),
        (Raw::Bytes(bytes), _) => match std::str::from_utf8(bytes) {
            Ok(text) => out.write_str(text),
            Err(_) => return false,
        },
    };
    true
}

/// A number of any length, most significant byte first, in two's complement.
fn decimal(bytes: &[u8], scale: usize, out: &mut String) -> std::fmt::Result {
    /// Digits in one step.
    const STEP: u64 = 1_000_000_000;
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut carry = u16::from(negative);
    let mut value: Vec<u8> = bytes.to_vec();
    if negative {
        for byte in value.iter_mut().rev() {
            let sum = u16::from(!*byte) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
    }
    let mut digits = String::new();
    while value.iter().any(|byte| *byte != 0) {
        let mut left = 0;
        for byte in &mut value {
            let all = left << 8 | u64::from(*byte);
            (*byte, left) = (u8::try_from(all / STEP).unwrap_or_default(), all % STEP);
        }
        digits.insert_str(0, &format!("{left:09}"));
    }
    let digits = format!("{:0>width$}", digits.trim_start_matches('0'), width = scale + 1);
    let (whole, part) = digits.split_at_checked(digits.len().saturating_sub(scale)).unwrap_or((&digits, ""));
    let (sign, point) = (if negative { "-" } else { "" }, if scale > 0 { "." } else { "" });
    write!(out, "{sign}{whole}{point}{part}")
}

/// A day by its number from 1970 on, in the Gregorian calendar also before there was one.
/// The formula is that of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn date(day: i64, out: &mut String) -> std::fmt::Result {
    let shifted = day.saturating_add(719_468);
    let (era, in_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let in_month = in_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    write!(out, "{:04}-{month:02}-{in_month:02}", year + era * 400)
}

fn time(since: i64, unit: Unit, out: &mut String) -> std::fmt::Result {
    let (seconds, part) = (since.div_euclid(unit), since.rem_euclid(unit));
    write!(out, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)?;
    let width = usize::try_from(unit.ilog10()).unwrap_or_default();
    if part == 0 { Ok(()) } else { write!(out, ".{part:0width$}") }
}

fn instant(day: i64, since: i64, unit: Unit, out: &mut String) -> std::fmt::Result {
    date(day, out)?;
    out.push('T');
    time(since, unit, out)
}

/// IEEE 754 in 16 bits.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, part) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => part * 2_f32.powi(-24),
        31 if part > 0.0 => f32::NAN,
        31 => f32::INFINITY,
        _ => (1.0 + part / 1024.0) * 2_f32.powi(exponent - 15),
    }
}
