//! The front on the real reclaimer, against a plain map: growing and shrinking, alone and among threads.
//!
//! Records without versions stand for those of keys: sealed when the key goes, removed after one grace period, freed
//! after more, as the store does it.

use super::load::SMALLEST;
use super::table::Arrival;
use super::{Front, Probe, Table};
use crate::chain::{Record, RecordRef, RecordWord};
use crate::reclaim::{Epoch, Grace, Node, Pinned, Reclaimer};
use crate::tally::{Event, Tally};
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::Barrier;
use std::sync::mpsc::{Receiver, Sender, channel};

type Local = <Epoch as Reclaimer>::Local;

#[derive(Default)]
struct World {
    domain: Epoch,
    front: Front,
}

/// A record's address on its way between threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent(NonNull<Record>);

// SAFETY: what is mutable in a record is atomic; the tests see to it that it lives.
unsafe impl Send for Sent {}

/// A sealed record that waits for its first grace period; then its owner hears of it.
struct Wait {
    record: Sent,
    over: Sender<Sent>,
}

impl Node for Wait {
    unsafe fn free(wait: NonNull<Self>) {
        // SAFETY: leaked from a Box by `Session::let_go`.
        let wait = unsafe { Box::from_raw(wait.as_ptr()) };
        wait.over.send(wait.record).expect("owners wait for their records");
    }

    unsafe fn bytes(_wait: NonNull<Self>) -> usize {
        size_of::<Self>()
    }
}

/// One thread's part: its records, and those that are on their way out.
struct Session<'w> {
    world: &'w World,
    local: Local,
    tally: Tally,
    live: HashMap<Vec<u8>, Sent>,
    waiting: usize,
    over: (Sender<Sent>, Receiver<Sent>),
}

impl<'w> Session<'w> {
    fn new(world: &'w World) -> Self {
        Self {
            world,
            local: world.domain.local(),
            tally: Tally::default(),
            live: HashMap::new(),
            waiting: 0,
            over: channel(),
        }
    }

    fn find(&self, key: &[u8]) -> Option<Sent> {
        let pin = self.world.domain.pin(&self.local, &self.tally);
        let found = self.world.front.find(key, self.world.front.hash(key), &pin)?;
        assert_eq!(found.key(), key);
        Some(Sent(found.as_ptr()))
    }

    /// A new record for the key, in the place of the one it has, if any.
    fn put(&mut self, key: &[u8]) {
        let fresh = Sent(Record::alloc(key));
        let old = self.live.insert(key.to_vec(), fresh);
        if let Some(old) = old {
            self.seal(old);
        }
        {
            let pin = self.world.domain.pin(&self.local, &self.tally);
            // SAFETY: alive: not even sealed.
            let record = unsafe { RecordRef::new(fresh.0) };
            self.world.front.insert(record, self.world.front.hash(key), &pin, &self.tally);
        }
        assert_eq!(self.find(key), Some(fresh), "the newest record");
        if let Some(old) = old {
            self.let_go(old);
        }
    }

    fn delete(&mut self, key: &[u8]) {
        if let Some(old) = self.live.remove(key) {
            self.seal(old);
            assert!(self.find(key).is_none_or(|found| found == old), "the sealed record or none");
            self.let_go(old);
        }
    }

    fn seal(&self, record: Sent) {
        // SAFETY: its only owner has not let go of it.
        assert!(unsafe { RecordRef::new(record.0) }.seal_empty(), "sealed once");
    }

    /// Phase one.
    fn let_go(&mut self, record: Sent) {
        let wait = Box::new(Wait { record, over: self.over.0.clone() });
        self.waiting += 1;
        let pin = self.world.domain.pin(&self.local, &self.tally);
        // SAFETY: just made, known to nobody.
        unsafe { pin.retire(NonNull::from(Box::leak(wait)), Grace::One) };
    }

    /// Phases two and three, for those that have waited.
    fn remove_waiting(&mut self) {
        while let Ok(record) = self.over.1.try_recv() {
            self.waiting -= 1;
            let pin = self.world.domain.pin(&self.local, &self.tally);
            // SAFETY: retired only below.
            let view = unsafe { RecordRef::new(record.0) };
            let hash = self.world.front.hash(view.key());
            for _ in 0..2 {
                self.world.front.remove(view, hash, &pin, &self.tally); // the second time in vain
            }
            let found = self.world.front.find(view.key(), hash, &pin);
            assert!(found.is_none_or(|found| found != view), "it is gone");
            // SAFETY: I-42; each record takes this way once.
            unsafe { pin.retire(record.0, Grace::Two) };
        }
    }

    fn finish(&mut self) {
        while self.waiting > 0 {
            self.world.domain.flush(&self.local);
            self.remove_waiting();
            std::thread::yield_now();
        }
    }

    fn capacity(&self) -> usize {
        self.world.front.capacity(&self.world.domain.pin(&self.local, &self.tally))
    }

    fn settle(&self) {
        self.world.front.settle(&self.world.domain.pin(&self.local, &self.tally), &self.tally);
    }

    /// Looks for every key of the plain map, and for some that are not there.
    fn check(&self) {
        for (key, &record) in &self.live {
            assert_eq!(self.find(key), Some(record));
        }
        for absent in 0..100_u32 {
            assert_eq!(self.find(&[&b"absent"[..], &absent.to_be_bytes()].concat()), None);
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for record in self.live.values() {
            // SAFETY: the test has ended: nobody looks into the front any more.
            unsafe { Record::free(record.0) };
        }
    }
}

fn key(owner: usize, number: usize) -> Vec<u8> {
    format!("{owner}/{number}").into_bytes()
}

#[test]
fn capacity_follows_the_keys_up_and_down() {
    let world = World::default();
    let mut session = Session::new(&world);
    for left in [0, 10, 3_000] {
        for number in 0..40_000 {
            session.put(&key(0, number));
        }
        session.settle();
        let large = session.capacity();
        assert!(large >= 40_000 * 4 / 3, "{large} slots for 40,000 keys");
        session.check();
        for number in left..40_000 {
            session.delete(&key(0, number));
            session.remove_waiting();
        }
        session.finish();
        assert!(session.capacity() < large, "removals alone begin smaller tables");
        session.settle();
        let small = session.capacity();
        let most = (left * 5).next_power_of_two().max(4 * SMALLEST);
        assert!(small <= most && small * 3 / 4 >= left, "{small} slots for {left} keys");
        session.check();
    }
}

#[test]
fn keys_that_come_and_go_need_no_more_room_than_those_that_are_there() {
    let world = World::default();
    let mut session = Session::new(&world);
    for number in 0..20_000 {
        session.put(&key(0, number));
        if let Some(old) = number.checked_sub(20) {
            session.delete(&key(0, old));
        }
        session.finish();
        assert!(session.capacity() <= 4 * SMALLEST, "{} slots", session.capacity());
    }
    assert!(session.tally.get(Event::Growths) > 100, "tables full of deleted slots are replaced");
    session.check();
}

#[test]
fn keys_written_again_take_the_slots_they_had() {
    let world = World::default();
    let mut session = Session::new(&world);
    for round in 0..100 {
        for number in 0..40 {
            session.put(&key(0, number));
        }
        session.check();
        session.remove_waiting();
        assert_eq!(session.capacity(), SMALLEST, "round {round}");
    }
    session.finish();
    session.check();
    assert_eq!(session.tally.get(Event::Growths), 0, "nothing was added, and nothing deleted");
}

#[test]
fn a_table_of_deleted_slots_ends_every_probe() {
    let world = World::default();
    let mut session = Session::new(&world);
    {
        let pin = world.domain.pin(&session.local, &session.tally);
        let table = world.front.current(&pin);
        for at in 0..Table::SMALLEST {
            assert!(table.replace_empty(at, RecordWord::deleted()));
        }
        let record = Record::alloc(b"lone");
        // SAFETY: freed at the end of this block.
        let view = unsafe { RecordRef::new(record) };
        let hash = world.front.hash(b"lone");
        assert!(matches!(table.find(b"lone", hash, &pin), Probe::Further));
        assert!(!table.insert(Arrival::new(view, hash), &pin, &session.tally));
        assert!(!table.remove(view, hash, &pin, &session.tally));
        assert_eq!(world.front.candidate(hash, &pin), None);
        // SAFETY: no slot took it.
        unsafe { Record::free(record) };
    }
    session.put(b"lone");
    session.settle();
    session.check();
    assert_eq!(session.tally.get(Event::Growths), 1, "it was replaced");
}

#[test]
fn a_removal_does_not_touch_what_took_the_record_s_place() {
    let world = World::default();
    let mut session = Session::new(&world);
    for number in 0..1_000 {
        session.put(&key(0, number));
        session.put(&key(0, number));
    }
    session.finish();
    session.check();
    session.settle();
    session.check();
}

const WRITERS: usize = 3;
const SPAN: usize = 3_000;
const STABLE: usize = 50;

/// Waves of puts and deletions of one's own keys.
fn write(session: &mut Session<'_>, owner: usize, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed + owner as u64);
    for wave in 0..8 {
        let puts = if wave % 2 == 0 { 80 } else { 5 };
        for _ in 0..2 * SPAN {
            let key = key(owner, random.usize(..SPAN));
            if random.usize(..100) < puts {
                session.put(&key);
            } else {
                session.delete(&key);
            }
            session.remove_waiting();
        }
        session.check();
    }
}

/// Keys that stay are found, and those that never were are not, whatever happens to the tables.
fn read(session: &Session<'_>, stable: &HashMap<Vec<u8>, Sent>) {
    for _ in 0..200 {
        for (key, record) in stable {
            assert_eq!(session.find(key), Some(*record));
            assert_eq!(session.find(&[key, &b"/absent"[..]].concat()), None);
        }
    }
}

#[test]
fn growing_and_shrinking_among_threads() {
    let seed = fastrand::u64(..u64::MAX / 2);
    println!("seed {seed}");
    let world = World::default();
    let mut keeper = Session::new(&world);
    for number in 0..STABLE {
        keeper.put(&key(WRITERS, number));
    }
    // A session that ends gives back what it has retired: not before all have done what they do.
    let done = Barrier::new(WRITERS + 1);
    std::thread::scope(|scope| {
        for owner in 0..WRITERS {
            let (world, done) = (&world, &done);
            scope.spawn(move || {
                let mut session = Session::new(world);
                write(&mut session, owner, seed);
                for number in 10..SPAN {
                    session.delete(&key(owner, number));
                    session.remove_waiting();
                }
                session.finish();
                session.check();
                done.wait();
            });
        }
        let stable = keeper.live.clone();
        let (world, done) = (&world, &done);
        scope.spawn(move || {
            let session = Session::new(world);
            read(&session, &stable);
            done.wait();
        });
    });
    keeper.settle();
    keeper.finish();
    let slots = keeper.capacity();
    assert!(slots <= 8 * SMALLEST, "{slots} slots for {} keys", STABLE + WRITERS * 10);
}
