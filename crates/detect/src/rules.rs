//! The form of a rule file: one label, its rules, their examples. What a loaded rule does lives in `compile`.

use serde::Deserialize;

use crate::cover::CoverKind;
use crate::edges::Edge;
use crate::validate::Check;

/// The files that are part of the program, one per label.
pub(crate) const BUILTIN: [&str; 188] = [
    include_str!("../rules/pii.email.toml"),
    include_str!("../rules/pii.phone.toml"),
    include_str!("../rules/pii.us_ssn.toml"),
    include_str!("../rules/pii.ip.toml"),
    include_str!("../rules/pii.url.toml"),
    include_str!("../rules/pci.card.toml"),
    include_str!("../rules/pci.iban.toml"),
    include_str!("../rules/secret.aws_access_key.toml"),
    include_str!("../rules/secret.aws_secret_key.toml"),
    include_str!("../rules/secret.bartizan.toml"),
    include_str!("../rules/secret.github.toml"),
    include_str!("../rules/secret.gitlab.toml"),
    include_str!("../rules/secret.slack.toml"),
    include_str!("../rules/secret.stripe.toml"),
    include_str!("../rules/secret.openai.toml"),
    include_str!("../rules/secret.anthropic.toml"),
    include_str!("../rules/secret.google.toml"),
    include_str!("../rules/secret.jwt.toml"),
    include_str!("../rules/secret.private_key.toml"),
    include_str!("../rules/secret.url_password.toml"),
    include_str!("../rules/secret.generic.toml"),
    include_str!("../rules/pci.au_bsb.toml"),
    include_str!("../rules/pci.bank_account.toml"),
    include_str!("../rules/pci.bic.toml"),
    include_str!("../rules/pci.card_expiry.toml"),
    include_str!("../rules/pci.card_track.toml"),
    include_str!("../rules/pci.crypto_wallet.toml"),
    include_str!("../rules/pci.cvv.toml"),
    include_str!("../rules/pci.de_blz.toml"),
    include_str!("../rules/pci.in_ifsc.toml"),
    include_str!("../rules/pci.uk_sort_code.toml"),
    include_str!("../rules/pci.us_routing.toml"),
    include_str!("../rules/phi.au_medicare.toml"),
    include_str!("../rules/phi.de_bsnr.toml"),
    include_str!("../rules/phi.de_health_insurance.toml"),
    include_str!("../rules/phi.de_lanr.toml"),
    include_str!("../rules/phi.dea.toml"),
    include_str!("../rules/phi.icd10.toml"),
    include_str!("../rules/phi.mbi.toml"),
    include_str!("../rules/phi.mrn.toml"),
    include_str!("../rules/phi.ndc.toml"),
    include_str!("../rules/phi.npi.toml"),
    include_str!("../rules/phi.nz_nhi.toml"),
    include_str!("../rules/phi.uk_nhs.toml"),
    include_str!("../rules/pii.age.toml"),
    include_str!("../rules/pii.coordinates.toml"),
    include_str!("../rules/pii.date.toml"),
    include_str!("../rules/pii.date_of_birth.toml"),
    include_str!("../rules/pii.device.imei.toml"),
    include_str!("../rules/pii.device.mac.toml"),
    include_str!("../rules/pii.id.ae_emirates.toml"),
    include_str!("../rules/pii.id.ar_cuit.toml"),
    include_str!("../rules/pii.id.ar_dni.toml"),
    include_str!("../rules/pii.id.at_insurance.toml"),
    include_str!("../rules/pii.id.au_abn.toml"),
    include_str!("../rules/pii.id.au_acn.toml"),
    include_str!("../rules/pii.id.au_tfn.toml"),
    include_str!("../rules/pii.id.be_enterprise.toml"),
    include_str!("../rules/pii.id.be_national.toml"),
    include_str!("../rules/pii.id.bg_egn.toml"),
    include_str!("../rules/pii.id.br_cnpj.toml"),
    include_str!("../rules/pii.id.br_cpf.toml"),
    include_str!("../rules/pii.id.br_pis.toml"),
    include_str!("../rules/pii.id.ca_passport.toml"),
    include_str!("../rules/pii.id.ca_sin.toml"),
    include_str!("../rules/pii.id.ch_ahv.toml"),
    include_str!("../rules/pii.id.ch_enterprise.toml"),
    include_str!("../rules/pii.id.cl_rut.toml"),
    include_str!("../rules/pii.id.cn_credit.toml"),
    include_str!("../rules/pii.id.cn_passport.toml"),
    include_str!("../rules/pii.id.cn_resident.toml"),
    include_str!("../rules/pii.id.co_cedula.toml"),
    include_str!("../rules/pii.id.co_nit.toml"),
    include_str!("../rules/pii.id.cz_birth.toml"),
    include_str!("../rules/pii.id.cz_company.toml"),
    include_str!("../rules/pii.id.de_card.toml"),
    include_str!("../rules/pii.id.de_driver.toml"),
    include_str!("../rules/pii.id.de_passport.toml"),
    include_str!("../rules/pii.id.de_pension.toml"),
    include_str!("../rules/pii.id.de_register.toml"),
    include_str!("../rules/pii.id.de_tax.toml"),
    include_str!("../rules/pii.id.de_tax_number.toml"),
    include_str!("../rules/pii.id.de_vat.toml"),
    include_str!("../rules/pii.id.dk_cpr.toml"),
    include_str!("../rules/pii.id.dk_cvr.toml"),
    include_str!("../rules/pii.id.do_cedula.toml"),
    include_str!("../rules/pii.id.ec_cedula.toml"),
    include_str!("../rules/pii.id.ee_isikukood.toml"),
    include_str!("../rules/pii.id.eg_identity.toml"),
    include_str!("../rules/pii.id.es_cif.toml"),
    include_str!("../rules/pii.id.es_nie.toml"),
    include_str!("../rules/pii.id.es_nif.toml"),
    include_str!("../rules/pii.id.es_passport.toml"),
    include_str!("../rules/pii.id.fi_hetu.toml"),
    include_str!("../rules/pii.id.fr_nir.toml"),
    include_str!("../rules/pii.id.fr_passport.toml"),
    include_str!("../rules/pii.id.fr_siren.toml"),
    include_str!("../rules/pii.id.fr_siret.toml"),
    include_str!("../rules/pii.id.fr_tax.toml"),
    include_str!("../rules/pii.id.fr_vat.toml"),
    include_str!("../rules/pii.id.gr_afm.toml"),
    include_str!("../rules/pii.id.gr_amka.toml"),
    include_str!("../rules/pii.id.hk_identity.toml"),
    include_str!("../rules/pii.id.hr_oib.toml"),
    include_str!("../rules/pii.id.hu_taj.toml"),
    include_str!("../rules/pii.id.hu_tax.toml"),
    include_str!("../rules/pii.id.id_nik.toml"),
    include_str!("../rules/pii.id.ie_pps.toml"),
    include_str!("../rules/pii.id.il_identity.toml"),
    include_str!("../rules/pii.id.in_aadhaar.toml"),
    include_str!("../rules/pii.id.in_gstin.toml"),
    include_str!("../rules/pii.id.in_pan.toml"),
    include_str!("../rules/pii.id.in_passport.toml"),
    include_str!("../rules/pii.id.in_voter.toml"),
    include_str!("../rules/pii.id.is_kennitala.toml"),
    include_str!("../rules/pii.id.it_card.toml"),
    include_str!("../rules/pii.id.it_driver.toml"),
    include_str!("../rules/pii.id.it_fiscal.toml"),
    include_str!("../rules/pii.id.it_passport.toml"),
    include_str!("../rules/pii.id.it_vat.toml"),
    include_str!("../rules/pii.id.jp_corporate.toml"),
    include_str!("../rules/pii.id.jp_my_number.toml"),
    include_str!("../rules/pii.id.jp_passport.toml"),
    include_str!("../rules/pii.id.kr_brn.toml"),
    include_str!("../rules/pii.id.kr_driver.toml"),
    include_str!("../rules/pii.id.kr_frn.toml"),
    include_str!("../rules/pii.id.kr_passport.toml"),
    include_str!("../rules/pii.id.kr_rrn.toml"),
    include_str!("../rules/pii.id.kw_civil.toml"),
    include_str!("../rules/pii.id.lt_asmens.toml"),
    include_str!("../rules/pii.id.lu_national.toml"),
    include_str!("../rules/pii.id.lv_person.toml"),
    include_str!("../rules/pii.id.mx_curp.toml"),
    include_str!("../rules/pii.id.mx_rfc.toml"),
    include_str!("../rules/pii.id.my_kad.toml"),
    include_str!("../rules/pii.id.ng_nin.toml"),
    include_str!("../rules/pii.id.nl_bsn.toml"),
    include_str!("../rules/pii.id.nl_passport.toml"),
    include_str!("../rules/pii.id.nl_vat.toml"),
    include_str!("../rules/pii.id.no_birth.toml"),
    include_str!("../rules/pii.id.no_organisation.toml"),
    include_str!("../rules/pii.id.nz_ird.toml"),
    include_str!("../rules/pii.id.pe_dni.toml"),
    include_str!("../rules/pii.id.pe_ruc.toml"),
    include_str!("../rules/pii.id.ph_tin.toml"),
    include_str!("../rules/pii.id.pl_card.toml"),
    include_str!("../rules/pii.id.pl_nip.toml"),
    include_str!("../rules/pii.id.pl_passport.toml"),
    include_str!("../rules/pii.id.pl_pesel.toml"),
    include_str!("../rules/pii.id.pl_regon.toml"),
    include_str!("../rules/pii.id.pt_card.toml"),
    include_str!("../rules/pii.id.pt_nif.toml"),
    include_str!("../rules/pii.id.ro_cnp.toml"),
    include_str!("../rules/pii.id.rs_jmbg.toml"),
    include_str!("../rules/pii.id.ru_inn.toml"),
    include_str!("../rules/pii.id.ru_snils.toml"),
    include_str!("../rules/pii.id.sa_identity.toml"),
    include_str!("../rules/pii.id.se_organisation.toml"),
    include_str!("../rules/pii.id.se_person.toml"),
    include_str!("../rules/pii.id.sg_nric.toml"),
    include_str!("../rules/pii.id.sg_uen.toml"),
    include_str!("../rules/pii.id.si_emso.toml"),
    include_str!("../rules/pii.id.th_identity.toml"),
    include_str!("../rules/pii.id.tr_identity.toml"),
    include_str!("../rules/pii.id.tr_tax.toml"),
    include_str!("../rules/pii.id.tw_identity.toml"),
    include_str!("../rules/pii.id.ua_tax.toml"),
    include_str!("../rules/pii.id.uk_driver.toml"),
    include_str!("../rules/pii.id.uk_nino.toml"),
    include_str!("../rules/pii.id.uk_passport.toml"),
    include_str!("../rules/pii.id.uk_utr.toml"),
    include_str!("../rules/pii.id.us_itin.toml"),
    include_str!("../rules/pii.id.us_passport.toml"),
    include_str!("../rules/pii.id.uy_ci.toml"),
    include_str!("../rules/pii.id.za_identity.toml"),
    include_str!("../rules/pii.postcode.de.toml"),
    include_str!("../rules/pii.postcode.uk.toml"),
    include_str!("../rules/pii.us_driver_license.toml"),
    include_str!("../rules/pii.username.toml"),
    include_str!("../rules/pii.vehicle.br_plate.toml"),
    include_str!("../rules/pii.vehicle.de_plate.toml"),
    include_str!("../rules/pii.vehicle.es_plate.toml"),
    include_str!("../rules/pii.vehicle.fr_plate.toml"),
    include_str!("../rules/pii.vehicle.in_plate.toml"),
    include_str!("../rules/pii.vehicle.ng_plate.toml"),
    include_str!("../rules/pii.vehicle.tr_plate.toml"),
    include_str!("../rules/pii.vehicle.uk_plate.toml"),
    include_str!("../rules/pii.vehicle.vin.toml"),
];

/// Where a rule begins to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// At an at sign; the rule starts at the local part before it.
    At,
    /// At the first digit of a group of digits, and at a `+` or `(` before it.
    Digits,
    /// At the letters before a group of digits: the run that touches it, or one or two short groups parted from it.
    Code,
    /// At the first colon of a run of hex digits and colons; the rule starts where the run does.
    Colons,
    /// At `://`; the rule starts at the scheme.
    Url,
}

/// An example: what must be found in a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The text.
    pub text: String,
    /// The part that the rule reports.
    pub find: String,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable name, reported with every finding.
    pub id: String,
    /// Where to look: one of these words in any letter case …
    #[serde(default)]
    pub keywords: Vec<String>,
    /// … or at a kind of character.
    pub class: Option<Class>,
    /// What stands between the keyword (or the class's start) and the value; the longest reading counts.
    pub before: Option<String>,
    /// The value. Bytes, no Unicode classes; bounded.
    pub pattern: String,
    /// Whether letter case matters in `pattern` and `before`.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Left neighbour of the value (of the keyword, where `before` is used).
    #[serde(default)]
    pub left: Edge,
    /// Right neighbour of the value.
    #[serde(default)]
    pub right: Edge,
    /// Tests of the value, by name; all must pass.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Score of a match, 0 to 1.
    pub score: f64,
    /// Whole words that make a match likelier when they stand shortly before it or in the key it stands under.
    #[serde(default)]
    pub context: Vec<String>,
    /// Score with such a word.
    pub context_score: Option<f64>,
    /// Whole words directly before a match that make it something else.
    #[serde(default)]
    pub negative: Vec<String>,
    /// Whether an object key that contains a keyword makes the whole value a candidate.
    #[serde(default)]
    pub by_key: bool,
    /// What follows a match and belongs to it, however long.
    pub cover: Option<CoverKind>,
    /// Overrides the label's rank among overlapping findings; larger wins.
    pub rank: Option<u8>,
    /// Where the format is described.
    pub source: String,
    /// At least two.
    pub examples: Vec<Example>,
    /// At least two texts in which this rule reports nothing.
    pub counter_examples: Vec<String>,
}

/// One rule file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// What its rules find.
    pub label: String,
    /// One sentence for people.
    pub description: String,
    /// Findings below this score are kept apart.
    pub threshold: f64,
    /// Severity for reports: `low`, `medium`, `high`, `critical`.
    pub severity: Severity,
    /// The rules.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// How bad a leak of a label is, for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Public or nearly so.
    Low,
    /// Personal.
    Medium,
    /// Personal and abusable.
    High,
    /// Grants access.
    Critical,
}

impl RuleFile {
    /// Reads a rule file.
    ///
    /// # Errors
    /// When it is not TOML of the documented form; unknown fields are refused.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        toml::from_str(text).map_err(|source| RuleError::Form(Box::new(source)))
    }

    /// The files that are part of the program.
    ///
    /// # Errors
    /// When one of them is broken, which the tests of this crate exclude.
    pub fn builtin() -> Result<Vec<Self>, RuleError> {
        BUILTIN.iter().map(|text| Self::parse(text)).collect()
    }
}

/// Why rules were refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not TOML of the documented form.
    #[error("the rule file is not of the documented form")]
    Form(#[source] Box<toml::de::Error>),
    /// A pattern that is not a regular expression, or too large.
    #[error("rule `{rule}`: the pattern cannot be compiled: {message}")]
    Pattern {
        /// Which rule.
        rule: String,
        /// What the compiler said.
        message: String,
    },
    /// A pattern that can match more than the window, or nothing at all.
    #[error("rule `{rule}`: a pattern must match at least 1 and at most {limit} bytes")]
    Unbounded {
        /// Which rule.
        rule: String,
        /// The window in bytes.
        limit: usize,
    },
    /// Neither or both of `keywords` and `class`, an empty keyword, or one that could not be held back while it is incomplete.
    #[error("rule `{rule}`: give either `class` or non-empty `keywords`; without `before`, keywords of letters, digits and `._+-`")]
    Anchor {
        /// Which rule.
        rule: String,
    },
    /// Too few examples.
    #[error("rule `{rule}`: at least two `examples` and two `counter_examples` are needed")]
    Examples {
        /// Which rule.
        rule: String,
    },
    /// A score or threshold outside 0 to 1.
    #[error("rule `{rule}`: scores and thresholds lie between 0 and 1")]
    Score {
        /// Which rule or label.
        rule: String,
    },
    /// The same rule id or label twice.
    #[error("`{name}` is given twice, or is not dotted lower-case words")]
    Name {
        /// Rule id or label.
        name: String,
    },
    /// The keyword automaton could not be built.
    #[error("the keywords cannot be compiled: {0}")]
    Keywords(String),
}
