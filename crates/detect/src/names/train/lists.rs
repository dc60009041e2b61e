//! The word lists that fill the slots, and the table of fingerprints that is made of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::template::Template;
use super::words::{FORMS, MONTHS, NATIONS, TITLES, WEEKDAYS};
use crate::names::gazetteer::{
    self, CALENDAR, CITY, CITY_INSIDE, COMMON, COMPANY, COUNTRY, COUNTRY_INSIDE, FIRST, JOB, LAST, LOW_TRIGGER, NATION, STREET,
    STREET_KIND, TITLE, TOWN,
};
use crate::names::hash;

/// Word lists by name (`first`, `last`, `cities`, …), as `scripts/gazetteers.py` writes them.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    lists: BTreeMap<String, List>,
}

/// One list.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    pub(crate) all: Vec<String>,
    /// Places in `all` by language.
    by_language: BTreeMap<String, Vec<usize>>,
}

impl Lists {
    /// Adds a list: a line is a language, a tab and an entry.
    pub fn add(&mut self, name: &str, content: &str) {
        let list = self.lists.entry(name.to_owned()).or_default();
        for line in content.lines() {
            let Some((language, entry)) = line.split_once('\t') else { continue };
            list.by_language.entry(language.to_owned()).or_default().push(list.all.len());
            list.all.push(entry.to_owned());
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.lists.values().map(|list| list.all.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn get(&self, name: &str) -> &[String] {
        self.lists.get(name).map(|list| list.all.as_slice()).unwrap_or_default()
    }

    /// An entry of a list, of this language if it has any.
    pub(crate) fn pick(&self, name: &str, language: &str, rng: &mut super::rng::Rng) -> &str {
        let Some(list) = self.lists.get(name) else { return "" };
        let places = list.by_language.get(language).filter(|places| places.len() >= 20);
        let index = match places {
            Some(places) => rng.pick(places).copied().unwrap_or(0),
            None => rng.below(list.all.len()),
        };
        list.all.get(index).map_or("", String::as_str)
    }

    /// A language that has names.
    pub(crate) fn any_language(&self, rng: &mut super::rng::Rng) -> &str {
        let Some(list) = self.lists.get("last") else { return "en" };
        let index = rng.below(list.by_language.len());
        list.by_language.keys().nth(index).map_or("en", String::as_str)
    }
}

/// Words with the lists they are in.
struct Table {
    key: u64,
    words: HashMap<u64, u16>,
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 1)
}

impl Table {
    fn add(&mut self, word: &str, list: u16) {
        *self.words.entry(hash::lower(self.key, word.as_bytes())).or_default() |= list;
    }

    fn phrases(&mut self, entries: &[String], first: u16, inside: u16) {
        for entry in entries {
            for (index, word) in words(entry).enumerate() {
                self.add(word, if index == 0 { first } else { inside });
            }
        }
    }

    /// The last words of entries that occur at least so often.
    fn endings(&mut self, entries: &[String], list: u16, least: usize) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| words(entry).count() > 1) {
            *counts.entry(words(entry).last().unwrap_or_default().to_lowercase()).or_default() += 1;
        }
        counts.iter().filter(|(_, count)| **count >= least).for_each(|(word, _)| self.add(word, list));
    }
}

/// The words that are common in small letters.
pub(crate) fn common(lists: &Lists, templates: &[Template], texts: &[String]) -> Common {
    let given: BTreeSet<String> = ["first", "last"].iter().flat_map(|name| lists.get(name)).map(|name| name.to_lowercase()).collect();
    let mut common: BTreeSet<String> = lists.get("common").iter().map(|word| word.to_lowercase()).collect();
    let small = |word: &str| word.chars().all(char::is_lowercase);
    for template in templates {
        template.words(&mut |word| {
            if small(word) {
                common.insert(word.to_owned());
            }
        });
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts {
        words(text).filter(|word| small(word)).for_each(|word| *counts.entry(word).or_default() += 1);
    }
    let mut usual = BTreeSet::new();
    for (word, count) in counts {
        if count >= if given.contains(word) { 40 } else { 5 } {
            common.insert(word.to_owned());
        } else if count >= 6 {
            usual.insert(word.to_owned());
        }
    }
    Common { common, usual }
}

/// Words that are common in small letters.
pub(crate) struct Common {
    common: BTreeSet<String>,
    /// Names that are words now and then, so that in small letters they are none.
    usual: BTreeSet<String>,
}

/// The table of fingerprints.
pub(crate) fn table(key: u64, lists: &Lists, words_known: &Common) -> Vec<u8> {
    let mut table = Table { key, words: HashMap::new() };
    table.phrases(lists.get("first"), FIRST, FIRST);
    table.phrases(lists.get("last"), LAST, LAST);
    table.phrases(lists.get("cities"), CITY, CITY_INSIDE);
    table.phrases(lists.get("towns"), TOWN, CITY_INSIDE);
    table.phrases(lists.get("countries"), COUNTRY, COUNTRY_INSIDE);
    table.phrases(lists.get("regions"), COUNTRY, COUNTRY_INSIDE);
    table.phrases(lists.get("streets"), STREET, 0);
    table.endings(lists.get("streets"), STREET_KIND, 8);
    table.endings(lists.get("companies"), COMPANY, 8);
    table.phrases(lists.get("jobs"), JOB, JOB);
    words(FORMS).for_each(|word| table.add(word, COMPANY));
    NATIONS.iter().flat_map(|(_, list)| words(list)).for_each(|word| table.add(word, NATION));
    MONTHS.iter().chain(WEEKDAYS).flat_map(|(_, list)| words(list)).for_each(|word| table.add(word, CALENDAR));
    words(TITLES).for_each(|word| table.add(word, TITLE));
    let hashes = |words: &BTreeSet<String>| words.iter().map(|word| hash::lower(key, word.as_bytes())).collect::<BTreeSet<u64>>();
    let (common, usual) = (hashes(&words_known.common), hashes(&words_known.usual));
    let mut low = BTreeSet::new();
    for name in ["first", "last", "cities", "countries"] {
        for entry in lists.get(name).iter().filter(|entry| entry.chars().count() > 3) {
            low.extend(words(entry).next().filter(|word| word.chars().count() > 3).map(|word| hash::lower(key, word.as_bytes())));
        }
    }
    low.extend(NATIONS.iter().flat_map(|(_, list)| words(list)).map(|word| hash::lower(key, word.as_bytes())));
    for word in low.difference(&common).filter(|word| !usual.contains(word)) {
        *table.words.entry(*word).or_default() |= LOW_TRIGGER;
    }
    for word in &common {
        *table.words.entry(*word).or_default() |= COMMON;
    }
    gazetteer::build(table.words.into_iter().filter(|(_, lists)| *lists != 0).collect())
}
