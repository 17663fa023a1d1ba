//! A trie of topics: values found by all the topics that a subject begins with.
//!
//! ```text
//!   (root) ─ "w" ─ "eather." ─┬─ "n" ─ "yc"       one node for each topic and for each place where topics part;
//!      │                      └─ "r" ─ "ome"      an edge is the octet that tells children apart, a label the rest
//!      └──── "n" ─ "ews"
//! ```
//!
//! To add, remove or match costs time in proportion to the length of the topic or subject, whatever else is in the
//! trie: labels have at most [`LABEL_MAX`] octets (a longer run is a chain of nodes), so that parting or joining them
//! copies little. Nothing recurs: a topic of a megabyte needs no stack. A node is one cache line.

use std::mem;

/// Values by topic.
#[derive(Debug)]
pub(crate) struct Trie<V> {
    nodes: Vec<Node<V>>,
    free: Vec<NodeId>,
    topics: usize,
}

/// A node of one trie. It keeps its id while it has a value.
pub(crate) type NodeId = u32;

#[derive(Debug)]
#[repr(align(64))]
struct Node<V> {
    label: Label,
    value: Option<V>,
    /// By their octets.
    children: Box<[Child]>,
    parent: NodeId,
    /// The edge from the parent.
    octet: u8,
}

#[derive(Debug, Clone, Copy)]
struct Child {
    octet: u8,
    node: NodeId,
}

#[derive(Debug)]
enum Label {
    Short { len: u8, octets: [u8; Label::SHORT] },
    Long(Box<[u8]>),
}

const ROOT: NodeId = 0;

/// Longest label. A longer run of octets without a fork is a chain of nodes.
const LABEL_MAX: usize = 255;

/// One who subscribes must not cost more than a few cache lines.
const _: () = assert!(size_of::<Node<[u32; 3]>>() == 64);

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { nodes: vec![Node::new(ROOT, 0, &[])], free: Vec::new(), topics: 0 }
    }
}

impl<V> Trie<V> {
    /// Number of topics.
    pub(crate) const fn topics(&self) -> usize {
        self.topics
    }

    /// The value of a topic, made if there is none.
    pub(crate) fn get_or_insert_with(&mut self, topic: &[u8], make: impl FnOnce() -> V) -> (NodeId, &mut V) {
        let node = self.make_way(topic);
        let value = &mut self.nodes[node as usize].value;
        if value.is_none() {
            self.topics += 1;
        }
        (node, value.get_or_insert_with(make))
    }

    /// The node of a topic that has a value.
    pub(crate) fn find(&self, topic: &[u8]) -> Option<NodeId> {
        let (mut node, mut rest) = (ROOT, topic);
        while !rest.is_empty() {
            (node, rest) = self.step(node, rest)?;
        }
        self.node(node).value.is_some().then_some(node)
    }

    /// The value of a node.
    pub(crate) fn get_mut(&mut self, node: NodeId) -> Option<&mut V> {
        self.nodes.get_mut(node as usize)?.value.as_mut()
    }

    /// Takes the value of a node out. The node may be gone then.
    pub(crate) fn remove(&mut self, node: NodeId) -> Option<V> {
        let value = self.nodes.get_mut(node as usize)?.value.take()?;
        self.topics -= 1;
        if self.topics == 0 {
            // Whoever had a hundred thousand topics may never have as many again.
            *self = Self::default();
        } else {
            self.tidy(node);
        }
        Some(value)
    }

    /// Writes the topic of a node into `into`, whatever was there.
    pub(crate) fn topic_of(&self, node: NodeId, into: &mut Vec<u8>) {
        into.clear();
        let mut at = node;
        while at != ROOT {
            let node = self.node(at);
            into.extend(node.label.as_slice().iter().rev());
            into.push(node.octet);
            at = node.parent;
        }
        into.reverse();
    }

    /// The values of all topics that `subject` begins with, the shortest topic first.
    #[inline]
    pub(crate) fn prefixes<'a>(&'a self, subject: &'a [u8]) -> Prefixes<'a, V> {
        Prefixes { trie: self, next: Some((ROOT, subject)) }
    }

    /// From a node along `rest`, which is not empty, to the next node and what is left then.
    #[inline]
    fn step<'a>(&self, node: NodeId, rest: &'a [u8]) -> Option<(NodeId, &'a [u8])> {
        let (octet, rest) = rest.split_first()?;
        let next = self.node(node).child(*octet)?;
        let rest = rest.strip_prefix(self.node(next).label.as_slice())?;
        Some((next, rest))
    }

    #[inline]
    fn node(&self, node: NodeId) -> &Node<V> {
        &self.nodes[node as usize]
    }

    /// The node of a topic, with or without a value.
    fn make_way(&mut self, topic: &[u8]) -> NodeId {
        let (mut node, mut rest) = (ROOT, topic);
        while let Some((&octet, after)) = rest.split_first() {
            match self.node(node).child(octet) {
                None => {
                    let (label, left) = after.split_at(after.len().min(LABEL_MAX));
                    let child = self.insert(Node::new(node, octet, label));
                    self.adopt(node, octet, child);
                    (node, rest) = (child, left);
                }
                Some(child) => {
                    let label = self.node(child).label.as_slice();
                    let common = label.iter().zip(after).take_while(|(a, b)| a == b).count();
                    node = if common < label.len() { self.part(child, common) } else { child };
                    rest = &after[common..];
                }
            }
        }
        node
    }

    /// Puts a node into the edge to `lower`, behind the first `at` octets of its label.
    fn part(&mut self, lower: NodeId, at: usize) -> NodeId {
        let node = &mut self.nodes[lower as usize];
        let label = mem::replace(&mut node.label, Label::EMPTY);
        let label = label.as_slice();
        let (parent, octet, lower_octet) = (node.parent, node.octet, label[at]);
        node.octet = lower_octet;
        node.label = Label::new(&label[at + 1..]);
        let mut upper = Node::new(parent, octet, &label[..at]);
        upper.children = Box::new([Child { octet: lower_octet, node: lower }]);
        let upper = self.insert(upper);
        self.nodes[lower as usize].parent = upper;
        self.nodes[parent as usize].replace_child(octet, upper);
        upper
    }

    /// Takes nodes out that neither have a value nor part topics, from `node` towards the root.
    fn tidy(&mut self, mut node: NodeId) {
        while node != ROOT && self.node(node).value.is_none() {
            let Node { children, parent, octet, label, .. } = self.node(node);
            let (parent, octet) = (*parent, *octet);
            match **children {
                [] => {
                    self.nodes[parent as usize].disown(octet);
                    self.release(node);
                    node = parent;
                }
                [Child { octet: lower_octet, node: lower }] => {
                    let lower_label = self.node(lower).label.as_slice();
                    if label.as_slice().len() + 1 + lower_label.len() <= LABEL_MAX {
                        let joined = Label::new(&[label.as_slice(), &[lower_octet], lower_label].concat());
                        let below = &mut self.nodes[lower as usize];
                        (below.label, below.octet, below.parent) = (joined, octet, parent);
                        self.nodes[parent as usize].replace_child(octet, lower);
                        self.release(node);
                    }
                    return;
                }
                [_, _, ..] => return,
            }
        }
    }

    fn insert(&mut self, node: Node<V>) -> NodeId {
        if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = node;
            return id;
        }
        let id = NodeId::try_from(self.nodes.len()).expect("memory ends before four thousand million nodes");
        if self.nodes.len() == self.nodes.capacity() {
            // Doubling would leave half of many megabytes unused.
            self.nodes.reserve_exact(self.nodes.len() / 8 + 4);
        }
        self.nodes.push(node);
        id
    }

    fn release(&mut self, node: NodeId) {
        self.nodes[node as usize] = Node::new(ROOT, 0, &[]);
        self.free.push(node);
    }

    fn adopt(&mut self, parent: NodeId, octet: u8, node: NodeId) {
        let children = &mut self.nodes[parent as usize].children;
        let at = children.partition_point(|child| child.octet < octet);
        let mut list = mem::take(children).into_vec();
        list.reserve_exact(1);
        list.insert(at, Child { octet, node });
        *children = list.into_boxed_slice();
    }
}

impl<V> Node<V> {
    fn new(parent: NodeId, octet: u8, label: &[u8]) -> Self {
        Self { label: Label::new(label), value: None, children: Box::default(), parent, octet }
    }

    #[inline]
    fn child(&self, octet: u8) -> Option<NodeId> {
        let at = self.children.binary_search_by_key(&octet, |child| child.octet).ok()?;
        self.children.get(at).map(|child| child.node)
    }

    fn replace_child(&mut self, octet: u8, node: NodeId) {
        for child in &mut self.children {
            if child.octet == octet {
                child.node = node;
            }
        }
    }

    fn disown(&mut self, octet: u8) {
        let mut list = mem::take(&mut self.children).into_vec();
        list.retain(|child| child.octet != octet);
        self.children = list.into_boxed_slice();
    }
}

impl Label {
    /// As many octets as fit beside the tag and the length in 24.
    const SHORT: usize = 22;
    const EMPTY: Self = Self::Short { len: 0, octets: [0; Self::SHORT] };

    fn new(label: &[u8]) -> Self {
        if label.len() > Self::SHORT {
            return Self::Long(label.into());
        }
        let mut octets = [0; Self::SHORT];
        octets[..label.len()].copy_from_slice(label);
        #[expect(clippy::cast_possible_truncation, reason = "at most 22")]
        let len = label.len() as u8;
        Self::Short { len, octets }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { len, octets } => &octets[..usize::from(*len).min(Self::SHORT)],
            Self::Long(octets) => octets,
        }
    }
}

/// See [`Trie::prefixes`].
pub(crate) struct Prefixes<'a, V> {
    trie: &'a Trie<V>,
    next: Option<(NodeId, &'a [u8])>,
}

impl<'a, V> Iterator for Prefixes<'a, V> {
    type Item = &'a V;

    #[inline]
    fn next(&mut self) -> Option<&'a V> {
        while let Some((node, rest)) = self.next {
            self.next = self.trie.step(node, rest);
            if let Some(value) = &self.trie.node(node).value {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
impl<V> Trie<V> {
    /// Panics unless the trie is as small as it may be, and its links agree.
    pub(crate) fn check(&self) {
        let (mut seen, mut single, mut octets) = (1, 0, 0);
        let mut left = vec![ROOT];
        while let Some(id) = left.pop() {
            let node = self.node(id);
            assert!(node.children.is_sorted_by(|a, b| a.octet < b.octet));
            for child in &node.children {
                let below = self.node(child.node);
                assert_eq!((below.parent, below.octet), (id, child.octet));
                seen += 1;
                left.push(child.node);
            }
            if id != ROOT && node.value.is_none() {
                assert!(!node.children.is_empty(), "a leaf without a value");
                single += usize::from(node.children.len() == 1);
                octets += node.label.as_slice().len();
            }
        }
        assert_eq!(seen + self.free.len(), self.nodes.len());
        assert!(single <= self.topics + octets / (LABEL_MAX / 2), "{single} nodes that part nothing");
    }
}
