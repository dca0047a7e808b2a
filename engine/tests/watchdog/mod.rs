//! Ends a test that hangs, and says which.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// While it is there, its owner has to show signs of life.
pub struct Watchdog {
    alive: Sender<()>,
}

impl Watchdog {
    /// The process is ended if there is no [sign](Self::alive) for so long.
    pub fn new(what: &'static str, limit: Duration) -> Self {
        let (alive, signs) = channel();
        thread::spawn(move || {
            loop {
                match signs.recv_timeout(limit) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        eprintln!("{what} hangs: nothing for {limit:?}");
                        std::process::abort();
                    }
                }
            }
        });
        Self { alive }
    }

    /// It goes on.
    pub fn alive(&self) {
        self.alive.send(()).expect("it watches");
    }
}
