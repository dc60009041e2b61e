//! An encoder that an operator installed, asked for the names in the sentences.

use std::fs;
use std::path::Path;

use bartizan_detect::names::{Given, Kind, Name};
use bartizan_detect::normalise;
use bartizan_encoder::{Encoder, Files, Span, Threads, one_thread};

/// From this score on a name counts, as at the gate.
const SURE: u16 = 5_000;

/// What `bartizan pack install` made.
pub struct Pack {
    encoder: Encoder,
    threads: Threads,
}

impl Pack {
    /// Reads a folder; says why it cannot be read.
    pub fn read(folder: &Path) -> Option<Self> {
        let file = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).inspect_err(|error| eprintln!("`{}`: {error}", path.display())).ok()
        };
        let files = Files { model: file("model.onnx")?, tokenizer: file("tokenizer.json")?, config: file("config.json")? };
        let encoder = Encoder::load(files).inspect_err(|error| eprintln!("`{}`: {error}", folder.display())).ok()?;
        Some(Self { encoder, threads: one_thread() })
    }

    /// The names of a text.
    pub fn given(&self, text: &str) -> Given {
        let normalised = normalise(text);
        let spans = self.encoder.read(&normalised, &self.threads, &mut || true);
        let spans = spans.inspect_err(|error| eprintln!("{error}")).ok().flatten().unwrap_or_default();
        Given::of(&normalised, spans.iter().filter(|span| span.score_bp >= SURE).filter_map(name))
    }
}

fn name(span: &Span) -> Option<Name> {
    let kind = match span.label {
        "pii.person" => Kind::Person,
        "pii.location" => Kind::Location,
        "pii.address" => Kind::Address,
        _ => return None,
    };
    Some(Name { kind, start: span.start, end: span.end, score_bp: span.score_bp })
}
