//! Running a transaction again until it goes through.

use super::back_off::Attempts;
use super::space::check_key;
use super::{Isolation, Transaction};
use crate::shared::Shared;
use crate::{Error, KeySpace, Store, Value, Version};
use epoch_store::{ReadSet, WriteBatch};

/// The most attempts, unless a [`Retry`] says something else.
const ATTEMPTS: u32 = 1_000;

/// How [`Store::transact_with`] runs a transaction.
///
/// ```
/// use engine::{Error, Isolation, Retry, Store};
/// let store = Store::in_memory();
/// let retry = Retry::new().isolation(Isolation::Snapshot).attempts(3);
/// let result: Result<(), Error> = store.transact_with(&retry, |transaction| {
///     transaction.put("k", "mine")?;
///     store.put("k", "somebody else's, each time")?;
///     Ok(())
/// });
/// assert!(matches!(result, Err(Error::RetriesExhausted { attempts: 3 })));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Retry {
    isolation: Isolation,
    attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { isolation: Isolation::default(), attempts: ATTEMPTS }
    }
}

impl Retry {
    /// Serializable isolation, 1,000 attempts.
    ///
    /// ```
    /// use engine::{Error, Retry, Store};
    /// let store = Store::in_memory();
    /// store.transact_with(&Retry::new(), |transaction| transaction.put("k", "v"))?;
    /// assert!(store.snapshot().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The isolation of the transaction.
    ///
    /// ```
    /// use engine::{Error, Isolation, Retry, Store};
    /// let store = Store::in_memory();
    /// let retry = Retry::new().isolation(Isolation::Snapshot);
    /// let isolation = store.transact_with(&retry, |transaction| Ok::<_, Error>(transaction.isolation()))?;
    /// assert_eq!(isolation, Isolation::Snapshot);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// How often it is run at most; zero counts as one.
    ///
    /// ```
    /// use engine::{Error, Retry, Store};
    /// let store = Store::in_memory();
    /// let mut runs = 0;
    /// let result: Result<(), Error> = store.transact_with(&Retry::new().attempts(2), |transaction| {
    ///     runs += 1;
    ///     transaction.get_for_update("k")?;
    ///     store.put("k", "somebody else's, each time")?;
    ///     Ok(())
    /// });
    /// assert!(matches!(result, Err(Error::RetriesExhausted { attempts: 2 })) && runs == 2);
    /// ```
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }
}

impl Store {
    /// Runs a serializable transaction and commits it; after a conflict again, from its beginning, on a newer version. Returns
    /// what the run that went through has returned.
    ///
    /// `run` is called once per attempt, so what it does besides the transaction is done several times. An error that it returns
    /// ends the matter, and nothing is committed.
    ///
    /// *Progress.* Each conflict is due to a commit of others, so that the store as a whole gets on. After a conflict the thread
    /// waits for a random time, at most a millisecond. A transaction that has met several becomes the *elder*:
    /// others that are begun by `transact` or [`Store::update`] hold back before they begin, for less than a millisecond at first,
    /// and for 16 ms at most, if the elder loses again and again; also those that `run` itself begins.
    /// That is fair to long transactions, and no promise: see [`Error::RetriesExhausted`].
    ///
    /// # Errors
    /// What `run` returns; those of [`Transaction::commit`] other than a conflict; [`Error::RetriesExhausted`] after 1,000
    /// attempts ([`Store::transact_with`] to choose).
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::in_memory();
    /// store.put("stock", [3])?;
    /// let left = store.transact(|transaction| {
    ///     let left = transaction.get("stock")?.map_or(0, |stock| stock[0]) - 1;
    ///     transaction.put("stock", [left])?;
    ///     transaction.put(format!("order {left}"), "")?;
    ///     Ok::<_, Error>(left)
    /// })?;
    /// assert_eq!(left, 2);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn transact<T, E: From<Error>>(
        &self,
        run: impl FnMut(&mut Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        self.transact_with(&Retry::default(), run)
    }

    /// As [`Store::transact`], with another isolation or number of attempts; see [`Retry`].
    ///
    /// # Errors
    /// As for [`Store::transact`].
    ///
    /// ```
    /// use engine::{Error, Isolation, Retry, Store};
    /// let store = Store::in_memory();
    /// let retry = Retry::new().isolation(Isolation::Snapshot).attempts(10);
    /// store.transact_with(&retry, |transaction| {
    ///     let jobs = transaction.prefix("job/").count();
    ///     transaction.put(format!("job/{jobs}"), "")
    /// })?;
    /// assert!(store.snapshot().contains("job/0")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn transact_with<T, E: From<Error>>(
        &self,
        retry: &Retry,
        mut run: impl FnMut(&mut Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        attempt(self.shared(), retry.attempts, || {
            let mut transaction = self.transaction_with(retry.isolation);
            let result = run(&mut transaction)?;
            match transaction.commit() {
                Ok(_version) => Ok(Some(result)),
                Err(error) if error.is_conflict() => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Replaces the value of `key` by what `change` makes of it; `None` stands for no value, before and after. Atomic: nobody
    /// writes the key in between. Returns the version of the commit, or that which was read if there was no value and is to
    /// be none.
    ///
    /// `change` is called once per attempt; progress and fairness are those of [`Store::transact`], and an attempt costs less.
    ///
    /// # Errors
    /// Those of [`Store::put`]; [`Error::RetriesExhausted`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for _ in 0..3 {
    ///     store.update("count", |count| Some(vec![count.map_or(0, |count| count[0]) + 1]))?;
    /// }
    /// assert_eq!(store.snapshot().get("count")?.unwrap(), [3]);
    /// store.update("count", |_| None)?;
    /// assert!(!store.snapshot().contains("count")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn update(
        &self,
        key: impl AsRef<[u8]>,
        mut change: impl FnMut(Option<&[u8]>) -> Option<Vec<u8>>,
    ) -> Result<Version, Error> {
        let key = key.as_ref();
        check_key(key)?; // wrong also where nothing comes to be written
        attempt(self.shared(), ATTEMPTS, || {
            let snapshot = self.snapshot();
            let old = snapshot.get(key)?;
            let mut batch = WriteBatch::new();
            match (&old, change(old.as_deref())) {
                (_, Some(new)) => batch.put(key, new),
                (Some(_), None) => batch.delete(key),
                (None, None) => return Ok(Some(snapshot.version())),
            };
            let mut reads = ReadSet::at(snapshot.of_map());
            commit(self.shared(), &batch, reads.key(key))
        })
    }
}

impl KeySpace {
    /// As [`Store::update`], in this key space.
    ///
    /// # Errors
    /// As for [`Store::update`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.update("alice", |balance| balance.map(|balance| [balance, b"0"].concat()))?;
    /// accounts.update("bob", |balance| Some(balance.unwrap_or(b"10").to_vec()))?;
    /// let snapshot = store.snapshot();
    /// assert_eq!(snapshot.space(&accounts)?.iter().count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn update(
        &self,
        key: impl AsRef<[u8]>,
        mut change: impl FnMut(Option<&[u8]>) -> Option<Vec<u8>>,
    ) -> Result<Version, Error> {
        let (key, shared, space) = (key.as_ref(), self.shared(), self.of_map());
        check_key(key)?;
        attempt(shared, ATTEMPTS, || {
            let snapshot = shared.map().snapshot();
            let old = match snapshot.space(space)?.get(key) {
                Some(value) => Some(Value::of_map(value)),
                None => shared.look_below(&snapshot, space.id(), key)?,
            };
            let mut batch = WriteBatch::new();
            match (&old, change(old.as_deref())) {
                (_, Some(new)) => batch.put_in(space, key, new),
                (Some(_), None) => batch.delete_in(space, key),
                (None, None) => return Ok(Some(snapshot.version())),
            };
            commit(shared, &batch, ReadSet::at(&snapshot).key_in(space, key))
        })
    }
}

/// Commits, if it can; `None`: there was a conflict.
fn commit(shared: &Shared, batch: &WriteBatch, reads: &ReadSet) -> Result<Option<Version>, Error> {
    match shared.commit_if(batch, reads) {
        Ok(version) => Ok(Some(version)),
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Calls `run` until it returns something other than `None`, which stands for a conflict.
fn attempt<T, E: From<Error>>(
    shared: &Shared,
    most: u32,
    mut run: impl FnMut() -> Result<Option<T>, E>,
) -> Result<T, E> {
    let mut attempts = Attempts::new(shared.turns());
    loop {
        attempts.hold_back();
        if let Some(result) = run()? {
            return Ok(result);
        }
        attempts.back_off();
        let failed = attempts.failed();
        if failed >= most {
            shared.tally().exhausted(failed);
            return Err(Error::RetriesExhausted { attempts: most }.into());
        }
        shared.tally().retry(failed);
    }
}
