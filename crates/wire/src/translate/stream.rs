//! A stream of one format as a stream of another.

use super::ir::Delta;
use super::look::Look;
use super::{Garbage, Translation, Way, anthropic, error, gemini, openai};
use crate::event::is_done;
use crate::frames::{Frames, Framing};
use crate::json::{JsonLimits, Tape};
use crate::route::Family;
use crate::usage::Usage;
use crate::weight::heft;

enum Reader {
    OpenAi(openai::Reader),
    Anthropic(anthropic::Reader),
    Gemini(gemini::Reader),
}

enum Writer {
    OpenAi(openai::Writer),
    Anthropic(anthropic::Writer),
    Gemini(gemini::Writer),
}

/// Translates a stream, however its bytes are split.
pub struct StreamTranslator {
    frames: Frames,
    reader: Reader,
    writer: Writer,
    limits: JsonLimits,
    client: Family,
    /// Bytes that one event may become.
    most: usize,
    /// The end was written, or an error, which is one.
    over: bool,
    /// What the provider says it has used. The client may not want to know.
    usage: Usage,
    /// Heft of the reasoning that the client's format has no place for.
    unsaid: u64,
}

impl StreamTranslator {
    pub(super) fn new(translation: Translation, limits: JsonLimits, event_bytes: usize, way: &Way<'_>) -> Self {
        let reader = match translation.provider {
            Family::OpenAi => Reader::OpenAi(openai::Reader::default()),
            Family::Anthropic => Reader::Anthropic(anthropic::Reader::default()),
            Family::Gemini => Reader::Gemini(gemini::Reader::new(way.created)),
        };
        let writer = match translation.client {
            Family::OpenAi => Writer::OpenAi(openai::Writer::new(way)),
            Family::Anthropic => Writer::Anthropic(anthropic::Writer::new(way)),
            Family::Gemini => Writer::Gemini(gemini::Writer::new(way, event_bytes)),
        };
        Self {
            frames: Frames::new(Framing::Sse, event_bytes),
            reader,
            writer,
            limits,
            client: translation.client,
            most: event_bytes.saturating_mul(2),
            over: false,
            usage: Usage::default(),
            unsaid: 0,
        }
    }

    /// Takes bytes of the provider's and gives out what they are in the client's format.
    ///
    /// # Errors
    /// When they are no stream of the provider's format. Nothing more may be given then.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Garbage> {
        // What comes behind the end reaches nobody.
        if self.over {
            return Ok(());
        }
        self.frames.push(bytes);
        while let Some(frame) = self.frames.next_frame()? {
            if !frame.data.is_empty() {
                self.event(&frame.payload(), out)?;
            }
            if self.over {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The provider's stream has ended.
    ///
    /// # Errors
    /// When it may not end there: a client must not take what it has for the whole.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Garbage> {
        if self.over {
            return Ok(());
        }
        if let Some(frame) = self.frames.finish()?.filter(|frame| !frame.data.is_empty()) {
            self.event(&frame.payload(), out)?;
        }
        if self.over {
            return Ok(());
        }
        let mut deltas = Vec::new();
        match &mut self.reader {
            Reader::OpenAi(reader) => reader.end(&mut deltas)?,
            Reader::Anthropic(reader) => reader.end(&mut deltas)?,
            Reader::Gemini(reader) => reader.end(&mut deltas)?,
        }
        self.write(deltas, out)
    }

    /// What the provider says it has used so far.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// [Heft](heft) of the text that the provider wrote and the client is not told.
    pub fn unsaid(&self) -> u64 {
        self.unsaid
    }

    /// Bytes that are held.
    pub fn memory(&self) -> usize {
        let written = match &self.writer {
            Writer::OpenAi(writer) => writer.memory(),
            Writer::Anthropic(writer) => writer.memory(),
            Writer::Gemini(writer) => writer.memory(),
        };
        let read = match &self.reader {
            Reader::OpenAi(reader) => reader.memory(),
            Reader::Anthropic(reader) => reader.memory(),
            Reader::Gemini(reader) => reader.memory(),
        };
        self.frames.pending() + read + written
    }

    fn event(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Garbage> {
        if self.over {
            return Ok(());
        }
        let before = out.len();
        self.read(payload, out)?;
        if out.len() - before > self.most { Err(Garbage::TooMuch) } else { Ok(()) }
    }

    fn read(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Garbage> {
        let mut deltas = Vec::new();
        if is_done(payload) {
            if let Reader::OpenAi(reader) = &mut self.reader {
                reader.end(&mut deltas)?;
            }
            return self.write(deltas, out);
        }
        let tape = Tape::read(payload, &self.limits).map_err(|_| Garbage::NotJson)?;
        self.usage.see(&tape, payload);
        let limits = self.limits;
        let root = Look::root(&tape, payload, &limits, self.client);
        match &mut self.reader {
            Reader::OpenAi(reader) => reader.read(root, false, &mut deltas)?,
            Reader::Anthropic(reader) => reader.event(root, &mut deltas)?,
            Reader::Gemini(reader) => reader.read(root, false, &mut deltas)?,
        }
        self.write(deltas, out)
    }

    fn write(&mut self, deltas: Vec<Delta<'_>>, out: &mut Vec<u8>) -> Result<(), Garbage> {
        for delta in deltas {
            if let Delta::Error { status, message } = &delta {
                self.over = true;
                self.error(&error::body(self.client, *status, message), out);
                return Ok(());
            }
            if self.over {
                return Ok(());
            }
            if let (Delta::Reasoning { text, .. }, Writer::Anthropic(_)) = (&delta, &self.writer) {
                self.unsaid = self.unsaid.saturating_add(heft(text.as_bytes()));
            }
            self.over = matches!(delta, Delta::End);
            match &mut self.writer {
                Writer::OpenAi(writer) => writer.write(&delta, out),
                Writer::Anthropic(writer) => writer.write(&delta, out)?,
                Writer::Gemini(writer) => writer.write(delta, out)?,
            }
        }
        Ok(())
    }

    /// What the provider said was wrong is the last that the client is told.
    fn error(&self, body: &[u8], out: &mut Vec<u8>) {
        if let Writer::Gemini(writer) = &self.writer {
            return writer.error(body, out);
        }
        if self.client == Family::Anthropic {
            out.extend_from_slice(b"event: error\n");
        }
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(body);
        out.extend_from_slice(b"\n\n");
    }
}
