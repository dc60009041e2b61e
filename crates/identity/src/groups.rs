//! Groups within groups, and all groups that somebody is in.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_vocabulary::GroupName;

/// Group definitions that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// A group is, by way of others, a member of itself.
    #[error("the groups {} are members of each other in a circle; remove one membership", names(.0))]
    Cycle(Vec<GroupName>),
    /// A group is defined twice.
    #[error("the group `{0}` is defined twice; keep one definition")]
    Twice(GroupName),
}

fn names(groups: &[GroupName]) -> String {
    groups.iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(" → ")
}

/// All groups with everything above each. A group that is only named as somebody's parent needs no definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    above: BTreeMap<GroupName, BTreeSet<GroupName>>,
}

impl Groups {
    /// From definitions: a group's name and the groups it is a member of.
    ///
    /// # Errors
    /// When a group is defined twice, or a member of itself by any way.
    pub fn new(definitions: impl IntoIterator<Item = (GroupName, Vec<GroupName>)>) -> Result<Self, GroupError> {
        let mut parents: BTreeMap<GroupName, Vec<GroupName>> = BTreeMap::new();
        for (name, member_of) in definitions {
            if parents.contains_key(&name) {
                return Err(GroupError::Twice(name));
            }
            parents.insert(name, member_of);
        }
        let mut above = BTreeMap::new();
        for name in parents.keys() {
            let all = reachable(name, &parents);
            if all.contains(name) {
                return Err(GroupError::Cycle(circle(name, &parents)));
            }
            above.insert(name.clone(), all);
        }
        Ok(Self { above })
    }

    /// Everything that a member of `direct` is in: sorted, once, `direct` included. This is what `Principal.groups` holds.
    pub fn closure(&self, direct: &[GroupName]) -> Vec<GroupName> {
        let mut all: BTreeSet<GroupName> = direct.iter().cloned().collect();
        for group in direct {
            all.extend(self.above.get(group).into_iter().flatten().cloned());
        }
        all.into_iter().collect()
    }
}

/// Everything above `name`; `name` itself only if a way leads back to it.
fn reachable(name: &GroupName, parents: &BTreeMap<GroupName, Vec<GroupName>>) -> BTreeSet<GroupName> {
    let mut seen = BTreeSet::new();
    let mut open = vec![name];
    while let Some(group) = open.pop() {
        for parent in parents.get(group).into_iter().flatten() {
            if seen.insert(parent.clone()) {
                open.push(parent);
            }
        }
    }
    seen
}

/// The names on a shortest way from `name` back to itself, `name` first and last.
fn circle(name: &GroupName, parents: &BTreeMap<GroupName, Vec<GroupName>>) -> Vec<GroupName> {
    let mut came_from: BTreeMap<&GroupName, &GroupName> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([name]);
    while let Some(group) = open.pop_front() {
        for parent in parents.get(group).into_iter().flatten() {
            if parent == name {
                let mut way = vec![name.clone(), group.clone()];
                let mut at = group;
                while at != name {
                    let Some(before) = came_from.get(at) else { break };
                    at = before;
                    way.push(at.clone());
                }
                if group == name {
                    way.truncate(2);
                }
                way.reverse();
                return way;
            }
            if !came_from.contains_key(parent) {
                came_from.insert(parent, group);
                open.push_back(parent);
            }
        }
    }
    vec![name.clone()]
}
