//! Points to which the writes of a transaction can be rolled back.

use super::Transaction;
use crate::Error;
use epoch_store::atomics::serial_number;

/// A point in a transaction to which its writes can be rolled back; from [`Transaction::savepoint`].
///
/// Two words, copied as one likes. It is there until the transaction rolls back to, or releases, an earlier one, releases
/// this one, or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Savepoint {
    transaction: u64,
    number: u64,
}

/// A number that no other transaction of the process has, and not zero.
fn next_number() -> u64 {
    serial_number() + 1
}

impl Transaction {
    /// Sets a savepoint: [`Transaction::roll_back`] takes back what is written from now on. Takes constant time.
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::in_memory();
    /// let mut transaction = store.transaction();
    /// transaction.put("a", "1")?;
    /// let outer = transaction.savepoint();
    /// transaction.put("a", "2")?;
    /// let inner = transaction.savepoint();
    /// transaction.delete("a")?;
    /// transaction.roll_back(inner)?;
    /// assert_eq!(transaction.get("a")?.unwrap(), "2");
    /// transaction.roll_back(outer)?;
    /// assert_eq!(transaction.get("a")?.unwrap(), "1");
    /// assert!(matches!(transaction.roll_back(inner), Err(Error::NoSuchSavepoint)));
    /// transaction.roll_back(outer)?; // stays, until it is released
    /// # Ok::<(), Error>(())
    /// ```
    pub fn savepoint(&self) -> Savepoint {
        if self.number.get() == 0 {
            self.number.set(next_number());
        }
        let number = self.state.borrow_mut().writes.mark();
        Savepoint { transaction: self.number.get(), number }
    }

    /// Takes back what was written since `savepoint`, which stays; savepoints set after it go. What was read since stays read:
    /// the code that has seen it may have acted on it. Takes time proportional to the keys written since.
    ///
    /// Iterators and values that borrow the transaction are in the way of this at compile time.
    ///
    /// # Errors
    /// [`Error::NoSuchSavepoint`]: it has gone, or is of another transaction.
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let mut transaction = Store::in_memory().transaction();
    /// transaction.put("kept", "")?;
    /// let (savepoint, _) = (transaction.savepoint(), transaction.put("gone", "")?);
    /// let later = transaction.savepoint();
    /// transaction.roll_back(savepoint)?;
    /// assert!(transaction.contains("kept")? && !transaction.contains("gone")?);
    /// assert!(matches!(transaction.roll_back(later), Err(Error::NoSuchSavepoint)));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn roll_back(&mut self, savepoint: Savepoint) -> Result<(), Error> {
        let number = self.number_of(savepoint)?;
        self.state.get_mut().writes.roll_back(number).ok_or(Error::NoSuchSavepoint)
    }

    /// Forgets `savepoint` and those set after it. What was written since stays. Takes time proportional to the keys
    /// written since.
    ///
    /// # Errors
    /// [`Error::NoSuchSavepoint`]: it has gone, or is of another transaction.
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::in_memory();
    /// let mut transaction = store.transaction();
    /// let savepoint = transaction.savepoint();
    /// transaction.put("k", "v")?;
    /// transaction.release(savepoint)?;
    /// assert!(matches!(transaction.roll_back(savepoint), Err(Error::NoSuchSavepoint)));
    /// assert!(transaction.contains("k")?);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn release(&self, savepoint: Savepoint) -> Result<(), Error> {
        let number = self.number_of(savepoint)?;
        self.state.borrow_mut().writes.release(number).ok_or(Error::NoSuchSavepoint)
    }

    /// The number of a savepoint, if it is one of this transaction.
    fn number_of(&self, savepoint: Savepoint) -> Result<u64, Error> {
        let own = savepoint.transaction == self.number.get();
        own.then_some(savepoint.number).ok_or(Error::NoSuchSavepoint)
    }
}
