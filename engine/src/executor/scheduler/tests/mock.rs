//! A multi-version memory that is plain to see: a locked map per key.

use super::super::{Check, Finish, Kind, Ran, Tasks};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// What transaction `index` does: reads these keys, and writes a mix of what it read to those.
#[derive(Debug, Clone, Default)]
pub struct Program {
    pub reads: Vec<usize>,
    pub writes: Vec<usize>,
    /// Turns of a loop that does nothing.
    pub work: u32,
    /// Reads one key more if the mix is odd.
    pub branch: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Value(u64),
    Estimate(u64),
}

#[derive(Debug, Clone, Default)]
struct Account {
    reads: Vec<(usize, Option<(u32, u64)>)>,
    out: u64,
    /// Runs that began, and whether one is running now.
    runs: u32,
    is_running: bool,
    is_final: bool,
}

#[derive(Default)]
pub struct Mock {
    pub programs: Vec<Program>,
    keys: Vec<Mutex<BTreeMap<u32, Version>>>,
    accounts: Vec<Mutex<Account>>,
    finished: AtomicU32,
    /// What finishing an index says.
    pub finish: BTreeMap<u32, Finish>,
    /// Withdraws the first run of every so-manieth index.
    pub retry_every: Option<u32>,
    /// Panics in the first so many runs of an index.
    pub panics: Mutex<BTreeMap<u32, u32>>,
    pub max_runs: u32,
}

fn mix(sum: u64, value: u64) -> u64 {
    (sum ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

impl Mock {
    pub fn new(programs: Vec<Program>, keys: usize, max_runs: u8) -> Self {
        Self {
            keys: (0..keys).map(|_| Mutex::default()).collect(),
            accounts: programs.iter().map(|_| Mutex::default()).collect(),
            programs,
            max_runs: max_runs.into(),
            ..Self::default()
        }
    }

    /// What each transaction's outcome is when they run one after the other.
    pub fn sequential(&self) -> Vec<u64> {
        let mut state = BTreeMap::new();
        let run = |(index, program): (usize, &Program)| {
            let mut out = index as u64;
            for key in &program.reads {
                out = mix(out, state.get(key).copied().unwrap_or(0));
            }
            if let Some(key) = program.branch.filter(|_| out % 2 == 1) {
                out = mix(out, state.get(&key).copied().unwrap_or(0));
            }
            state.extend(program.writes.iter().map(|&key| (key, mix(out, key as u64))));
            out
        };
        self.programs.iter().enumerate().map(run).collect()
    }

    /// What came out, of as many as were finished.
    pub fn outcomes(&self) -> Vec<u64> {
        let finished = self.finished.load(Ordering::Relaxed) as usize;
        self.accounts[..finished].iter().map(|account| account.lock().unwrap().out).collect()
    }

    pub fn runs(&self) -> Vec<u32> {
        self.accounts.iter().map(|account| account.lock().unwrap().runs).collect()
    }

    fn visible(&self, key: usize, index: u32) -> Option<(u32, Version)> {
        let versions = self.keys[key].lock().unwrap();
        versions.range(..index).next_back().map(|(&writer, &version)| (writer, version))
    }

    fn read(&self, account: &mut Account, key: usize, index: u32) -> Result<u64, u32> {
        match self.visible(key, index) {
            None => {
                account.reads.push((key, None));
                Ok(0)
            }
            Some((writer, Version::Value(value))) => {
                account.reads.push((key, Some((writer, value))));
                Ok(value)
            }
            Some((writer, Version::Estimate(_))) => Err(writer),
        }
    }

    fn execute(&self, index: u32, account: &mut Account) -> Result<(), u32> {
        let program = &self.programs[index as usize];
        let mut out = u64::from(index);
        for &key in &program.reads {
            out = mix(out, self.read(account, key, index)?);
            (0..program.work).for_each(|_| std::hint::spin_loop());
        }
        if let Some(key) = program.branch.filter(|_| out % 2 == 1) {
            out = mix(out, self.read(account, key, index)?);
        }
        account.out = out;
        Ok(())
    }

    fn publish(&self, index: u32, out: u64) {
        for (key, versions) in self.keys.iter().enumerate() {
            let mut versions = versions.lock().unwrap();
            if self.programs[index as usize].writes.contains(&key) {
                versions.insert(index, Version::Value(mix(out, key as u64)));
            } else {
                versions.remove(&index);
            }
        }
    }

    fn begin(&self, index: u32, kind: Kind) -> u32 {
        let mut account = self.accounts[index as usize].lock().unwrap();
        assert!(!account.is_running, "one thread runs an index (S-1)");
        assert!(!account.is_final, "nothing runs after a final run");
        account.is_running = true;
        account.is_final = kind == Kind::Final;
        account.runs += 1;
        assert!(account.runs <= self.max_runs, "runs are bounded (S-7)");
        if kind == Kind::Final {
            assert_eq!(self.finished.load(Ordering::Relaxed), index, "all below are final (S-3)");
        }
        account.runs
    }

    fn panic_if_asked(&self, index: u32) {
        let mut panics = self.panics.lock().unwrap();
        let Some(left) = panics.get_mut(&index).filter(|left| **left > 0) else { return };
        *left -= 1;
        drop(panics);
        let mut account = self.accounts[index as usize].lock().unwrap();
        (account.is_running, account.is_final) = (false, false);
        account.runs -= 1;
        drop(account);
        std::panic::panic_any(index);
    }
}

impl Tasks for Mock {
    type Worker = ();

    fn worker(&self, _: usize) {}

    fn run(&self, (): &mut (), index: u32, run: u8, kind: Kind) -> Ran {
        let runs = self.begin(index, kind);
        self.panic_if_asked(index);
        let mut account = Account::default();
        let mut result = self.execute(index, &mut account);
        let is_retried = self.retry_every.is_some_and(|every| index % every == every - 1);
        if kind == Kind::Speculative && is_retried && run == 1 && index > 0 {
            result = Err(index);
        }
        if result.is_ok() {
            self.publish(index, account.out);
        }
        let mut kept = self.accounts[index as usize].lock().unwrap();
        kept.is_running = false;
        match result {
            Ok(()) => {
                let is_final = kind == Kind::Final;
                *kept = Account { runs, is_final, ..account };
                Ran::Done
            }
            Err(on) => {
                assert!(kind == Kind::Speculative, "no marks below a final run");
                if on == index { Ran::Retry } else { Ran::Blocked { on } }
            }
        }
    }

    fn validate(&self, (): &mut (), index: u32) -> Check {
        let reads = self.accounts[index as usize].lock().unwrap().reads.clone();
        for (key, read) in reads {
            match (self.visible(key, index), read) {
                (Some((on, Version::Estimate(_))), _) => return Check::Pending { on },
                (None, None) => {}
                (Some((_, Version::Value(now))), Some((_, then))) if now == then => {}
                (now, _) => return Check::Stale { on: now.map(|(on, _)| on) },
            }
        }
        Check::Valid
    }

    fn estimate(&self, index: u32) {
        for versions in &self.keys {
            let mut versions = versions.lock().unwrap();
            if let Some(version) = versions.get_mut(&index)
                && let Version::Value(value) = *version
            {
                *version = Version::Estimate(value);
            }
        }
    }

    fn finish(&self, (): &mut (), index: u32) -> Finish {
        let mut account = self.accounts[index as usize].lock().unwrap();
        assert!(!account.is_running, "nobody runs what is final");
        let finish = self.finish.get(&index).copied().unwrap_or(Finish::Go);
        if finish == Finish::Redo && !account.is_final {
            return Finish::Redo;
        }
        account.is_final = true;
        drop(account);
        let finish = if finish == Finish::Redo { Finish::Go } else { finish };
        if finish != Finish::StopBefore {
            let before = self.finished.swap(index + 1, Ordering::Relaxed);
            assert_eq!(before, index, "in order (S-2)");
        }
        finish
    }
}
