//! A parent that is watched, slowed down, or made to fail.

use super::history::Contents;
use engine::{
    MemoryParent, Parent, ParentBatch, ParentError, ParentErrorKind, ParentSnapshot, Version,
};
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a parent has held, after each batch.
#[derive(Default)]
pub struct Recorder(Mutex<Vec<(Version, Contents)>>);

impl Recorder {
    pub fn states(&self) -> Vec<(Version, Contents)> {
        self.0.lock().unwrap().clone()
    }
}

/// Whether it fails.
#[derive(Clone, Default)]
pub struct Faults(Arc<AtomicBool>);

impl Faults {
    pub fn fail(&self, fails: bool) {
        self.0.store(fails, Ordering::SeqCst);
    }
}

pub struct Tap {
    below: MemoryParent,
    recorder: Arc<Recorder>,
    faults: Faults,
    delay: Duration,
    lengths: Option<(usize, usize)>,
}

impl Tap {
    pub fn new(below: MemoryParent, recorder: Arc<Recorder>) -> Self {
        let (faults, delay) = (Faults::default(), Duration::ZERO);
        Self { below, recorder, faults, delay, lengths: None }
    }

    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    pub fn slow(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The longest key and value.
    pub fn lengths(self, key: usize, value: usize) -> Self {
        Self { lengths: Some((key, value)), ..self }
    }
}

impl Parent for Tap {
    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        self.below.snapshot()
    }

    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        if self.faults.0.load(Ordering::SeqCst) {
            return Err(ParentError::new(ParentErrorKind::Io, "write a batch"));
        }
        std::thread::sleep(self.delay);
        let mut states = self.recorder.0.lock().unwrap();
        if let Some((before, _)) = states.last() {
            assert!(*before < batch.version(), "versions rise");
        }
        let keys: Vec<_> = batch.writes().map(|(key, _)| key).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "in key order, each once");
        self.below.commit(batch)?;
        let below = self.below.snapshot()?;
        let users = |key: &[u8]| key[..3] != [0; 3] || key[3] == 0 || key[3] > 2;
        let users = |key: &[u8]| users(key) && key[..4] != [0xff; 4];
        let entries = below.range(Bound::Unbounded, Bound::Unbounded).map(Result::unwrap);
        let contents = entries.filter(|(key, _)| users(key)).collect();
        states.push((batch.version(), contents));
        Ok(())
    }

    fn max_key_len(&self) -> usize {
        self.lengths.map_or(self.below.max_key_len(), |(key, _)| key)
    }

    fn max_value_len(&self) -> usize {
        self.lengths.map_or(self.below.max_value_len(), |(_, value)| value)
    }

    fn path(&self) -> Option<&Path> {
        None
    }

    fn close(&self) -> Result<(), ParentError> {
        self.below.close()
    }
}
