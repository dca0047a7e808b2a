//! One open block: what its transactions have written so far, on top of one snapshot.
//!
//! *Role.* The half of a multi-version block that needs `unsafe`: keys, versions by transaction index, the order of written
//! keys, and the accounts of runs, all in an arena that goes away as a whole. What a transaction sees, how a run is judged
//! and when it counts is the business of the crate above, which has no unsafe code. For that crate, and for nobody else.
//!
//! *Picture.*
//! ```text
//!  BlockMap ─┬ table ──► BlockKey                       a key, at its first touch
//!            │             ├ head ─► Entry idx 9 ─► Entry idx 4 ─► ∅
//!            │             │            └► Cell          └► Cell      what a run wrote; immutable
//!            │             ├ settled ─► Cell or the base
//!            │             └ base: the value that the snapshot has
//!            ├ logs ───► keys that were written
//!            ├ order ──► skip list of written keys, from the first range on
//!            ├ accounts: for each transaction what its last published run read and wrote
//!            └ arena: all of these lie in it
//! ```
//! *Invariants.*
//! - B-0 What is stored in a block's arena leads to that block's arena and snapshot only: keys carry the number of their block,
//!   and are compared with it where they are given back.
//! - B-3 Nothing in the arena is freed or used again while the block is borrowed. So views of it live as long as the borrow, no
//!   address comes back, and equal words mean the same answer.
//! - B-1, B-2 in `entry.rs`; B-4 in `table.rs`; B-6 in `log.rs`; B-10, B-11 in `arena.rs`; R-1 .. R-3 in `order.rs`.
//! - B-7 *Who may do what.* One thread at a time publishes, withdraws or estimates a transaction. A run counts once it is
//!   validated while all lower ones are final, with every read compared with the one answer there is then; a run that saw half
//!   of another's writes either fails that or saw the very bytes that are final. Breaking the first rule mixes runs up;
//!   it never touches memory that is not there.
//!
//! *Progress.* Nothing here waits. Touching, publishing and building the order index are lock-free up to the allocator, looking is
//! wait-free up to what is added meanwhile. The base is asked at the first touch of a key and pins for that long.
//!
//! *Orderings* are with each file. `account-store` (Release), `account-load` (Acquire): the account.
//!
//! *Reclamation.* None: chunks go back to the pool with the block.

mod arena;
mod key;
mod cell;
mod entry;
mod account;
mod table;
mod log;
mod order;
#[cfg(all(test, not(epoch_loom)))]
mod tests;
mod writer;
mod ground;

pub use account::{Account, Direction, RangeRead, Read, ReadKind};
pub use arena::Pool;
pub use cell::{Kind, Seen, State, Write};
pub use ground::{BaseRange, Ground, Grounded};
pub use key::KeyRef;
pub use order::{Order, Walk};
pub use writer::Writer;

use crate::Version;
use crate::batch::WriteOp;
use crate::chain::Record;
use crate::error::Error;
use crate::hash::Front;
use crate::key_space::KeySpace;
use crate::map::Map;
use crate::snapshot::Snapshot;
use crate::store::Located;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering, ord, serial_number, zeroed_slots};
use arena::Arena;
use log::Logs;
use order::Index;
use std::fmt;
use std::ops::Bound;
use std::ptr::{self, NonNull};
use table::Table;

/// See the module header.
pub struct BlockMap {
    base: Snapshot,
    /// None: the default one.
    space: Option<KeySpace>,
    /// What lies below the base, if something does.
    ground: Option<Box<dyn Ground>>,
    /// Its number in the store of the base.
    space_id: u32,
    /// The hash front of that space. It is asked for a place at each look-up, so the way there is short.
    front: NonNull<Front>,
    number: u64,
    table: Table,
    accounts: Box<[AtomicPtr<Account<'static>>]>,
    transactions: u32,
    logs: Logs,
    order: AtomicPtr<Index>,
    /// Keys that were touched, by writers that have left.
    touched: AtomicUsize,
    arena: Arena,
}

// SAFETY: pointers lead into the arena and the snapshot, which go where this goes, and to the front of a space, which stays where it
// is; what they lead to is immutable or atomic.
unsafe impl Send for BlockMap {}
// SAFETY: as above.
unsafe impl Sync for BlockMap {}

impl BlockMap {
    /// A block of so many transactions on a snapshot.
    ///
    /// # Errors
    /// [`Error::ForeignSpace`].
    pub fn new(
        base: Snapshot,
        space: Option<KeySpace>,
        transactions: u32,
        pool: &Pool,
    ) -> Result<Self, Error> {
        let space_id = space.as_ref().map_or(Ok(0), |space| space.id_in(base.store()))?;
        let front = &base.store().space(space_id).front;
        let (hasher, front) = (front.hasher().clone(), NonNull::from(front));
        Ok(Self {
            base,
            space,
            ground: None,
            space_id,
            front,
            number: serial_number(),
            table: Table::new(expected_keys(transactions, pool), hasher),
            // One more than there are transactions, so that there is one at least.
            accounts: zeroed_slots(transactions as usize + 1),
            transactions,
            logs: Logs::new(),
            order: AtomicPtr::new(ptr::null_mut()),
            touched: AtomicUsize::new(0),
            arena: Arena::new(pool.clone()),
        })
    }

    /// The key space, if it is not the default one.
    pub fn space(&self) -> Option<&KeySpace> {
        self.space.as_ref()
    }

    /// How many transactions it has.
    pub fn transactions(&self) -> u32 {
        self.transactions
    }

    fn number(&self) -> u64 {
        self.number
    }

    /// A place to write. Each takes a chunk once it is used: one for each thread.
    pub fn writer(&self) -> Writer<'_> {
        Writer::new(self)
    }

    /// The key, if it was touched. Wait-free up to keys added meanwhile.
    pub fn find(&self, key: &[u8]) -> Option<KeyRef<'_>> {
        self.table.find(key, self.table.hash(key)).ok()
    }

    /// Asks the cache for the place of a key that is about to be looked for.
    pub fn prefetch(&self, key: &[u8]) {
        self.table.prefetch(key);
    }

    /// Asks for where the base will be asked for a key of this hash, if it has to be: while the block's own table is looked at.
    #[inline(always)]
    fn prefetch_base(&self, hash: u64) {
        // SAFETY: I-51: a space never moves, and lives as long as its store, which the base keeps alive.
        unsafe { self.front.as_ref() }.prefetch_unpinned(hash);
    }

    fn locate(&self, key: &[u8], hash: u64) -> Option<Located<'_>> {
        self.base.locate(self.space_id, key, hash)
    }

    /// The entries of the base inside some bounds, from either end.
    pub fn base_range(&self, lo: Bound<&[u8]>, hi: Bound<&[u8]>) -> BaseRange<'_> {
        if let Some(ground) = &self.ground {
            return BaseRange::of_ground(ground.range(&self.base, lo, hi));
        }
        let keys = (lo, hi);
        BaseRange::of_memory(match &self.space {
            None => self.base.range(keys),
            Some(space) => {
                self.base.space(space).expect("compared when the block was opened").range(keys)
            }
        })
    }

    /// Asks what lies below the base, for a key that this has not got.
    fn ground(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.ground.as_ref()?.get(&self.base, key)
    }

    /// From now on, what the base has not got is asked of `ground`.
    #[must_use]
    pub fn on(mut self, ground: impl Ground + 'static) -> Self {
        self.ground = Some(Box::new(ground));
        self
    }

    fn slot(&self, idx: u32) -> &AtomicPtr<Account<'static>> {
        assert!(idx < self.transactions, "no transaction of this block");
        &self.accounts[idx as usize]
    }

    /// What the last published run of `idx` read and wrote; `None`: there is none, or nobody will ask, for it is final.
    ///
    /// # Panics
    /// `idx` is none of the block's.
    pub fn account(&self, idx: u32) -> Option<&Account<'_>> {
        let account = self.slot(idx).load(ord!("account-load", Acquire));
        // SAFETY: null, or an account in the arena, published by the store; its lifetime is that of the borrow (B-3).
        unsafe { account.cast_const().cast::<Account<'_>>().as_ref() }
    }

    fn index_if_built(&self) -> Option<&Index> {
        // SAFETY: null, or an index in the arena.
        unsafe { self.order.load(ord!("order-load", Acquire)).as_ref() }
    }

    /// The written keys in order. The first call builds the index, from all logs; others help it.
    pub fn ordered<'b>(&'b self, writer: &mut Writer<'b>) -> Order<'b> {
        assert!(ptr::eq(writer.map(), self), "a writer of another block");
        Order::new(writer.build_order())
    }

    /// Every key that a published run has written, in no order; once each, but for those that somebody is publishing at this
    /// moment.
    pub fn written(&self) -> impl Iterator<Item = KeyRef<'_>> {
        self.logs.keys()
    }

    /// The number of the key space of the block; 0: the default one.
    pub fn space_id(&self) -> u32 {
        self.space_id
    }

    /// Where the base has values of these keys: asked for while the block is there, and for its commit.
    ///
    /// # Panics
    /// A key is one of another block.
    pub fn places<'b>(&'b self, keys: impl Iterator<Item = KeyRef<'b>>) -> Places {
        let record = |key: KeyRef<'b>| {
            assert!(key.owner() == self.number, "a key of another block");
            key.record()
        };
        Places { owner: self.number, records: keys.map(record).collect() }
    }

    /// Commits writes to the block's key space of `map`, which is the map of its base, as one version, and ends the block: its
    /// base is let go before what the commit has superseded is looked at, which can be freed at once then. As
    /// [`Map::commit`](crate::Map::commit) of a batch, which needs not be made: the bytes are copied once.
    ///
    /// The keys are those of `places`, in its order, which is ascending; each is there once. What the block has found at first
    /// touches is not looked for again.
    ///
    /// # Errors
    /// [`Error::ForeignSnapshot`]: it is another map. As for [`Map::commit`](crate::Map::commit). Nothing is stored then.
    ///
    /// # Panics
    /// The places are another block's, or not as many as there are writes.
    pub fn commit<'w>(
        self,
        map: &Map,
        places: &Places,
        writes: impl ExactSizeIterator<Item = (&'w [u8], Option<&'w [u8]>)> + Clone,
    ) -> Result<Version, Error> {
        assert!(places.owner == self.number, "places of another block");
        assert!(places.records.len() == writes.len(), "a place for each write");
        let store = map.store();
        if self.base.store().serial() != store.serial() {
            return Err(Error::ForeignSnapshot);
        }
        let space = self.space_id;
        let ops = places.records.iter().zip(writes);
        let ops = ops.map(|(&record, (key, value))| (record, WriteOp { space, key, value }));
        // SAFETY: the records are those in which the base has values, of this store, and it is held until it is dropped.
        unsafe { store.commit_located(ops, || drop(self)) }.map(Version::from)
    }
}

/// Where the base has values of some keys of a block; from [`BlockMap::places`].
pub struct Places {
    owner: u64,
    records: Vec<Option<NonNull<Record>>>,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("len", &self.records.len()).finish_non_exhaustive()
    }
}

/// Twice as many keys as a block will touch, by what the last ones did. Nothing is known before the first: four for each
/// transaction. No fewer than half a key each: the next block may be of another kind, and its table cannot grow.
fn expected_keys(transactions: u32, pool: &Pool) -> usize {
    let transactions = usize::try_from(transactions).unwrap_or(usize::MAX);
    match pool.keys() {
        0 => transactions.saturating_mul(4),
        touched => (2 * touched).max(transactions / 2),
    }
}

impl Drop for BlockMap {
    fn drop(&mut self) {
        self.arena.pool().note_keys(self.touched.load(Ordering::Relaxed));
    }
}

impl fmt::Debug for BlockMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockMap")
            .field("version", &self.base.version())
            .field("transactions", &self.transactions)
            .finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(BlockMap: Send, Sync);
