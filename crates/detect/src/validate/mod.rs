//! Tests that a pattern cannot make: checksums, structures, randomness. One test a file; this list registers them.

mod basic;
mod checksum;
mod email;
mod entropy;
mod iban;
mod ip;
mod jwt;
mod key;
mod luhn;
mod phone;
mod secret;
mod ssn;
mod url;

use serde::{Deserialize, Serialize};

/// A named test of a value in normalised form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Luhn checksum, card schemes and lengths, regular grouping.
    Card,
    /// A card number as a number literal with a fraction or an exponent.
    CardNumber,
    /// A domain that can exist; not a file name.
    Email,
    /// Shannon entropy of a random key.
    Entropy,
    /// A generated key, not a placeholder or a name.
    Key,
    /// The same for keys of any length.
    OpenKey,
    /// Random characters behind a prefix.
    Generated,
    /// A password on a command line.
    Login,
    /// The token of a Telegram bot.
    BotToken,
    /// A token of Slack with its secret part.
    Slack,
    /// Letters of one case.
    OneCase,
    /// A number of digits that is not filled up.
    Digits,
    /// A key that is not masked.
    Masked,
    /// base64 of text.
    Base64Text,
    /// The checksum at the end of GitHub's and npm's tokens.
    CrcBase62,
    /// A value that somebody chose as a secret, not a placeholder or code.
    Secret,
    /// The same for a value between quotation marks.
    SecretQuoted,
    /// base64 of a user's name and a password.
    Basic,
    /// ISO 7064 mod 97-10, length and structure by country.
    Iban,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A JOSE header that names an algorithm.
    Jwt,
    /// Country calling code and plausible length.
    PhoneInternational,
    /// Plausible national grouping.
    PhoneNational,
    /// US Social Security number: area, group, serial.
    Ssn,
    /// A URL that does not end in punctuation and has a host.
    Url,
    /// A password inside a URL, not a port, placeholder or path.
    UrlPassword,
}

impl Check {
    /// How much of the longest match can belong to a value: the rest is not tried.
    pub(crate) fn reach(self, value: &[u8]) -> usize {
        if self == Self::Secret { secret::reach(value) } else { value.len() }
    }

    /// Whether the value passes.
    pub(crate) fn passes(self, value: &[u8]) -> bool {
        match self {
            Self::Card => luhn::card(value),
            Self::CardNumber => luhn::number(value),
            Self::Email => email::check(value),
            Self::Entropy => entropy::random_key(value),
            Self::Key => key::check(value),
            Self::OpenKey => key::open(value),
            Self::Generated => key::random(value),
            Self::Login => key::login(value),
            Self::BotToken => key::bot_token(value),
            Self::Slack => key::slack(value),
            Self::OneCase => key::one_case(value),
            Self::Digits => key::digits(value),
            Self::Masked => key::unmasked(value),
            Self::Base64Text => key::encoded_text(value),
            Self::CrcBase62 => checksum::base62(value),
            Self::Secret => secret::check(value),
            Self::SecretQuoted => secret::quoted(value),
            Self::Basic => basic::check(value),
            Self::Iban => iban::check(value),
            Self::Ip => ip::check(value),
            Self::Jwt => jwt::check(value),
            Self::PhoneInternational => phone::international(value),
            Self::PhoneNational => phone::national(value),
            Self::Ssn => ssn::check(value),
            Self::Url => url::check(value),
            Self::UrlPassword => url::password(value),
        }
    }
}

/// The digits of a value, as numbers.
fn digits(value: &[u8]) -> impl DoubleEndedIterator<Item = u32> + '_ {
    value.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(*byte - b'0'))
}

/// How often a byte occurs.
fn count(value: &[u8], byte: u8) -> usize {
    memchr::memchr_iter(byte, value).count()
}

/// The lengths of the groups of digits.
fn groups(value: &[u8]) -> Vec<usize> {
    value.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len).filter(|length| *length > 0).collect()
}

/// A number without the `.0` that spreadsheets append.
pub(crate) fn whole(value: &[u8]) -> &[u8] {
    let plain = value.strip_suffix(b".00").or_else(|| value.strip_suffix(b".0")).unwrap_or(value);
    if plain.last().is_some_and(u8::is_ascii_digit) { plain } else { value }
}
