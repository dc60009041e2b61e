//! Texts of eight languages as people write them at work: mail, tickets, chat, forms and objects whose keys are words of the language;
//! and lines that only look as if they held something. Each language has a file.

mod de;
mod en;
mod es;
mod fr;
mod it;
mod ja;
mod nl;
mod pt;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bartizan_detect::{Detector, Hint};

use crate::calibration::judged;
use crate::draw::{self, Draw};
use crate::made::found;
use crate::papers;
use crate::report::{Line, Report, Wanted};
use crate::rows::{Row, Span};
use crate::score::Counts;

/// How often each text is filled.
const EACH: usize = 20;

/// What is found of what is marked, at least.
const RECALL: f64 = 0.90;
/// What is marked of what is found, at least.
const PRECISION: f64 = 0.95;

/// A language and its texts. `{name}` is a value of [`VALUES`]; in lines that hold nothing, `#` is a digit and `§` one that is not 0.
pub struct Language {
    code: &'static str,
    name: &'static str,
    texts: &'static [&'static str],
    lookalikes: &'static [&'static str],
}

const LANGUAGES: [Language; 8] = [en::EN, de::DE, fr::FR, es::ES, it::IT, pt::PT, nl::NL, ja::JA];

type Make = fn(&mut Draw) -> String;

/// Name, label, and what makes a value.
const VALUES: &[(&str, &str, Make)] = &[
    ("email", "pii.email", draw::email),
    ("card", "pci.card", draw::card),
    ("iban", "pci.iban", draw::iban),
    ("ip", "pii.ip", draw::ipv4),
    ("user", "pii.username", papers::username),
    ("password", "secret.generic", draw::password),
    ("phone_us", "pii.phone", draw::phone_us),
    ("phone_gb", "pii.phone", draw::phone_gb),
    ("phone_de", "pii.phone", draw::phone_de),
    ("phone_fr", "pii.phone", draw::phone_fr),
    ("phone_es", "pii.phone", draw::phone_es),
    ("phone_it", "pii.phone", draw::phone_it),
    ("phone_br", "pii.phone", draw::phone_br),
    ("phone_pt", "pii.phone", draw::phone_pt),
    ("phone_nl", "pii.phone", draw::phone_nl),
    ("phone_jp", "pii.phone", draw::phone_jp),
    ("birth_en", "pii.date_of_birth", papers::birth_en),
    ("birth_de", "pii.date_of_birth", papers::birth_de),
    ("birth_fr", "pii.date_of_birth", papers::birth_fr),
    ("birth_es", "pii.date_of_birth", papers::birth_es),
    ("birth_it", "pii.date_of_birth", papers::birth_it),
    ("birth_pt", "pii.date_of_birth", papers::birth_pt),
    ("birth_nl", "pii.date_of_birth", papers::birth_nl),
    ("birth_ja", "pii.date_of_birth", papers::birth_ja),
    ("ssn", "pii.us_ssn", draw::ssn),
    ("itin", "pii.id.us_itin", papers::us_itin),
    ("us_passport", "pii.id.us_passport", papers::us_passport),
    ("nino", "pii.id.uk_nino", draw::nino),
    ("nhs", "phi.uk_nhs", draw::nhs),
    ("utr", "pii.id.uk_utr", papers::uk_utr),
    ("uk_passport", "pii.id.uk_passport", papers::two_and_seven),
    ("uk_postcode", "pii.postcode.uk", papers::uk_postcode),
    ("de_card", "pii.id.de_card", papers::de_card),
    ("de_passport", "pii.id.de_passport", papers::de_card),
    ("de_tax", "pii.id.de_tax", papers::de_tax),
    ("de_pension", "pii.id.de_pension", papers::de_pension),
    ("de_health", "phi.de_health_insurance", papers::de_health),
    ("de_postcode", "pii.postcode.de", papers::de_postcode),
    ("fr_nir", "pii.id.fr_nir", draw::nir),
    ("fr_tax", "pii.id.fr_tax", papers::fr_tax),
    ("fr_passport", "pii.id.fr_passport", papers::fr_passport),
    ("fr_siret", "pii.id.fr_siret", papers::fr_siret),
    ("es_nif", "pii.id.es_nif", draw::nif),
    ("es_nie", "pii.id.es_nie", papers::es_nie),
    ("es_passport", "pii.id.es_passport", papers::es_passport),
    ("it_fiscal", "pii.id.it_fiscal", papers::it_fiscal),
    ("it_vat", "pii.id.it_vat", papers::it_vat),
    ("it_card", "pii.id.it_card", papers::it_card),
    ("it_passport", "pii.id.it_passport", papers::two_and_seven),
    ("pt_nif", "pii.id.pt_nif", papers::pt_nif),
    ("pt_card", "pii.id.pt_card", papers::pt_card),
    ("br_cpf", "pii.id.br_cpf", draw::cpf),
    ("nl_bsn", "pii.id.nl_bsn", draw::bsn),
    ("nl_passport", "pii.id.nl_passport", papers::nl_passport),
    ("jp_number", "pii.id.jp_my_number", papers::jp_number),
    ("jp_passport", "pii.id.jp_passport", papers::two_and_seven),
    ("jp_corporate", "pii.id.jp_corporate", papers::jp_corporate),
];

/// A text with its values filled in and marked. Braces without the name of a value stay.
fn filled(template: &str, draw: &mut Draw) -> Row {
    let mut row = Row::default();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        row.text += before;
        let named = after.split_once('}').and_then(|(name, behind)| Some((VALUES.iter().find(|(known, ..)| *known == name)?, behind)));
        if let Some(((_, label, make), behind)) = named {
            let start = row.text.len();
            row.text += &make(draw);
            row.spans.push(Span { start, end: row.text.len(), label: (*label).to_owned() });
            rest = behind;
        } else {
            row.text.push('{');
            rest = after;
        }
    }
    row.text += rest;
    row
}

/// A line that holds nothing.
fn lookalike(template: &str, draw: &mut Draw) -> Row {
    let mut row = Row::default();
    for c in template.chars() {
        match c {
            '#' => row.text += &draw.from("0123456789", 1),
            '§' => row.text += &draw.from("123456789", 1),
            c => row.text.push(c),
        }
    }
    row
}

impl Language {
    fn rows(&self, each: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let fills: [fn(&str, &mut Draw) -> Row; 2] = [filled, lookalike];
        for (templates, fill) in [self.texts, self.lookalikes].into_iter().zip(fills) {
            for (at, template) in templates.iter().enumerate() {
                let mut draw = Draw::new((at * 1_000 + template.len()) as u64);
                rows.extend((0..each).map(|_| fill(template, &mut draw)));
            }
        }
        rows
    }
}

/// One text of each kind that holds something.
pub fn sentences() -> Vec<Row> {
    LANGUAGES.iter().flat_map(|language| language.rows(1)).filter(|row| !row.spans.is_empty()).collect()
}

/// Judges all of them.
pub fn run(detector: &Detector, report: &mut Report) {
    let (mut lines, mut missed) = (Vec::new(), String::new());
    for language in &LANGUAGES {
        let mut counts = Counts::default();
        let mut labels: BTreeMap<String, usize> = BTreeMap::new();
        for row in language.rows(EACH) {
            let scan = detector.scan(&row.text, Hint::default());
            judged(&scan, &row, &mut report.scores);
            let mut say = |what: &str, span: &Span| {
                *labels.entry(format!("{what} {}", span.label)).or_default() += 1;
                let value = row.part(span.start, span.end);
                report.miss(&format!("language {}", language.code), &format!("{what} {}: {value:?} in {:?}", span.label, row.text));
            };
            counts.add(&Counts::of(&row, &found(&scan), &row.spans, &mut say));
        }
        let (spans, chars) = (counts.typed(), counts.any());
        let how = |part: usize, whole: usize| format!("{part} of {whole} spans, {}", language.name);
        let name = |figure: &str| format!("language_{}_{figure}", language.code);
        let (marked, told) = (spans.right + spans.missed, spans.right + spans.wrong);
        report.bar(&name("recall"), spans.recall(), Wanted::AtLeast(RECALL), how(spans.right, marked));
        report.bar(&name("precision"), spans.precision(), Wanted::AtLeast(PRECISION), how(spans.right, told));
        lines.push(Line { name: language.name.to_owned(), spans, chars });
        for (what, count) in labels {
            let _ = write!(missed, "{}{}: {what} {count}", if missed.is_empty() { "" } else { "; " }, language.code);
        }
    }
    let texts: usize = LANGUAGES.iter().map(|language| language.texts.len()).sum();
    let lookalikes: usize = LANGUAGES.iter().map(|language| language.lookalikes.len()).sum();
    let note = format!(
        "{texts} texts and {lookalikes} that only look as if they held something (orders, prices, days, versions, measures, articles, invoices), in mail, tickets, chat, forms and objects, {EACH} times each with other values. Texts and rules are by the same people: this says that it works, and no rate. A value that is found under another label is missed and wrong; characters count whatever the label."
    );
    report.lines("Languages", &note, "language", &lines);
    report.note(&format!("Not right: {}.", if missed.is_empty() { "nothing" } else { &missed }));
}
