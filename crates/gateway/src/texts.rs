//! The growing texts of one stream: which of them still grow, which have waited long enough, which can be forgotten.

use std::collections::{BTreeMap, HashMap};

use bartizan_wire::Channel;

use crate::growing::Growing;

/// So many events of its choice or block a text may be left out of before it counts as ended, besides one for each text that
/// grows there. An event for each of several tool calls in turn leaves a call out of as many events as there are others.
const PATIENCE: usize = 8;

/// Texts that ended in the middle of something are remembered, in case they go on after all: so many.
const ENDED: usize = 64;

/// For each text that may grow, so many may have ended and wait for their frames.
const WAITING: usize = 4;

/// The texts, by numbers that rise in the order in which they began.
pub struct Texts {
    by_channel: HashMap<Channel, usize>,
    entries: BTreeMap<usize, Entry>,
    next: usize,
    limit: usize,
    /// The current event.
    now: u64,
}

struct Entry {
    text: Growing,
    channel: Channel,
    /// Pieces in frames that wait.
    queued: usize,
    /// The event that brought the last piece.
    seen: u64,
    /// Events of the same choice or block since then.
    left_out: usize,
}

impl Entry {
    fn grows(&self) -> bool {
        !self.text.finished
    }

    fn is_idle(&self) -> bool {
        self.text.finished && self.queued == 0
    }
}

impl Texts {
    /// None yet, and no more than `limit` that grow at a time.
    pub fn new(limit: usize) -> Self {
        Self { by_channel: HashMap::new(), entries: BTreeMap::new(), next: 0, limit, now: 0 }
    }

    /// The text of a channel.
    pub fn find(&self, channel: Channel) -> Option<usize> {
        self.by_channel.get(&channel).copied()
    }

    /// A new text. `None`: there are too many.
    pub fn add(&mut self, channel: Channel, text: Growing) -> Option<usize> {
        if self.entries.len() >= self.limit.min(ENDED) {
            self.make_room()?;
        }
        let number = self.next;
        self.next += 1;
        self.entries.insert(number, Entry { text, channel, queued: 0, seen: self.now, left_out: 0 });
        self.by_channel.insert(channel, number);
        Some(number)
    }

    /// Forgets what ended first; `None` when too many still grow.
    fn make_room(&mut self) -> Option<()> {
        let grow = self.entries.values().filter(|entry| entry.grows()).count();
        let idle: Vec<usize> = self.entries.iter().filter(|(_, entry)| entry.is_idle()).map(|(number, _)| *number).collect();
        for number in idle.iter().take(idle.len().saturating_sub(ENDED)) {
            self.remove(*number);
        }
        (grow < self.limit && self.entries.len() < WAITING * self.limit).then_some(())
    }

    /// A text.
    pub fn get(&self, number: usize) -> Option<&Growing> {
        self.entries.get(&number).map(|entry| &entry.text)
    }

    /// A text, to change it.
    pub fn get_mut(&mut self, number: usize) -> Option<&mut Growing> {
        self.entries.get_mut(&number).map(|entry| &mut entry.text)
    }

    /// The current event brought a piece of it, which waits to be released.
    pub fn queued(&mut self, number: usize) {
        if let Some(entry) = self.entries.get_mut(&number) {
            (entry.seen, entry.left_out) = (self.now, 0);
            entry.queued += 1;
        }
    }

    /// A piece of it, up to `end`, was released.
    pub fn released(&mut self, number: usize, end: usize) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.queued = entry.queued.saturating_sub(1);
            entry.text.forget(end);
        }
        self.forget(number);
    }

    /// Drops a text that is over and released.
    pub fn forget(&mut self, number: usize) {
        if self.entries.get(&number).is_some_and(|entry| entry.is_idle() && entry.text.is_over()) {
            self.remove(number);
        }
    }

    fn remove(&mut self, number: usize) {
        if let Some(entry) = self.entries.remove(&number) {
            self.by_channel.remove(&entry.channel);
        }
    }

    /// Those that still grow, of one choice or block, or all.
    pub fn growing(&self, group: Option<u32>) -> Vec<usize> {
        let here = |entry: &Entry| entry.grows() && group.is_none_or(|group| entry.channel.group == group);
        self.entries.iter().filter(|(_, entry)| here(entry)).map(|(number, _)| *number).collect()
    }

    /// The current event is over. Returns the texts that it left out, once too often, although it brought others of the same
    /// choice or block, and in which something is undecided. `hurry`: once is too often.
    pub fn left_out(&mut self, hurry: bool) -> Vec<usize> {
        let now = self.now;
        self.now += 1;
        let mut ended = Vec::new();
        if self.entries.values().all(|entry| entry.seen == now || !entry.grows()) {
            return ended;
        }
        // Of each choice or block: how many grow in it, and whether the event brought any of them.
        let mut groups: BTreeMap<u32, (usize, bool)> = BTreeMap::new();
        for entry in self.entries.values().filter(|entry| entry.grows()) {
            let group = groups.entry(entry.channel.group).or_default();
            *group = (group.0 + 1, group.1 || entry.seen == now);
        }
        for (number, entry) in self.entries.iter_mut().filter(|(_, entry)| entry.grows() && entry.seen != now) {
            let (count, brought) = groups.get(&entry.channel.group).copied().unwrap_or_default();
            entry.left_out += usize::from(brought);
            let patience = if hurry || entry.text.fixed { 0 } else { PATIENCE + count };
            if entry.left_out > patience && entry.text.is_undecided() {
                ended.push(*number);
            }
        }
        ended
    }

    /// Bytes of memory that they hold.
    pub fn held(&self) -> usize {
        self.entries.values().map(|entry| entry.text.held()).sum()
    }
}
