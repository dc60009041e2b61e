//! Makes the sieve of a class from the automata of its machines, when rules are planned. What runs is in `sieve`.

use std::collections::HashMap;

use crate::automaton::{Automaton, DEAD, State};
use crate::rules::Edge;
use crate::sieve::{Machines, Reached, START, SieveShape};

/// So many states are told apart; from then on, whatever machine is still alive is let through.
const STATES: usize = 6_000;

/// A machine to be sifted.
pub(crate) struct Sifted<'a> {
    /// Its place in the class.
    pub(crate) place: usize,
    pub(crate) values: &'a Automaton,
    /// The left and right edges of each pattern.
    pub(crate) edges: Vec<(Edge, Edge)>,
}

/// The bits of a machine.
struct Bits {
    /// By its left edges.
    lefts: Vec<(Edge, Machines)>,
    /// What each of its states has reached.
    reached: Vec<Reached>,
}

/// A state of a machine: its place among the sifted, and its state.
type Item = (u16, State);

/// Bytes that are not told apart.
struct Group {
    bytes: Vec<u8>,
    /// For each machine, one byte of each of its classes.
    steps: Vec<Vec<u8>>,
}

struct Mesh<'a> {
    machines: &'a [Sifted<'a>],
    bits: Vec<Bits>,
    groups: Vec<Group>,
    states: Vec<Vec<Item>>,
    /// Where each group leads from each state; 0 for nowhere, else the place of a state plus one.
    next: Vec<Vec<usize>>,
    reached: Vec<Reached>,
    known: HashMap<Vec<Item>, usize>,
    /// States where it is no longer told what comes.
    open: HashMap<Machines, usize>,
}

/// What a byte counts as.
fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'0',
        b'a'..=b'z' | b'A'..=b'Z' => b'a',
        _ => byte,
    }
}

fn groups(machines: &[Sifted<'_>]) -> Vec<Group> {
    let mut groups: Vec<(Vec<Option<u8>>, Group)> = Vec::new();
    let class = |machine: &Sifted<'_>, byte: u8| machine.values.table.get(usize::from(byte)).copied();
    for byte in 0..=u8::MAX {
        let own: Vec<Option<u8>> = machines.iter().map(|machine| class(machine, byte)).collect();
        let of_kind = |group: &Group| group.bytes.iter().any(|other| kind(*other) == kind(byte));
        if let Some((_, group)) = groups.iter_mut().find(|(known, group)| of_kind(group) || byte == kind(byte) && *known == own) {
            group.bytes.push(byte);
        } else {
            groups.push((own, Group { bytes: vec![byte], steps: Vec::new() }));
        }
    }
    let steps = |bytes: &[u8], machine: &Sifted<'_>| {
        let mut known = Vec::new();
        bytes
            .iter()
            .copied()
            .filter(|byte| {
                !known.contains(&class(machine, *byte)) && {
                    known.push(class(machine, *byte));
                    true
                }
            })
            .collect()
    };
    groups
        .into_iter()
        .map(|(_, group)| Group { steps: machines.iter().map(|machine| steps(&group.bytes, machine)).collect(), ..group })
        .collect()
}

impl<'a> Mesh<'a> {
    fn new(machines: &'a [Sifted<'a>]) -> Self {
        let start: Vec<Item> = machines.iter().zip(0..).map(|(machine, place)| (place, machine.values.start())).collect();
        let mut mesh = Self {
            machines,
            bits: bits(machines),
            groups: groups(machines),
            states: Vec::new(),
            next: Vec::new(),
            reached: Vec::new(),
            known: HashMap::new(),
            open: HashMap::new(),
        };
        mesh.state(start);
        while let Some(items) = mesh.states.get(mesh.next.len()).cloned() {
            let next = (0..mesh.groups.len()).map(|group| mesh.step(&items, group)).collect();
            mesh.next.push(next);
        }
        mesh
    }

    fn step(&mut self, items: &[Item], group: usize) -> usize {
        let Some(group) = self.groups.get(group) else { return 0 };
        let mut next = Vec::new();
        for (place, state) in items {
            let Some(table) = self.machines.get(usize::from(*place)).and_then(|machine| machine.values.table()) else { continue };
            let bytes = group.steps.get(usize::from(*place)).map_or(&[][..], Vec::as_slice);
            next.extend(bytes.iter().map(|byte| (*place, table.next(*state, *byte))).filter(|(_, state)| *state != DEAD));
        }
        next.sort_unstable();
        next.dedup();
        if next.is_empty() { 0 } else { self.state(next) + 1 }
    }

    /// The place of a state.
    fn state(&mut self, items: Vec<Item>) -> usize {
        if let Some(place) = self.known.get(&items) {
            return *place;
        }
        let reached = self.reach(&items);
        let fresh = self.states.len();
        if fresh >= STATES {
            let place = *self.open.entry(reached.alive).or_insert(fresh);
            if place == fresh {
                self.states.push(Vec::new());
                self.reached.push(Reached { any: reached.alive, apart: 0, alive: reached.alive });
            }
            return place;
        }
        self.known.insert(items.clone(), fresh);
        self.states.push(items);
        self.reached.push(reached);
        fresh
    }

    fn reach(&self, items: &[Item]) -> Reached {
        let of = |(place, state): &Item| self.bits.get(usize::from(*place)).and_then(|bits| bits.reached.get(usize::from(*state)));
        items.iter().filter_map(of).fold(Reached::default(), |all, own| all.or(*own))
    }

    /// Numbers the states, the accepting ones last; the start is the first of them.
    fn table(&self) -> Option<(SieveShape, Vec<u8>)> {
        let accepts = |place: &usize| *place != 0 && self.reached.get(*place).is_some_and(|reached| reached.any | reached.apart != 0);
        let (last, first): (Vec<usize>, Vec<usize>) = (0..self.states.len()).partition(accepts);
        let order: Vec<usize> = first.iter().chain(&last).copied().collect();
        // 0 leads nowhere, and so does the state of that number.
        let mut number = vec![DEAD; order.len() + 1];
        for (index, place) in order.iter().enumerate() {
            *number.get_mut(place + 1)? = State::try_from(index).ok()?.checked_add(START)?;
        }
        let stride = self.groups.len();
        let class = |byte: u8| self.groups.iter().position(|group| group.bytes.contains(&byte)).and_then(|class| u8::try_from(class).ok());
        let mut table: Vec<u8> = (0..=u8::MAX).map(class).collect::<Option<_>>()?;
        table.resize(256 + 2 * stride, 0);
        let mut sets = vec![Reached::default()];
        let mut known = HashMap::from([(Reached::default(), 0)]);
        let mut reached = vec![0];
        for place in &order {
            for next in self.next.get(*place)? {
                table.extend_from_slice(&number.get(*next)?.to_le_bytes());
            }
            let own = *self.reached.get(*place)?;
            let fresh = u16::try_from(sets.len()).ok()?;
            let set = *known.entry(own).or_insert(fresh);
            if set == fresh {
                sets.push(own);
            }
            reached.push(set);
        }
        let accepting = State::try_from(first.len()).ok()?.checked_add(START)?;
        Some((
            SieveShape {
                at: 0,
                length: table.len(),
                stride,
                accepting,
                reached,
                sets,
                lefts: self.lefts(),
                machines: self.places(),
                rest: self.bits.iter().any(|bits| bits.lefts.is_empty()),
            },
            table,
        ))
    }

    fn lefts(&self) -> Vec<(Edge, Machines)> {
        let mut lefts: Vec<(Edge, Machines)> = Vec::new();
        for (left, bit) in self.bits.iter().flat_map(|bits| &bits.lefts) {
            match lefts.iter_mut().find(|(edge, _)| edge == left) {
                Some((_, bits)) => *bits |= bit,
                None => lefts.push((*left, *bit)),
            }
        }
        lefts
    }

    fn places(&self) -> Vec<Machines> {
        let mut places = vec![0; self.machines.iter().map(|machine| machine.place + 1).max().unwrap_or(0)];
        for (machine, bits) in self.machines.iter().zip(&self.bits) {
            if let Some(place) = places.get_mut(machine.place) {
                *place = bits.lefts.iter().fold(0, |all, (_, bit)| all | bit);
            }
        }
        places
    }
}

/// Gives each machine its bits; one that gets none runs always.
fn bits(machines: &[Sifted<'_>]) -> Vec<Bits> {
    let mut next: Option<Machines> = Some(1);
    let mut all = Vec::new();
    for machine in machines {
        let mut lefts: Vec<(Edge, Machines)> = Vec::new();
        let before = next;
        for (left, _) in &machine.edges {
            if !lefts.iter().any(|(edge, _)| edge == left) {
                lefts.push((*left, next.unwrap_or(0)));
                next = next.and_then(|bit| bit.checked_mul(2));
            }
        }
        if lefts.iter().any(|(_, bit)| *bit == 0) {
            (next, lefts) = (before, Vec::new());
        }
        let reached = reached(machine, &lefts);
        all.push(Bits { lefts, reached });
    }
    all
}

/// What each state of a machine has reached.
fn reached(machine: &Sifted<'_>, lefts: &[(Edge, Machines)]) -> Vec<Reached> {
    let states = State::try_from((machine.values.shape.length - 256) / 2 / machine.values.shape.stride.max(1)).unwrap_or(State::MAX);
    let bit = |edge: &Edge| lefts.iter().find(|(left, _)| left == edge).map_or(0, |(_, bit)| *bit);
    let mut all = vec![Reached::default(); usize::from(states)];
    for (state, own) in (0..states).zip(&mut all) {
        let patterns = machine.values.set(state).map_or(&[][..], |set| machine.values.patterns(set));
        for (left, right) in patterns.iter().filter_map(|pattern| machine.edges.get(usize::from(*pattern))) {
            let reached = if right.parts() { &mut own.apart } else { &mut own.any };
            *reached |= bit(left);
        }
        own.alive = own.any | own.apart;
    }
    let next: Vec<Vec<State>> = (0..states).map(|state| machine.values.neighbours(state)).collect();
    loop {
        let mut changed = false;
        for (state, next) in next.iter().enumerate().rev() {
            let alive = next.iter().filter_map(|next| all.get(usize::from(*next))).fold(0, |alive, next| alive | next.alive);
            if let Some(own) = all.get_mut(state).filter(|own| own.alive | alive != own.alive) {
                own.alive |= alive;
                changed = true;
            }
        }
        if !changed {
            return all;
        }
    }
}

/// The sieve of some machines and its table; `None` when it would be too large.
pub(crate) fn mesh(machines: &[Sifted<'_>]) -> Option<(SieveShape, Vec<u8>)> {
    Mesh::new(machines).table()
}
