//! Transactions: reads at one version and writes that become one commit, if what was read still stands by then.
//!
//! *How it works.* A transaction reads a snapshot and keeps its own writes to itself. It notes what it has read; when it
//! commits, the map below checks in the very step that orders the commit whether anybody has written to any of that since
//! the snapshot. So nothing is locked and nobody waits, and of two transactions that are in each other's way the one
//! that commits first goes through.
//!
//! *Isolation*, as the commit checks it: under [`Isolation::Serializable`] the keys and ranges that were read, under
//! [`Isolation::Snapshot`] the keys that are written. Both also check keys that were read by
//! [`Transaction::get_for_update`] and by conditional operations.

mod isolation;
mod bounds;
mod chain;
mod writes;
mod reads;
mod state;
mod range;
mod space;
mod conditional;
mod default_space;
mod savepoint;
mod back_off;
mod retry;

pub use isolation::Isolation;
pub use range::TransactionRange;
pub use retry::Retry;
pub use savepoint::Savepoint;
pub use space::TransactionSpace;

use crate::durable::Writes;
use crate::shared::Terms;
use crate::{Durability, Error, KeySpace, Snapshot, Store, Version};
use state::State;
use std::cell::{Cell, RefCell};
use std::fmt;

/// Reads at one version and writes that become one commit, from [`Store::transaction`].
///
/// *Guarantee.* Reads see the store at [`Transaction::version`], whatever others commit meanwhile, and the transaction's own
/// writes on top. Nobody else sees those before [`Transaction::commit`], and then all of them at once. What that checks says
/// the [`Isolation`]. Dropping the transaction discards the writes.
///
/// *Progress.* Nothing here waits, and a transaction that is open delays nobody; it keeps what was overwritten since its
/// snapshot. A commit is lock-free. One that is refused with [`Error::Conflict`] is due to another that went through;
/// [`Store::transact`] runs a transaction again until it goes through.
///
/// *Cost.* Reads are those of a [`Snapshot`], plus a copy of each key read (and of the bounds of each range) under
/// serializable isolation, plus a look-up in a tree where there are own writes. A transaction that reads the same key many times
/// notes it many times.
///
/// It can be sent to another thread; it is not shared by threads:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(engine::Store::in_memory().transaction());
/// ```
///
/// ```
/// use engine::{Error, Store};
/// let store = Store::in_memory();
/// store.put("alice", "10")?;
/// store.put("bob", "3")?;
///
/// let mut transfer = store.transaction();
/// let balance = |value: Option<engine::Value<'_>>| String::from_utf8_lossy(&value.unwrap()).parse::<u64>().unwrap();
/// let (alice, bob) = (balance(transfer.get("alice")?), balance(transfer.get("bob")?));
/// transfer.put("alice", (alice - 3).to_string())?;
/// transfer.put("bob", (bob + 3).to_string())?;
///
/// store.put("bob", "1000")?; // somebody else, after the transaction has read it
/// let Err(Error::Conflict(conflict)) = transfer.commit() else { panic!() };
/// assert_eq!(conflict.keys[0].key, b"bob");
/// # Ok::<(), Error>(())
/// ```
pub struct Transaction {
    snapshot: Snapshot,
    isolation: Isolation,
    state: RefCell<State>,
    /// Tells it apart from the other transactions; zero: it has not needed that yet.
    number: Cell<u64>,
}

impl Store {
    /// Begins a transaction at the newest version, with [`Isolation::Serializable`]. Wait-free but for the allocator.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// let mut transaction = store.transaction();
    /// transaction.put("k", "v")?;
    /// assert!(!store.snapshot().contains("k")?);
    /// let version = transaction.commit()?;
    /// assert_eq!(store.version(), version);
    /// assert!(store.snapshot().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn transaction(&self) -> Transaction {
        self.transaction_with(Isolation::default())
    }

    /// Begins a transaction at the newest version. Wait-free but for the allocator.
    ///
    /// ```
    /// use engine::{ConflictKind, Error, Isolation, Store};
    /// let store = Store::in_memory();
    /// let (mut one, mut two) =
    ///     (store.transaction_with(Isolation::Snapshot), store.transaction_with(Isolation::Snapshot));
    /// one.put("k", "1")?;
    /// two.put("k", "2")?;
    /// one.commit()?;
    /// let Err(Error::Conflict(conflict)) = two.commit() else { panic!() };
    /// assert_eq!(conflict.kind, ConflictKind::WriteWrite);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn transaction_with(&self, isolation: Isolation) -> Transaction {
        let snapshot = self.snapshot();
        let state = RefCell::new(State::at(snapshot.of_map()));
        Transaction { snapshot, isolation, state, number: Cell::new(0) }
    }
}

impl Transaction {
    /// The version that it reads.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// let version = store.put("k", "v")?;
    /// assert_eq!(store.transaction().version(), version);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.snapshot.version()
    }

    /// What its commit checks.
    ///
    /// ```
    /// use engine::{Isolation, Store};
    /// assert_eq!(Store::in_memory().transaction().isolation(), Isolation::Serializable);
    /// ```
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// The same transaction, in a named key space: has all the methods that read and write.
    ///
    /// # Errors
    /// [`epoch_store::Error::ForeignSpace`]: it is a space of another store.
    ///
    /// ```
    /// use engine::Store;
    /// let store = Store::in_memory();
    /// let (accounts, log) = (store.key_space("accounts")?, store.key_space("log")?);
    /// let mut transaction = store.transaction();
    /// if transaction.space(&accounts)?.insert_if_absent("alice", "10")? {
    ///     transaction.space(&log)?.put("1", "alice came")?;
    /// }
    /// transaction.commit()?;
    /// assert_eq!(store.snapshot().space(&log)?.get("1")?.unwrap(), "alice came");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn space(&self, space: &KeySpace) -> Result<TransactionSpace<'_>, Error> {
        let view = self.snapshot.space(space)?;
        let index = self.state.borrow_mut().index_of(space.of_map());
        Ok(TransactionSpace::named(self, view, index))
    }

    /// Commits what was written, if what was read still stands; see [`Isolation`] for what that means. Returns the version of
    /// the commit. Then the transaction begins anew, empty, at a version that contains its commit: commit again what is
    /// written from then on, or drop it.
    ///
    /// If nothing is written, nothing is checked either, and the version is that which was read: unless a key was
    /// read [for update](Transaction::get_for_update). Then everything that would be checked is, and the version is one at
    /// which all of it held.
    ///
    /// Lock-free; takes time proportional to the writes, and to what is checked.
    ///
    /// # Errors
    /// [`Error::Conflict`]: others were faster; [restart](Transaction::restart) the transaction and do its work again.
    /// [`Error::Closed`]; in [`Error::Map`] what the map refuses: a batch that is too large, one for which there is no
    /// [room](crate::Builder::memory_limit).
    /// In each case nothing was committed, and the transaction is as it was before: it can be read, rolled back to a
    /// savepoint, written to, and committed again. After a conflict that leads to the same conflict again.
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::builder().max_batch_len(2).open()?;
    /// let mut transaction = store.transaction();
    /// transaction.put("a", "")?;
    /// transaction.put("b", "")?;
    /// let savepoint = transaction.savepoint();
    /// transaction.put("c", "")?;
    /// assert!(matches!(transaction.commit(), Err(Error::Map(epoch_store::Error::BatchTooLarge { len: 3, max: 2 }))));
    /// transaction.roll_back(savepoint)?;
    /// transaction.commit()?;
    /// assert_eq!(store.snapshot().iter().count(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn commit(&mut self) -> Result<Version, Error> {
        self.commit_on(Terms::default())
    }

    /// As [`commit`](Transaction::commit), and returns when `durability` says, whatever was chosen for all commits.
    ///
    /// # Errors
    /// Those of [`commit`](Transaction::commit); [`Error::NotDurable`]: then it is committed, and the transaction is over;
    /// [`Error::NoParent`].
    ///
    /// ```
    /// use engine::{Durability, MemoryParent, Store};
    /// let store = Store::builder().parent(MemoryParent::new()).open()?;
    /// let mut transaction = store.transaction();
    /// transaction.put("k", "v")?;
    /// let version = transaction.commit_with(Durability::Durable)?;
    /// assert!(store.durable_version().unwrap() >= version);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn commit_with(&mut self, durability: Durability) -> Result<Version, Error> {
        self.commit_on(Terms { durability: Some(durability), ..Terms::default() })
    }

    fn commit_on(&mut self, terms: Terms<'_>) -> Result<Version, Error> {
        let state = self.state.get_mut();
        let result = if state.writes.is_empty() && !state.reads.are_required() {
            Ok(self.snapshot.version())
        } else {
            state.reads.settle();
            let batch = state.batch();
            let reads = state.dependencies(self.isolation);
            let explain = |error| state.explain(self.isolation, error);
            let terms = Terms { reads: Some(&reads), explain: Some(&explain), ..terms };
            self.snapshot.link().shared().commit_on(terms, Writes::Batch(&batch), |map| {
                map.commit_if(&batch, &reads).map_err(explain)
            })
        };
        if matches!(result, Ok(_) | Err(Error::NotDurable { .. })) {
            self.restart();
        }
        result
    }

    /// Forgets all reads and writes, and begins anew at the newest version. Savepoints are not there any more. Wait-free
    /// but for the allocator; takes time proportional to what is forgotten.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// let mut transaction = store.transaction();
    /// transaction.put("k", "mine")?;
    /// store.put("k", "of somebody else")?;
    /// transaction.restart();
    /// assert_eq!(transaction.get("k")?.unwrap(), "of somebody else");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn restart(&mut self) {
        let link = self.snapshot.link().clone();
        self.snapshot = Snapshot::new(link.shared().map().snapshot(), link);
        self.state.get_mut().restart(self.snapshot.of_map());
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Transaction");
        debug.field("version", &self.version()).field("isolation", &self.isolation);
        debug.finish_non_exhaustive()
    }
}

const fn is_send<T: Send>() {}
const _: () = is_send::<Transaction>();
