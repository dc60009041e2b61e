//! The walk over a text: blocks of tokens are summed once, windows of blocks are judged, neighbouring blocks of one subject are one
//! passage. Memory is that of a few blocks, however long the text is.

use std::collections::VecDeque;

use super::features::{Token, Walk};
use super::model::Model;
use super::{BLOCK, COLUMNS, LEAST, Subjects, WINDOW};

/// A passage with its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// Which of the model's subjects.
    pub subject: usize,
    /// How sure it is, in basis points.
    pub score_bp: u16,
}

/// Some tokens, summed.
#[derive(Clone, Copy, Default)]
struct Block {
    start: usize,
    end: usize,
    tokens: usize,
    sums: [i32; COLUMNS],
    /// The surest window over it: subject and score.
    said: Option<(usize, u16)>,
}

impl Block {
    /// Whether it is of a subject by itself.
    fn is_about(&self, subject: usize) -> bool {
        self.sums.get(subject).is_some_and(|sum| *sum > 0)
    }
}

/// A passage that is not over yet.
struct Run {
    passage: Passage,
    scores: u64,
    blocks: u64,
    /// End of the last block that is of the subject by itself.
    sure: Option<usize>,
}

/// One model at work on a text.
pub(crate) struct Reader<'m> {
    model: &'m Model,
    /// From which score on each subject counts.
    floors: Vec<u16>,
    walk: Walk,
    current: Block,
    blocks: VecDeque<Block>,
    /// Blocks that were judged, those that are gone included.
    judged: usize,
    tokens: usize,
    offset: usize,
    run: Option<Run>,
    found: Vec<Passage>,
}

impl<'m> Reader<'m> {
    pub(crate) fn new(model: &'m Model, floors: Vec<u16>) -> Self {
        Self {
            walk: Walk::new(model.bits),
            model,
            floors,
            current: Block::default(),
            blocks: VecDeque::with_capacity(WINDOW + 1),
            judged: 0,
            tokens: 0,
            offset: 0,
            run: None,
            found: Vec::new(),
        }
    }

    /// Goes on with a part, as long as `go_on` says so; it is asked once a block.
    pub(crate) fn part(&mut self, text: &str, go_on: &mut dyn FnMut() -> bool) -> bool {
        let (weights, offset) = (self.model.weights(), self.offset);
        let mut walk = self.walk.clone();
        let done = walk.part(text, &mut |token| {
            self.take(&token, weights, offset);
            self.current.tokens < BLOCK || {
                self.close();
                go_on()
            }
        });
        self.walk = walk;
        self.offset += text.len();
        done
    }

    fn take(&mut self, token: &Token, weights: &[u8], offset: usize) {
        let block = &mut self.current;
        if block.tokens == 0 {
            block.start = offset + token.start;
        }
        block.end = offset + token.end;
        block.tokens += 1;
        for row in token.rows() {
            let at = *row as usize * COLUMNS;
            let Some(row) = weights.get(at..at + COLUMNS).and_then(|row| <&[u8; COLUMNS]>::try_from(row).ok()) else { continue };
            for (sum, weight) in block.sums.iter_mut().zip(row) {
                *sum += i32::from(weight.cast_signed());
            }
        }
    }

    /// Ends a block, and judges the window that ends with it.
    fn close(&mut self) {
        let block = std::mem::take(&mut self.current);
        self.tokens += block.tokens;
        self.blocks.push_back(block);
        if self.blocks.len() >= WINDOW {
            self.judge();
        }
        while self.blocks.len() >= WINDOW {
            self.settle();
        }
    }

    fn judge(&mut self) {
        let from = self.blocks.len().saturating_sub(WINDOW);
        let (mut sums, mut tokens) = ([0_i64; COLUMNS], 0_i64);
        for block in self.blocks.range(from..) {
            tokens += i64::try_from(block.tokens).unwrap_or(0);
            for (sum, more) in sums.iter_mut().zip(&block.sums) {
                *sum += i64::from(*more);
            }
        }
        self.judged += 1;
        let Some((subject, margin)) = self.model.best(&sums, tokens) else { return };
        let score_bp = self.model.score(subject, margin);
        if self.floors.get(subject).is_none_or(|floor| score_bp < *floor) {
            return;
        }
        for block in self.blocks.range_mut(from..) {
            if block.said.is_none_or(|(_, other)| other < score_bp) {
                block.said = Some((subject, score_bp));
            }
        }
    }

    /// Takes the first block, which no later window covers.
    fn settle(&mut self) {
        let Some(block) = self.blocks.pop_front() else { return };
        let goes_on = matches!((&self.run, block.said), (Some(run), Some((subject, _))) if run.passage.subject == subject);
        if !goes_on {
            self.end_run();
        }
        let Some((subject, score_bp)) = block.said else { return };
        let own = block.is_about(subject);
        if let Some(run) = &mut self.run {
            if run.sure.is_none() && own {
                run.passage.start = block.start;
            }
            run.passage.end = block.end;
            (run.scores, run.blocks) = (run.scores + u64::from(score_bp), run.blocks + 1);
            run.sure = if own { Some(block.end) } else { run.sure };
        } else {
            let passage = Passage { start: block.start, end: block.end, subject, score_bp };
            self.run = Some(Run { passage, scores: u64::from(score_bp), blocks: 1, sure: own.then_some(block.end) });
        }
    }

    fn end_run(&mut self) {
        let Some(run) = self.run.take() else { return };
        let score_bp = u16::try_from(run.scores / run.blocks.max(1)).unwrap_or(0);
        let end = run.sure.unwrap_or(run.passage.end);
        self.found.push(Passage { end, score_bp, ..run.passage });
    }

    /// What was found, once there is no more.
    pub(crate) fn finish(mut self) -> Vec<Passage> {
        if self.current.tokens > 0 {
            self.tokens += self.current.tokens;
            let block = std::mem::take(&mut self.current);
            self.blocks.push_back(block);
            if self.judged > 0 || self.tokens >= LEAST {
                self.judge();
            }
        } else if self.judged == 0 && self.tokens >= LEAST {
            self.judge();
        }
        while !self.blocks.is_empty() {
            self.settle();
        }
        self.end_run();
        self.found
    }
}

impl Subjects {
    /// The passages of a text that it recognises with at least this score, sorted, not overlapping; byte offsets.
    pub fn scan(&self, text: &str, floor_bp: u16) -> Vec<Passage> {
        let mut reader = Reader::new(self.model(), vec![floor_bp; self.names().len()]);
        reader.part(text, &mut || true);
        reader.finish()
    }
}
