//! Slots become names, places, numbers: a template becomes a text with marked names.

use super::Sample;
use super::lists::Lists;
use super::rng::Rng;
use super::template::{Piece, Template};
use super::words::{FORMS, MONTHS, NATIONS, PIECES, PRODUCTS, SYLLABLES, TITLES, TRADES, WEEKDAYS};
use crate::names::Kind;

/// Fills templates from word lists.
pub(crate) struct Filler<'a> {
    pub(super) lists: &'a Lists,
    /// Language of the names of this text.
    pub(super) names: &'a str,
    /// Language of the text.
    pub(super) language: &'static str,
    pub(super) sample: Sample,
    /// How names are written in this text.
    case: Case,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    AsIs,
    Small,
    Capitals,
}

/// A word of a list in one string.
pub(super) fn word<'a>(list: &'a str, rng: &mut Rng) -> &'a str {
    let words: Vec<&str> = list.split_whitespace().collect();
    rng.pick(&words).copied().unwrap_or_default()
}

/// A word of the list of a language.
pub(super) fn by_language<'a>(lists: &[(&str, &'a str)], language: &str, rng: &mut Rng) -> &'a str {
    let fitting: Vec<&str> = lists.iter().filter(|(of, _)| *of == language).map(|(_, list)| *list).collect();
    word(rng.pick(&fitting).copied().unwrap_or_default(), rng)
}

/// `#` becomes a digit, `%` a digit that is not 0, `?` a capital.
pub(super) fn digits(form: &str, rng: &mut Rng) -> String {
    form.chars()
        .map(|c| match c {
            '#' => char::from(b'0' + u8::try_from(rng.below(10)).unwrap_or(0)),
            '%' => char::from(b'1' + u8::try_from(rng.below(9)).unwrap_or(0)),
            '?' => char::from(b'A' + u8::try_from(rng.below(26)).unwrap_or(0)),
            c => c,
        })
        .collect()
}

impl<'a> Filler<'a> {
    /// Fills a template once.
    pub(crate) fn fill(lists: &'a Lists, template: &Template, rng: &mut Rng) -> Sample {
        let own = if template.language == "en" { 45 } else { 75 };
        let names = if rng.percent(own) { template.language } else { lists.any_language(rng) };
        let case = match rng.below(100) {
            0..=7 => Case::Small,
            8..=11 => Case::Capitals,
            _ => Case::AsIs,
        };
        let mut filler = Self { lists, names, language: template.language, sample: Sample::default(), case };
        template.fill(rng, &mut |piece, rng| match piece {
            Piece::Text(text) => filler.sample.text.push_str(text),
            Piece::Slot(slot) => filler.slot(slot, rng),
        });
        let mut sample = filler.sample;
        match rng.below(100) {
            0..=2 => sample.text.make_ascii_lowercase(),
            3..=4 if !template.trap => sample.text.make_ascii_uppercase(),
            _ => {}
        }
        sample
    }

    pub(super) fn plain(&mut self, text: &str) {
        self.sample.text.push_str(text);
    }

    pub(super) fn name(&mut self, kind: Kind, text: &str) {
        let start = self.sample.text.len();
        match self.case {
            Case::Small => self.sample.text.push_str(&text.to_lowercase()),
            Case::Capitals if text.chars().count() > 3 => self.sample.text.push_str(&text.to_uppercase()),
            Case::AsIs | Case::Capitals => self.sample.text.push_str(text),
        }
        self.sample.spans.push((start, self.sample.text.len(), kind));
    }

    fn slot(&mut self, slot: &str, rng: &mut Rng) {
        let done = self.people(slot, rng) || self.places(slot, rng) || self.times(slot, rng) || self.numbers(slot, rng);
        if !done {
            self.code(slot, rng);
        }
    }

    pub(super) fn first(&self, rng: &mut Rng) -> &'a str {
        self.lists.pick("first", self.names, rng)
    }

    pub(super) fn last(&self, rng: &mut Rng) -> &'a str {
        self.lists.pick("last", self.names, rng)
    }

    fn person(&self, rng: &mut Rng) -> String {
        let (first, last) = (self.first(rng), self.last(rng));
        match rng.below(100) {
            0..=54 => format!("{first} {last}"),
            55..=66 => format!("{first} {} {last}", digits("?.", rng)),
            67..=75 => format!("{first} {} {last}", digits("?", rng)),
            76..=80 => format!("{first} {} {last}", self.first(rng)),
            81..=84 => format!("{first} {last}-{}", self.last(rng)),
            85..=87 => format!("{} {last}", digits("?.", rng)),
            88..=91 => format!("{first} {} {last}", word("van de der von da di del la le Mac O'", rng)),
            92..=93 => format!("{first}-{} {last}", self.first(rng)),
            94..=96 => first.to_owned(),
            _ => last.to_owned(),
        }
    }

    fn people(&mut self, slot: &str, rng: &mut Rng) -> bool {
        match slot {
            "person" => {
                let person = self.person(rng);
                self.name(Kind::Person, &person);
            }
            "first" => self.name(Kind::Person, self.first(rng)),
            "last" => self.name(Kind::Person, self.last(rng)),
            "lname" => {
                let name = match rng.below(4) {
                    0 => self.first(rng).to_owned(),
                    1 => self.person(rng),
                    2 => self.person(rng).to_lowercase(),
                    _ => self.first(rng).to_lowercase(),
                };
                self.name(Kind::Person, &name);
            }
            "mr" | "title" => self.plain(word("Mr. Mr Mrs. Mrs Ms. Ms Miss Dr. Dr", rng)),
            "dr" => self.plain(word(TITLES, rng)),
            "mrcap" => self.plain(word("MR MRS MS DR", rng)),
            "org" => {
                let company = self.company(rng);
                self.name(Kind::Organization, &company);
            }
            "nrp" => {
                let nation = by_language(NATIONS, self.language, rng).to_owned();
                self.name(Kind::Nrp, &nation);
            }
            "job" => {
                let job = self.lists.pick("jobs", self.language, rng).to_owned();
                self.plain(&job);
            }
            _ => return false,
        }
        true
    }

    fn coined(rng: &mut Rng) -> String {
        let count = rng.between(2, 3);
        let coined: String = (0..count).map(|_| word(SYLLABLES, rng)).collect();
        capitalised(&coined)
    }

    fn company(&self, rng: &mut Rng) -> String {
        let last = self.last(rng);
        match rng.below(100) {
            0..=29 => self.lists.pick("companies", self.names, rng).to_owned(),
            30..=37 => format!("{last}, {} and {}", self.last(rng), self.last(rng)),
            38..=43 => format!("{last}-{}", self.last(rng)),
            44..=49 => format!("{last} {} {}", word("& and und y et", rng), self.last(rng)),
            50..=58 => format!("{last} {}", word(FORMS, rng)),
            59..=65 => format!("{last} {}", word(TRADES, rng)),
            66..=73 => Self::coined(rng),
            74..=80 => format!("{} {}", Self::coined(rng), word(TRADES, rng)),
            81..=85 => format!("{} {}", Self::coined(rng), word(FORMS, rng)),
            86..=92 => format!("{} {}", capitalised(self.lists.pick("common", "en", rng)), word(TRADES, rng)),
            93..=95 => format!("{} {} {}", word(TRADES, rng), word(TRADES, rng), word(FORMS, rng)),
            96..=97 => format!("{} of {}", word("Bank University Institute Ministry", rng), self.lists.pick("cities", self.names, rng)),
            _ => digits("???", rng),
        }
    }

    fn times(&mut self, slot: &str, rng: &mut Rng) -> bool {
        match slot {
            "date" => {
                let date = self.date(rng.between(1980, 2030), rng);
                self.name(Kind::Date, &date);
            }
            "dob" => {
                let date = self.date(rng.between(1925, 2020), rng);
                self.name(Kind::DateOfBirth, &date);
            }
            "year" => {
                let year = rng.between(1900, 2030).to_string();
                self.name(Kind::Date, &year);
            }
            "weekday" => {
                let day = by_language(WEEKDAYS, self.language, rng).to_owned();
                self.name(Kind::Date, &day);
            }
            "month" => self.plain(by_language(MONTHS, self.language, rng)),
            "time" => {
                let (hour, minute) = (rng.between(0, 23), rng.below(60));
                let time = match rng.below(3) {
                    0 => format!("{hour}:{minute:02}"),
                    1 => format!("{} {}", hour % 12 + 1, word("am pm a.m. p.m.", rng)),
                    _ => format!("{hour:02}:{minute:02}:{:02}", rng.below(60)),
                };
                self.plain(&time);
            }
            "ts" => {
                let stamp =
                    digits(word("202#-0%-1#T1#:2#:3#Z 202#-1#-2#T0#:4#:5#.###Z [202#-0%-0%_0#:1#:2#] 1#:2#:3#.### 202#/0%/1#", rng), rng);
                self.plain(&stamp.replace('_', " "));
            }
            "yplain" => {
                let year = rng.between(1960, 2030).to_string();
                self.plain(&year);
            }
            "age" => {
                let age = rng.between(1, 99).to_string();
                self.name(Kind::Age, &age);
            }
            _ => return false,
        }
        true
    }

    fn date(&self, year: usize, rng: &mut Rng) -> String {
        let (month, day) = (rng.between(1, 12), rng.between(1, 28));
        let name = by_language(MONTHS, self.language, rng);
        let short = year % 100;
        match rng.below(16) {
            0 | 1 => format!("{month}/{day}/{year}"),
            2 => format!("{month:02}/{day:02}/{year}"),
            3 => format!("{day:02}/{month:02}/{year}"),
            4 => format!("{day:02}.{month:02}.{year}"),
            5 => format!("{day}.{month}.{short:02}"),
            6 | 7 => format!("{year}-{month:02}-{day:02}"),
            8 => format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", rng.below(24), rng.below(60), rng.below(60)),
            9 => format!("{year}/{month:02}/{day:02}"),
            10 if self.language == "en" => format!("{name} {day}, {year}"),
            11 if self.language == "en" => format!("{name} {day}{}", word("th st nd", rng)),
            12 if self.language == "en" => format!("the {day}th of {name}"),
            13 => format!("{name} {year}"),
            14 => format!("{day}-{month}-{year}"),
            _ if self.language == "de" => format!("{day}. {name} {year}"),
            _ if matches!(self.language, "es" | "pt") => format!("{day} de {name} de {year}"),
            _ => format!("{day} {name} {year}"),
        }
    }

    fn numbers(&mut self, slot: &str, rng: &mut Rng) -> bool {
        let form = match slot {
            "n" => word("% % %# %# %## %### %#### %##### %###### 0 %.# %,###", rng),
            "id" => word("%####### ?%### ??-%#### %##-####### ???####### #%?#?##? %###-%### INV-%#### PO%#### R-%##", rng),
            "amount" => word("$%## %##.## €%,###.## %##_EUR %###_USD £%# %#_€ CHF_%##.-", rng),
            "ver" => word("%.# %.#.# v%.#.## %#.#.#-rc.% 0.%.# %#.04", rng),
            "hex" => "a#f%c#e%b#d%",
            "ip" => "10.%.%#.%",
            "phone" => word(
                "%##-%##-#### (%##)_%##-#### +1-%##-%##-#### +44_20_%###_#### +49_30_%###### 0%#_%##_##_## 0%##/%##### %###_#### %##.%##.####x### \
                 0%.##.##.##.## 07%##_######",
                rng,
            ),
            "card" => word("4############### 5%##-####-####-#### 37####_#######_#### %###_####_####_####", rng),
            "iban" => word("DE## GB## FR## NL##", rng),
            "ssn" => "%##-%#-####",
            _ => return false,
        };
        let mut text = digits(form, rng).replace('_', " ");
        if slot == "iban" {
            text.push_str(&digits("????##############", rng));
        }
        self.plain(&text);
        true
    }

    fn code(&mut self, slot: &str, rng: &mut Rng) {
        let text = match slot {
            "email" => format!("{}.{}@{}.{}", ident(rng), ident(rng), ident(rng), word("com org net example de", rng)),
            "url" => {
                format!("{}{}.{}", word("https:// http:// www. https://www.", rng), ident(rng), word("com org io/docs net/a/b?c=1", rng))
            }
            "product" => word(PRODUCTS, rng).to_owned(),
            "ident" => match rng.below(4) {
                0 => format!("{}_{}", ident(rng), ident(rng)),
                1 => format!("{}{}", ident(rng), capitalised(&ident(rng))),
                2 => format!("{}-{}", ident(rng), ident(rng)),
                _ => ident(rng),
            },
            "Ident" => (0..rng.between(1, 3)).map(|_| capitalised(&ident(rng))).collect(),
            "IDENT" => format!("{}_{}", ident(rng), ident(rng)).to_uppercase(),
            "CAPS" => if rng.percent(50) { Self::coined(rng) } else { self.common(rng) }.to_uppercase(),
            "Letter" => digits("?", rng),
            "Cap" => capitalised(&self.common(rng)),
            "subject" => format!("{} {} {}", capitalised(&self.common(rng)), self.common(rng), self.common(rng)),
            _ => self.common(rng),
        };
        self.plain(&text);
    }

    fn common(&self, rng: &mut Rng) -> String {
        if rng.percent(50) { ident(rng) } else { self.lists.pick("common", self.language, rng).to_owned() }
    }
}

fn ident(rng: &mut Rng) -> String {
    word(PIECES, rng).to_owned()
}

/// The text with its first letter as a capital.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
