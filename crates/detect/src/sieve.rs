//! Which machines of a class can find anything at a place. One small automaton stands for all of them: it knows digits from
//! letters and one mark from another, but no digit from the next, so it lets through what none of them misses and a little
//! more. Most places where a class begins to look are numbers that no rule knows, and end here. How it is made is in `mesh`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::automaton::{DEAD, State};
use crate::rules::Edge;

/// A set of machines. A machine has one bit for each left edge of its rules, so that those are left out that cannot begin here.
pub(crate) type Machines = u64;

/// What has come when a state is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Reached {
    /// Machines that may find something that ends here, whatever follows …
    pub(crate) any: Machines,
    /// … and where no letter or digit follows.
    pub(crate) apart: Machines,
    /// Machines that may still find something.
    pub(crate) alive: Machines,
}

impl Reached {
    pub(crate) fn or(self, other: Self) -> Self {
        Self { any: self.any | other.any, apart: self.apart | other.apart, alive: self.alive | other.alive }
    }
}

/// A sieve without its table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SieveShape {
    /// Where its table begins among all tables.
    pub(crate) at: usize,
    /// Bytes of its table: 256 classes of bytes, then two bytes for each state and class. The first state is that of nothing.
    pub(crate) length: usize,
    /// How many classes of bytes there are.
    pub(crate) stride: usize,
    /// The first accepting state.
    pub(crate) accepting: State,
    /// Which of `sets` each state has reached.
    pub(crate) reached: Vec<u16>,
    pub(crate) sets: Vec<Reached>,
    /// The bits of each left edge.
    pub(crate) lefts: Vec<(Edge, Machines)>,
    /// The bits of each machine of the class; none for those that it does not know, which run always.
    pub(crate) machines: Vec<Machines>,
    /// Whether there are such.
    pub(crate) rest: bool,
}

/// A sieve for the machines of a class.
#[derive(Clone, Debug)]
pub(crate) struct Sieve {
    pub(crate) shape: SieveShape,
    pub(crate) table: Cow<'static, [u8]>,
    /// What may begin behind each ASCII character, where that character alone decides it.
    pub(crate) fits: Vec<Option<Machines>>,
}

/// The state that a sieve starts in.
pub(crate) const START: State = 1;

impl Sieve {
    /// What of `fits` can find anything at the start of `bytes`, or might if the text went on; `last` says that it does not.
    #[inline]
    pub(crate) fn sift(&self, fits: Machines, bytes: &[u8], last: bool) -> Machines {
        let Some((classes, next)) = self.table.split_first_chunk::<256>() else { return fits };
        let next: &[[u8; 2]] = next.as_chunks().0;
        let (mut state, mut found, mut apart) = (START, 0, 0);
        for byte in bytes {
            if apart != 0 && !byte.is_ascii_alphanumeric() {
                found |= apart;
            }
            let class = classes.get(usize::from(*byte)).copied().unwrap_or_default();
            let at = usize::from(state).wrapping_mul(self.shape.stride).wrapping_add(usize::from(class));
            state = next.get(at).map_or(DEAD, |next| State::from_le_bytes(*next));
            if state == DEAD {
                return fits & found;
            }
            apart = 0;
            if state >= self.shape.accepting {
                let reached = self.reached(state);
                found |= reached.any;
                apart = reached.apart;
            }
        }
        fits & (found | if last { apart } else { self.reached(state).alive })
    }

    /// Whether a machine of the class, by its place, is among the sifted.
    pub(crate) fn passes(&self, place: usize, sifted: Machines) -> bool {
        self.shape.machines.get(place).is_none_or(|bits| *bits == 0 || bits & sifted != 0)
    }

    #[inline]
    fn reached(&self, state: State) -> Reached {
        let set = self.shape.reached.get(usize::from(state)).copied().unwrap_or_default();
        self.shape.sets.get(usize::from(set)).copied().unwrap_or_default()
    }
}
