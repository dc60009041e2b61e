//! A model: checked when it is loaded, then run over windows of a text.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use crate::classes::{self, Class};
use crate::spans::{Odds, Span, spans};
use crate::wordpiece::{Piece, WordPiece};

/// Pieces in a window, without its first and its last mark, and how many of them the next window reads again. What is meant by a
/// word stands near to it, and a short window ends soon after a deadline.
const WINDOW: usize = 126;
const OVERLAP: usize = 32;

/// The files of a model, as bytes.
pub struct Files {
    /// The model, ONNX.
    pub model: Vec<u8>,
    /// `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// `config.json`.
    pub config: Vec<u8>,
}

/// Why an encoder cannot be used, or could not be run.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// The configuration is not of a model for names.
    #[error("the model's `config.json` cannot be used: {0}")]
    Config(String),
    /// The tokenizer is of another kind.
    #[error("the model's `tokenizer.json` cannot be used: {0}")]
    Tokenizer(String),
    /// The model cannot be read.
    #[error("the ONNX file cannot be read: {0}")]
    Model(String),
    /// It reads or gives something else.
    #[error("the ONNX file is of another form: {0}")]
    Shape(String),
    /// A run failed.
    #[error("the encoder failed: {0}")]
    Run(String),
}

/// A model that is ready. One run at a time uses one thread.
pub struct Encoder {
    model: Model,
    words: WordPiece,
    classes: Vec<Class>,
    inputs: Vec<(NodeId, Input)>,
    output: NodeId,
}

/// What is fed into the model.
#[derive(Clone, Copy)]
enum Input {
    Ids,
    Ones,
    Zeros,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl Encoder {
    /// Loads a model and tries it.
    ///
    /// # Errors
    /// When it is no model that can be used, which the error says.
    pub fn load(files: Files) -> Result<Self, EncoderError> {
        let (classes, positions) = classes::read(&files.config).map_err(EncoderError::Config)?;
        if positions < WINDOW + 2 {
            return Err(EncoderError::Config(format!("`max_position_embeddings` is {positions}; at least {} are needed", WINDOW + 2)));
        }
        let words = WordPiece::read(&files.tokenizer).map_err(EncoderError::Tokenizer)?;
        let model = caught(|| {
            let mut options = ModelOptions::with_all_ops();
            options.prepack_weights(true);
            options.load(files.model).map_err(|error| error.to_string())
        });
        let model = model.map_err(EncoderError::Model)?;
        let inputs = model.input_ids().iter().map(|id| input(&model, *id)).collect::<Result<Vec<_>, _>>()?;
        let output = *model.output_ids().first().ok_or_else(|| EncoderError::Shape("it gives nothing".to_owned()))?;
        let encoder = Self { model, words, classes, inputs, output };
        encoder.window(&encoder.words.pieces("Where does Mira live?"), &one_thread())?;
        Ok(encoder)
    }

    /// The names of a text. Asks before each window whether to go on; `None` when it was told to stop.
    ///
    /// # Errors
    /// When the model fails.
    pub fn read(&self, text: &str, threads: &Threads, go_on: &mut dyn FnMut() -> bool) -> Result<Option<Vec<Span>>, EncoderError> {
        let pieces = self.words.pieces(text);
        let mut odds: Vec<Odds> = Vec::with_capacity(pieces.len());
        let mut start = 0;
        while odds.len() < pieces.len() {
            if !go_on() {
                return Ok(None);
            }
            let end = (start + WINDOW).min(pieces.len());
            let window = self.window(pieces.get(start..end).unwrap_or_default(), threads)?;
            // What is known in two windows is taken from the one that shows more of both sides.
            let known = if end == pieces.len() { end } else { end - OVERLAP / 2 };
            odds.extend(window.into_iter().take(known - start).skip(odds.len() - start));
            start = end - OVERLAP.min(end);
        }
        Ok(Some(spans(text, &pieces, &odds)))
    }

    /// How probable each class is for each piece.
    fn window(&self, pieces: &[Piece], threads: &Threads) -> Result<Vec<Odds>, EncoderError> {
        let ids = [self.words.first].into_iter().chain(pieces.iter().map(|piece| piece.id)).chain([self.words.last]);
        let ids: Vec<i32> = ids.collect();
        let count = ids.len();
        let fed = |kind: Input| match kind {
            Input::Ids => ids.clone(),
            Input::Ones => vec![1; count],
            Input::Zeros => vec![0; count],
        };
        let given = self.inputs.iter().map(|(id, kind)| (*id, ValueOrView::from(NdTensor::from_data([1, count], fed(*kind))))).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&threads.0)));
        let run = || self.model.run_n(given, [self.output], Some(options)).map_err(|error| error.to_string());
        let [output] = caught(run).map_err(EncoderError::Run)?;
        let shape = |shown: &dyn std::fmt::Debug| {
            EncoderError::Shape(format!("{count} tokens of {} classes were expected, and {shown:?} came", self.classes.len()))
        };
        let output: NdTensor<f32, 3> = output.try_into().map_err(|error| shape(&error))?;
        if output.shape() != [1, count, self.classes.len()] {
            return Err(shape(&output.shape()));
        }
        let scores = output.to_vec();
        let rows = scores.chunks_exact(self.classes.len()).skip(1).take(pieces.len());
        let odds: Vec<Odds> = rows.map(|row| self.odds(row)).collect();
        if odds.iter().flatten().all(|odds| odds.is_finite()) { Ok(odds) } else { Err(EncoderError::Run("it gives no numbers".to_owned())) }
    }

    /// Scores as probabilities, summed over the classes that are one to us.
    fn odds(&self, scores: &[f32]) -> Odds {
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let raised: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
        let sum: f32 = raised.iter().sum();
        let mut odds = [0.0; Class::COUNT];
        for (class, raised) in self.classes.iter().zip(raised) {
            if let Some(odds) = odds.get_mut(*class as usize) {
                *odds += raised / sum;
            }
        }
        odds
    }
}

/// The thread that runs of one caller use.
#[derive(Clone)]
pub struct Threads(Arc<ThreadPool>);

/// One thread, so that what an encoder takes is bounded by how many callers there are.
pub fn one_thread() -> Threads {
    Threads(Arc::new(ThreadPool::with_num_threads(1)))
}

fn input(model: &Model, id: NodeId) -> Result<(NodeId, Input), EncoderError> {
    let name = model.node_info(id).and_then(|info| info.name().map(str::to_owned)).unwrap_or_default();
    match name.as_str() {
        "input_ids" => Ok((id, Input::Ids)),
        "attention_mask" => Ok((id, Input::Ones)),
        "token_type_ids" => Ok((id, Input::Zeros)),
        _ => Err(EncoderError::Shape(format!("it reads `{name}`"))),
    }
}

/// A runtime that panics has failed; what it was given came from outside.
fn caught<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("it panicked".to_owned()))
}
