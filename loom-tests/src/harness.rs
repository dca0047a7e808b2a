//! Running a model and its mutants.

use std::cell::Cell;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest time for one mutant: a mutant that hangs is a mutant that the model does not stop.
const MUTANT_LIMIT: Duration = Duration::from_secs(120);

thread_local! {
    /// Which actor of a race is started first.
    static FIRST: Cell<usize> = const { Cell::new(0) };
}

/// A model with its bound and the least number of executions that count as having explored it.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// Its test's name, for the printed line.
    pub name: &'static str,
    /// Preemptions explored; `None`: all.
    pub bound: Option<usize>,
    /// Fewer executions than this mean that the model has lost its point.
    pub floor: usize,
}

impl Model {
    /// Explores `body`, prints how many executions that took, and fails below the floor.
    pub fn check(self, body: impl Fn() + Sync + Send + 'static) {
        self.check_from_each(1, body);
    }

    /// As `check`, once with each of so many actors of a [`race`] going first, and the executions added up.
    pub fn check_from_each(self, actors: usize, body: impl Fn() + Sync + Send + 'static) {
        let count = Arc::new(AtomicUsize::new(0));
        let body = Arc::new(body);
        let began = Instant::now();
        for first in 0..actors {
            FIRST.set(first);
            let (seen, body) = (Arc::clone(&count), Arc::clone(&body));
            let mut builder = loom::model::Builder::new();
            builder.preemption_bound = self.bound;
            builder.max_branches = 20_000;
            builder.check(move || {
                seen.fetch_add(1, Ordering::Relaxed);
                body();
            });
        }
        let executions = count.load(Ordering::Relaxed);
        let bound = self.bound.map_or_else(|| "none".into(), |bound| bound.to_string());
        println!(
            "model {}: {executions} executions, preemption bound {bound}, {:.2} s",
            self.name,
            began.elapsed().as_secs_f64()
        );
        if std::env::var_os("EPOCH_MUTANT").is_none() {
            let floor = self.floor;
            assert!(executions >= floor, "{}: {executions} executions, floor {floor}", self.name);
        }
    }
}

/// What a thread of a model does.
pub type Actor<T> = Box<dyn FnOnce() -> T + Send>;

/// An actor that shares `world`.
pub fn actor<W, T>(
    world: &loom::sync::Arc<W>,
    act: impl FnOnce(&W) -> T + Send + 'static,
) -> Actor<T>
where
    W: Send + Sync + 'static,
{
    let world = loom::sync::Arc::clone(world);
    Box::new(move || act(&world))
}

/// Runs the actors in a thread each and returns what they return.
///
/// Loom lets the first thread run to its end and looks for conflicts from there, and remembers of each atomic only
/// the last access: one thread's load is forgotten once another thread has loaded the same word, so the store that
/// the latter goes on to is never tried before the former. What one order of threads hides, another shows: hence
/// [`Model::check_from_each`].
pub fn race<T: 'static, const N: usize>(actors: [Actor<T>; N]) -> [T; N] {
    let mut actors = actors.map(Some);
    let mut results = [const { None }; N];
    let order = (0..N).map(|turn| (FIRST.get() + turn) % N);
    let threads: Vec<_> = order
        .map(|at| (at, loom::thread::spawn(actors[at].take().expect("each actor acts once"))))
        .collect();
    for (at, thread) in threads {
        results[at] = Some(thread.join().expect("a panic ends the model"));
    }
    results.map(|result| result.expect("every actor was joined"))
}

/// Runs the test `model` once for each mutant, in a child process, which must fail.
///
/// # Panics
/// If a mutant survives, or if the child ran no test.
pub fn mutants_die(model: &str, mutants: &[&str]) {
    assert!(mutants.len() >= 2, "a model needs two mutants at least");
    let this = std::env::current_exe().expect("a test knows its own path");
    let mut survivors = Vec::new();
    for mutant in mutants {
        let mut child = Command::new(&this)
            .args([model, "--exact", "--nocapture", "--test-threads=1"])
            .env("EPOCH_MUTANT", mutant)
            .env("RUST_BACKTRACE", "0")
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the test can be run as a child");
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break Some(status);
            }
            if began.elapsed() > MUTANT_LIMIT {
                let _ = child.kill();
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let output = child.wait_with_output().expect("a child's output can be read");
        let output = String::from_utf8_lossy(&output.stdout);
        assert!(output.contains("running 1 test"), "no test named {model} for mutant {mutant}");
        if status.is_some_and(|status| !status.success()) {
            println!(
                "mutant {mutant} of {model}: killed in {:.2} s",
                began.elapsed().as_secs_f64()
            );
        } else {
            println!("mutant {mutant} of {model}: SURVIVED");
            survivors.push(*mutant);
        }
    }
    println!("mutants of {model}: {} killed / {}", mutants.len() - survivors.len(), mutants.len());
    assert!(survivors.is_empty(), "{model} does not notice: {survivors:?}");
}
