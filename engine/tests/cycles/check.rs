//! The graph of dependencies, and its cycles.
//!
//! *Absence.* A value says who wrote it; that there is none does not say who deleted it, and one absence is as good as
//! another. So the history is judged by what can be told apart:
//!
//! - a delete of a key that has no value is no write;
//! - who finds a key absent has seen the newest absence up to its snapshot. If the key was put and deleted since, and is
//!   absent again when the transaction commits, it may as well have seen that one, and nothing follows from it;
//! - who writes a key that was absent at its snapshot need not have noticed that it was put and deleted since.

use super::{By, History, Id, Key, Read, Stamp, Transaction};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// So many cycles with several rw are reported at most.
const MOST_SEVERAL: usize = 20;

/// The place of a transaction in the history.
type Node = usize;

/// Why one transaction must come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// Both wrote a key, one after the other.
    Ww,
    /// The second read what the first wrote.
    Wr,
    /// The second overwrote what the first read.
    Rw,
    /// The second wrote into a range that the first read.
    RwInRange,
}

impl Dependency {
    fn is_anti(self) -> bool {
        self >= Self::Rw
    }
}

/// What is wrong with a history.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Two commits have one version.
    DuplicateVersion,
    /// A value was read that no commit has written: a dirty read (G1a).
    UnknownValue,
    /// Something was read that the version which was read, as the transaction says, did not have.
    OtherVersion,
    /// A cycle of ww and wr (G0, G1c).
    CircularFlow,
    /// A cycle with one rw among ww and wr: a lost update, read skew.
    SingleAnti,
    /// A cycle with several rw: write skew, a phantom.
    SeveralAnti,
}

/// A finding, with the cycle where there is one.
#[derive(Debug, Clone)]
pub struct Violation {
    pub kind: Kind,
    /// Each with the reason why it comes before the next, the last before the first.
    pub cycle: Vec<(Node, Dependency)>,
}

impl Violation {
    /// In words, for who has to find out why.
    pub fn explain(&self, history: &History) -> String {
        let mut text = format!("{:?}", self.kind);
        for &(node, why) in &self.cycle {
            let transaction = &history.transactions[node];
            text += &format!("\n  {node} comes {why:?} before the next: {transaction:?}");
        }
        text
    }
}

/// What was found, and how much was looked at.
#[derive(Debug, Default)]
pub struct Report {
    pub violations: Vec<Violation>,
    pub transactions: usize,
    pub dependencies: usize,
}

impl Report {
    fn add(&mut self, kind: Kind) {
        self.violations.push(Violation { kind, cycle: Vec::new() });
    }

    pub fn has(&self, kind: &Kind) -> bool {
        self.violations.iter().any(|violation| violation.kind == *kind)
    }
}

/// One version of a key: who wrote what, at which stamp.
#[derive(Debug, Clone, Copy)]
struct Written {
    stamp: Stamp,
    node: Node,
    value: Option<Id>,
}

/// The versions of a key, oldest first.
#[derive(Debug, Default)]
struct Versions(Vec<Written>);

impl Versions {
    /// In order, without deletes of what was absent.
    fn tidy(&mut self) {
        self.0.sort_by_key(|written| written.stamp);
        let mut absent = true;
        self.0.retain(|written| {
            let was_absent = std::mem::replace(&mut absent, written.value.is_none());
            written.value.is_some() || !was_absent
        });
    }

    /// The number of versions up to a stamp: 0 stands for the key before it was written.
    fn up_to(&self, stamp: Stamp) -> usize {
        self.0.partition_point(|written| written.stamp <= stamp)
    }

    /// What there is after so many versions.
    fn value(&self, count: usize) -> Option<Id> {
        self.0.get(count.checked_sub(1)?)?.value
    }

    /// After how many versions a transaction has read. `None`: it may have been after several of them, all alike.
    fn seen(&self, read: &Read, reader: &Transaction) -> Result<Option<usize>, Kind> {
        if read.value.is_some() {
            let at = self.0.iter().position(|written| written.value == read.value);
            return at.map(|at| Some(at + 1)).ok_or(Kind::UnknownValue);
        }
        let before = (0..=self.up_to(reader.snapshot)).rev();
        let at = before.into_iter().find(|count| self.value(*count).is_none()).unwrap_or(0);
        let at_commit = reader.version.map_or(at, |version| self.up_to(version.saturating_sub(1)));
        let again = at_commit != at && self.value(at_commit).is_none();
        Ok((!again).then_some(at))
    }

    /// Whether the writer of a version may not have noticed the delete before it.
    fn is_hidden(&self, delete: &Written, writer: &Transaction) -> bool {
        let then = self.up_to(writer.snapshot);
        delete.value.is_none() && writer.snapshot < delete.stamp && self.value(then).is_none()
    }
}

/// Checks a history. One cycle is reported for each rw on a cycle, as bad a one as there is, and of write skew a few.
pub fn check(history: &History) -> Report {
    let transactions = &history.transactions;
    let mut report = Report { transactions: transactions.len(), ..Report::default() };
    let keys = versions_of(history, &mut report);
    let mut graph = Graph::new(transactions.len());
    for versions in keys.values() {
        for pair in versions.0.windows(2) {
            if !versions.is_hidden(&pair[0], &transactions[pair[1].node]) {
                graph.add(pair[0].node, pair[1].node, Dependency::Ww);
            }
        }
    }
    let none = Versions::default();
    for (node, transaction) in transactions.iter().enumerate() {
        for read in &transaction.reads {
            let versions = keys.get(&read.key).unwrap_or(&none);
            if versions.value(versions.up_to(transaction.snapshot)) != read.value {
                report.add(Kind::OtherVersion);
            }
            match versions.seen(read, transaction) {
                Ok(Some(seen)) => graph.add_read(node, read.by, seen, versions),
                Ok(None) => {}
                Err(kind) => report.add(kind),
            }
        }
    }
    report.dependencies = graph.edges.iter().map(Vec::len).sum();
    report.violations.extend(graph.cycles());
    report
}

fn versions_of(history: &History, report: &mut Report) -> BTreeMap<Key, Versions> {
    let mut keys: BTreeMap<Key, Versions> = BTreeMap::new();
    let mut stamps = HashMap::new();
    for (node, transaction) in history.transactions.iter().enumerate() {
        let Some(stamp) = transaction.version else { continue };
        if stamps.insert(stamp, node).is_some() {
            report.add(Kind::DuplicateVersion);
        }
        for &(key, value) in &transaction.writes {
            keys.entry(key).or_default().0.push(Written { stamp, node, value });
        }
    }
    keys.values_mut().for_each(Versions::tidy);
    keys
}

struct Graph {
    edges: Vec<Vec<(Node, Dependency)>>,
}

impl Graph {
    fn new(nodes: usize) -> Self {
        Self { edges: vec![Vec::new(); nodes] }
    }

    fn add(&mut self, from: Node, to: Node, why: Dependency) {
        if from != to && !self.edges[from].contains(&(to, why)) {
            self.edges[from].push((to, why));
        }
    }

    /// Adds what follows from a read after so many versions of a key.
    fn add_read(&mut self, node: Node, by: By, seen: usize, versions: &Versions) {
        if let Some(writer) = seen.checked_sub(1) {
            self.add(versions.0[writer].node, node, Dependency::Wr);
        }
        if let Some(next) = versions.0.get(seen) {
            let anti = match by {
                By::Point => Dependency::Rw,
                By::Range => Dependency::RwInRange,
            };
            self.add(node, next.node, anti);
        }
    }

    /// A cycle without rw, or else one for each rw that lies on one, as bad a one as there is.
    fn cycles(&self) -> Vec<Violation> {
        let is_flow = |why: Dependency| !why.is_anti();
        if let Some(&node) = self.on_a_cycle(is_flow).first() {
            let cycle = self.path(node, node, is_flow).unwrap_or_default();
            return vec![Violation { kind: Kind::CircularFlow, cycle }];
        }
        let (mut found, mut several) = (Vec::new(), 0);
        for from in self.on_a_cycle(|_| true) {
            for &(to, why) in self.edges[from].iter().filter(|(_, why)| why.is_anti()) {
                let rest = if let Some(flow) = self.path(to, from, is_flow) {
                    Some((Kind::SingleAnti, flow))
                } else if several < MOST_SEVERAL {
                    self.path(to, from, |_| true).map(|path| (Kind::SeveralAnti, path))
                } else {
                    None
                };
                let Some((kind, rest)) = rest else { continue };
                several += usize::from(kind == Kind::SeveralAnti);
                found.push(Violation { kind, cycle: [vec![(from, why)], rest].concat() });
            }
        }
        found
    }

    /// Nodes on cycles of such dependencies, and perhaps some between two cycles: what is left when those without
    /// predecessors are taken away again and again, and then those without successors.
    fn on_a_cycle(&self, follow: impl Fn(Dependency) -> bool) -> Vec<Node> {
        let mut reversed = vec![Vec::new(); self.edges.len()];
        let mut forward = reversed.clone();
        for (from, edges) in self.edges.iter().enumerate() {
            for &(to, _) in edges.iter().filter(|(_, why)| follow(*why)) {
                forward[from].push(to);
                reversed[to].push(from);
            }
        }
        let mut left = vec![true; self.edges.len()];
        peel(&forward, &mut left);
        peel(&reversed, &mut left);
        (0..left.len()).filter(|node| left[*node]).collect()
    }

    /// A shortest path of at least one step, as what is left and why.
    fn path(
        &self,
        from: Node,
        to: Node,
        follow: impl Fn(Dependency) -> bool,
    ) -> Option<Vec<(Node, Dependency)>> {
        let mut came: HashMap<Node, (Node, Dependency)> = HashMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            for &(next, why) in self.edges[node].iter().filter(|(_, why)| follow(*why)) {
                if came.contains_key(&next) {
                    continue;
                }
                came.insert(next, (node, why));
                if next == to {
                    return Some(unwind(&came, from, to));
                }
                queue.push_back(next);
            }
        }
        None
    }
}

fn unwind(
    came: &HashMap<Node, (Node, Dependency)>,
    from: Node,
    to: Node,
) -> Vec<(Node, Dependency)> {
    let mut path = Vec::new();
    let mut node = to;
    loop {
        let step = came[&node];
        path.push(step);
        node = step.0;
        if node == from {
            path.reverse();
            return path;
        }
    }
}

/// Takes away nodes without predecessors, until there are none.
fn peel(edges: &[Vec<Node>], left: &mut [bool]) {
    let mut predecessors = vec![0_usize; edges.len()];
    let alive = |left: &[bool], node: &Node| left[*node];
    for from in (0..edges.len()).filter(|node| alive(left, node)) {
        edges[from].iter().for_each(|to| predecessors[*to] += 1);
    }
    let free = |node: &Node| predecessors[*node] == 0 && alive(left, node);
    let mut free: Vec<Node> = (0..edges.len()).filter(free).collect();
    while let Some(node) = free.pop() {
        left[node] = false;
        for &to in edges[node].iter().filter(|to| left[**to]) {
            predecessors[to] -= 1;
            if predecessors[to] == 0 {
                free.push(to);
            }
        }
    }
}
