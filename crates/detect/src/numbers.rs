//! Words and numerals that stand for digits. The walk over a text comes by them; which chains they form is read in `spelled`.

/// Words for digits in English, German, French, Spanish, Italian, Portuguese and Dutch, in small letters.
pub(crate) const WORDS: [&[&str]; 10] = [
    &["zero", "null", "zéro", "cero", "nul"],
    &["one", "eins", "ein", "un", "une", "uno", "una", "um", "uma", "een", "één"],
    &["two", "zwei", "zwo", "deux", "dos", "due", "dois", "duas", "twee"],
    &["three", "drei", "trois", "tres", "tre", "três", "drie"],
    &["four", "vier", "quatre", "cuatro", "quattro", "quatro"],
    &["five", "fünf", "fuenf", "cinq", "cinco", "cinque", "vijf"],
    &["six", "sechs", "seis", "sei", "zes"],
    &["seven", "sieben", "sept", "siete", "sette", "sete", "zeven"],
    &["eight", "acht", "huit", "ocho", "otto", "oito"],
    &["nine", "neun", "neuf", "nueve", "nove", "negen"],
];

/// Numerals of Chinese and Japanese for each digit, all of three bytes.
pub(crate) const NUMERALS: [&str; 10] = ["〇零", "一壹壱", "二贰貳弐", "三叁參参", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖"];

/// All of them.
pub(crate) fn all() -> Vec<String> {
    let words = WORDS.iter().flat_map(|words| words.iter()).map(|word| (*word).to_owned());
    words.chain(NUMERALS.iter().flat_map(|numerals| numerals.chars()).map(String::from)).collect()
}
