//! Values of nobody: each is made anew for its cell, so that what is found on a wire belongs to that cell.

use bartizan_testkit::stats::Dice;

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `pii.email`
    Email,
    /// `pci.card`
    Card,
    /// `pci.iban`
    Iban,
    /// `pii.phone`
    Phone,
    /// `secret.github`
    Secret,
}

const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";
const DIGITS: &[u8] = b"0123456789";
const ANY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Email, Self::Card, Self::Iban, Self::Phone, Self::Secret];

    /// As the table names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Phone => "phone",
            Self::Secret => "secret",
        }
    }

    /// Whether the caller gets it back: a secret is removed for good.
    pub fn comes_back(self) -> bool {
        self != Self::Secret
    }

    /// A value that nobody has.
    pub fn make(self, dice: &mut Dice) -> String {
        match self {
            Self::Email => format!("{}.{}@{}-{}.test", letters(dice, 4), letters(dice, 4), letters(dice, 5), letters(dice, 4)),
            Self::Card => card(dice),
            Self::Iban => iban(dice),
            Self::Phone => format!("+336{}", from(dice, b"123456789", 8)),
            Self::Secret => format!("ghp_{}", from(dice, ANY, 36)),
        }
    }
}

fn letters(dice: &mut Dice, count: usize) -> String {
    from(dice, LETTERS, count)
}

/// So many characters of an alphabet.
pub fn from(dice: &mut Dice, alphabet: &[u8], count: usize) -> String {
    (0..count).map(|_| char::from(*pick(dice, alphabet).unwrap_or(&b'x'))).collect()
}

/// An element by chance.
pub fn pick<'a, T>(dice: &mut Dice, list: &'a [T]) -> Option<&'a T> {
    let at = usize::try_from(dice.below(list.len() as u64)).ok()?;
    list.get(at)
}

/// A card number with the check digit of ISO/IEC 7812-1 (Luhn).
fn card(dice: &mut Dice) -> String {
    let body = format!("4{}", from(dice, DIGITS, 14));
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = body.chars().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits.enumerate().map(|(at, digit)| if at % 2 == 0 { double(digit) } else { digit }).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A German IBAN with its check digits (ISO 13616).
fn iban(dice: &mut Dice) -> String {
    let account = from(dice, DIGITS, 18);
    let rest = format!("{account}131400").bytes().fold(0, |rest, digit| (rest * 10 + u64::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}
