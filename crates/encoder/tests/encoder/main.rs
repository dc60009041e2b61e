//! Encoders: made-up ones, and the real one where `BARTIZAN_PACK` names its folder.
#![expect(clippy::unwrap_used, clippy::cast_precision_loss, clippy::string_slice, reason = "tests")]

mod made;
mod onnx;

use std::path::Path;
use std::time::Instant;

use bartizan_encoder::{Encoder, EncoderError, Files, one_thread};
use made::{CLASSES, WORDS, rows};

fn files() -> Files {
    let [model, tokenizer, config] = made::parts();
    Files { model, tokenizer, config }
}

fn found(text: &str) -> Vec<(&'static str, &str)> {
    let spans = Encoder::load(files()).unwrap().read(text, &one_thread(), &mut || true).unwrap().unwrap();
    spans.iter().map(|span| (span.label, &text[span.start..span.end])).collect()
}

#[test]
fn words_that_belong_together_are_one_name() {
    assert_eq!(found("Mira Berg and JOSÉ"), [("pii.person", "Mira Berg"), ("pii.person", "JOSÉ")]);
    assert_eq!(found("12 Quay Lane,\nPorto 1234"), [("pii.address", "12 Quay Lane,\nPorto 1234")]);
    assert_eq!(found("Porto, Mira"), [("pii.location", "Porto"), ("pii.person", "Mira")]);
    // A number by itself says nothing.
    assert_eq!(found("12 and 1234"), []);
    assert_eq!(found(""), []);
}

#[test]
fn a_name_is_found_wherever_a_window_ends() {
    for before in 0..300 {
        let text = format!("{}Mira Berg and", "and ".repeat(before));
        assert_eq!(found_with(&text), [(before * 4, before * 4 + 9)], "{before} words before");
    }
}

fn found_with(text: &str) -> Vec<(usize, usize)> {
    use std::sync::OnceLock;
    static ENCODER: OnceLock<(Encoder, bartizan_encoder::Threads)> = OnceLock::new();
    let (encoder, threads) = ENCODER.get_or_init(|| (Encoder::load(files()).unwrap(), one_thread()));
    let spans = encoder.read(text, threads, &mut || true).unwrap().unwrap();
    spans.iter().map(|span| (span.start, span.end)).collect()
}

#[test]
fn it_stops_before_the_next_window() {
    let (encoder, mut windows) = (Encoder::load(files()).unwrap(), 0);
    let mut twice = || {
        windows += 1;
        windows <= 2
    };
    assert_eq!(encoder.read(&"mira ".repeat(1_000), &one_thread(), &mut twice).unwrap(), None);
    assert_eq!(windows, 3);
}

fn refused(change: impl FnOnce(&mut Files)) -> String {
    let mut files = files();
    change(&mut files);
    Encoder::load(files).unwrap_err().to_string()
}

#[test]
fn what_is_no_such_model_is_refused() {
    let config = |text: &str| refused(|files| files.config = text.into());
    assert!(config("{").contains("`config.json`"));
    assert!(config(r#"{"id2label": {"0": "O"}, "max_position_embeddings": 512}"#).contains("no class `B-GIVEN_NAME`"));
    assert!(refused(|files| files.config = replaced(&files.config, "512", "64")).contains("`max_position_embeddings` is 64"));
    assert!(refused(|files| files.tokenizer = replaced(&files.tokenizer, "WordPiece", "BPE")).contains("only `WordPiece`"));
    assert!(refused(|files| files.tokenizer = replaced(&files.tokenizer, "[SEP]", "[END]")).contains("no `[SEP]`"));
    assert!(refused(|files| files.model = b"no model".to_vec()).contains("ONNX"));
    assert!(refused(|files| files.model.truncate(40)).contains("ONNX"));
    assert!(refused(|files| files.model = onnx::table("pixels", &rows(CLASSES.len()))).contains("reads `pixels`"));
    assert!(refused(|files| files.model = onnx::table("input_ids", &rows(3))).contains("tokens of 7 classes were expected"));
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8(bytes.to_vec()).unwrap().replace(from, to).into()
}

#[test]
fn a_model_without_numbers_has_failed() {
    let mut files = files();
    let nothing = vec![vec![f32::NAN; CLASSES.len()]; WORDS.len()];
    files.model = onnx::table("input_ids", &nothing);
    assert!(matches!(Encoder::load(files), Err(EncoderError::Run(_))));
}

#[test]
fn the_real_one_where_it_is_installed() {
    let Ok(folder) = std::env::var("BARTIZAN_PACK") else {
        eprintln!("skipped: `BARTIZAN_PACK` names no folder");
        return;
    };
    let file = |name: &str| std::fs::read(Path::new(&folder).join(name)).unwrap();
    let began = Instant::now();
    let files = Files { model: file("model.onnx"), tokenizer: file("tokenizer.json"), config: file("config.json") };
    let encoder = Encoder::load(files).unwrap();
    let loaded = began.elapsed();
    let text = "Please send it to Mira Okonkwo, 12 Harbour Lane, Portland, OR 97201. Regards, José García";
    let threads = one_thread();
    let read = |text: &str| encoder.read(text, &threads, &mut || true).unwrap().unwrap();
    let spans = read(text);
    let found: Vec<_> = spans.iter().map(|span| (span.label, &text[span.start..span.end])).collect();
    assert!(found.contains(&("pii.person", "Mira Okonkwo")), "{found:?}");
    assert!(found.contains(&("pii.person", "José García")), "{found:?}");
    assert!(found.iter().any(|(label, text)| *label == "pii.address" && text.contains("Harbour Lane")), "{found:?}");
    let long = text.repeat(8);
    let began = Instant::now();
    read(&long);
    let (took, kb) = (began.elapsed(), long.len() as f64 / 1_000.0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    eprintln!("loaded in {loaded:?}; {:.0} ms for a KB; {peak}", took.as_secs_f64() * 1_000.0 / kb);
}
