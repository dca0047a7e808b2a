//! Faults that come and go at random.

use crate::common::{random, rounds};
use crate::ground::{Ground, batch, watchdog};
use crate::history::{contents, random_step};
use engine::{Durability, Error, Fault, Faults, Overflow, ParentErrorKind, Store};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const KINDS: [ParentErrorKind; 3] =
    [ParentErrorKind::Io, ParentErrorKind::Full, ParentErrorKind::Denied];

/// Changes what the parent does, to anything but reads that fail.
fn turn(faults: &Faults, random: &mut fastrand::Rng) {
    let kind = KINDS[random.usize(..KINDS.len())];
    let slow = Fault::Slow(Duration::from_micros(random.u64(..2_000)));
    let fault = [Fault::Refused(kind), Fault::Unanswered, slow][random.usize(..3)];
    match random.u8(..5) {
        0 => faults.every_commit(fault),
        1 => faults.at_commit(random.u64(1..4), fault),
        2 => faults.snapshots(kind),
        _ => faults.heal(),
    }
}

/// The same random steps of one thread as in a store in memory, whatever happens below; and the same after it was opened again.
pub fn every_kind_of_write<G: Ground>() {
    let (mut rng, watchdog) = (random(), watchdog("every_kind_of_write"));
    for _ in 0..rounds(12) {
        let (ground, theirs) = (G::new(), Store::in_memory());
        for _ in 0..3 {
            let builder = match rng.u8(..3) {
                0 => Store::builder(),
                _ => Store::builder().memory_budget([0, 4_000, 20_000][rng.usize(..3)]),
            };
            let (ours, faults) = ground.faulty(builder);
            for _ in 0..60 {
                let seed = rng.u64(..);
                for store in [&ours, &theirs] {
                    random_step(store, &mut fastrand::Rng::with_seed(seed));
                }
                if rng.u8(..4) == 0 {
                    turn(&faults, &mut rng);
                }
                if rng.u8(..8) == 0 {
                    // It works or it does not.
                    let _ = ours.flush();
                }
                let (a, b) = (ours.snapshot(), theirs.snapshot());
                assert!(contents(&a, &ours) == contents(&b, &theirs), "it is not as in memory");
            }
            faults.heal();
            ours.flush().unwrap();
            ours.close().unwrap();
            watchdog.alive();
        }
        let again = ground.store();
        let (a, b) = (again.snapshot(), theirs.snapshot());
        assert!(contents(&a, &again) == contents(&b, &theirs), "it is not what was in memory");
        let metadata =
            |snapshot: &engine::Snapshot| snapshot.metadata().unwrap().map(|bytes| bytes.to_vec());
        assert_eq!(metadata(&a), metadata(&b));
    }
}

/// Of one thread: the last of its numbers that was made, and the last that was acknowledged.
#[derive(Default)]
struct Writer {
    made: AtomicU64,
    acknowledged: AtomicU64,
}

impl Writer {
    /// Writes its number under two keys, one after the other number, until it is to stop.
    fn write(&self, store: &Store, name: usize, is_over: &AtomicBool) {
        let (mut number, space) = (self.made.load(Ordering::Relaxed), ["left", "right"]);
        let spaces = space.map(|name| store.key_space(name).unwrap());
        while !is_over.load(Ordering::Relaxed) {
            let next = number + 1;
            let mut batch = batch(&format!("{name}"), next.to_be_bytes());
            for space in &spaces {
                batch.put_in(space, format!("{name} {}", next % 50), next.to_be_bytes());
                batch.delete_in(space, format!("{name} {}", (next + 25) % 50));
            }
            let durability =
                if next.is_multiple_of(4) { Durability::Durable } else { Durability::Memory };
            match store.commit_with(&batch, durability) {
                Ok(version) => {
                    (number, _) = (next, self.made.store(next, Ordering::Relaxed));
                    if store.durable_version() >= Some(version) {
                        self.acknowledged.store(next, Ordering::Relaxed);
                    }
                }
                Err(Error::NotDurable { cause: Some(_), .. }) => {
                    (number, _) = (next, self.made.store(next, Ordering::Relaxed));
                }
                // Nothing of it was made: the same number again.
                Err(Error::UndurableLimit { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

/// Threads write, and wait for some of it, while faults come and go. Then it heals, and all is there; or it is dropped amid a
/// fault, and what was acknowledged is, with all before it.
pub fn writers_beside_faults<G: Ground>() {
    const WRITERS: usize = 3;
    let (mut rng, watchdog) = (random(), watchdog("writers_beside_faults"));
    for _ in 0..rounds(12) {
        let ground = G::new();
        let writers: [Writer; WRITERS] = Default::default();
        for _ in 0..3 {
            let overflow = [Overflow::Wait, Overflow::Refuse][rng.usize(..2)];
            let builder = Store::builder().undurable_limit(20_000, overflow);
            let builder = if rng.bool() { builder } else { builder.memory_budget(2_000) };
            let (store, faults) = ground.faulty(builder);
            let is_over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                for (name, writer) in writers.iter().enumerate() {
                    let (store, is_over) = (&store, &is_over);
                    scope.spawn(move || writer.write(store, name, is_over));
                }
                for _ in 0..20 {
                    std::thread::sleep(Duration::from_micros(rng.u64(..10_000)));
                    turn(&faults, &mut rng);
                }
                is_over.store(true, Ordering::Relaxed);
            });
            let is_healed = rng.bool();
            let before = contents(&store.snapshot(), &store);
            if is_healed {
                faults.heal();
                store.flush().unwrap();
            } else {
                faults.every_commit(Fault::Refused(ParentErrorKind::Io));
            }
            drop(store);
            let again = ground.store();
            if is_healed {
                assert!(contents(&again.snapshot(), &again) == before, "not all is there");
            }
            for (name, writer) in writers.iter().enumerate() {
                let there = last_of(&again, name);
                let said = writer.acknowledged.load(Ordering::Relaxed);
                let made = writer.made.load(Ordering::Relaxed);
                assert!(said <= there && there <= made, "{said} <= {there} <= {made}");
                // It goes on from there.
                writer.made.store(there, Ordering::Relaxed);
            }
            watchdog.alive();
        }
    }
}

/// The last number of a writer, all whose keys have to go with it.
fn last_of(store: &Store, name: usize) -> u64 {
    let number = |bytes: engine::Value<'_>| u64::from_be_bytes(bytes.as_ref().try_into().unwrap());
    let snapshot = store.snapshot();
    let last = snapshot.get(format!("{name}")).unwrap().map_or(0, number);
    for space in ["left", "right"].map(|name| store.key_space(name).unwrap()) {
        let view = snapshot.space(&space).unwrap();
        for slot in 0..50 {
            let found = view.get(format!("{name} {slot}")).unwrap().map_or(0, number);
            // The last 25 numbers each have a key; those before were deleted.
            let expected = (last.saturating_sub(24)..=last).find(|number| number % 50 == slot);
            assert_eq!(found, expected.unwrap_or(0), "of {name}, at {last}");
        }
    }
    last
}
