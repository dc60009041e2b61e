//! `fallbacks` and `default_fallbacks`: which models are asked instead. Ours may not go in a circle, and are 16 at most with those of fallbacks.

use std::collections::{HashMap, HashSet};

use super::plan::{Plan, Wish};
use super::report::{At, Report};
use super::yaml::Node;

/// Most fallbacks of a model, those of its fallbacks included.
const MAX_FALLBACKS: usize = 16;

/// One model that is asked in the place of another, and where that is said.
struct Edge {
    to: usize,
    at: At,
}

/// Reads both keys; of a key that stands in both sections, the router's counts.
pub fn apply(plan: &mut Plan, wishes: &[Wish], report: &mut Report) {
    let last = |name: &str| wishes.iter().rposition(|wish| wish.name == name);
    let (special, usual) = (last("fallbacks"), last("default_fallbacks"));
    for (number, wish) in wishes.iter().enumerate() {
        if matches!(wish.name.as_str(), "fallbacks" | "default_fallbacks") && ![special, usual].contains(&Some(number)) {
            report.not_carried(&wish.at, "the one in `router_settings` comes before it", "");
        }
    }
    let names = named(plan);
    let mut edges: Vec<Vec<Edge>> = plan.models.iter().map(|_| Vec::new()).collect();
    let mut defaults: Vec<Edge> = Vec::new();
    let given = special.and_then(|number| wishes.get(number));
    if let Some(wish) = given.filter(|wish| wish.node.items().iter().all(|item| item.entries().is_empty())) {
        report.not_carried(&wish.at, "this is not a list of `MODEL: [OTHERS]`", "write `fallback` into the models, docs/routing.md");
    }
    let items = given.into_iter().flat_map(|wish| wish.node.items().iter().map(move |item| (wish, item)));
    for (number, (wish, entry)) in
        items.enumerate().flat_map(|(number, (wish, item))| item.entries().iter().map(move |entry| (number, (wish, entry))))
    {
        let at = At::new(entry.line, format!("{}[{number}].{}", wish.at.key, entry.key));
        let from = names.get(entry.key.as_str()).copied();
        let found = ends(&names, &entry.node, &at, report);
        match from {
            _ if entry.key == "*" => defaults.extend(found),
            Some(from) => edges.get_mut(from).into_iter().for_each(|edges| edges.extend(found.iter().map(Edge::again))),
            None => report.not_carried(&at, "the model that it is for was not carried", ""),
        }
    }
    if let Some(wish) = usual.and_then(|number| wishes.get(number)) {
        defaults.extend(ends(&names, &wish.node, &wish.at, report));
    }
    let in_defaults: HashSet<usize> = defaults.iter().map(|edge| edge.to).collect();
    for (from, edges) in edges.iter_mut().enumerate() {
        let is_alias = plan.models.get(from).is_none_or(|model| model.alias_of.is_some());
        if edges.is_empty() && !in_defaults.contains(&from) && !is_alias {
            edges.extend(defaults.iter().take(MAX_FALLBACKS).map(Edge::again));
        }
    }
    let kept = without_circles(&edges, report);
    for (from, kept) in kept.into_iter().enumerate() {
        let names: Vec<String> = kept.iter().filter_map(|to| plan.models.get(*to).map(|model| model.name.clone())).collect();
        if let Some(model) = plan.models.get_mut(from) {
            model.fallback = names;
        }
    }
}

impl Edge {
    fn again(&self) -> Self {
        Self { to: self.to, at: self.at.clone() }
    }
}

/// Numbers of models by their names; another name for a model is that model.
fn named(plan: &Plan) -> HashMap<String, usize> {
    let all = plan.models.iter().enumerate().filter(|(_, model)| model.name != "*");
    all.map(|(number, model)| (model.name.clone(), model.alias_of.unwrap_or(number))).collect()
}

/// The models of a list; says what became of the list.
fn ends(names: &HashMap<String, usize>, list: &Node, at: &At, report: &mut Report) -> Vec<Edge> {
    let given = list.texts();
    let found: Vec<usize> = given.iter().filter_map(|name| names.get(*name).copied()).collect();
    if found.len() == given.len().max(list.items().len()) && !found.is_empty() {
        report.carried(at, "as `fallback`: asked in this order when no place of the model answers");
    } else if found.is_empty() {
        report.not_carried(at, "none of the models that it names was carried", "");
    } else {
        report.not_carried(at, "some of the models that it names were not carried; the others are asked", "");
    }
    found.into_iter().map(|to| Edge { to, at: at.clone() }).collect()
}

/// Leaves out what would close a circle or make a chain too long. Goes along every edge once, without recursion.
fn without_circles(edges: &[Vec<Edge>], report: &mut Report) -> Vec<Vec<usize>> {
    let mut kept: Vec<Vec<usize>> = edges.iter().map(|_| Vec::new()).collect();
    let mut chains: Vec<HashSet<usize>> = edges.iter().map(|_| HashSet::new()).collect();
    // Whether a model was entered, and whether all behind it is known.
    let mut states = vec![(false, false); edges.len()];
    for start in 0..edges.len() {
        let mut path = Vec::new();
        enter(&mut states, &mut path, start);
        while let Some((from, next)) = path.last_mut() {
            let from = *from;
            let Some(edge) = edges.get(from).and_then(|edges| edges.get(*next)) else {
                states.get_mut(from).into_iter().for_each(|state| state.1 = true);
                path.pop();
                continue;
            };
            match states.get(edge.to) {
                // First what lies behind it; then this edge is looked at again.
                Some((false, _)) => enter(&mut states, &mut path, edge.to),
                Some((true, true)) => {
                    *next += 1;
                    join(&mut kept, &mut chains, from, edge, report);
                }
                _ => {
                    *next += 1;
                    report.not_carried(&edge.at, "one fallback would go in a circle and was left out", "");
                }
            }
        }
    }
    kept
}

/// Begins with a model, once.
fn enter(states: &mut [(bool, bool)], path: &mut Vec<(usize, usize)>, number: usize) {
    if let Some(state) = states.get_mut(number).filter(|state| !state.0) {
        state.0 = true;
        path.push((number, 0));
    }
}

fn join(kept: &mut [Vec<usize>], chains: &mut [HashSet<usize>], from: usize, edge: &Edge, report: &mut Report) {
    let behind: HashSet<usize> = chains.get(edge.to).into_iter().flatten().copied().chain([edge.to]).collect();
    let (Some(kept), Some(chain)) = (kept.get_mut(from), chains.get_mut(from)) else { return };
    if chain.union(&behind).count() > MAX_FALLBACKS {
        report.not_carried(&edge.at, "a model has at most 16 fallbacks, those of its fallbacks included", "");
    } else {
        chain.extend(behind);
        if !kept.contains(&edge.to) {
            kept.push(edge.to);
        }
    }
}
