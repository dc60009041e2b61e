//! A made-up model for tests, here and of the binary: a table in which each word has its class.

use serde_json::json;

use super::onnx;

/// Classes of the made-up model.
pub const CLASSES: [&str; 7] = ["O", "B-GIVEN_NAME", "I-SURNAME", "B-BUILDING_NUMBER", "B-STREET_NAME", "B-CITY", "B-ZIP_CODE"];
/// Its words, and the class of each.
pub const WORDS: [(&str, usize); 14] = [
    ("[UNK]", 0),
    ("[CLS]", 0),
    ("[SEP]", 0),
    ("mira", 1),
    ("jo", 1),
    ("##se", 1),
    ("berg", 2),
    ("12", 3),
    ("quay", 4),
    ("lane", 4),
    ("porto", 5),
    ("1234", 6),
    (",", 0),
    ("and", 0),
];

/// The model, its tokenizer and its configuration.
pub fn parts() -> [Vec<u8>; 3] {
    let vocab: serde_json::Map<String, serde_json::Value> =
        WORDS.iter().enumerate().map(|(id, (word, _))| ((*word).to_owned(), json!(id))).collect();
    let tokenizer = json!({
        "normalizer": {"type": "BertNormalizer", "lowercase": true},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab,
        },
    });
    let labels: serde_json::Map<String, serde_json::Value> =
        CLASSES.iter().enumerate().map(|(id, class)| (id.to_string(), json!(class))).collect();
    let config = json!({"id2label": labels, "max_position_embeddings": 512});
    [onnx::table("input_ids", &rows(CLASSES.len())), tokenizer.to_string().into(), config.to_string().into()]
}

/// The table, of so many classes.
pub fn rows(width: usize) -> Vec<Vec<f32>> {
    let row = |class: usize| (0..width).map(|at| if at == class { 9.0 } else { 0.0 }).collect();
    WORDS.iter().map(|(_, class)| row(*class)).collect()
}
