//! Writes that depend on the value that they replace, alone and against each other.

mod common;

use common::{number, of_map, rounds};
use engine::{Error, KeySpace, Store, Version};
use std::sync::Barrier;

const THREADS: usize = 4;

/// Where conditional writes can be made: in the default space, or in one with a name.
enum Place {
    Default(Store),
    Space(Store, KeySpace),
}

impl Place {
    fn both() -> [Self; 2] {
        let store = Store::in_memory();
        let space = store.key_space("space").unwrap();
        space.put("unrelated", "").unwrap();
        [Self::Default(Store::in_memory()), Self::Space(store, space)]
    }

    fn store(&self) -> &Store {
        match self {
            Self::Default(store) | Self::Space(store, _) => store,
        }
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let snapshot = self.store().snapshot();
        let value = match self {
            Self::Default(_) => snapshot.get(key),
            Self::Space(_, space) => snapshot.space(space).unwrap().get(key),
        };
        value.unwrap().map(Vec::from)
    }

    fn put(&self, key: &str, value: &str) -> Version {
        match self {
            Self::Default(store) => store.put(key, value),
            Self::Space(_, space) => space.put(key, value),
        }
        .unwrap()
    }

    fn insert(&self, key: &str, value: &str) -> Result<Option<Version>, Error> {
        match self {
            Self::Default(store) => store.insert_if_absent(key, value),
            Self::Space(_, space) => space.insert_if_absent(key, value),
        }
    }

    fn set(&self, key: &str, expected: &str, new: &str) -> Result<Option<Version>, Error> {
        match self {
            Self::Default(store) => store.compare_and_set(key, expected, new),
            Self::Space(_, space) => space.compare_and_set(key, expected, new),
        }
    }

    fn delete(&self, key: &str, expected: &str) -> Result<Option<Version>, Error> {
        match self {
            Self::Default(store) => store.compare_and_delete(key, expected),
            Self::Space(_, space) => space.compare_and_delete(key, expected),
        }
    }

    /// Runs a thread for each number below [`THREADS`], all at once.
    fn race<T: Send>(&self, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let barrier = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (barrier, work) = (&barrier, &work);
                    scope.spawn(move || {
                        barrier.wait();
                        work(thread)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }
}

#[test]
fn a_condition_that_is_not_met_commits_nothing() {
    for place in Place::both() {
        let version = place.put("k", "v");
        assert_eq!(place.insert("k", "w").unwrap(), None);
        assert_eq!(place.set("k", "w", "x").unwrap(), None);
        assert_eq!(place.set("absent", "v", "x").unwrap(), None);
        assert_eq!(place.delete("k", "w").unwrap(), None);
        assert_eq!(place.delete("absent", "v").unwrap(), None);
        assert_eq!(place.store().version(), version);
        assert_eq!(place.get("k").unwrap(), b"v");
    }
}

#[test]
fn a_condition_that_is_met_is_one_commit() {
    for place in Place::both() {
        let before = place.store().version().get();
        let next = |commits: u64| Some(Version::from(before + commits));
        assert_eq!(place.insert("k", "1").unwrap(), next(1));
        assert_eq!(place.set("k", "1", "2").unwrap(), next(2));
        assert_eq!(place.get("k").unwrap(), b"2");
        assert_eq!(place.delete("k", "2").unwrap(), next(3));
        assert_eq!(place.get("k"), None);
        assert_eq!(place.insert("k", "3").unwrap(), next(4), "a deleted key is absent");
    }
}

#[test]
fn an_empty_value_is_not_absence() {
    for place in Place::both() {
        assert_eq!(place.set("k", "", "v").unwrap(), None);
        assert_eq!(place.delete("k", "").unwrap(), None);
        place.put("k", "");
        assert_eq!(place.insert("k", "v").unwrap(), None);
        assert!(place.set("k", "", "").unwrap().is_some());
        assert!(place.delete("k", "").unwrap().is_some());
        assert_eq!(place.get("k"), None);
    }
}

#[test]
fn a_key_that_cannot_be_stored_is_refused_also_where_nothing_would_be_written() {
    let too_long = "k".repeat(engine::MAX_KEY_LEN + 1);
    for place in Place::both() {
        let version = place.store().version();
        for key in ["", &too_long] {
            for result in [place.insert(key, "v"), place.set(key, "v", "w"), place.delete(key, "v")]
            {
                let refused = of_map(result.unwrap_err());
                let as_put = of_map(place.store().put(key, "v").unwrap_err());
                assert_eq!(refused, as_put);
            }
        }
        assert_eq!(place.store().version(), version);
    }
}

#[test]
fn of_many_that_insert_one_key_exactly_one_succeeds() {
    for place in Place::both() {
        let keys = rounds(1_000);
        let won = place.race(|thread| -> Vec<usize> {
            let insert = |key: &usize| place.insert(&key.to_string(), &thread.to_string());
            (0..keys).filter(|key| insert(key).unwrap().is_some()).collect()
        });
        let mut winners = vec![Vec::new(); keys];
        for (thread, keys) in won.iter().enumerate() {
            keys.iter().for_each(|key| winners[*key].push(thread));
        }
        for (key, winners) in winners.iter().enumerate() {
            assert_eq!(winners.len(), 1, "key {key} was inserted by {winners:?}");
            let value = place.get(&key.to_string()).unwrap();
            assert_eq!(number(&value), winners[0] as u64, "key {key}");
        }
    }
}

#[test]
fn increments_by_compare_and_set_lose_nothing() {
    for place in Place::both() {
        place.put("count", "0");
        let each = rounds(1_000) as u64;
        place.race(|_| {
            for _ in 0..each {
                loop {
                    let old = number(&place.get("count").unwrap());
                    let (old, new) = (old.to_string(), (old + 1).to_string());
                    if place.set("count", &old, &new).unwrap().is_some() {
                        break;
                    }
                }
            }
        });
        assert_eq!(number(&place.get("count").unwrap()), each * THREADS as u64);
    }
}

#[test]
fn a_lock_of_conditional_writes_keeps_others_out() {
    for place in Place::both() {
        place.put("guarded", "0");
        let each = rounds(200) as u64;
        place.race(|thread| {
            let me = thread.to_string();
            for _ in 0..each {
                while place.insert("lock", &me).unwrap().is_none() {
                    std::thread::yield_now();
                }
                // What no two may do at once.
                let count = number(&place.get("guarded").unwrap());
                place.put("guarded", &(count + 1).to_string());
                assert!(place.delete("lock", &me).unwrap().is_some(), "only its holder lets it go");
            }
        });
        assert_eq!(number(&place.get("guarded").unwrap()), each * THREADS as u64);
        assert_eq!(place.get("lock"), None);
    }
}

#[test]
fn writes_to_other_keys_do_not_stand_in_the_way() {
    let place = &Place::both()[0];
    place.put("k", "0");
    let each = rounds(1_000);
    place.race(|thread| {
        for count in 0..each {
            let (old, new) = (count.to_string(), (count + 1).to_string());
            if thread > 0 {
                place.put(&format!("other {thread} {count}"), "");
            } else {
                assert!(place.set("k", &old, &new).unwrap().is_some(), "only this one writes to k");
            }
        }
    });
    assert_eq!(place.get("k").unwrap(), each.to_string().into_bytes());
}
