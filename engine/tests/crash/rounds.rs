//! Rounds of a child that is killed, and of a look at what it has left.

use crate::batches::State;
use crate::check::{Acknowledged, check};
use crate::child::{acknowledged, start};
use crate::common::{env_or, random};
use crate::liars::Lie;
use crate::place::{DiskParent, Mode, Options, Spaces};
use crate::watchdog::Watchdog;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Rounds in one directory.
const PER_DIRECTORY: usize = 25;
/// Bytes in memory of a store with a budget: less than a tenth of what the batches put.
const BUDGET: u64 = 4_000;
/// For a child to begin with, and for a store to be opened.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory, and what is known of it.
struct Place {
    directory: TempDir,
    spaces: Spaces,
    state: State,
    said: Acknowledged,
}

/// When a child is killed.
enum Moment {
    /// After its first acknowledgement.
    Acknowledged(Duration),
    /// After it was started, whatever it has come to.
    Started(Duration),
}

impl Place {
    fn new(spaces: Spaces) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, spaces, state: State::default(), said: Acknowledged::default() }
    }

    /// Lets a child work and kills it. Returns how often it has acknowledged.
    fn kill(&mut self, test: &str, mode: Mode, moment: Moment) -> Result<u64, String> {
        let mut child = start(test, self.directory.path(), mode);
        let lines = lines_of(&mut child);
        let mut count = 0;
        let mut listen = |line: &str, said: &mut Acknowledged| {
            let Some((number, version)) = acknowledged(line) else { return false };
            *said = Acknowledged { number, version }.max(*said);
            count += 1;
            true
        };
        match moment {
            Moment::Started(pause) => std::thread::sleep(pause),
            Moment::Acknowledged(pause) => loop {
                match lines.recv_timeout(PATIENCE) {
                    Ok(line) if listen(&line, &mut self.said) => {
                        std::thread::sleep(pause);
                        break;
                    }
                    Ok(_) => {}
                    Err(why) => {
                        let _ = child.kill();
                        let status = child.wait().unwrap();
                        return Err(format!("the child acknowledged nothing: {why}, {status}"));
                    }
                }
            },
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        // The pipe still has what it had said.
        while let Ok(line) = lines.recv() {
            listen(&line, &mut self.said);
        }
        if status.code().is_some() && cfg!(unix) {
            return Err(format!("the child ended by itself: {status}"));
        }
        Ok(count)
    }

    /// Opens what was left, and looks at it.
    fn look<P: DiskParent>(&mut self, mode: Mode, is_closed: bool) -> Result<(), String> {
        let opened = mode.open::<P>(self.directory.path());
        let store = opened.map_err(|error| format!("it cannot be opened: {error}"))?;
        check(&store, self.spaces, &mut self.state, self.said)?;
        if is_closed {
            store.close().map_err(|error| format!("it cannot be closed: {error}"))?;
        }
        Ok(())
    }
}

/// What it says, until its end; read all the time, so that it never waits for whoever listens.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let (tell, told) = channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        // A last line that was cut off says less than was meant, so nothing that is not true.
        for line in lines.map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

/// What one kind of store has left is opened as another: all but the places may change from one opening to the next.
fn any_mode(spaces: Spaces, random: &mut fastrand::Rng) -> Mode {
    let budget = random.bool().then_some(BUDGET);
    let options = if random.bool() { Options::Usual } else { Options::Others };
    Mode { spaces, budget, options, lie: None }
}

/// The whole of it: see the header of the file `crash.rs`.
pub fn nothing_is_lost_or_halved<P: DiskParent>(test: &str) {
    let mut random = random();
    let rounds: usize = env_or("CRASH_ROUNDS", 300);
    let watchdog = Watchdog::new("a round of kills", 2 * PATIENCE);
    let began = Instant::now();
    let (mut acknowledged, mut batches, mut with_budget) = (0, 0, 0);
    let mut place = Place::new(Spaces::One);
    for round in 0..rounds {
        if round > 0 && round.is_multiple_of(PER_DIRECTORY) {
            batches += place.state.n;
            place = Place::new(if random.bool() { Spaces::One } else { Spaces::Several });
        }
        let mode = any_mode(place.spaces, &mut random);
        with_budget += u64::from(mode.budget.is_some());
        let moment = match random.u8(..8) {
            // In the middle of opening, often.
            0 => Moment::Started(Duration::from_micros(random.u64(..40_000))),
            _ => Moment::Acknowledged(Duration::from_micros(random.u64(..60_000))),
        };
        let looked = place.kill(test, mode, moment).and_then(|count| {
            acknowledged += count;
            place.look::<P>(any_mode(mode.spaces, &mut random), random.bool())
        });
        if let Err(why) = looked {
            let kept = place.directory.keep();
            panic!("{}, round {round}, {mode:?}: {why}; see {}", P::NAME, kept.display());
        }
        watchdog.alive();
    }
    batches += place.state.n;
    assert!(acknowledged as usize >= rounds / 2, "{acknowledged} acknowledgements are too few");
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{}: {rounds} rounds ({with_budget} with a memory budget), {batches} batches, \
         {acknowledged} acknowledged commits, lost = 0, {seconds:.1} s",
        P::NAME
    );
}

/// Each time in a new directory, as early as can be.
pub fn a_creation_that_was_killed_is_done_again<P: DiskParent>(test: &str) {
    let mut random = random();
    let watchdog = Watchdog::new("a creation that was killed", 2 * PATIENCE);
    for round in 0..env_or("CRASH_ROUNDS", 300) / 15 {
        let mut place = Place::new(Spaces::Several);
        for _ in 0..2 {
            let mode = any_mode(place.spaces, &mut random);
            let moment = Moment::Started(Duration::from_micros(random.u64(..30_000)));
            let looked = place.kill(test, mode, moment);
            looked.unwrap_or_else(|why| panic!("{}, round {round}: {why}", P::NAME));
        }
        let mode = any_mode(place.spaces, &mut random);
        place
            .look::<P>(mode, true)
            .unwrap_or_else(|why| panic!("{}, round {round}: {why}", P::NAME));
        watchdog.alive();
    }
}

/// Whoever breaks its promise is found out by the same rounds, soon.
pub fn liars_are_caught<P: DiskParent>(test: &str) {
    let mut random = random();
    let watchdog = Watchdog::new("a round with a liar", 2 * PATIENCE);
    for lie in Lie::ALL {
        let mut place = Place::new(Spaces::Several);
        let caught = (0..40).find_map(|round| {
            watchdog.alive();
            let options = Options::Usual;
            let mode = Mode { spaces: place.spaces, budget: None, options, lie: Some(lie) };
            let moment = Moment::Acknowledged(Duration::from_micros(random.u64(..30_000)));
            // It is the child that lies; whoever looks is told the truth.
            let looked = place.kill(test, mode, moment);
            let honest = Mode { lie: None, ..mode };
            let looked = looked.and_then(|_| place.look::<P>(honest, true));
            looked.err().map(|why| (round, why))
        });
        let Some((round, why)) = caught else { panic!("{}: {lie:?} was not caught", P::NAME) };
        println!("{}: {lie:?} was caught in round {round}: {why}", P::NAME);
    }
}
