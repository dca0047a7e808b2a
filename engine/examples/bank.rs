//! A bank module as applications of chains have it, written against the key-value contract and nothing else: transfers of
//! several coins, payments of everything an account has, coins that are made and destroyed, and the invariant that what all accounts
//! hold is what there is. It runs as transactions of blocks on several threads, and once more on an overlay, one
//! transaction after the other: the module is the same, and so is the state.
//!
//! `cargo run -p engine --example bank`

use engine::{Abort, Error, Executor, KvStore, Store, TxnLogic, View, ViewStore};
use std::fmt;

const ACCOUNTS: u16 = 40;
const COINS: [&str; 3] = ["atom", "osmo", "usdc"];
const BLOCKS: u64 = 20;
const TRANSACTIONS: usize = 300;

/// Why a message was refused.
#[derive(Debug)]
enum Refused {
    /// The account has less.
    TooLittle { has: u64 },
    /// The invariant does not hold. A run that reads too early may find it so, and is made again.
    Unequal { held: u64, known: u64 },
    /// The store below: also that a run has to be made again, which is nobody's business but the executor's.
    Store(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Abort> for Refused {
    fn from(abort: Abort) -> Self {
        Self::Store(abort.into())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLittle { has } => write!(f, "only {has} there"),
            Self::Unequal { held, known } => {
                write!(f, "accounts hold {held}, and there are {known}")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// The module. Balances lie under `balances/<account>/<coin>`, what there is of a coin under `supply/<coin>`.
struct Bank<'s>(&'s dyn KvStore);

impl Bank<'_> {
    fn number(&self, key: &str) -> Result<u64, Refused> {
        Ok(self.0.get(key.as_bytes())?.map_or(0, |value| parse(&value)))
    }

    /// What is nothing is not kept.
    fn set(&self, key: &str, number: u64) -> Result<(), Refused> {
        match number {
            0 => self.0.delete(key.as_bytes())?,
            _ => self.0.set(key.as_bytes(), number.to_string().as_bytes())?,
        }
        Ok(())
    }

    fn take(&self, key: &str, amount: u64) -> Result<(), Refused> {
        let has = self.number(key)?;
        let left = has.checked_sub(amount).ok_or(Refused::TooLittle { has })?;
        self.set(key, left)
    }

    fn give(&self, key: &str, amount: u64) -> Result<(), Refused> {
        self.set(key, self.number(key)? + amount)
    }

    fn send(&self, from: u16, to: u16, coin: &str, amount: u64) -> Result<(), Refused> {
        self.take(&balance(from, coin), amount)?;
        self.give(&balance(to, coin), amount)
    }

    fn mint(&self, to: u16, coin: &str, amount: u64) -> Result<(), Refused> {
        self.give(&balance(to, coin), amount)?;
        self.give(&supply(coin), amount)
    }

    fn burn(&self, from: u16, coin: &str, amount: u64) -> Result<(), Refused> {
        self.take(&balance(from, coin), amount)?;
        self.take(&supply(coin), amount)
    }

    /// All coins of an account, in the order of their names.
    fn balances(&self, account: u16) -> Result<Vec<(String, u64)>, Refused> {
        let start = balance(account, "");
        let mut found = Vec::new();
        for entry in self.0.iterator(Some(start.as_bytes()), Some(&end_of(&start)))? {
            let (key, value) = entry?;
            found.push((String::from_utf8_lossy(&key[start.len()..]).into_owned(), parse(&value)));
        }
        Ok(found)
    }

    /// Sends all coins of an account.
    fn send_all(&self, from: u16, to: u16) -> Result<(), Refused> {
        let coins = self.balances(from)?;
        coins.into_iter().try_for_each(|(coin, amount)| self.send(from, to, &coin, amount))
    }

    /// The invariant: all balances of a coin together are what there is of it.
    fn check_supply(&self, coin: &str) -> Result<u64, Refused> {
        let mut held = 0;
        for entry in self.0.iterator(Some(b"balances/"), Some(&end_of("balances/")))? {
            let (key, value) = entry?;
            if key.rsplit(|byte| *byte == b'/').next() == Some(coin.as_bytes()) {
                held += parse(&value);
            }
        }
        let known = self.number(&supply(coin))?;
        if held == known { Ok(held) } else { Err(Refused::Unequal { held, known }) }
    }
}

fn balance(account: u16, coin: &str) -> String {
    format!("balances/{account:05}/{coin}")
}

fn supply(coin: &str) -> String {
    format!("supply/{coin}")
}

/// The end of all keys that begin so: their prefix ends in a slash.
fn end_of(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

fn parse(value: &[u8]) -> u64 {
    String::from_utf8_lossy(value).parse().expect("only numbers are stored")
}

/// What a transaction wants.
#[derive(Debug, Clone, Copy)]
enum Message {
    Send { from: u16, to: u16, coin: &'static str, amount: u64 },
    SendAll { from: u16, to: u16 },
    Mint { to: u16, coin: &'static str, amount: u64 },
    Burn { from: u16, coin: &'static str, amount: u64 },
    CheckSupply { coin: &'static str },
}

impl Message {
    fn draw(random: &mut fastrand::Rng) -> Self {
        let coin = COINS[random.usize(..COINS.len())];
        let (from, to) = (random.u16(..ACCOUNTS), random.u16(..ACCOUNTS));
        let amount = random.u64(1..60);
        match random.u8(..100) {
            0..88 => Self::Send { from, to, coin, amount },
            88..90 => Self::SendAll { from, to },
            90..94 => Self::Mint { to, coin, amount },
            94..98 => Self::Burn { from, coin, amount },
            _ => Self::CheckSupply { coin },
        }
    }

    /// Does it. What it returns differs if anything that it reads does.
    fn run(self, bank: &Bank<'_>) -> Result<u64, Refused> {
        match self {
            Self::Send { from, to, coin, amount } => bank.send(from, to, coin, amount)?,
            Self::SendAll { from, to } => bank.send_all(from, to)?,
            Self::Mint { to, coin, amount } => bank.mint(to, coin, amount)?,
            Self::Burn { from, coin, amount } => bank.burn(from, coin, amount)?,
            Self::CheckSupply { coin } => return bank.check_supply(coin),
        }
        Ok(0)
    }
}

/// A block of messages, as the executor runs them.
struct Messages(Vec<Message>);

impl TxnLogic for Messages {
    type Out = u64;
    type Error = Refused;

    fn run(&self, index: u32, view: &mut View<'_>) -> Result<u64, Refused> {
        self.0[index as usize].run(&Bank(&ViewStore::new(view)))
    }
}

/// The block on an overlay, one message after the other: each in a frame of its own, of which all or nothing comes down.
fn one_by_one(store: &Store, messages: &[Message]) -> Result<Vec<Result<u64, String>>, Error> {
    let block = store.overlay();
    let mut outcomes = Vec::new();
    for message in messages {
        let frame = block.overlay();
        let outcome = message.run(&Bank(&frame));
        if outcome.is_ok() {
            frame.flush()?;
        }
        outcomes.push(outcome.map_err(|refused| refused.to_string()));
    }
    block.flush()?;
    Ok(outcomes)
}

/// A state as entries in key order.
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn all_of(state: &dyn KvStore) -> Result<Entries, Error> {
    state.iterator(None, None)?.collect()
}

fn main() -> Result<(), Error> {
    let (store, other) = (Store::in_memory(), Store::in_memory());
    for store in [&store, &other] {
        let genesis = store.overlay();
        for account in 0..ACCOUNTS {
            for coin in COINS {
                Bank(&genesis).mint(account, coin, 500).expect("there is nothing to refuse");
            }
        }
        genesis.flush()?;
    }

    let mut executor = Executor::builder().workers(4).build();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut refused, mut runs) = (0, 0);
    for number in 0..BLOCKS {
        let block = Messages((0..TRANSACTIONS).map(|_| Message::draw(&mut random)).collect());
        let executed = executor.execute(&store, TRANSACTIONS, &block)?;
        runs += executed.stats.executions();
        let outcomes: Vec<Result<u64, String>> = executed
            .results
            .into_iter()
            .map(|result| result.map_err(|refused| refused.to_string()))
            .collect();

        // The same as if one had followed the other, message by message and key by key.
        assert_eq!(outcomes, one_by_one(&other, &block.0)?, "block {number}");
        refused += outcomes.iter().filter(|outcome| outcome.is_err()).count();
        let snapshot = store.snapshot();
        assert_eq!(all_of(&snapshot)?, all_of(&other.snapshot())?, "block {number}");
        for coin in COINS {
            Bank(&snapshot).check_supply(coin).expect("it can be read");
        }
    }
    println!(
        "{BLOCKS} blocks of {TRANSACTIONS} messages, {refused} refused, {runs} runs; supplies hold"
    );
    Ok(())
}
