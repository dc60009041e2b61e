//! Tests that a pattern cannot make: checksums, structures, randomness. One file for each kind of value, one for each country;
//! this list registers them.

mod americas;
mod asia;
mod au;
mod balkans;
mod baltics;
mod basic;
mod be;
mod br;
mod ca;
mod ch;
mod checksum;
mod clock;
mod cn;
mod de;
mod device;
mod east;
mod email;
mod entropy;
mod es;
mod fr;
mod gb;
mod health;
mod iban;
mod india;
mod ip;
mod it;
mod jwt;
mod key;
mod korea;
mod luhn;
mod mideast;
mod mx;
mod nl;
mod nordic;
mod payment;
mod phone;
mod pl;
mod pt;
mod secret;
mod south;
pub(crate) mod spoken;
mod ssn;
mod sums;
mod url;
mod us;
mod vehicle;
mod wallet;

use serde::{Deserialize, Serialize};

/// Declares the checks and which function each of them is.
macro_rules! checks {
    ($($(#[doc = $doc:literal])+ $name:ident => $function:path,)+) => {
        /// A named test of a value in normalised form.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Check { $($(#[doc = $doc])+ $name,)+ }

        impl Check {
            /// Whether the value passes.
            pub(crate) fn passes(self, value: &[u8]) -> bool {
                match self { $(Self::$name => $function(value),)+ }
            }

            /// What it looks at, for people.
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

checks! {
    /// Luhn checksum, card schemes and lengths, regular grouping.
    Card => luhn::card,
    /// A card number as a number literal with a fraction or an exponent.
    CardNumber => luhn::number,
    /// A domain that can exist; not a file name.
    Email => email::check,
    /// An e-mail address that is written in words.
    EmailSpoken => spoken::check,
    /// Shannon entropy of a random key.
    Entropy => entropy::random_key,
    /// A generated key, not a placeholder or a name.
    Key => key::check,
    /// The same for keys of any length.
    OpenKey => key::open,
    /// Random characters behind a prefix.
    Generated => key::random,
    /// A password on a command line.
    Login => key::login,
    /// The token of a Telegram bot.
    BotToken => key::bot_token,
    /// A token of Slack with its secret part.
    Slack => key::slack,
    /// Letters of one case.
    OneCase => key::one_case,
    /// A number of digits that is not filled up.
    Digits => key::digits,
    /// A key that is not masked.
    Masked => key::unmasked,
    /// base64 of text.
    Base64Text => key::encoded_text,
    /// The checksum at the end of GitHub's and npm's tokens.
    CrcBase62 => checksum::base62,
    /// A value that somebody chose as a secret, not a placeholder or code.
    Secret => secret::check,
    /// The same for a value between quotation marks.
    SecretQuoted => secret::quoted,
    /// base64 of a user's name and a password.
    Basic => basic::check,
    /// ISO 7064 mod 97-10, length and structure by country.
    Iban => iban::check,
    /// An IPv4 or IPv6 address.
    Ip => ip::check,
    /// A JOSE header that names an algorithm.
    Jwt => jwt::check,
    /// Country calling code and plausible length.
    PhoneInternational => phone::international,
    /// Plausible national grouping.
    PhoneNational => phone::national,
    /// A phone number without separators.
    PhonePlain => phone::plain,
    /// A phone number that words beside it tell.
    PhoneLabelled => phone::labelled,
    /// US Social Security number: area, group, serial.
    Ssn => ssn::check,
    /// A URL that does not end in punctuation and has a host.
    Url => url::check,
    /// A domain without a scheme.
    UrlDomain => url::domain,
    /// A password inside a URL, not a port, placeholder or path.
    UrlPassword => url::password,

    /// One kind of separator.
    Uniform => sums::uniform,
    /// Luhn checksum, digits not all alike.
    LuhnVaried => sums::luhn_varied,
    /// Letters in capitals, at least one digit.
    Capitals => clock::capitals,
    /// A day that exists, in one of the usual orders.
    Date => clock::date,
    /// A day that somebody alive can be born on.
    Birth => clock::birth,
    /// An age in years.
    Age => clock::age,
    /// Latitude and longitude in degrees.
    Coordinates => device::coordinates,
    /// A hardware address, neither empty nor broadcast.
    Mac => device::mac,
    /// IMEI: Luhn and a reporting body.
    Imei => device::imei,
    /// A user's name, not a placeholder.
    Username => device::username,
    /// Vehicle identification number with its check digit.
    Vin => vehicle::vin,
    /// A German number plate: a district's letters.
    DePlate => vehicle::german,
    /// A British number plate.
    UkPlate => vehicle::british,
    /// A Turkish number plate: a province.
    TrPlate => vehicle::turkish,
    /// An Indian registration: a state.
    InPlate => vehicle::indian,

    /// US individual taxpayer number: groups in use.
    UsItin => us::itin,
    /// US bank routing number: weights 3-7-1.
    UsRouting => us::routing,
    /// Canadian social insurance number.
    CaSin => ca::sin,
    /// DEA registration number.
    Dea => health::dea,
    /// National provider identifier.
    Npi => health::npi,
    /// A code of ICD-10.
    Icd10 => health::icd10,
    /// A national drug code.
    Ndc => health::ndc,
    /// British NHS number.
    UkNhs => gb::nhs,
    /// British National Insurance number.
    UkNino => gb::nino,
    /// British driving licence number.
    UkDriver => gb::driver,
    /// British unique taxpayer reference.
    UkUtr => gb::utr,
    /// British postcode.
    UkPostcode => gb::postcode,
    /// Spanish DNI and NIF.
    EsNif => es::nif,
    /// Spanish foreigner's number.
    EsNie => es::nie,
    /// Spanish company number.
    EsCif => es::cif,
    /// Italian fiscal code.
    ItFiscal => it::fiscal,
    /// Italian VAT number.
    ItVat => it::vat,
    /// Polish PESEL.
    PlPesel => pl::pesel,
    /// Polish tax number.
    PlNip => pl::nip,
    /// Polish statistical number.
    PlRegon => pl::regon,
    /// Polish identity card.
    PlCard => pl::card,
    /// Finnish personal identity code.
    FiHetu => nordic::finnish,
    /// Swedish personal identity number.
    SePerson => nordic::swedish,
    /// Swedish organisation number.
    SeOrganisation => nordic::swedish_organisation,
    /// Norwegian birth number.
    NoBirth => nordic::norwegian,
    /// Norwegian organisation number.
    NoOrganisation => nordic::norwegian_organisation,
    /// Danish personal number: a date of birth.
    DkPerson => nordic::danish,
    /// Danish company number.
    DkCompany => nordic::danish_company,
    /// Icelandic identity number.
    IsPerson => nordic::icelandic,
    /// German tax identification number.
    DeTax => de::tax,
    /// German VAT number.
    DeVat => de::vat,
    /// German tax office number.
    DeTaxNumber => de::tax_number,
    /// German pension insurance number.
    DePension => de::pension,
    /// German health insurance number.
    DeHealth => de::health,
    /// German identity card or passport: ICAO check digit.
    DeCard => de::card,
    /// German identity card, also of the old form.
    DeIdentity => de::identity,
    /// German physician number.
    DeLanr => de::physician,
    /// German practice number.
    DeBsnr => de::practice,
    /// German postcode.
    DePostcode => de::postcode,
    /// Turkish identity number.
    TrIdentity => mideast::turkish,
    /// Turkish tax number.
    TrTax => mideast::turkish_tax,
    /// Israeli identity number.
    IlIdentity => mideast::israeli,
    /// Emirates identity number.
    AeIdentity => mideast::emirates,
    /// Saudi identity number.
    SaIdentity => mideast::saudi,
    /// Egyptian national number.
    EgIdentity => mideast::egyptian,
    /// Kuwaiti civil number.
    KwIdentity => mideast::kuwaiti,
    /// Australian business number.
    AuBusiness => au::business,
    /// Australian company number.
    AuCompany => au::company,
    /// Australian tax file number.
    AuTax => au::tax,
    /// Australian Medicare number.
    AuMedicare => au::medicare,
    /// New Zealand tax number.
    NzTax => au::zealand_tax,
    /// New Zealand health number.
    NzHealth => au::zealand_health,
    /// Indian Aadhaar number.
    InAadhaar => india::aadhaar,
    /// Indian tax account number.
    InPan => india::pan,
    /// Indian GST number: structure.
    InGstin => india::gstin,
    /// Indian GST number: check character.
    InGstinChecked => india::gstin_checked,
    /// Singaporean identity number.
    SgIdentity => asia::singapore,
    /// Singaporean entity number.
    SgEntity => asia::singapore_entity,
    /// Thai identity number.
    ThIdentity => asia::thai,
    /// Philippine tax number.
    PhTax => asia::philippine,
    /// Taiwanese identity number.
    TwIdentity => asia::taiwanese,
    /// Japanese individual number.
    JpNumber => asia::japanese,
    /// Japanese corporate number.
    JpCorporate => asia::japanese_corporate,
    /// Hong Kong identity card.
    HkIdentity => asia::hong_kong,
    /// Malaysian identity card.
    MyIdentity => asia::malaysian,
    /// Indonesian identity number.
    IdIdentity => asia::indonesian,
    /// Korean resident number: date and kind.
    KrResident => korea::resident,
    /// Korean resident number with its check digit.
    KrResidentChecked => korea::resident_checked,
    /// Korean number of a foreigner: date and kind.
    KrForeigner => korea::foreigner,
    /// Korean number of a foreigner with its check digit.
    KrForeignerChecked => korea::foreigner_checked,
    /// Korean business number.
    KrBusiness => korea::business,
    /// Korean driving licence: a region.
    KrDriver => korea::driver,
    /// Chinese resident identity number.
    CnResident => cn::resident,
    /// Chinese unified social credit code.
    CnCredit => cn::credit,
    /// Nigerian identity number.
    NgIdentity => south::nigerian,
    /// South African identity number.
    ZaIdentity => south::south_african,
    /// Brazilian individual taxpayer number.
    BrCpf => br::cpf,
    /// Brazilian company number.
    BrCnpj => br::cnpj,
    /// Brazilian social integration number.
    BrPis => br::pis,
    /// Mexican population code.
    MxCurp => mx::curp,
    /// Mexican taxpayer code: structure.
    MxRfc => mx::rfc,
    /// Argentinian tax number.
    ArCuit => americas::argentinian,
    /// Chilean national number.
    ClRut => americas::chilean,
    /// Colombian tax number.
    CoNit => americas::colombian,
    /// Peruvian taxpayer number.
    PeRuc => americas::peruvian,
    /// Ecuadorian identity number.
    EcCedula => americas::ecuadorian,
    /// Uruguayan identity number.
    UyCi => americas::uruguayan,
    /// Dominican identity number.
    DoCedula => americas::dominican,
    /// French national insurance number.
    FrNir => fr::nir,
    /// French company number.
    FrSiren => fr::siren,
    /// French establishment number.
    FrSiret => fr::siret,
    /// French tax number.
    FrTax => fr::tax,
    /// French VAT number.
    FrVat => fr::vat,
    /// Dutch citizen service number.
    NlBsn => nl::bsn,
    /// Dutch VAT number.
    NlVat => nl::vat,
    /// Belgian national number.
    BeNational => be::national,
    /// Belgian enterprise number.
    BeEnterprise => be::enterprise,
    /// Portuguese tax number.
    PtNif => pt::nif,
    /// Portuguese citizen card.
    PtCard => pt::card,
    /// Swiss social insurance number.
    ChAhv => ch::ahv,
    /// Swiss enterprise number.
    ChEnterprise => ch::enterprise,
    /// Austrian social insurance number.
    AtInsurance => ch::austrian,
    /// Irish personal public service number.
    IePps => gb::irish,
    /// Luxembourgish national number.
    LuNational => be::luxembourgish,
    /// Greek tax number.
    GrAfm => balkans::greek_tax,
    /// Greek social insurance number.
    GrAmka => balkans::greek_insurance,
    /// Romanian personal number.
    RoPerson => balkans::romanian,
    /// Bulgarian personal number.
    BgPerson => balkans::bulgarian,
    /// Croatian personal number.
    HrPerson => balkans::croatian,
    /// Personal numbers of Serbia, Slovenia and their neighbours.
    Jmbg => balkans::jmbg,
    /// Czech and Slovak birth number.
    CzBirth => east::czech,
    /// Czech company number.
    CzCompany => east::czech_company,
    /// Hungarian health insurance number.
    HuHealth => east::hungarian_health,
    /// Hungarian tax number of a person.
    HuTax => east::hungarian_tax,
    /// Ukrainian tax number.
    UaTax => east::ukrainian,
    /// Russian pension insurance number.
    RuSnils => east::russian_pension,
    /// Russian tax number.
    RuInn => east::russian_tax,
    /// Estonian and Lithuanian personal code.
    Isikukood => baltics::estonian,
    /// Latvian personal code.
    LvPerson => baltics::latvian,
    /// Bank identifier code: a country.
    Bic => payment::bic,
    /// Magnetic track data: a card number and a month.
    CardTrack => payment::track,
    /// The month a card expires in.
    CardExpiry => payment::expiry,
    /// A number that is not all the same digit.
    Varied => payment::varied,
    /// A Bitcoin-like address: base58 with checksum.
    Base58 => wallet::base58_check,
    /// A Ripple address.
    Ripple => wallet::ripple,
    /// A segregated witness or Cosmos address: bech32.
    Bech32 => wallet::bech32,
    /// An Ethereum address.
    Ethereum => wallet::ethereum,
}

impl Check {
    /// How much of the longest match can belong to a value: the rest is not tried.
    pub(crate) fn reach(self, value: &[u8]) -> usize {
        if self == Self::Secret { secret::reach(value) } else { value.len() }
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
