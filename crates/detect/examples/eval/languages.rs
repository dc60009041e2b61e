//! Each of the languages whose words of context came first: sentences by hand, filled with made values, and sentences that hold nothing.

use std::collections::BTreeMap;

use bartizan_detect::{Detector, Hint};

use crate::draw::{self, Draw};
use crate::report::{Report, Wanted};
use crate::rows::{Row, Span};
use crate::score::Counts;

/// Languages, and in each a line for each sentence.
const SENTENCES: &str = include_str!("languages.txt");
/// How often each sentence is filled.
const EACH: usize = 25;

/// The sentences of each language, filled.
fn rows() -> BTreeMap<&'static str, Vec<Row>> {
    let (mut rows, mut language) = (BTreeMap::<_, Vec<Row>>::new(), "");
    for (seed, line) in (1..).zip(SENTENCES.lines()) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            language = name;
        }
        let mut draw = Draw::new(seed);
        let mut fill = || {
            let mut parts = line.splitn(3, ' ');
            match (parts.next()?, parts.next()?, parts.next()) {
                ("-", ..) => Some(Row { text: draw.fill(&line[2..]), ..Row::default() }),
                ("" | "#", ..) | (_, _, None) => None,
                (label, maker, Some(template)) => {
                    let value = make(maker, &mut draw)?;
                    let start = template.find("{}")?;
                    let span = Span { start, end: start + value.len(), label: label.to_owned() };
                    Some(Row { text: template.replacen("{}", &value, 1), spans: vec![span], ..Row::default() })
                }
            }
        };
        rows.entry(language).or_default().extend((0..EACH).filter_map(|_| fill()));
    }
    rows.remove("");
    rows
}

fn make(name: &str, draw: &mut Draw) -> Option<String> {
    let makers: &[(&str, fn(&mut Draw) -> String)] = &[
        ("be_national", draw::be_national),
        ("birth", draw::birth),
        ("birth_jp", draw::birth_jp),
        ("bsn", draw::bsn),
        ("card", draw::card),
        ("cnpj", draw::cnpj),
        ("cpf", draw::cpf),
        ("curp", draw::curp),
        ("de_pension", draw::de_pension),
        ("de_tax", draw::de_tax),
        ("de_vat", draw::de_vat),
        ("email", draw::email),
        ("fiscal", draw::fiscal),
        ("iban", draw::iban),
        ("ipv4", draw::ipv4),
        ("it_vat", draw::it_vat),
        ("jp_passport", draw::jp_passport),
        ("my_number", draw::my_number),
        ("nhs", draw::nhs),
        ("nie", draw::nie),
        ("nif", draw::nif),
        ("nino", draw::nino),
        ("nir", draw::nir),
        ("password", draw::password),
        ("phone_br", draw::phone_br),
        ("phone_de", draw::phone_de),
        ("phone_es", draw::phone_es),
        ("phone_fr", draw::phone_fr),
        ("phone_gb", draw::phone_gb),
        ("phone_it", draw::phone_it),
        ("phone_jp", draw::phone_jp),
        ("phone_nl", draw::phone_nl),
        ("phone_us", draw::phone_us),
        ("postcode_de", draw::postcode_de),
        ("pt_nif", draw::pt_nif),
        ("siren", draw::siren),
        ("siret", draw::siret),
        ("ssn", draw::ssn),
        ("us_passport", draw::us_passport),
        ("username", draw::username),
    ];
    let maker = makers.iter().find(|(own, _)| *own == name).map(|(_, make)| make(draw));
    if maker.is_none() {
        eprintln!("languages.txt: nothing makes `{name}`");
    }
    maker
}

/// The sentences of all languages, filled.
pub fn texts() -> Vec<String> {
    rows().into_values().flatten().map(|row| row.text).collect()
}

/// Judges each language.
pub fn run(detector: &Detector, report: &mut Report) {
    let mut all = BTreeMap::new();
    for (language, rows) in rows() {
        let mut counts = Counts::default();
        for row in &rows {
            let scan = detector.scan(&row.text, Hint::default());
            let of = |label: &str, start, end| Span { start, end, label: label.to_owned() };
            let found: Vec<Span> = scan.findings.iter().map(|it| of(it.label.as_str(), it.start, it.end)).collect();
            counts.add(&Counts::of(row, &found, &row.spans, &mut |what, span| {
                report.miss(language, &format!("{what} {}: {:?} in {:?}", span.label, row.part(span.start, span.end), row.text));
            }));
        }
        all.insert(language.to_owned(), counts);
    }
    report.sets(
        "Languages",
        "Sentences by hand in each of eight languages, filled with made values, and sentences with order numbers, prices, dates, versions and measures that hold nothing. Every label counts. They and the rules are by the same people: this shows that the words of a language work, and is no rate that a text by somebody else would give.",
        &all,
    );
    let worst = |of: fn(&Counts) -> f64| {
        let named = all.iter().map(|(language, counts)| (of(counts), language.as_str()));
        named.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, "none"))
    };
    let (recall, language) = worst(|counts| counts.typed().recall());
    report.bar("languages_recall", recall, Wanted::AtLeast(0.9), format!("the lowest of {}: {language}", all.len()));
    let (precision, language) = worst(|counts| counts.typed().precision());
    report.bar("languages_precision", precision, Wanted::AtLeast(0.95), format!("the lowest of {}: {language}", all.len()));
}
