//! Blocks on the executor: the scenarios of the reference suite for schedulers (H), each with 1 to 8 workers and several windows.

mod blocks;

use blocks::adapter::state_of as contents;
use blocks::executors::{execute, with_executors};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

fn number(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}

fn key(number: impl Into<u64>) -> Vec<u8> {
    format!("key {:06}", number.into()).into_bytes()
}

#[test]
fn h01_a_block_of_no_transactions_ends() {
    with_executors(|executor, store| {
        store.put("k", "v").unwrap();
        let version = store.version();
        assert!(execute(executor, store, 0, |_, _| Ok(())).is_empty());
        assert_eq!(store.version(), version, "nothing was committed");
    });
}

#[test]
fn h02_writers_and_iterators_of_ten_keys() {
    with_executors(|executor, store| {
        (0..10_u64).for_each(|n| _ = store.put(key(n), [0; 8]).unwrap());
        let results = execute(executor, store, 100, |index, view| {
            if index.is_multiple_of(2) {
                view.put(key(index / 2 % 10), u64::from(index).to_be_bytes())?;
                return Ok(0);
            }
            let mut sum = 0;
            for entry in view.range(..) {
                sum += number(Some(entry?.1));
            }
            view.put("sum", sum.to_be_bytes())?;
            view.delete("sum")?;
            Ok(sum)
        });
        let mut values = [0; 10];
        for (index, sum) in (0_u64..).zip(results) {
            if index.is_multiple_of(2) {
                values[(index / 2 % 10) as usize] = index;
            } else {
                assert_eq!(sum, values.iter().sum::<u64>(), "read by {index}");
            }
        }
        assert_eq!(contents(store).len(), 10);
    });
}

#[test]
fn h03_a_thousand_transactions_without_overlap() {
    with_executors(|executor, store| {
        let results = execute(executor, store, 1_000, |index, view| {
            let before = view.get(key(index))?.is_some();
            view.put(key(index), index.to_be_bytes())?;
            Ok((before, view.get(key(index))?.map(<[u8]>::to_vec)))
        });
        let rows: BTreeMap<_, _> =
            (0..1_000_u32).map(|n| (key(n), n.to_be_bytes().to_vec())).collect();
        assert_eq!(contents(store), rows);
        for (index, (before, own)) in (0_u32..).zip(results) {
            assert_eq!((before, own.unwrap()), (false, index.to_be_bytes().to_vec()));
        }
    });
}

#[test]
fn h04_a_thousand_transactions_of_one_key() {
    with_executors(|executor, store| {
        let results = execute(executor, store, 1_000, |index, view| {
            let before = view.get("shared")?.map(<[u8]>::to_vec);
            view.put("shared", u64::from(index).to_be_bytes())?;
            Ok(before)
        });
        assert_eq!(results[0], None);
        for (index, before) in (0_u64..).zip(results).skip(1) {
            assert_eq!(number(before.as_deref()), index - 1);
        }
        assert_eq!(number(contents(store).get(&b"shared"[..]).map(Vec::as_slice)), 999);
    });
}

#[test]
fn h05_some_of_two_thousand_transactions_share_a_key() {
    with_executors(|executor, store| {
        let results = execute(executor, store, 2_000, |index, view| {
            let key = if index.is_multiple_of(10) { b"shared".to_vec() } else { key(index) };
            let sum = number(view.get(&key)?) + u64::from(index);
            view.put(&key, sum.to_be_bytes())?;
            Ok(sum)
        });
        let mut shared = 0;
        for (index, sum) in (0_u64..).zip(results) {
            shared += if index.is_multiple_of(10) { index } else { 0 };
            assert_eq!(sum, if index.is_multiple_of(10) { shared } else { index });
        }
    });
}

#[test]
fn h06_transactions_that_touch_nothing() {
    with_executors(|executor, store| {
        let version = store.version();
        assert_eq!(execute(executor, store, 10, |index, _| Ok(index)), Vec::from_iter(0..10));
        assert_eq!(store.version(), version);
    });
}

#[test]
fn h07_a_thousand_transactions_of_one_key_that_take_as_long_as_they_like() {
    with_executors(|executor, store| {
        let results = execute(executor, store, 1_000, |index, view| {
            let before = number(view.get("shared")?);
            // Not random, but without a pattern that a scheduler could follow.
            match index.wrapping_mul(0x9e37_79b9) >> 28 {
                0 => thread::sleep(Duration::from_micros(200)),
                1..4 => thread::yield_now(),
                turns => (0..turns * 40).for_each(|_| std::hint::spin_loop()),
            }
            view.put("shared", (before + 1).to_be_bytes())?;
            Ok(before)
        });
        assert_eq!(results, Vec::from_iter(0..1_000));
    });
}

#[test]
fn h08_what_an_abandoned_run_returned_is_not_returned() {
    with_executors(|executor, store| {
        let runs: Vec<_> = (0..250).map(|_| AtomicU32::new(0)).collect();
        let results = execute(executor, store, 250, |index, view| {
            runs[index as usize].fetch_add(1, Ordering::Relaxed);
            let mut trace = vec![];
            for step in 0..4_u32 {
                let value = number(view.get(key(step))?);
                trace.push(value);
                view.put(key(step), (value + 1).to_be_bytes())?;
            }
            Ok(trace)
        });
        for (index, trace) in (0_u64..).zip(results) {
            assert_eq!(trace, [index; 4], "of one run, with one state");
        }
        let most = 4;
        assert!(runs.iter().all(|runs| (1..=most).contains(&runs.load(Ordering::Relaxed))));
    });
}

#[test]
fn h09_a_chain_of_a_thousand_that_append_to_one_value() {
    with_executors(|executor, store| {
        let lengths = execute(executor, store, 1_000, |index, view| {
            let mut text = view.get("text")?.unwrap_or_default().to_vec();
            text.extend_from_slice(format!("{index},").as_bytes());
            view.put("text", &text)?;
            Ok(text.len())
        });
        let text: String = (0..1_000).map(|index| format!("{index},")).collect();
        assert_eq!(contents(store)[&b"text"[..]], text.as_bytes());
        assert_eq!(*lengths.last().unwrap(), text.len());
    });
}

#[test]
fn h10_more_workers_than_transactions() {
    for transactions in 1..6 {
        with_executors(|executor, store| {
            let results = execute(executor, store, transactions, |_, view| {
                let count = number(view.get("count")?);
                view.put("count", (count + 1).to_be_bytes())?;
                Ok(count)
            });
            assert_eq!(results, Vec::from_iter(0..transactions as u64));
        });
    }
}
