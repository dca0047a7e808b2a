//! Chains of generated blocks. Everything is a function of the plan and its seed: two contenders, or two runs, get the same.

use clap::ValueEnum;

use super::program::{Block, Key, LEN, Step, Value, value};
use super::state::Entries;
use super::work::Pace;
use crate::workload::Zipf;

/// What the transactions of a chain do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Workload {
    /// Transfers between two of the accounts: 2 reads, 2 writes
    Transfers,
    /// Payments as some chains do them: 8 reads, 5 writes
    Wide,
    /// Transfers that pay a fee to one key, by addition; each hundredth reads that key
    Hot,
    /// Transfers to and fro between two accounts: nothing can run beside anything
    Chain,
    /// A scan of 10 keys and a new key, over as many old keys as there are transactions
    Range,
    /// Of everything something: transfers, scans, additions, keys that come and go
    Mixed,
    /// Nine of ten only read
    Reads,
    /// Transfers between accounts of which a few are popular (skew 0.99)
    Zipf,
}

impl Workload {
    /// The name on the command line and in the reports.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Transfers => "transfers",
            Workload::Wide => "wide",
            Workload::Hot => "hot",
            Workload::Chain => "chain",
            Workload::Range => "range",
            Workload::Mixed => "mixed",
            Workload::Reads => "reads",
            Workload::Zipf => "zipf",
        }
    }

    /// Whether its transactions read keys in order.
    pub fn scans(self) -> bool {
        matches!(self, Workload::Range | Workload::Mixed)
    }

    /// Whether it is about accounts that can be chosen.
    pub fn has_accounts(self) -> bool {
        !matches!(self, Workload::Chain | Workload::Range)
    }
}

/// What a chain of blocks is like.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What its transactions do.
    pub workload: Workload,
    /// Accounts to choose from, at least two.
    pub accounts: u64,
    /// Transactions a block.
    pub transactions: usize,
    /// Keys that lie there and are not touched.
    pub ballast: u64,
    /// What is drawn is a function of it.
    pub seed: u64,
    /// Computation of a transaction.
    pub micros: f64,
    /// How fast this machine computes.
    pub pace: Pace,
}

/// Key tables: the first part of what a key is.
mod table {
    pub const BALANCE: u64 = 1;
    pub const SEQUENCE: u64 = 2;
    pub const CODE: u64 = 3;
    pub const STORE: u64 = 4;
    pub const CONFIG: u64 = 5;
    pub const COUNTER: u64 = 6;
    pub const BALLAST: u64 = 7;
}

/// The first byte of keys that lie in the order of their numbers. Those of the tables are spread over all others too, but a
/// scan from within does not leave these.
const ORDERED: u8 = 0x80;

/// Bits of an ordered key's number below its slot: blocks put new keys between the old.
const SLOT_BITS: u32 = 20;

/// Counters that are added to.
const COUNTERS: u64 = 16;

/// Skew of the popular accounts.
const SKEW: f64 = 0.99;

/// The key of `number` in a table: different for every pair, and far from its neighbours.
fn key(table: u64, number: u64) -> Key {
    let mut key = [0; LEN];
    let mut word = scramble((table << 56) | number);
    for chunk in key.as_chunks_mut::<8>().0 {
        *chunk = word.to_be_bytes();
        word = scramble(word ^ 0x5bd1_e995);
    }
    key
}

/// A bijection of 64-bit words that looks random.
fn scramble(word: u64) -> u64 {
    let word = (word ^ (word >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
    let word = (word ^ (word >> 27)).wrapping_mul(0x81da_def4_bc2d_d44d);
    word ^ (word >> 33)
}

fn ordered(slot: u64, place: u64) -> Key {
    let mut key = [0; LEN];
    key[0] = ORDERED;
    key[8..16].copy_from_slice(&((slot << SLOT_BITS) | place).to_be_bytes());
    key
}

/// What an account has at the beginning.
const ENDOWMENT: u64 = 1_000_000_000;

impl Plan {
    /// What is in the store before the first block.
    pub fn base(&self) -> Entries {
        let mut entries = Vec::new();
        let mut add = |key: Key, value: Value| entries.push((key.to_vec(), value.to_vec()));
        for account in 0..self.accounts() {
            for table in [table::BALANCE, table::SEQUENCE, table::CODE, table::STORE] {
                let key = key(table, account);
                add(key, value(ENDOWMENT, account, 0, &key));
            }
        }
        add(key(table::CONFIG, 0), [7; LEN]);
        for counter in 0..COUNTERS {
            add(key(table::COUNTER, counter), [0; LEN]);
        }
        if self.workload.scans() {
            for slot in 0..self.slots() {
                let key = ordered(slot, 0);
                add(key, value(slot, 0, 0, &key));
            }
        }
        for number in 0..self.ballast {
            let key = key(table::BALLAST, number);
            add(key, value(number, 0, 0, &key));
        }
        entries
    }

    /// Block `number` of the chain, counted from 0.
    pub fn block(&self, number: u64) -> Block {
        let mut block = Block::new(self.pace.rounds(self.micros * 1e3));
        let seed = scramble(self.seed ^ scramble(number ^ 0x0062_6c6f_636b));
        let zipf =
            (self.workload == Workload::Zipf).then(|| Zipf::new(self.accounts() as usize, SKEW));
        let mut draw = Draw { plan: self, rng: fastrand::Rng::with_seed(seed), zipf, number };
        for index in 0..self.transactions as u64 {
            draw.transaction(index, &mut block);
        }
        block
    }

    fn accounts(&self) -> u64 {
        if self.workload == Workload::Chain { 2 } else { self.accounts.max(2) }
    }

    fn slots(&self) -> u64 {
        self.transactions.max(1) as u64
    }

    /// The keys that hold balances: their sum never changes, whatever is transferred.
    pub fn balances(&self) -> impl Iterator<Item = Key> + use<> {
        (0..self.accounts()).map(|account| key(table::BALANCE, account))
    }
}

/// Draws the transactions of one block.
struct Draw<'a> {
    plan: &'a Plan,
    rng: fastrand::Rng,
    zipf: Option<Zipf>,
    number: u64,
}

impl Draw<'_> {
    fn transaction(&mut self, index: u64, block: &mut Block) {
        match self.plan.workload {
            Workload::Transfers | Workload::Chain | Workload::Zipf => self.transfer(block),
            Workload::Wide => self.wide(block),
            Workload::Hot => self.hot(index, block),
            Workload::Range => self.range(index, block),
            Workload::Mixed => self.mixed(index, block),
            Workload::Reads if self.rng.u8(0..10) == 0 => self.transfer(block),
            Workload::Reads => {
                let mut keys = [0; 4].map(|_| key(table::BALANCE, self.account()));
                keys[3] = key(table::CODE, self.account());
                let reads = keys.map(|key| Step::Read { key, register: 0 });
                block.push(reads.into_iter().chain([Step::Work]));
            }
        }
    }

    fn account(&mut self) -> u64 {
        match &self.zipf {
            Some(zipf) => zipf.draw(&mut self.rng) as u64,
            None => self.rng.u64(0..self.plan.accounts()),
        }
    }

    /// Two different accounts.
    fn pair(&mut self) -> (u64, u64) {
        let from = self.account();
        let to = self.account();
        // Where both are the same the neighbour is paid: drawing on could take for ever with a popular account.
        (from, if from == to { (to + 1) % self.plan.accounts() } else { to })
    }

    fn transfer_steps(&mut self) -> [Step; 5] {
        let (from, to) = self.pair();
        let (from, to) = (key(table::BALANCE, from), key(table::BALANCE, to));
        let amount = self.rng.i64(1..1_000);
        [
            Step::Read { key: from, register: 0 },
            Step::Read { key: to, register: 1 },
            Step::Work,
            Step::Write { key: from, register: 0, delta: -amount },
            Step::Write { key: to, register: 1, delta: amount },
        ]
    }

    fn transfer(&mut self, block: &mut Block) {
        block.push(self.transfer_steps());
    }

    fn wide(&mut self, block: &mut Block) {
        use table::{BALANCE, CODE, CONFIG, SEQUENCE, STORE};
        let (from, to) = self.pair();
        let amount = self.rng.i64(1..1_000);
        let read = |table, number, register| Step::Read { key: key(table, number), register };
        let write = |table, number, register, delta| Step::Write {
            key: key(table, number),
            register,
            delta,
        };
        block.push([
            read(CONFIG, 0, 3),
            read(CODE, from, 3),
            read(SEQUENCE, from, 2),
            read(BALANCE, from, 0),
            read(CODE, to, 3),
            read(BALANCE, to, 1),
            read(STORE, from, 3),
            read(STORE, to, 3),
            Step::Work,
            write(BALANCE, from, 0, -amount),
            write(BALANCE, to, 1, amount),
            write(SEQUENCE, from, 2, 1),
            write(STORE, from, 3, 1),
            write(STORE, to, 3, 1),
        ]);
    }

    fn hot(&mut self, index: u64, block: &mut Block) {
        let collector = key(table::COUNTER, 0);
        let last = if index % 100 == 99 {
            Step::Read { key: collector, register: 2 }
        } else {
            Step::Add { key: collector, amount: self.rng.u32(1..100) }
        };
        let steps = self.transfer_steps();
        block.push(steps.into_iter().chain([last]));
    }

    /// A slot for each transaction of a block, in an order that jumps.
    fn slot_of(&self, index: u64) -> u64 {
        const PRIME: u64 = 4_093_082_899;
        // A product with a prime that does not divide the number of slots visits each once.
        index.wrapping_mul(PRIME) % self.plan.slots()
    }

    fn range(&mut self, index: u64, block: &mut Block) {
        let from = ordered(self.rng.u64(0..self.plan.slots()), 0);
        let place = self.number % ((1 << SLOT_BITS) - 1) + 1;
        let new = ordered(self.slot_of(index), place);
        block.push([
            Step::Scan { from, limit: 10 },
            Step::Work,
            Step::Write { key: new, register: 0, delta: 1 },
        ]);
    }

    fn mixed(&mut self, index: u64, block: &mut Block) {
        let counter = key(table::COUNTER, self.rng.u64(0..COUNTERS));
        let any = ordered(self.rng.u64(0..self.plan.slots()), 0);
        match self.rng.u8(0..100) {
            0..55 => self.transfer(block),
            55..60 => self.wide(block),
            60..70 => self.range(index, block),
            70..80 => {
                let amount = self.rng.u32(1..100);
                block.push([Step::Work, Step::Add { key: counter, amount }]);
            }
            80..83 => block.push([Step::Read { key: counter, register: 0 }, Step::Work]),
            83..90 => block.push([Step::Work, Step::Delete { key: any }]),
            90..97 => block.push([
                Step::Read { key: any, register: 0 },
                Step::Work,
                Step::Write { key: any, register: 0, delta: 1 },
            ]),
            _ => block.push([
                Step::Work,
                Step::Delete { key: any },
                Step::Add { key: counter, amount: 1 },
                Step::Scan { from: any, limit: 5 },
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::blocks::program::{Job, number};
    use crate::blocks::sequential::{Ordered, Points, Reference, execute};

    fn plan(workload: Workload) -> Plan {
        let pace = Pace::fixed(1.0);
        Plan { workload, accounts: 20, transactions: 300, ballast: 10, seed: 3, micros: 1.0, pace }
    }

    #[test]
    fn keys_differ_and_the_seed_decides() {
        for workload in Workload::value_variants() {
            let plan = plan(*workload);
            let base = plan.base();
            let keys: BTreeSet<_> = base.iter().map(|(key, _)| key).collect();
            assert_eq!(keys.len(), base.len());
            let (block, other) = (plan.block(1), Plan { seed: 4, ..plan }.block(1));
            assert_eq!(block.transactions(), 300);
            assert!((0..300).all(|index| block.steps(index) == plan.block(1).steps(index)));
            assert!((0..300).any(|index| block.steps(index) != other.steps(index)));
        }
    }

    #[test]
    fn both_references_agree_and_transfers_keep_the_sum() {
        for workload in Workload::value_variants() {
            let plan = plan(*workload);
            let base = plan.base();
            let (mut points, mut tree) = (Points::load(&base), Ordered::load(&base));
            for block in 0..3 {
                let block = plan.block(block);
                assert_eq!(execute(&block, &mut points), execute(&block, &mut tree));
            }
            let entries = points.entries();
            assert_eq!(entries, tree.entries());
            let balances: BTreeSet<Vec<u8>> = plan.balances().map(|key| key.to_vec()).collect();
            let sum = entries.iter().filter(|(key, _)| balances.contains(key));
            let sum = sum.fold(0_u64, |sum, (_, value)| sum.wrapping_add(number(Some(value))));
            let accounts = balances.len() as u64;
            assert_eq!(sum, accounts * ENDOWMENT, "{workload:?}");
        }
    }

    #[test]
    fn every_slot_gets_a_new_key() {
        let plan = plan(Workload::Range);
        let block = plan.block(0);
        let written = (0..300).map(|index| match block.steps(index) {
            [Step::Scan { .. }, Step::Work, Step::Write { key, .. }] => *key,
            other => panic!("{other:?}"),
        });
        assert_eq!(written.collect::<BTreeSet<_>>().len(), 300);
    }
}
