//! Texts made from templates: lines of a subject, their blanks filled, put together as people write: with headings, numbers, lists.

use crate::names::train::rng::Rng;

/// Lines of one subject in one language.
pub(super) struct Group {
    /// Headings.
    heads: Vec<&'static str>,
    /// Sentences, and rows of tables.
    lines: Vec<&'static str>,
}

impl Group {
    /// Its sentences.
    pub(super) fn lines(&self) -> &[&'static str] {
        &self.lines
    }
}

/// The groups of a template file: a line `@language` begins one, `# ` a heading.
pub(super) fn groups(text: &'static str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('@') {
            groups.push(Group { heads: Vec::new(), lines: Vec::new() });
        } else if let Some(group) = groups.last_mut() {
            match line.strip_prefix("# ") {
                Some(head) => group.heads.push(head),
                None => group.lines.push(line),
            }
        }
    }
    groups
}

/// Which lines a text is made of: of two texts with different sides, no line is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// All lines.
    All,
    /// Those that are not of a share: which of four shares.
    Without(u8),
    /// Those of a share.
    Only(u8),
}

impl Fold {
    pub(super) fn has(self, line: &str) -> bool {
        let share = blake3::hash(line.as_bytes()).as_bytes().first().copied().unwrap_or(0) & 3;
        match self {
            Self::All => true,
            Self::Without(without) => share != without,
            Self::Only(only) => share == only,
        }
    }
}

/// One text of a group; some lines of `others` stand in between.
pub(super) fn text(group: &Group, others: &[Group], fold: Fold, rng: &mut Rng) -> String {
    let mut lines: Vec<&str> = group.lines.iter().copied().filter(|line| fold.has(line)).collect();
    rng.shuffle(&mut lines);
    lines.truncate(rng.between(5, 26));
    let strange = rng.pick(others).filter(|_| rng.percent(35));
    let style = rng.below(6);
    let mut out = String::new();
    if rng.percent(60)
        && let Some(head) = rng.pick(&group.heads)
    {
        fill(head, rng, &mut out);
        out.push_str("\n\n");
    }
    for (number, line) in lines.iter().enumerate() {
        if rng.percent(12)
            && let Some(head) = rng.pick(&group.heads)
        {
            out.push_str(if rng.percent(50) { "\n## " } else { "\n" });
            fill(head, rng, &mut out);
            out.push('\n');
        }
        match style {
            0 => out.push_str("- "),
            1 => out.extend([(number + 1).to_string().as_str(), ". "]),
            2 => out.extend([(number / 4 + 1).to_string().as_str(), ".", (number % 4 + 1).to_string().as_str(), " "]),
            _ => {}
        }
        fill(line, rng, &mut out);
        out.push_str(if style > 3 { " " } else { "\n" });
        if let Some(line) = strange.and_then(|group| rng.pick(&group.lines)).filter(|_| rng.percent(14)) {
            fill(line, rng, &mut out);
            out.push('\n');
        }
    }
    out
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const FIRST: [&str; 16] = [
    "Anna", "Thomas", "Maria", "James", "Sofia", "Ahmed", "Laura", "Peter", "Chen", "Olga", "David", "Fatima", "Lukas", "Priya", "Emma",
    "Carlos",
];
const LAST: [&str; 16] = [
    "Miller", "Schmidt", "Rossi", "Garcia", "Dubois", "Khan", "Novak", "Jensen", "Wong", "Brown", "Silva", "Kowalski", "Meyer", "Patel",
    "Haas", "Olsen",
];
const COMPANIES: [&str; 14] = [
    "Northwind",
    "Acme",
    "Globex",
    "Initech",
    "Aurora Systems",
    "Helios Energy",
    "Blue River Foods",
    "Vertex Medical",
    "Kestrel Logistics",
    "Orion Software",
    "Baltic Steel",
    "Meridian Media",
    "Silverline",
    "Contoso",
];
const FORMS: [&str; 8] = [" Inc.", " Ltd", " GmbH", " AG", " S.A.", " LLC", "", " plc"];
const CITIES: [&str; 12] =
    ["London", "Berlin", "Madrid", "Paris", "Chicago", "Lyon", "Hamburg", "Zurich", "Boston", "Dublin", "Munich", "Oslo"];
const STATES: [&str; 7] = ["Delaware", "New York", "England and Wales", "California", "Ireland", "Texas", "Switzerland"];
const ROLES: [&str; 12] = [
    "Sales Manager",
    "Software Engineer",
    "Accountant",
    "Head of Marketing",
    "Nurse",
    "Project Manager",
    "Data Analyst",
    "Chief Executive Officer",
    "Warehouse Clerk",
    "Legal Counsel",
    "Team Lead",
    "Controller",
];
const PRODUCTS: [&str; 10] = ["Atlas", "Pulse", "FlowDesk", "Nimbus", "Beacon", "Cartwheel", "Lumen", "Quill", "Harbor", "Stride"];
const FEATURES: [&str; 18] = [
    "offline mode",
    "single sign-on",
    "dark mode",
    "bulk export",
    "an audit log",
    "shared dashboards",
    "a public API",
    "push notifications",
    "role-based permissions",
    "in-app chat",
    "a mobile app",
    "search across projects",
    "automatic backups",
    "usage-based billing",
    "multi-language support",
    "an AI assistant",
    "calendar sync",
    "payment by invoice",
];
const CODES: [&str; 10] = ["Falcon", "Everest", "Amber", "Neptune", "Sierra", "Tulip", "Phoenix", "Granite", "Orchid", "Mistral"];
const DISEASES: [&str; 14] = [
    "hypertension",
    "type 2 diabetes",
    "asthma",
    "pneumonia",
    "major depression",
    "atrial fibrillation",
    "migraine",
    "rheumatoid arthritis",
    "Crohn's disease",
    "chronic kidney disease",
    "hypothyroidism",
    "breast cancer",
    "epilepsy",
    "coronary artery disease",
];
const SYMPTOMS: [&str; 10] = [
    "cough and fever",
    "abdominal pain",
    "shortness of breath",
    "headache",
    "chest pain",
    "fatigue and weight loss",
    "low back pain",
    "palpitations",
    "dizziness",
    "joint swelling",
];
const DRUGS: [&str; 14] = [
    "metformin",
    "lisinopril",
    "atorvastatin",
    "sertraline",
    "amoxicillin",
    "ibuprofen",
    "apixaban",
    "levothyroxine",
    "prednisone",
    "pantoprazole",
    "bisoprolol",
    "ramipril",
    "insulin",
    "warfarin",
];
const CLINICS: [&str; 5] = ["cardiology", "oncology", "diabetes", "pain", "rheumatology"];
const REGIONS: [&str; 6] = ["Asia", "North America", "European", "Nordic", "Latin America", "Industrial"];
const DAYS: [&str; 5] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];

/// A template with its blanks filled.
pub(super) fn filled(template: &str, rng: &mut Rng) -> String {
    let mut out = String::new();
    fill(template, rng, &mut out);
    out
}

fn fill(template: &str, rng: &mut Rng, out: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, behind) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        blank(slot, rng, out);
        rest = behind;
    }
    out.push_str(rest);
}

fn one(all: &[&str], rng: &mut Rng) -> String {
    rng.pick(all).map_or_else(String::new, |one| (*one).to_owned())
}

fn thousands(rng: &mut Rng) -> String {
    let (high, low) = (rng.between(1, 980), rng.below(1_000));
    match rng.below(5) {
        0 => format!("{high}"),
        1 => format!("{high}.{low:03}"),
        2 => format!("{},{:03},{low:03}", rng.between(1, 90), rng.below(1_000)),
        _ => format!("{high},{low:03}"),
    }
}

fn date(rng: &mut Rng) -> String {
    let (day, month, year) = (rng.between(1, 28), one(&MONTHS, rng), rng.between(2015, 2027));
    match rng.below(4) {
        0 => format!("{day} {month} {year}"),
        1 => format!("{month} {day}, {year}"),
        2 => format!("{year}-{:02}-{day:02}", rng.between(1, 12)),
        _ => format!("{day:02}.{:02}.{year}", rng.between(1, 12)),
    }
}

fn money(currency: &str, rng: &mut Rng) -> String {
    let amount = format!("{},{:03}", rng.between(1, 480), rng.below(10) * 100);
    let (millions, tenth) = (rng.between(1, 900), rng.below(10));
    let sign = one(&["$", "EUR ", "£", "USD "], rng);
    match currency {
        "eur" => format!("{} EUR", amount.replace(',', ".")),
        "eurm" => format!("{millions},{tenth} {}", one(&["Mio. Euro", "millions d'euros", "millones de euros", "Mio. EUR"], rng)),
        "amtm" if rng.percent(30) => format!("{sign}{}.{tenth} billion", millions / 100 + 1),
        "amtm" => format!("{sign}{millions}.{tenth} {}", one(&["million", "m"], rng)),
        _ => format!("{sign}{amount}"),
    }
}

fn blank(slot: &str, rng: &mut Rng, out: &mut String) {
    let filled = match slot {
        "num" | "num2" => rng.between(2, 60).to_string(),
        "digit" => rng.between(1, 5).to_string(),
        "age" => rng.between(18, 89).to_string(),
        "hr" => rng.between(55, 120).to_string(),
        "dose" => (rng.between(1, 40) * 5).to_string(),
        "bp" => format!("{}/{}", rng.between(100, 180), rng.between(60, 110)),
        "pct" => format!("{}.{}%", rng.between(1, 90), rng.below(10)),
        "small" => format!("{}.{}", rng.between(1, 14), rng.below(100)),
        "year" => rng.between(2015, 2028).to_string(),
        "q" => format!("Q{}", rng.between(1, 4)),
        "letter" => one(&["A", "B", "C", "D"], rng),
        "acc" | "acc2" => thousands(rng),
        "amt" | "amtm" | "eur" | "eurm" => money(slot, rng),
        "date" => date(rng),
        "month" => one(&MONTHS, rng),
        "weekday" => one(&DAYS, rng),
        "name" => one(&FIRST, rng),
        "person" => format!("{} {}", one(&FIRST, rng), one(&LAST, rng)),
        "co" | "co2" => format!("{}{}", one(&COMPANIES, rng), one(&FORMS, rng)),
        "city" | "city2" => one(&CITIES, rng),
        "state" => one(&STATES, rng),
        "role" => one(&ROLES, rng),
        "product" => one(&PRODUCTS, rng),
        "feature" | "feature2" => one(&FEATURES, rng),
        "code" => one(&CODES, rng),
        "disease" | "disease2" => one(&DISEASES, rng),
        "symptom" => one(&SYMPTOMS, rng),
        "symptomde" => one(&["Brustschmerzen", "Atemnot", "Fieber und Husten", "Schwindel", "Rückenschmerzen"], rng),
        "drug" | "drug2" => one(&DRUGS, rng),
        "clinic" => one(&CLINICS, rng),
        "sex" => one(&["woman", "man", "male", "female"], rng),
        "region" => one(&REGIONS, rng),
        _ => String::new(),
    };
    out.push_str(&filled);
}
