//! Places and addresses in the forms of several countries.

use super::fill::{Filler, digits, word};
use super::rng::Rng;
use crate::names::Kind;

/// How the lines of an address are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Line,
    Block,
    Quoted,
}

impl Filler<'_> {
    /// Fills slots about places; false if this is no such slot.
    pub(super) fn places(&mut self, slot: &str, rng: &mut Rng) -> bool {
        match slot {
            "city" => self.place(Self::city, rng),
            "country" => self.place(Self::country, rng),
            "region" => self.place(|filler, rng| filler.lists.pick("regions", "en", rng).to_owned(), rng),
            "place" => self.place(Self::somewhere, rng),
            "street" => self.address(Self::street, rng),
            "corner" => self.address(Self::corner, rng),
            "address" => self.address(|filler, rng| filler.whole(Layout::Line, rng), rng),
            "block" => self.address(|filler, rng| filler.whole(Layout::Block, rng), rng),
            "qblock" => self.address(|filler, rng| filler.whole(Layout::Quoted, rng), rng),
            "zipcity" => self.address(|filler, rng| format!("{} {}", filler.zip(rng), filler.city(rng)), rng),
            "zip" | "czip" => self.address(Self::zip, rng),
            _ => return false,
        }
        true
    }

    fn place(&mut self, make: impl Fn(&Self, &mut Rng) -> String, rng: &mut Rng) {
        let text = make(self, rng);
        self.name(Kind::Location, &text);
    }

    fn address(&mut self, make: impl Fn(&Self, &mut Rng) -> String, rng: &mut Rng) {
        let text = make(self, rng);
        self.name(Kind::Address, &text);
    }

    fn city(&self, rng: &mut Rng) -> String {
        let list = match rng.below(10) {
            0..=3 => "cities",
            4..=8 => "towns",
            _ => "made_cities",
        };
        let city = if list == "made_cities" { self.lists.pick(list, self.names, rng) } else { self.lists.pick(list, "", rng) };
        if rng.percent(15) { city.to_uppercase() } else { city.to_owned() }
    }

    fn country(&self, rng: &mut Rng) -> String {
        self.lists.pick("countries", if rng.percent(70) { self.language } else { self.names }, rng).to_owned()
    }

    fn somewhere(&self, rng: &mut Rng) -> String {
        match rng.below(20) {
            0..=7 => self.city(rng),
            8..=13 => self.country(rng),
            14 | 15 => self.lists.pick("regions", "en", rng).to_owned(),
            16 | 17 => format!("{}, {}", self.city(rng), self.country(rng)),
            18 => format!("{}, {}", self.city(rng), digits("??", rng)),
            _ => {
                word("Europe Asia Africa America Bavaria Tuscany Provence Catalonia Scotland Scandinavia Brittany Flanders", rng).to_owned()
            }
        }
    }

    fn number(rng: &mut Rng) -> String {
        digits(word("% %# %# %## %## %### %#### 0%### %#a %b %-%# %#/% %#?", rng), rng)
    }

    fn street_name(&self, rng: &mut Rng) -> String {
        let street = if rng.percent(70) { self.lists.pick("streets", self.names, rng) } else { self.lists.pick("streets", "", rng) };
        match rng.below(20) {
            0 => format!("{} {}", self.last(rng), word("Street Road Avenue Lane Drive Court Way Square Place Rd St Ave Blvd", rng)),
            1 => format!(
                "{}{}",
                self.last(rng),
                word("straße strasse gasse weg platz gatan gata vej gade vägen katu tie laan straat utca", rng)
            ),
            2 => format!(
                "{} {}",
                word("Rua Rue Via Calle Avenida Viale Piazza Plaza Place Avenue Boulevard ul. ulica Strada", rng),
                self.last(rng)
            ),
            3 => format!("{} {} {}", self.city(rng), word("Old New Upper North East", rng), word("Road Street Lane", rng)),
            _ => street.to_owned(),
        }
    }

    fn street(&self, rng: &mut Rng) -> String {
        let street = self.street_name(rng);
        let number = Self::number(rng);
        let front = matches!(self.names, "en" | "fr" | "ga" | "he") != rng.percent(12);
        match rng.below(100) {
            0..=7 => street,
            8..=15 => format!("{number} {street} {}", digits("%#", rng)),
            16..=19 => format!("{} {number} {street}", digits("%####", rng)),
            20..=25 => format!("{street}, {number}"),
            26..=28 => format!("{number}, {street}"),
            29..=30 => format!("{street} nº {number}"),
            _ if front => format!("{number} {street}"),
            _ => format!("{street} {number}"),
        }
    }

    fn corner(&self, rng: &mut Rng) -> String {
        match rng.below(3) {
            0 => format!("the corner of {} and {}", self.street(rng), self.street_name(rng)),
            1 => format!("the corner of {} and {}", self.street_name(rng), self.street_name(rng)),
            _ => format!("{} and {}", self.street(rng), self.street_name(rng)),
        }
    }

    fn zip(&self, rng: &mut Rng) -> String {
        let forms = match self.names {
            "nl" => "%###_?? %###??",
            "pt" => "%####-### %###-###",
            "sv" | "cs" | "sk" => "%##_## %####",
            "pl" => "%#-###",
            "de" | "fr" | "es" | "it" | "fi" => "%#### %#### D-%####",
            "da" | "no" | "hu" | "sl" => "%###",
            _ => "%#### %#### %####-#### %### ??%_%?? ?%_%?? ??%#_%?? ?%?_%?% 0####",
        };
        digits(word(forms, rng), rng).replace('_', " ")
    }

    fn unit(rng: &mut Rng) -> String {
        let form = word(
            "Apt._%## Apt._%## Apt_%# Suite_%## Suite_%## Unit_%# Flat_%# Floor_% %nd_floor Room_%## Whg._% Top_% bte_% %º_B Piso_% int._% lok._% #%##",
            rng,
        );
        digits(form, rng).replace('_', " ")
    }

    fn military(rng: &mut Rng) -> String {
        let forms = [
            "PSC %###, Box ####\n_O ?? #####",
            "Unit %### Box ####\n_O ?? #####",
            "USS % \n_O ?? #####",
            "PSC ####, Box ####\n_O ?? #####",
        ];
        let form = rng.pick(&forms).copied().unwrap_or_default();
        let (post, area) = (word("AP DP FP", rng), word("AE AP AA", rng));
        digits(&form.replace("??", area), rng).replace('_', post)
    }

    fn whole(&self, layout: Layout, rng: &mut Rng) -> String {
        let (between, lines) = match layout {
            Layout::Line => (if rng.percent(60) { ", " } else { " " }, if rng.percent(15) { "\n" } else { ", " }),
            Layout::Block => (if rng.percent(30) { "\n" } else { " " }, if rng.percent(30) { "\n " } else { "\n" }),
            Layout::Quoted => (" ", if rng.percent(50) { "\n> " } else { "\n>" }),
        };
        match rng.below(100) {
            0..=4 => return Self::military(rng).replace('\n', if layout == Layout::Quoted { lines } else { "\n" }),
            5..=7 => {
                return format!(
                    "{}{lines}{} {}",
                    digits(word("P.O._Box_%## PO_Box_%### Postfach_%###", rng), rng).replace('_', " "),
                    self.zip(rng),
                    self.city(rng)
                );
            }
            8..=20 if layout == Layout::Line => return self.street(rng),
            _ => {}
        }
        let mut parts = self.street(rng);
        if rng.percent(35) {
            let joint = if layout == Layout::Line { between } else { *rng.pick(&[" ", lines]).unwrap_or(&" ") };
            parts = format!("{parts}{joint}{}", Self::unit(rng));
        }
        let city = match rng.below(10) {
            0..=2 => format!("{}, {} {}", self.city(rng), digits("??", rng), self.zip(rng)),
            3..=5 => format!("{} {}", self.zip(rng), self.city(rng)),
            6 => format!("{}{lines}{}", self.city(rng), self.zip(rng)),
            7 => format!("{} {}", self.city(rng), self.zip(rng)),
            8 if layout == Layout::Block => format!("{},\n{}", self.city(rng), self.zip(rng)),
            _ => self.city(rng),
        };
        let joint = if layout == Layout::Line && rng.percent(25) { " " } else { lines };
        parts = format!("{parts}{joint}{city}");
        if rng.percent(40) {
            let joint = if layout == Layout::Line { between } else { lines };
            parts = format!("{parts}{joint}{}", self.country(rng));
            if rng.percent(40) {
                parts = format!("{parts} {}", digits("%####", rng));
            }
        }
        parts
    }
}
