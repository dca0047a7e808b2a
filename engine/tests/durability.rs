//! A store with a parent: what has become durable is there again, and nothing else.

#[path = "durability/history.rs"]
mod history;
#[path = "durability/recorder.rs"]
mod recorder;

use engine::{
    Durability, Error, MemoryParent, Overflow, ParentErrorKind, Store, Version, WriteBatch,
};
use history::{contents, random_step};
use recorder::{Recorder, Tap};
use std::sync::Arc;
use std::time::Duration;

fn open(parent: &MemoryParent) -> Store {
    Store::builder().parent(parent.reopened()).open().unwrap()
}

#[test]
fn a_store_comes_back_at_its_version() {
    let parent = MemoryParent::new();
    let store = open(&parent);
    assert_eq!((store.version(), store.durable_version()), (Version::ZERO, Some(Version::ZERO)));
    let accounts = store.key_space("accounts").unwrap();
    store.key_space("never written to").unwrap();
    let jobs = store.key_space("jobs").unwrap();
    store.put("k", "1").unwrap();
    accounts.put("alice", "10").unwrap();
    jobs.put("first", "").unwrap();
    jobs.delete("first").unwrap();
    let mut batch = WriteBatch::new();
    batch.put("k", "2").put_in(&accounts, "bob", "3");
    store.commit_tagged(&batch, "block 5").unwrap();
    let before = contents(&store.snapshot(), &store);
    store.close().unwrap();
    assert!(matches!(store.put("k", "3"), Err(Error::Closed)));

    let again = open(&parent);
    assert_eq!(again.version(), Version::from(5));
    assert_eq!(again.durable_version(), Some(Version::from(5)));
    assert_eq!(contents(&again.snapshot(), &again), before);
    assert_eq!(again.snapshot().metadata().unwrap().unwrap(), "block 5");
    let names: Vec<_> = again.key_spaces().map(|space| space.name().to_owned()).collect();
    assert_eq!(names, ["accounts", "never written to", "jobs"]);
    assert_eq!(again.put("more", "").unwrap(), Version::from(6));
}

#[test]
fn dropping_the_last_handle_waits() {
    let parent = MemoryParent::new();
    let store = open(&parent);
    let snapshot = store.snapshot();
    for number in 0..1_000_u32 {
        store.put(number.to_be_bytes(), "").unwrap();
    }
    drop(store);
    drop(snapshot);
    assert_eq!(open(&parent).snapshot().len().unwrap(), 1_000);
}

/// Everything that can write, in random order, beside retained versions; whatever the parent has had at any version is what
/// the store had.
#[test]
fn the_parent_has_what_the_store_had_at_every_version() {
    for seed in 0..30 {
        let mut random = fastrand::Rng::with_seed(seed);
        let parent = MemoryParent::new();
        let recorder = Arc::new(Recorder::default());
        let store = Store::builder()
            .parent(Tap::new(parent.reopened(), recorder.clone()))
            .retain_versions(1 << 20)
            .open()
            .unwrap();
        for _ in 0..200 {
            random_step(&store, &mut random);
        }
        store.flush().unwrap();
        let states = recorder.states();
        assert!(states.len() > 1, "seed {seed}");
        for (version, state) in states.into_iter().skip(1) {
            let snapshot = store.snapshot_at(version).unwrap();
            assert_eq!(contents(&snapshot, &store), state, "seed {seed}, version {version}");
        }
        let last = contents(&store.snapshot(), &store);
        let metadata = store.snapshot().metadata().unwrap().map(|bytes| bytes.to_vec());
        drop(store);
        let again = open(&parent);
        assert_eq!(contents(&again.snapshot(), &again), last, "seed {seed}");
        let kept = again.snapshot().metadata().unwrap().map(|bytes| bytes.to_vec());
        assert_eq!(kept, metadata, "seed {seed}");
    }
}

/// Threads move amounts around: no state of the parent has a part of a commit, or lacks one between two that it has.
#[test]
fn beside_many_writers_the_parent_has_whole_prefixes() {
    const ACCOUNTS: u64 = 16;
    let recorder = Arc::new(Recorder::default());
    let store = Store::builder()
        .parent(Tap::new(MemoryParent::new(), recorder.clone()))
        .retain_versions(1 << 20)
        .open()
        .unwrap();
    let mut batch = WriteBatch::new();
    for account in 0..ACCOUNTS {
        batch.put(account.to_be_bytes(), 100_u64.to_be_bytes());
    }
    store.commit(&batch).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(thread);
                for _ in 0..500 {
                    let (from, to) = (random.u64(..ACCOUNTS), random.u64(..ACCOUNTS));
                    let moved: Result<(), Error> = store.transact(|transaction| {
                        let read = |bytes: Option<engine::Value<'_>>| {
                            u64::from_be_bytes(bytes.unwrap().as_ref().try_into().unwrap())
                        };
                        let had = read(transaction.get(from.to_be_bytes())?);
                        let amount = had.min(3);
                        transaction.put(from.to_be_bytes(), (had - amount).to_be_bytes())?;
                        let had = read(transaction.get(to.to_be_bytes())?);
                        transaction.put(to.to_be_bytes(), (had + amount).to_be_bytes())
                    });
                    match moved {
                        Ok(()) | Err(Error::RetriesExhausted { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    store.flush().unwrap();
    let states = recorder.states();
    for (version, state) in states.iter().filter(|(version, _)| *version > Version::ZERO) {
        let sum: u64 = state
            .values()
            .map(|value| u64::from_be_bytes(value.as_slice().try_into().unwrap()))
            .sum();
        assert_eq!(sum, ACCOUNTS * 100, "version {version}");
        let snapshot = store.snapshot_at(*version).unwrap();
        assert_eq!(&contents(&snapshot, &store), state, "version {version}");
    }
}

#[test]
fn a_durable_commit_returns_when_it_is() {
    let parent = MemoryParent::new();
    let store =
        Store::builder().parent(parent.reopened()).durability(Durability::Durable).open().unwrap();
    let kept = |key: &str| open(&parent.reopened()).snapshot().contains(key).unwrap();
    store.put("put", "").unwrap();
    assert!(kept("put"));
    store.insert_if_absent("inserted", "").unwrap();
    assert!(kept("inserted"));
    store.transact(|transaction| transaction.put("transacted", "")).unwrap();
    assert!(kept("transacted"));
    let overlay = store.overlay();
    overlay.put("flushed", "").unwrap();
    overlay.flush().unwrap();
    assert!(kept("flushed"));
    let block = store.block(1).unwrap();
    let mut view = block.view(0, 1);
    view.put("sealed", "").unwrap();
    block.publish(view).unwrap();
    block.seal().unwrap();
    assert!(kept("sealed"));
}

#[test]
fn one_commit_may_wait_where_others_do_not() {
    let recorder = Arc::new(Recorder::default());
    let parent = Tap::new(MemoryParent::new(), recorder.clone()).slow(Duration::from_millis(20));
    let store = Store::builder().parent(parent).open().unwrap();
    let first = store.put("first", "").unwrap();
    assert!(store.durable_version().unwrap() < first);
    let mut batch = WriteBatch::new();
    let second = store.commit_with(batch.put("second", ""), Durability::Durable).unwrap();
    assert!(store.durable_version().unwrap() >= second);
    assert_eq!(recorder.states().last().unwrap().1.len(), 2);
    assert!(matches!(
        Store::in_memory().commit_with(&batch, Durability::Durable),
        Err(Error::NoParent)
    ));
}

#[test]
fn commits_under_way_share_one_write() {
    let recorder = Arc::new(Recorder::default());
    let parent = Tap::new(MemoryParent::new(), recorder.clone()).slow(Duration::from_millis(5));
    let store = Store::builder().parent(parent).open().unwrap();
    for number in 0..1_000_u32 {
        store.put(number.to_be_bytes(), "").unwrap();
    }
    store.flush().unwrap();
    let writes = recorder.states().len();
    assert!(writes < 200, "{writes} writes for 1,000 commits");
}

#[test]
fn what_is_not_durable_is_bounded() {
    let parent = || Tap::new(MemoryParent::new(), Arc::default()).slow(Duration::from_millis(1));
    let limit = 10_000;
    let store =
        Store::builder().parent(parent()).undurable_limit(limit, Overflow::Refuse).open().unwrap();
    let refused = (0..10_000).find_map(|_| store.put("k", [1; 1_000]).err()).unwrap();
    let Error::UndurableLimit { undurable, limit: told, cause: None } = refused else {
        panic!("{refused}")
    };
    assert!(undurable <= limit && told == limit);

    let store =
        Store::builder().parent(parent()).undurable_limit(limit, Overflow::Wait).open().unwrap();
    for number in 0..200_u32 {
        store.put(number.to_be_bytes(), [1; 1_000]).unwrap();
        assert!(store.undurable_bytes() <= limit);
    }
    // Larger than the limit by itself: it waits until it is alone, and goes in.
    store.put("large", vec![1; 100_000]).unwrap();
    store.close().unwrap();
    assert_eq!(store.undurable_bytes(), 0);
}

#[test]
fn a_parent_that_fails_is_told_of_and_tried_again() {
    let parent = MemoryParent::new();
    let tap = Tap::new(parent.reopened(), Arc::default());
    let faults = tap.faults();
    let store = Store::builder().parent(tap).undurable_limit(5_000, Overflow::Wait).open().unwrap();
    store.put("before", "").unwrap();
    store.flush().unwrap();
    faults.fail(true);
    let mut batch = WriteBatch::new();
    let error = store.commit_with(batch.put("during", ""), Durability::Durable).unwrap_err();
    let Error::NotDurable { version, cause: Some(cause) } = error else { panic!("{error}") };
    assert_eq!((version, cause.kind()), (Version::from(2), ParentErrorKind::Io));
    // It is readable, and goes on as long as there is room; then it says why it does not.
    assert!(store.snapshot().contains("during").unwrap());
    let refused = (0..100).find_map(|_| store.put("k", [1; 1_000]).err()).unwrap();
    assert!(matches!(refused, Error::UndurableLimit { cause: Some(_), .. }), "{refused}");
    let newest = store.version();
    assert!(matches!(store.close(), Err(Error::NotDurable { .. })));
    assert!(matches!(store.put("k", ""), Err(Error::Closed)));
    assert_eq!(open(&parent).version(), Version::from(1));
    faults.fail(false);
    store.close().unwrap();
    assert_eq!(store.durable_version(), Some(newest));
    assert_eq!(open(&parent).version(), newest);
}

#[test]
fn a_store_that_is_dropped_while_its_parent_fails_has_what_was_told_durable() {
    let parent = MemoryParent::new();
    let tap = Tap::new(parent.reopened(), Arc::default());
    let faults = tap.faults();
    let store = Store::builder().parent(tap).open().unwrap();
    let mut batch = WriteBatch::new();
    store.commit_with(batch.put("told", ""), Durability::Durable).unwrap();
    faults.fail(true);
    store.put("not told", "").unwrap();
    drop(store);
    let again = open(&parent);
    assert!(again.snapshot().contains("told").unwrap());
    assert_eq!(again.version(), Version::from(1));
}

#[test]
fn what_the_parent_cannot_keep_is_not_committed() {
    let tap = Tap::new(MemoryParent::new(), Arc::default()).lengths(10, 100);
    let store = Store::builder().parent(tap).open().unwrap();
    store.put("123456", "").unwrap();
    for refused in [store.put("1234567", "").unwrap_err(), store.delete("1234567").unwrap_err()] {
        let too_long = epoch_store::Error::KeyTooLong { len: 7, max: 6 };
        assert!(matches!(refused, Error::Map(error) if error == too_long));
    }
    let refused = store.put("k", [0; 101]).unwrap_err();
    let too_long = epoch_store::Error::ValueTooLong { len: 101, max: 100 };
    assert!(matches!(refused, Error::Map(error) if error == too_long));
    assert_eq!(store.version(), Version::from(1));
}

#[test]
fn what_is_no_store_is_left_alone() {
    use engine::{Parent, ParentBatch};
    let foreign = MemoryParent::new();
    let mut batch = ParentBatch::new(Version::from(3));
    batch.put(b"something", b"else");
    foreign.commit(&batch).unwrap();
    let refused = Store::builder().parent(foreign.reopened()).open().unwrap_err();
    assert!(matches!(refused, Error::Parent(e) if e.kind() == ParentErrorKind::Foreign));

    let newer = MemoryParent::new();
    drop(open(&newer));
    let mut batch = ParentBatch::new(Version::from(3));
    batch.put(b"\xff\xff\xff\xffformat", &2_u32.to_be_bytes());
    newer.commit(&batch).unwrap();
    let refused = Store::builder().parent(newer.reopened()).open().unwrap_err();
    assert!(matches!(refused, Error::Parent(e) if e.kind() == ParentErrorKind::NewerFormat));
    assert_eq!(newer.durable_version().unwrap(), Version::from(3));

    let damaged = MemoryParent::new();
    let store = open(&damaged);
    store.key_space("one").unwrap().put("k", "v").unwrap();
    drop(store);
    let mut batch = ParentBatch::new(Version::from(1));
    batch.delete(b"\xff\xff\xff\xffspace\0\0\0\x03");
    damaged.commit(&batch).unwrap();
    let refused = Store::builder().parent(damaged.reopened()).open().unwrap_err();
    assert!(matches!(refused, Error::Parent(e) if e.kind() == ParentErrorKind::Damaged));
}

#[test]
fn choices_that_do_not_fit_what_is_kept() {
    let parent = MemoryParent::new();
    let store = open(&parent);
    for name in ["one", "two"] {
        store.key_space(name).unwrap().put("k", [0; 5_000]).unwrap();
    }
    drop(store);
    let builder = || Store::builder().parent(parent.reopened());
    let refused = builder().max_key_spaces(1).open().unwrap_err();
    assert!(matches!(refused, Error::Map(epoch_store::Error::TooManySpaces { .. })), "{refused}");
    let refused = builder().memory_limit(6_000).open().unwrap_err();
    assert!(matches!(refused, Error::Map(epoch_store::Error::MemoryLimit { .. })), "{refused}");
    let twice = builder();
    twice.clone().open().unwrap();
    let refused = twice.open().unwrap_err();
    assert!(matches!(refused, Error::Parent(e) if e.kind() == ParentErrorKind::InUse));
}

#[test]
fn waiting_for_versions_that_change_nothing() {
    let store = open(&MemoryParent::new());
    store.put("k", "1").unwrap();
    let mut transaction = store.transaction();
    transaction.get_for_update("k").unwrap();
    transaction.put("k", "mine").unwrap();
    store.put("k", "2").unwrap();
    assert!(transaction.commit().unwrap_err().is_conflict());
    let overlay = store.overlay();
    overlay.put("x", "").unwrap();
    overlay.flush().unwrap();
    drop(overlay); // takes its mark away: a commit of the engine's own
    store.wait_durable(store.version()).unwrap();
    let refused = store.wait_durable(Version::from(1_000)).unwrap_err();
    assert!(matches!(refused, Error::Map(epoch_store::Error::VersionInFuture { .. })));
}
