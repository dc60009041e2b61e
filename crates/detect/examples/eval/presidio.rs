//! The recognisers and validators of Presidio, each against the label that stands for it with us, alone and at threshold 0.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bartizan_detect::{Detector, Hint, RuleFile};
use serde_json::Value;

use crate::{rows, share, spans};

/// Recogniser and label.
const LABELS: &[(&str, &str)] = &[
    ("AbaRoutingRecognizer", "pci.us_routing"),
    ("AuAbnRecognizer", "pii.id.au_abn"),
    ("AuAcnRecognizer", "pii.id.au_acn"),
    ("AuMedicareRecognizer", "phi.au_medicare"),
    ("AuTfnRecognizer", "pii.id.au_tfn"),
    ("CaSinRecognizer", "pii.id.ca_sin"),
    ("CreditCardRecognizer", "pci.card"),
    ("CryptoRecognizer", "pci.crypto_wallet"),
    ("DateRecognizer", "pii.date"),
    ("DeBsnrRecognizer", "phi.de_bsnr"),
    ("DeFuehrerscheinRecognizer", "pii.id.de_driver"),
    ("DeHandelsregisterRecognizer", "pii.id.de_register"),
    ("DeHealthInsuranceRecognizer", "phi.de_health_insurance"),
    ("DeIdCardRecognizer", "pii.id.de_card"),
    ("DeKfzRecognizer", "pii.vehicle.de_plate"),
    ("DeLanrRecognizer", "phi.de_lanr"),
    ("DePassportRecognizer", "pii.id.de_passport"),
    ("DePlzRecognizer", "pii.postcode.de"),
    ("DeSocialSecurityRecognizer", "pii.id.de_pension"),
    ("DeTaxIdRecognizer", "pii.id.de_tax"),
    ("DeTaxNumberRecognizer", "pii.id.de_tax_number"),
    ("DeVatIdRecognizer", "pii.id.de_vat"),
    ("EmailRecognizer", "pii.email"),
    ("EsNieRecognizer", "pii.id.es_nie"),
    ("EsNifRecognizer", "pii.id.es_nif"),
    ("EsPassportRecognizer", "pii.id.es_passport"),
    ("FiPersonalIdentityCodeRecognizer", "pii.id.fi_hetu"),
    ("IbanRecognizer", "pci.iban"),
    ("InAadhaarRecognizer", "pii.id.in_aadhaar"),
    ("InGstinRecognizer", "pii.id.in_gstin"),
    ("InPanRecognizer", "pii.id.in_pan"),
    ("InPassportRecognizer", "pii.id.in_passport"),
    ("InVehicleRegistrationRecognizer", "pii.vehicle.in_plate"),
    ("InVoterRecognizer", "pii.id.in_voter"),
    ("IpRecognizer", "pii.ip"),
    ("ItDriverLicenseRecognizer", "pii.id.it_driver"),
    ("ItFiscalCodeRecognizer", "pii.id.it_fiscal"),
    ("ItIdentityCardRecognizer", "pii.id.it_card"),
    ("ItPassportRecognizer", "pii.id.it_passport"),
    ("ItVatCodeRecognizer", "pii.id.it_vat"),
    ("KrBrnRecognizer", "pii.id.kr_brn"),
    ("KrDriverLicenseRecognizer", "pii.id.kr_driver"),
    ("KrFrnRecognizer", "pii.id.kr_frn"),
    ("KrPassportRecognizer", "pii.id.kr_passport"),
    ("KrRrnRecognizer", "pii.id.kr_rrn"),
    ("MacAddressRecognizer", "pii.device.mac"),
    ("MedicalLicenseRecognizer", "phi.dea"),
    ("NgNinRecognizer", "pii.id.ng_nin"),
    ("NgVehicleRegistrationRecognizer", "pii.vehicle.ng_plate"),
    ("NhsRecognizer", "phi.uk_nhs"),
    ("PhTinRecognizer", "pii.id.ph_tin"),
    ("PhoneRecognizer", "pii.phone"),
    ("PlPeselRecognizer", "pii.id.pl_pesel"),
    ("SeOrganisationsnummerRecognizer", "pii.id.se_organisation"),
    ("SePersonnummerRecognizer", "pii.id.se_person"),
    ("SgFinRecognizer", "pii.id.sg_nric"),
    ("SgUenRecognizer", "pii.id.sg_uen"),
    ("ThTninRecognizer", "pii.id.th_identity"),
    ("TrLicensePlateRecognizer", "pii.vehicle.tr_plate"),
    ("TrNationalIdRecognizer", "pii.id.tr_identity"),
    ("UkDrivingLicenceRecognizer", "pii.id.uk_driver"),
    ("UkNinoRecognizer", "pii.id.uk_nino"),
    ("UkPassportRecognizer", "pii.id.uk_passport"),
    ("UkPostcodeRecognizer", "pii.postcode.uk"),
    ("UkVehicleRegistrationRecognizer", "pii.vehicle.uk_plate"),
    ("UrlRecognizer", "pii.url"),
    ("UsBankRecognizer", "pci.bank_account"),
    ("UsItinRecognizer", "pii.id.us_itin"),
    ("UsLicenseRecognizer", "pii.us_driver_license"),
    ("UsMbiRecognizer", "phi.mbi"),
    ("UsNpiRecognizer", "phi.npi"),
    ("UsPassportRecognizer", "pii.id.us_passport"),
    ("UsSsnRecognizer", "pii.us_ssn"),
    ("ZaIdNumberRecognizer", "pii.id.za_identity"),
];

/// One detector for each label, so that no other label can win.
struct Alone {
    files: Vec<RuleFile>,
    made: BTreeMap<&'static str, Detector>,
}

impl Alone {
    /// What the label of a recogniser finds in a text, as byte ranges; nothing where no label stands for it.
    fn found(&mut self, rule: &str, text: &str) -> Option<Vec<(usize, usize)>> {
        let (_, label) = LABELS.iter().find(|(name, _)| *name == rule)?;
        if !self.made.contains_key(label) {
            let file = self.files.iter().find(|file| file.label == *label)?;
            self.made.insert(label, Detector::from_rules(std::slice::from_ref(file)).ok()?);
        }
        let scan = self.made.get(label)?.scan(text, Hint::default());
        Some(scan.findings.iter().chain(&scan.below).map(|finding| (finding.start, finding.end)).collect())
    }
}

fn text_of<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// Prints both figures and every miss.
pub fn run(folder: &Path, files: Vec<RuleFile>) {
    let mut alone = Alone { files, made: BTreeMap::new() };
    recognisers(&rows(&folder.join("presidio_recognizers.jsonl")), &mut alone);
    validators(&rows(&folder.join("presidio_validators.jsonl")), &mut alone);
}

fn recognisers(rows: &[Value], alone: &mut Alone) {
    let mut said: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        let entity = row["entities"][0].as_str().unwrap_or_default();
        said.entry((text_of(row, "rule"), entity, text_of(row, "text"))).or_default().insert(text_of(row, "expected"));
    }
    let (mut positive, mut found, mut negative, mut clean, mut both) = (0, 0, 0, 0, 0);
    for row in rows {
        let (rule, text, expected) = (text_of(row, "rule"), text_of(row, "text"), text_of(row, "expected"));
        let entity = row["entities"][0].as_str().unwrap_or_default();
        let Some(hits) = alone.found(rule, text) else { continue };
        if said.get(&(rule, entity, text)).is_some_and(|said| said.len() > 1) {
            both += 1;
            continue;
        }
        let right = if expected == "no_match" {
            negative += 1;
            clean += usize::from(hits.is_empty());
            hits.is_empty()
        } else {
            positive += 1;
            let all = spans(row, text).iter().all(|(start, end)| hits.iter().any(|hit| hit.0 < *end && *start < hit.1));
            found += usize::from(all && !hits.is_empty());
            all && !hits.is_empty()
        };
        if !right {
            let hits: Vec<&str> = hits.iter().map(|(start, end)| &text[*start..*end]).collect();
            println!("  presidio {rule} {expected}: {text:?} found {hits:?}");
        }
    }
    println!(
        "RESULT presidio_positive={:.4} ({found} of {positive}) presidio_negative={:.4} ({clean} of {negative}), {both} rows say both",
        share(found, positive),
        share(clean, negative)
    );
}

fn validators(rows: &[Value], alone: &mut Alone) {
    let mut said: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        said.entry((text_of(row, "rule"), text_of(row, "text"))).or_default().insert(text_of(row, "expected"));
    }
    let (mut judged, mut agreed) = (0, 0);
    for row in rows {
        let (rule, text, expected) = (text_of(row, "rule"), text_of(row, "text"), text_of(row, "expected"));
        let decided = expected != "undecided" && said.get(&(rule, text)).is_none_or(|said| said.len() <= 2);
        let Some(hits) = alone.found(rule, text).filter(|_| decided) else { continue };
        judged += 1;
        if hits.contains(&(0, text.len())) == (expected == "valid") {
            agreed += 1;
        } else {
            println!("  validator {rule} {expected}: {text:?}");
        }
    }
    println!("RESULT presidio_validators={:.4} ({agreed} of {judged})", share(agreed, judged));
}
