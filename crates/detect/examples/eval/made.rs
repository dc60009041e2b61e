//! Texts that the project makes itself: sentences of several languages with values that are marked, and lines that only look as if
//! they held some.

use bartizan_detect::{Detector, Hint, Scan};

use crate::calibration::judged;
use crate::draw::{self, CAPITALS, Draw};
use crate::report::Report;
use crate::rows::{Row, Span};
use crate::score::Counts;

/// How often each sentence is filled.
const EACH: usize = 25;
/// How many lines of each kind there are.
const LINES: usize = 400;

type Make = fn(&mut Draw) -> String;

/// Label, what makes its values, and the sentences that they stand in.
const SENTENCES: &[(&str, Make, &[&str])] = &[
    (
        "pii.email",
        draw::email,
        &[
            "Write to {} by Friday.",
            "Bitte an {} schicken.",
            "Mon adresse est {}, merci.",
            "escribe a {}",
            "Reply-To: <{}>",
            "{\"email\":\"{}\"}",
        ],
    ),
    ("pii.url", draw::url, &["The file is at {}", "siehe {} für Details", "voir {}", "<a href=\"{}\">here</a>"]),
    ("pii.ip", draw::ipv4, &["login from {} refused", "Anmeldung von {} abgelehnt", "src={} dst=tcp", "{\"client\":\"{}\"}"]),
    ("pii.ip", draw::ipv6, &["peer {} is up", "login from {} refused", "[{}]:443"]),
    ("pii.phone", draw::phone_us, &["Call me at {} after six.", "Fax: {}", "My number is {}, thanks", "phone {}"]),
    ("pii.phone", draw::phone_gb, &["Ring me on {} tonight.", "Tel: {}", "my mobile is {}"]),
    ("pii.phone", draw::phone_de, &["Sie erreichen mich unter Telefon {}.", "Tel.: {}", "Fax {} (Büro)"]),
    ("pii.phone", draw::phone_fr, &["Appelez-moi au {} demain.", "Tél. : {}", "téléphone {}"]),
    ("pii.phone", draw::phone_es, &["Mi teléfono es {}", "Teléfono: {}, gracias"]),
    ("pii.phone", draw::phone_it, &["Il mio telefono è {}", "Telefono: {}"]),
    ("pii.phone", draw::phone_br, &["Meu telefone é {}", "Telefone: {}, obrigado"]),
    ("pii.phone", draw::phone_nl, &["Mijn telefoon: {}", "bel naar telefoon {} graag"]),
    ("pii.phone", draw::phone_in, &["My mobile number is {}", "phone: {}"]),
    ("pii.phone", draw::phone_jp, &["電話: {}", "My phone in Tokyo is {}"]),
    (
        "pci.card",
        draw::card,
        &["I lost my card {} yesterday.", "Meine Karte {} ist gesperrt", "carte {} bloquée", "{\"pan\":\"{}\"}", "{}"],
    ),
    ("pci.iban", draw::iban, &["IBAN {}", "Bitte auf {} überweisen.", "compte {}", "pay to {} please"]),
    ("pii.us_ssn", draw::ssn, &["My SSN is {}.", "social security number: {}", "ssn={}"]),
    ("pii.id.uk_nino", draw::nino, &["National Insurance number {}", "NINO: {}"]),
    ("pii.id.br_cpf", draw::cpf, &["CPF {}", "o CPF dela é {}."]),
    ("pii.id.es_nif", draw::nif, &["DNI {}", "con NIF {}, vecino de Cádiz"]),
    ("pii.id.fr_nir", draw::nir, &["numéro de sécurité sociale {}", "NIR : {}"]),
    ("pii.id.nl_bsn", draw::bsn, &["BSN {}", "burgerservicenummer: {}"]),
    ("pii.id.pl_pesel", draw::pesel, &["PESEL {}", "numer PESEL: {}"]),
    ("pii.id.cn_resident", draw::resident, &["身份证号{}", "resident identity number {}"]),
    ("phi.uk_nhs", draw::nhs, &["NHS number {}", "NHS no: {}"]),
    ("phi.npi", draw::npi, &["NPI {}", "provider NPI: {}"]),
    ("pii.device.imei", draw::imei, &["IMEI {}", "imei: {}"]),
    ("pii.device.mac", draw::mac, &["MAC {}", "the MAC address is {}"]),
    ("pii.date_of_birth", draw::birth, &["Date of birth: {}", "born on {}", "Geburtsdatum {}", "née le {}"]),
    ("secret.aws_access_key", draw::aws_key, &["aws_access_key_id = {}", "key {} leaked"]),
    ("secret.anthropic", draw::anthropic, &["ANTHROPIC_API_KEY={}", "x-api-key: {}"]),
    ("secret.generic", draw::password, &["password: {}", "DB_PASSWORD=\"{}\""]),
];

/// Lines in which nothing is to be found.
const LOOKALIKES: &[(&str, Make)] = &[
    ("order", |draw| format!("Order {}-{}-{} was shipped, invoice {}", draw.digits(4), draw.digits(5), draw.digits(3), draw.digits(8))),
    ("version", |draw| {
        format!(
            "upgraded from v{}.{}.{} to version {}.{}.{}.{}",
            draw.below(20),
            draw.below(40),
            draw.below(900),
            draw.below(9),
            draw.below(30),
            draw.below(200),
            draw.below(9999)
        )
    }),
    ("hash", |draw| {
        let length = draw.pick(&[32, 40, 64]);
        format!("checksum {} of release.tar.gz", draw.hex(length))
    }),
    ("uuid", |draw| format!("request {}-{}-4{}-a{}-{} done", draw.hex(8), draw.hex(4), draw.hex(3), draw.hex(3), draw.hex(12))),
    ("cargo lock", |draw| format!("name = \"serde\"\nversion = \"1.0.{}\"\nchecksum = \"{}\"", draw.below(300), draw.hex(64))),
    ("npm lock", |draw| {
        format!("\"integrity\": \"sha512-{}==\",", draw.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 86))
    }),
    ("epoch", |draw| format!("took {} ms, started 17{}, ended 17{}123", draw.below(90_000), draw.digits(8), draw.digits(8))),
    ("log", |draw| {
        format!(
            "2026-11-{:02}T{:02}:{:02}:{:02}.{}Z INFO worker[{}] handled {} rows in {}.{}s",
            1 + draw.below(28),
            draw.below(24),
            draw.below(60),
            draw.below(60),
            draw.digits(6),
            draw.digits(5),
            draw.digits(7),
            draw.below(60),
            draw.digits(3)
        )
    }),
    ("floats", |draw| format!("let w = [0.{}, -1.{}, {}e-7, {}.0];", draw.digits(8), draw.digits(12), draw.digits(3), draw.digits(6))),
    ("integers", |draw| format!("const TABLE: [u64; 3] = [{}, {}, {}];", draw.digits(10), draw.digits(13), draw.digits(18))),
    ("hex dump", |draw| format!("00000{}0: {} {} {} {}  |........|", draw.hex(2), draw.hex(4), draw.hex(4), draw.hex(4), draw.hex(4))),
    ("git", |draw| format!("commit {}\n index {}..{} 100644", draw.hex(40), draw.hex(9), draw.hex(9))),
    ("isbn", |draw| format!("ISBN 978-{}-{}-{}-{}", draw.digits(1), draw.digits(4), draw.digits(4), draw.digits(1))),
    ("parcel", |draw| format!("parcel 1Z{}{} left the depot", draw.from(CAPITALS, 3), draw.digits(11))),
    ("part", |draw| format!("part no. {}-{}-{} rev {}", draw.from(CAPITALS, 2), draw.digits(5), draw.digits(4), draw.below(9))),
    ("money", |draw| {
        format!("a total of {},{},{}.{} EUR in {} units", draw.digits(2), draw.digits(3), draw.digits(3), draw.digits(2), draw.digits(7))
    }),
    ("path", |draw| {
        format!(
            "at Foo::bar(lib.rs:{}:{}) std::{}::c{}::d1",
            draw.below(900),
            draw.below(80),
            draw.pick(&["ab", "fe", "cafe"]),
            draw.below(9)
        )
    }),
    ("query", |draw| {
        format!("SELECT * FROM t{} WHERE id IN ({}, {}) LIMIT {}", draw.below(90), draw.digits(9), draw.digits(10), draw.below(999))
    }),
    ("colour", |draw| {
        format!("color: #{}; background: rgba({}, {}, {}, .5)", draw.hex(6), draw.below(256), draw.below(256), draw.below(256))
    }),
    ("postcode", |draw| format!("Boston, MA 0{}-{} and Berlin, page {}", draw.digits(4), draw.digits(4), draw.digits(4))),
    ("score", |draw| {
        format!(
            "{}:{} and {}-{}, run {}/{}/{}",
            draw.below(9),
            draw.below(9),
            draw.below(99),
            draw.below(99),
            draw.digits(2),
            draw.digits(3),
            draw.digits(3)
        )
    }),
    ("reference", |draw| format!("ref {} {} {} of ticket {}", draw.digits(3), draw.digits(3), draw.digits(4), draw.digits(9))),
];

/// The sentences with their values marked.
pub fn sentences() -> Vec<Row> {
    let mut rows = Vec::new();
    for (kind, (label, make, templates)) in SENTENCES.iter().enumerate() {
        for (at, template) in templates.iter().enumerate() {
            let mut draw = Draw::new(1 + (kind * 100 + at) as u64);
            for _ in 0..EACH {
                let value = make(&mut draw);
                let start = template.find("{}").unwrap_or(0);
                let span = Span { start, end: start + value.len(), label: (*label).to_owned() };
                let text = template.replacen("{}", &value, 1);
                rows.push(Row { text, spans: vec![span], rule: (*label).to_owned(), ..Row::default() });
            }
        }
    }
    rows
}

/// Judges both.
pub fn run(detector: &Detector, report: &mut Report) {
    let mut counts = Counts::default();
    for row in sentences() {
        let scan = detector.scan(&row.text, Hint::default());
        judged(&scan, &row, &mut report.scores);
        let mut say = |what: &str, span: &Span| {
            report.miss("made", &format!("{what} {}: {:?} in {:?}", span.label, row.part(span.start, span.end), row.text));
        };
        counts.add(&Counts::of(&row, &found(&scan), &row.spans, &mut say));
    }
    let note = "Sentences in several languages, filled with values that are made by the rules of those who give them out. Every label counts, so a value that is found under another label is missed and wrong.";
    report.table("Texts that the project makes", note, &counts);
    report.figure("made_f1", counts.typed().f(1.0));
    report.figure("made_characters_f2", counts.any().f(2.0));
    lookalikes(detector, report);
}

/// What a scan found.
pub fn found(scan: &Scan) -> Vec<Span> {
    scan.findings.iter().map(|finding| Span { start: finding.start, end: finding.end, label: finding.label.as_str().to_owned() }).collect()
}

fn lookalikes(detector: &Detector, report: &mut Report) {
    let (mut bytes, mut wrong, mut lines) = (0_usize, 0_usize, 0_usize);
    for (kind, make) in LOOKALIKES {
        let mut draw = Draw::new(7 + kind.len() as u64);
        for _ in 0..LINES {
            let text = make(&mut draw);
            bytes += text.len();
            lines += 1;
            let row = Row { text, ..Row::default() };
            let scan = detector.scan(&row.text, Hint::default());
            judged(&scan, &row, &mut report.scores);
            let found = found(&scan);
            wrong += found.len();
            for span in found {
                report.miss("lookalike", &format!("{kind}: {} {:?} in {:?}", span.label, row.part(span.start, span.end), row.text));
            }
        }
    }
    report.note(&format!(
        "Lines that only look as if they held something (orders, versions, hashes, UUIDs, lock files, logs, code, …): {wrong} findings in {lines} lines, {:.0} KB.",
        bytes as f64 / 1e3
    ));
    report.figure("lookalikes_wrong_share", wrong as f64 / lines as f64);
}
