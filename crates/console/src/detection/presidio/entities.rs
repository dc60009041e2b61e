//! Our labels and the names that Presidio has for the same things. A label without a counterpart keeps its own name, in capitals.

use std::collections::BTreeMap;

use bartizan_detect::Detector;

/// Label, and Presidio's name of it. Several labels may share a name.
const TABLE: &[(&str, &str)] = &[
    ("pci.bank_account", "US_BANK_NUMBER"),
    ("pci.card", "CREDIT_CARD"),
    ("pci.crypto_wallet", "CRYPTO"),
    ("pci.iban", "IBAN_CODE"),
    ("pci.us_routing", "ABA_ROUTING_NUMBER"),
    ("phi.au_medicare", "AU_MEDICARE"),
    ("phi.dea", "MEDICAL_LICENSE"),
    ("phi.mbi", "US_MBI"),
    ("phi.npi", "US_NPI"),
    ("pii.address", "LOCATION"),
    ("pii.date", "DATE_TIME"),
    ("pii.date_of_birth", "DATE_TIME"),
    ("pii.device.mac", "MAC_ADDRESS"),
    ("pii.email", "EMAIL_ADDRESS"),
    ("pii.id.de_card", "DE_ID_CARD"),
    ("pii.id.de_driver", "DE_FUEHRERSCHEIN"),
    ("pii.id.de_pension", "DE_SOCIAL_SECURITY"),
    ("pii.id.de_register", "DE_HANDELSREGISTER"),
    ("pii.id.de_tax", "DE_TAX_ID"),
    ("pii.id.de_vat", "DE_VAT_ID"),
    ("pii.id.fi_hetu", "FI_PERSONAL_IDENTITY_CODE"),
    ("pii.id.it_card", "IT_IDENTITY_CARD"),
    ("pii.id.it_driver", "IT_DRIVER_LICENSE"),
    ("pii.id.it_fiscal", "IT_FISCAL_CODE"),
    ("pii.id.it_vat", "IT_VAT_CODE"),
    ("pii.id.kr_driver", "KR_DRIVER_LICENSE"),
    ("pii.id.se_organisation", "SE_ORGANISATIONSNUMMER"),
    ("pii.id.se_person", "SE_PERSONNUMMER"),
    ("pii.id.sg_nric", "SG_NRIC_FIN"),
    ("pii.id.th_identity", "TH_TNIN"),
    ("pii.id.tr_identity", "TR_NATIONAL_ID"),
    ("pii.id.uk_driver", "UK_DRIVING_LICENCE"),
    ("pii.id.za_identity", "ZA_ID_NUMBER"),
    ("pii.ip", "IP_ADDRESS"),
    ("pii.phone", "PHONE_NUMBER"),
    ("pii.postcode.de", "DE_PLZ"),
    ("pii.postcode.uk", "UK_POSTCODE"),
    ("pii.url", "URL"),
    ("pii.vehicle.de_plate", "DE_KFZ"),
    ("pii.vehicle.in_plate", "IN_VEHICLE_REGISTRATION"),
    ("pii.vehicle.ng_plate", "NG_VEHICLE_REGISTRATION"),
    ("pii.vehicle.tr_plate", "TR_LICENSE_PLATE"),
    ("pii.vehicle.uk_plate", "UK_VEHICLE_REGISTRATION"),
];

/// Families whose name is left out of a name: what is a secret or an attack stays one by name.
const LEFT_OUT: [&str; 4] = ["pii.id.", "pii.", "pci.", "phi."];

/// What Presidio calls a label, or what stands for it there.
pub(super) fn entity(label: &str) -> String {
    if let Some((_, name)) = TABLE.iter().find(|(known, _)| *known == label) {
        return (*name).to_owned();
    }
    let short = LEFT_OUT.iter().find_map(|family| label.strip_prefix(family)).unwrap_or(label);
    short.replace('.', "_").to_ascii_uppercase()
}

/// Every name, with the labels that it stands for.
pub(super) fn all(detector: &Detector) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for info in detector.labels() {
        all.entry(entity(info.label.as_str())).or_default().push(info.label.as_str().to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use bartizan_detect::names::Names;

    use super::*;

    #[test]
    fn every_row_is_a_label_and_no_two_labels_share_a_name_by_accident() {
        let detector = Detector::builtin().unwrap().with_names(Names::builtin().unwrap());
        let all = all(&detector);
        for (label, name) in TABLE {
            assert!(all.get(*name).is_some_and(|labels| labels.iter().any(|known| known == label)), "{label}");
        }
        assert!(TABLE.is_sorted(), "by label");
        for (name, labels) in &all {
            let meant = ["LOCATION", "DATE_TIME"].contains(&name.as_str());
            assert_eq!(labels.len() > 1, meant, "{name} {labels:?}");
            assert!(name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'), "{name}");
        }
        for (label, name) in [
            ("pii.id.uk_nino", "UK_NINO"),
            ("pii.person", "PERSON"),
            ("pii.organization", "ORGANIZATION"),
            ("pii.us_ssn", "US_SSN"),
            ("secret.github", "SECRET_GITHUB"),
            ("phi.uk_nhs", "UK_NHS"),
            ("pii.id.de_tax_number", "DE_TAX_NUMBER"),
        ] {
            assert_eq!(entity(label), name);
        }
    }
}
