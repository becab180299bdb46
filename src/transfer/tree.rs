//! A tree of messages, as sessions: one for the path that was shown last, and a fork for each other leaf.
//!
//! Nothing here recurses, so that a tree may be as deep as it is large. What is no tree is made one by as few cuts as can be,
//! each of which is told.

mod node;

pub(crate) use node::{Node, Nodes};

use super::draft::Remarks;
use super::taker::{Conversation, ForkedFrom, IncomingMessage, SharedWith, Taker};
use crate::error::Result;
use crate::model::fingerprint::Fingerprint;
use crate::model::{Micros, NewMessage, Role, ids};
use std::collections::HashMap;

/// So many nodes of a step of tools are repeated at most for a branch that goes on in the middle of it.
const MOST_REPEATED: usize = 64;

/// What all repeated nodes of a tree may take together, where the tree itself takes no more.
const FEW_BYTES_REPEATED: usize = 1 << 20;

/// Takes a tree in. `current` is the node that was shown last; without it that is the leaf with the newest message.
pub(crate) fn take(
    mut conversation: Conversation,
    nodes: Vec<Node>,
    current: Option<&str>,
    mut remarks: Remarks,
    taker: &mut Taker<'_>,
) -> Result<()> {
    let names = match by_id(&nodes) {
        Ok(names) => names,
        Err(id) => {
            let own = conversation.session.id.clone().unwrap_or_default();
            let reason = format!("two of its messages have the id '{id}'");
            taker.fail(&own, conversation.place, reason);
            return Ok(());
        }
    };
    let parents = parents(&nodes, &names, &conversation.place, &mut remarks);
    let current = current.and_then(|id| names.get(id).copied());
    let own = conversation.session.id.get_or_insert_with(ids::new_session_id).clone();
    let plan = Plan::new(&nodes, &parents, current);
    drop(names);
    let mut nodes: Vec<Kept> = nodes.into_iter().map(Kept::from).collect();
    for (number, branch) in plan.branches.iter().enumerate() {
        let session = of_branch(&conversation, &own, number, branch, &plan, &nodes);
        taker.begin(session)?;
        for index in branch.path.iter().copied() {
            for message in nodes
                .get_mut(index)
                .map(|node| node.give(&plan, index))
                .unwrap_or_default()
            {
                taker.message(IncomingMessage::from(message))?;
            }
        }
        if taker.takes_in() {
            std::mem::take(&mut remarks).tell(taker);
        }
        taker.end()?;
    }
    Ok(())
}

/// The nodes by their ids, or the first id that two of them have.
fn by_id(nodes: &[Node]) -> std::result::Result<HashMap<&str, usize>, String> {
    let mut names = HashMap::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        if names.insert(node.id.as_str(), index).is_some() {
            return Err(node.id.chars().take(80).collect());
        }
    }
    Ok(names)
}

/// The parent of each node. Where one is missing, or leads back to the node, the node is a root.
fn parents(nodes: &[Node], names: &HashMap<&str, usize>, place: &str, remarks: &mut Remarks) -> Vec<Option<usize>> {
    let mut missing = Vec::new();
    let mut parents: Vec<Option<usize>> = nodes
        .iter()
        .map(|node| {
            let found = names.get(node.parent.as_deref()?).copied();
            if found.is_none() {
                missing.push(node.id.as_str());
            }
            found
        })
        .collect();
    tell_cut(&missing, "hang on messages that are not there", place, remarks);
    let cut = cut_circles(&mut parents);
    let cut: Vec<&str> = cut
        .into_iter()
        .filter_map(|index| nodes.get(index))
        .map(|node| node.id.as_str())
        .collect();
    tell_cut(&cut, "hang on what hangs on themselves", place, remarks);
    parents
}

fn tell_cut(ids: &[&str], what: &str, place: &str, remarks: &mut Remarks) {
    if let Some(first) = ids.first() {
        let first: String = first.chars().take(80).collect();
        let reason = format!(
            "{} of its messages {what}, the first is '{first}'; each begins a session of its own",
            ids.len()
        );
        remarks.changed(place, reason);
    }
}

/// Cuts each circle once, at the node of it that was come upon first.
fn cut_circles(parents: &mut [Option<usize>]) -> Vec<usize> {
    const UNSEEN: usize = 0;
    let mut seen_from = vec![UNSEEN; parents.len()];
    let mut cut = Vec::new();
    for start in 0..parents.len() {
        let walk = start + 1;
        let mut at = start;
        loop {
            match seen_from.get_mut(at) {
                Some(seen) if *seen == UNSEEN => *seen = walk,
                Some(seen) if *seen == walk => {
                    if let Some(parent) = parents.get_mut(at) {
                        *parent = None;
                    }
                    cut.push(at);
                    break;
                }
                _ => break,
            }
            match parents.get(at).copied().flatten() {
                Some(parent) => at = parent,
                None => break,
            }
        }
    }
    cut
}

/// Which sessions there will be.
struct Plan {
    branches: Vec<Branch>,
    /// How many branches have each node: those are given away by copies, and the last one by the node itself.
    uses: Vec<u32>,
}

/// A session: what it shares with one before it, and the nodes behind that.
#[derive(Default)]
struct Branch {
    leaf: usize,
    /// The branch that it shares messages with, and the last of these.
    shares: Option<(usize, u32)>,
    is_shared: bool,
    path: Vec<usize>,
}

impl Plan {
    fn new(nodes: &[Node], parents: &[Option<usize>], current: Option<usize>) -> Self {
        let carries = |index: usize| nodes.get(index).is_some_and(|node| !node.messages.is_empty());
        let mut leaves = leaves(parents, &carries);
        let main = main_leaf(nodes, parents, &leaves, current);
        leaves.retain(|leaf| *leaf != main);
        leaves.insert(0, main);
        // For each node the branch it came with first, and the seq of its last message there.
        let mut owners: Vec<Option<(usize, u32)>> = vec![None; nodes.len()];
        let mut uses = vec![0_u32; nodes.len()];
        let mut branches: Vec<Branch> = Vec::new();
        let mut room = nodes.iter().map(Node::bytes).sum::<usize>().max(FEW_BYTES_REPEATED);
        for leaf in leaves {
            let number = branches.len();
            let mut branch = Self::branch(nodes, parents, &owners, leaf, &mut room);
            let mut seq = branch.shares.map_or(0, |(_, seq)| seq);
            for index in branch.path.iter().copied() {
                seq += nodes.get(index).map_or(0, |node| node.messages.len() as u32);
                if let Some(owner) = owners.get_mut(index) {
                    owner.get_or_insert((number, seq));
                }
                if let Some(count) = uses.get_mut(index) {
                    *count += 1;
                }
            }
            if number > 0 && branch.shares.is_none() {
                branch.shares = Some((0, 0));
            }
            if let Some((other, 1..)) = branch.shares
                && let Some(other) = branches.get_mut(other)
            {
                other.is_shared = true;
            }
            branches.push(branch);
        }
        Self { branches, uses }
    }

    /// The way from a leaf up to what came before. A step of tools is not taken apart: who shares the call shares its
    /// results, or has both for itself. Only where that would repeat more than there is room for, it is shared where it
    /// parts, and its results are orphans.
    fn branch(
        nodes: &[Node],
        parents: &[Option<usize>],
        owners: &[Option<(usize, u32)>],
        leaf: usize,
        room: &mut usize,
    ) -> Branch {
        let mut branch = Branch {
            leaf,
            ..Branch::default()
        };
        let mut at = Some(leaf);
        let mut answers = false;
        let mut parting: Option<(usize, (usize, u32))> = None;
        let mut repeated = 0;
        while let Some(index) = at {
            let node = nodes.get(index);
            if let Some(owner) = owners.get(index).copied().flatten() {
                if !answers {
                    branch.shares = Some(owner);
                    break;
                }
                let (length, nearest) = *parting.get_or_insert((branch.path.len(), owner));
                repeated += node.map_or(0, Node::bytes);
                if branch.path.len() - length >= MOST_REPEATED || repeated > *room {
                    branch.path.truncate(length);
                    branch.shares = Some(nearest);
                    repeated = 0;
                    break;
                }
            }
            if let Some(first) = node.and_then(|node| node.messages.first()) {
                answers = first.role == Role::Tool;
            }
            branch.path.push(index);
            at = parents.get(index).copied().flatten();
        }
        *room -= repeated;
        branch.path.reverse();
        branch
    }
}

/// The nodes with messages below which there are no others with messages, in their order.
fn leaves(parents: &[Option<usize>], carries: &impl Fn(usize) -> bool) -> Vec<usize> {
    let mut has_more = vec![false; parents.len()];
    for start in 0..parents.len() {
        if !carries(start) {
            continue;
        }
        let mut at = parents.get(start).copied().flatten();
        while let Some(index) = at {
            match has_more.get_mut(index) {
                Some(more) if !*more => *more = true,
                _ => break,
            }
            at = parents.get(index).copied().flatten();
        }
    }
    let is_leaf = |index: &usize| carries(*index) && has_more.get(*index) == Some(&false);
    let leaves: Vec<usize> = (0..parents.len()).filter(is_leaf).collect();
    if leaves.is_empty() && !parents.is_empty() {
        // Nothing carries a message: the session is empty.
        return vec![0];
    }
    leaves
}

/// The leaf at or below the current node that comes last; else the one above it; else the newest.
fn main_leaf(nodes: &[Node], parents: &[Option<usize>], leaves: &[usize], current: Option<usize>) -> usize {
    let Some(current) = current else {
        let newest = |leaf: &&usize| nodes.get(**leaf).and_then(|node| node.messages.last()?.created);
        return leaves.iter().max_by_key(newest).copied().unwrap_or_default();
    };
    // Which leaves lie below: by marking all that lies above the current node, and the rest once for all.
    let below = below(parents, current);
    if let Some(leaf) = leaves.iter().rev().find(|leaf| below.get(**leaf) == Some(&true)) {
        return *leaf;
    }
    // The current node carries nothing and nothing hangs on it: what stands above it was shown.
    let mut at = parents.get(current).copied().flatten();
    while let Some(index) = at {
        if nodes.get(index).is_some_and(|node| !node.messages.is_empty()) {
            return main_leaf(nodes, parents, leaves, Some(index));
        }
        at = parents.get(index).copied().flatten();
    }
    main_leaf(nodes, parents, leaves, None)
}

/// Which nodes are a node or hang on it.
fn below(parents: &[Option<usize>], top: usize) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; parents.len()];
    if let Some(known) = known.get_mut(top) {
        *known = Some(true);
    }
    for start in 0..parents.len() {
        let mut walked = Vec::new();
        let mut at = Some(start);
        let answer = loop {
            let Some(index) = at else { break false };
            if let Some(answer) = known.get(index).copied().flatten() {
                break answer;
            }
            walked.push(index);
            at = parents.get(index).copied().flatten();
        };
        for index in walked {
            if let Some(known) = known.get_mut(index) {
                *known = Some(answer);
            }
        }
    }
    known.into_iter().map(|known| known == Some(true)).collect()
}

/// A node whose messages are given away.
struct Kept {
    id: String,
    messages: Vec<NewMessage>,
    first_created: Option<Micros>,
    last_created: Option<Micros>,
    given: u32,
}

impl From<Node> for Kept {
    fn from(node: Node) -> Self {
        Self {
            id: node.id,
            first_created: node.messages.first().and_then(|message| message.created),
            last_created: node.messages.last().and_then(|message| message.created),
            messages: node.messages,
            given: 0,
        }
    }
}

impl Kept {
    fn give(&mut self, plan: &Plan, index: usize) -> Vec<NewMessage> {
        self.given += 1;
        if plan.uses.get(index).is_some_and(|uses| self.given < *uses) {
            return self.messages.clone();
        }
        std::mem::take(&mut self.messages)
    }
}

/// The session of a branch: the conversation's own, or a fork of it.
fn of_branch(
    conversation: &Conversation,
    own: &str,
    number: usize,
    branch: &Branch,
    plan: &Plan,
    nodes: &[Kept],
) -> Conversation {
    let mut session = conversation.clone();
    session.is_shared = branch.is_shared;
    if number == 0 {
        return session;
    }
    let leaf_of = |branch: &Branch| nodes.get(branch.leaf).map_or("", |node| node.id.as_str());
    session.session.id = Some(fork_id(own, leaf_of(branch)));
    session.forked_from = ForkedFrom::AsShared;
    let kept = || branch.path.iter().filter_map(|index| nodes.get(*index));
    session.created = kept().find_map(|node| node.first_created).or(conversation.created);
    session.updated = kept().rev().find_map(|node| node.last_created).or(conversation.updated);
    session.shares = branch.shares.map(|(other, seq)| SharedWith {
        id: match plan.branches.get(other) {
            Some(branch) if other > 0 => fork_id(own, leaf_of(branch)),
            _ => own.to_owned(),
        },
        seq,
    });
    session
}

/// The id of a fork: the same each time the source is imported.
fn fork_id(conversation: &str, leaf: &str) -> String {
    let plain = format!("{conversation}/{leaf}");
    if ids::check_id("id", &plain).is_ok() {
        return plain;
    }
    let number = Fingerprint::new().with(conversation).with(leaf).number();
    ids::with_end(conversation, &format!("/{number:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree by its edges: `a` is a root, `ab` hangs on `a`, `-` in front means that it carries no message.
    fn nodes(edges: &[(&str, &str)]) -> Vec<Node> {
        let node = |(id, parent): &(&str, &str)| Node {
            id: id.trim_start_matches('-').to_owned(),
            parent: (!parent.is_empty()).then(|| (*parent).to_owned()),
            messages: match id.strip_prefix('-') {
                Some(_) => Vec::new(),
                None => vec![NewMessage::new(Role::User, *id)],
            },
        };
        edges.iter().map(node).collect()
    }

    /// The branches as texts: what is shared with whom, and the ids behind it.
    fn planned(edges: &[(&str, &str)], current: Option<&str>) -> Vec<String> {
        let nodes = nodes(edges);
        let names = by_id(&nodes).unwrap();
        let parents = parents(&nodes, &names, "here", &mut Remarks::default());
        let plan = Plan::new(&nodes, &parents, current.map(|id| names[id]));
        let shown = |branch: &Branch| {
            let path: Vec<&str> = branch.path.iter().map(|index| nodes[*index].id.as_str()).collect();
            let shares = branch
                .shares
                .map_or(String::new(), |(other, seq)| format!("{other}:{seq}+"));
            format!("{shares}{}{}", path.join(","), if branch.is_shared { "*" } else { "" })
        };
        plan.branches.iter().map(shown).collect()
    }

    const TREE: [(&str, &str); 6] = [("a", ""), ("b", "a"), ("c", "b"), ("d", "b"), ("e", "a"), ("f", "d")];

    #[test]
    fn the_current_path_comes_first_and_each_other_leaf_is_a_fork() {
        assert_eq!(planned(&TREE, Some("f")), ["a,b,d,f*", "0:2+c", "0:1+e"]);
        assert_eq!(planned(&TREE, Some("c")), ["a,b,c*", "0:1+e", "0:2+d,f"]);
        assert_eq!(planned(&TREE, Some("e")), ["a,e*", "0:1+b,c*", "1:2+d,f"]);
    }

    #[test]
    fn a_current_node_that_is_no_leaf_goes_on_to_its_last_one() {
        assert_eq!(planned(&TREE, Some("b"))[0], "a,b,d,f*");
        assert_eq!(planned(&TREE, Some("a"))[0], "a,b,d,f*");
    }

    #[test]
    fn without_a_current_node_the_newest_leaf_was_shown() {
        assert_eq!(planned(&TREE, None)[0], "a,b,d,f*");
    }

    #[test]
    fn nodes_that_carry_nothing_lead_through_and_are_no_leaves() {
        let edges = [
            ("-r", ""),
            ("a", "r"),
            ("-x", "a"),
            ("b", "x"),
            ("-y", "b"),
            ("-z", "r"),
            ("c", "a"),
        ];
        assert_eq!(planned(&edges, Some("y")), ["r,a,x,b*", "0:1+c"]);
        assert_eq!(planned(&edges, Some("z"))[0], "r,a,c*");
        assert_eq!(planned(&[("-r", ""), ("-s", "r")], None), ["r"]);
        assert!(Plan::new(&[], &[], None).branches.len() <= 1);
    }

    #[test]
    fn several_roots_are_forks_at_the_beginning() {
        assert_eq!(
            planned(&[("a", ""), ("b", ""), ("c", "a")], Some("c")),
            ["a,c", "0:0+b"]
        );
    }

    #[test]
    fn a_missing_parent_makes_a_root() {
        assert_eq!(
            planned(&[("a", ""), ("b", "gone"), ("c", "b")], Some("a")),
            ["a", "0:0+b,c"]
        );
    }

    #[test]
    fn circles_are_cut_once_and_nothing_of_them_is_lost() {
        assert_eq!(planned(&[("a", "a")], None), ["a"]);
        assert_eq!(
            planned(&[("a", "c"), ("b", "a"), ("c", "b"), ("d", "b")], Some("c")),
            ["a,b,c*", "0:2+d"]
        );
        let two = planned(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")], Some("b"));
        assert_eq!(two, ["a,b", "0:0+c,d"]);
    }

    #[test]
    fn a_step_of_tools_is_not_taken_apart() {
        let mut nodes = nodes(&[("a", ""), ("b", "a"), ("c", "b"), ("d", "b")]);
        for index in [2, 3] {
            nodes[index].messages[0].role = Role::Tool;
        }
        let parents = [None, Some(0), Some(1), Some(1)];
        let plan = Plan::new(&nodes, &parents, Some(2));
        assert_eq!(plan.branches[1].shares, Some((0, 1)));
        assert_eq!(plan.branches[1].path, [1, 3]);
        assert_eq!(plan.uses, [1, 2, 1, 1]);
    }

    #[test]
    fn a_chain_of_tools_with_a_leaf_at_each_link_is_not_repeated_for_each() {
        const LINKS: usize = 2_000;
        let node = |_| Node {
            messages: vec![NewMessage::new(Role::Tool, "x")],
            ..Node::default()
        };
        let nodes: Vec<Node> = (0..2 * LINKS).map(node).collect();
        let parent = |index: usize| match index {
            0 => None,
            link @ 0..LINKS => Some(link - 1),
            leaf => Some(leaf - LINKS),
        };
        let parents: Vec<Option<usize>> = (0..2 * LINKS).map(parent).collect();
        let plan = Plan::new(&nodes, &parents, None);
        let length: usize = plan.branches.iter().map(|branch| branch.path.len()).sum();
        assert!(length < 4 * nodes.len(), "{length}");
        let seen = plan.branches.iter().filter(|branch| branch.path.contains(&branch.leaf));
        assert_eq!(seen.count(), plan.branches.len());
    }

    #[test]
    fn a_large_call_is_not_repeated_for_each_of_its_answers() {
        let mut nodes = nodes(&[("a", "")]);
        nodes[0].messages[0].content = "x".repeat(1 << 20);
        let answer = |index: usize| Node {
            id: index.to_string(),
            parent: Some("a".to_owned()),
            messages: vec![NewMessage::new(Role::Tool, "")],
        };
        nodes.extend((1..100).map(answer));
        let parents: Vec<Option<usize>> = (0..100).map(|index| (index > 0).then_some(0)).collect();
        let plan = Plan::new(&nodes, &parents, None);
        assert_eq!(plan.uses[0], 2);
        assert_eq!(plan.branches.last().unwrap().shares, Some((0, 1)));
    }

    #[test]
    fn a_million_nodes_deep_or_wide_is_no_more_than_a_million_nodes() {
        const MANY: usize = 1_000_000;
        let node = |_| Node {
            messages: vec![NewMessage::new(Role::User, "")],
            ..Node::default()
        };
        let nodes: Vec<Node> = (0..MANY).map(node).collect();
        let mut deep: Vec<Option<usize>> = (0..MANY).map(|index| index.checked_sub(1)).collect();
        assert_eq!(Plan::new(&nodes, &deep, Some(7)).branches.len(), 1);
        deep[0] = Some(MANY - 1);
        assert_eq!(cut_circles(&mut deep).len(), 1);
        let up: Vec<Option<usize>> = (0..MANY).map(|index| (index + 1 < MANY).then_some(index + 1)).collect();
        assert_eq!(Plan::new(&nodes, &up, None).branches[0].path.len(), MANY);
        let wide: Vec<Option<usize>> = (0..MANY).map(|index| (index > 0).then_some(0)).collect();
        assert_eq!(Plan::new(&nodes, &wide, Some(9)).branches.len(), MANY - 1);
    }

    #[test]
    fn the_id_of_a_fork_is_short_enough_and_always_the_same() {
        assert_eq!(fork_id("conv", "leaf"), "conv/leaf");
        let long = fork_id(&"x".repeat(250), &"y".repeat(100));
        assert!(ids::check_id("id", &long).is_ok());
        assert_eq!(long, fork_id(&"x".repeat(250), &"y".repeat(100)));
        assert_ne!(long, fork_id(&"x".repeat(250), &"z".repeat(100)));
        assert!(ids::check_id("id", &fork_id("conv", "a\nb")).is_ok());
    }
}
