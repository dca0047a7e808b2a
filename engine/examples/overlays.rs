//! Overlays: a block of transactions on a virtual machine whose calls may revert, a module written against the key-value
//! contract of chain applications, and gas.
//!
//! `cargo run -p engine --example overlays`

use engine::{Error, KvStore, Observed, Observer, ObserverError, Overlay, Prefixed, Store};
use std::cell::Cell;

/// Charges for what is read and written, and refuses what cannot be paid.
struct Gas(Cell<u64>);

impl Gas {
    fn charge(&self, amount: usize) -> Result<(), ObserverError> {
        self.0.set(self.0.get().checked_sub(amount as u64).ok_or("out of gas")?);
        Ok(())
    }
}

impl Observer for Gas {
    fn read(&self, _key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
        self.charge(10 + value.map_or(0, <[u8]>::len))
    }

    fn write(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
        self.charge(20 + key.len() + value.map_or(0, <[u8]>::len))
    }

    fn step(&self, _key: &[u8], _value: &[u8]) -> Result<(), ObserverError> {
        self.charge(5)
    }
}

/// A module of an application: knows the contract, and neither overlays nor stores.
struct Bank<S>(S);

impl<S: KvStore> Bank<S> {
    fn balance(&self, name: &str) -> Result<u8, Error> {
        Ok(self.0.get(name.as_bytes())?.map_or(0, |value| value[0]))
    }

    fn send(&self, from: &str, to: &str, amount: u8) -> Result<(), Error> {
        let left = self.balance(from)?.saturating_sub(amount);
        self.0.set(from.as_bytes(), &[left])?;
        self.0.set(to.as_bytes(), &[self.balance(to)? + amount])
    }

    fn supply(&self) -> Result<u32, Error> {
        self.0.iterator(None, None)?.map(|entry| Ok(u32::from(entry?.1[0]))).sum()
    }
}

/// A call: a frame of its own, of which all or nothing comes down.
fn call<F>(parent: &Overlay, gas: u64, run: F) -> Result<u64, Error>
where
    F: Fn(&Bank<&dyn KvStore>) -> Result<(), Error>,
{
    let frame = parent.overlay();
    let metered = Observed::new(Prefixed::new(&frame, "bank/"), Gas(Cell::new(gas)));
    run(&Bank(&metered))?; // an error drops the frame: reverted
    frame.flush()?;
    Ok(gas - metered.observer().0.get())
}

fn main() -> Result<(), Error> {
    let store = Store::in_memory();
    store.put("bank/alice", [100])?;
    let block = store.overlay();

    let used = call(&block, 1_000, |bank| bank.send("alice", "bob", 30))?;
    println!("a transfer took {used} gas");
    let failed = call(&block, 60, |bank| bank.send("alice", "bob", 30));
    assert_eq!(failed.unwrap_err().to_string(), "refused by the observer: out of gas");

    // Of what ran out of gas halfway, nothing is left; the store has seen nothing of the block yet.
    let bank = Bank(Prefixed::new(&block, "bank/"));
    assert_eq!((bank.balance("alice")?, bank.balance("bob")?, bank.supply()?), (70, 30, 100));
    assert_eq!(store.snapshot().get("bank/bob")?, None);

    // A view, or an iterator, is one moment: it does not see what comes after it.
    let before = block.view();
    call(&block, 1_000, |bank| bank.send("bob", "carol", 5))?;
    assert_eq!(Bank(Prefixed::new(&before, "bank/")).balance("carol")?, 0);

    let version = block.flush()?; // the whole block as one commit
    println!("the block is version {version}");
    assert_eq!(Bank(Prefixed::new(store.snapshot(), "bank/")).supply()?, 100);
    assert_eq!(store.version().get(), 2);
    Ok(())
}
