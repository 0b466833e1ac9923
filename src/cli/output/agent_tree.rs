//! Which agent started which, as a list with depths. Pure.

use std::collections::{HashMap, HashSet};

use crate::base::ids::ClientId;
use crate::manifest::Agent;

/// Returns the agents in the order of a tree, each behind the one that started it, with its depth.
pub(crate) fn tree(agents: &[Agent]) -> Vec<(&Agent, usize)> {
    let mut children: HashMap<Option<&ClientId>, Vec<&Agent>> = HashMap::new();
    let here: HashSet<&ClientId> = agents.iter().map(|agent| &agent.id).collect();
    for agent in agents.iter().rev() {
        let parent = agent.parent.as_ref().filter(|parent| here.contains(parent));
        children.entry(parent).or_default().push(agent);
    }
    let mut shown: Vec<(&Agent, usize)> = Vec::new();
    let roots = children.remove(&None).unwrap_or_default();
    let mut next: Vec<(&Agent, usize)> = roots.into_iter().map(|agent| (agent, 0)).collect();
    while let Some((agent, depth)) = next.pop() {
        shown.push((agent, depth));
        let under = children.remove(&Some(&agent.id)).unwrap_or_default();
        next.extend(under.into_iter().map(|child| (child, depth + 1)));
    }
    // Agents that claim to have started each other hang nowhere, and are shown all the same.
    let hangs: HashSet<&ClientId> = shown.iter().map(|(agent, _)| &agent.id).collect();
    shown.extend(agents.iter().filter(|agent| !hangs.contains(&agent.id)).map(|agent| (agent, 0)));
    shown
}
