//! Reads lines of JSON with `id` and `text`, and writes what an encoder finds in each: `read FOLDER < texts.jsonl`.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use bartizan_encoder::{Encoder, Files, one_thread};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder of the encoder")?;
    let file = |name: &str| std::fs::read(Path::new(&folder).join(name));
    let files = Files { model: file("model.onnx")?, tokenizer: file("tokenizer.json")?, config: file("config.json")? };
    let (encoder, threads) = (Encoder::load(files)?, one_thread());
    let (mut bytes, began) = (0_usize, Instant::now());
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let row: Value = serde_json::from_str(&line?)?;
        let text = row.get("text").and_then(Value::as_str).unwrap_or_default();
        let found = encoder.read(text, &threads, &mut || true)?.unwrap_or_default();
        bytes += text.len();
        let point = |byte: usize| text.get(..byte).map_or(0, |before| before.chars().count());
        let spans: Vec<Value> = found
            .iter()
            .map(|span| json!({"start": point(span.start), "end": point(span.end), "label": span.label, "score": f64::from(span.score_bp) / 10_000.0, "score_bp": span.score_bp}))
            .collect();
        writeln!(out, "{}", json!({"id": row.get("id"), "spans": spans}))?;
    }
    let kilobytes = u32::try_from(bytes.div_ceil(1_000).max(1))?;
    eprintln!("{kilobytes} KB, {} ms for each", (began.elapsed() / kilobytes).as_millis());
    Ok(())
}
