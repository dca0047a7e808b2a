//! Sleeping and waking.

use super::{Rest, Scheduler, Sleepers, Tasks, Worker};
use epoch_store::atomics::{AtomicU64, Ordering, fence_at, mutant, relax};
use std::time::Instant;

/// Rounds without work before a worker sleeps: about two microseconds.
const SPIN: u32 = 50;

impl<T: Tasks> Scheduler<'_, T> {
    /// After so many rounds without work: looks again at once, or sleeps.
    pub(super) fn rest<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>, rounds: u32) {
        // Where only one may work, looking is worse than useless: it takes the lines away that he writes.
        if rounds < SPIN && self.shape().window > 1 && relax() {
            return;
        }
        let began = Instant::now();
        self.sleep(worker);
        worker.tally.idle += began.elapsed();
    }

    /// Sleeps, unless there is something to do after all.
    fn sleep<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>) {
        let me = 1 << worker.me;
        let has_work = mutant!("sleeper-looks-first") && self.has_work(worker);
        self.sleepers.0.asleep.fetch_or(me, Ordering::Relaxed);
        fence_at("sleeper"); // F-3: pairs with F-2
        if has_work || !mutant!("sleeper-looks-first") && self.has_work(worker) {
            self.sleepers.0.asleep.fetch_and(!me, Ordering::Relaxed);
            return;
        }
        worker.tally.naps += 1;
        worker.rest.park(worker.me);
        self.sleepers.0.asleep.fetch_and(!me, Ordering::Relaxed);
    }

    /// Whether this worker would find something to do.
    fn has_work<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>) -> bool {
        let frontier = self.progress.frontier();
        self.is_over(frontier)
            || self.is_damaged.load(Ordering::Relaxed) != 0
            || self.could_claim(worker, frontier)
            || self.parked.0.load(Ordering::Relaxed) != 0 && self.resumable(frontier).is_some()
    }

    fn could_claim<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>, frontier: u32) -> bool {
        match &self.order {
            Some(order) => self.free_in_order(order, worker, frontier).next().is_some(),
            None => self.claimable(worker).is_some(),
        }
    }

    /// After the frontier has moved here, and the fence: wakes who can be of use.
    pub(super) fn wake_for_frontier<R: Rest>(
        &self,
        worker: &Worker<'_, T::Worker, R>,
        frontier: u32,
    ) {
        let window = u32::from(self.shape().window);
        let asleep = self.sleepers.0.asleep.load(Ordering::Relaxed);
        if asleep == 0 && (window == 1 || self.sleepers.0.absent.load(Ordering::Relaxed) == 0) {
            return;
        }
        if frontier >= self.end() {
            return self.wake_sleepers(worker);
        }
        let open = (frontier + window).saturating_sub(self.next.0.load(Ordering::Relaxed));
        // A wake-up costs more than a short transaction: not one for each place.
        if window > 1 && open >= (window / 4).max(1) {
            self.wake_one(worker);
        }
    }

    /// After an outcome that others may have waited for, and the fence: wakes one, if there is work for two.
    pub(super) fn wake_for_outcome<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>) {
        let Some(order) = &self.order else { return };
        if self.sleepers.0.asleep.load(Ordering::Relaxed) == 0 {
            return;
        }
        if self.free_in_order(order, worker, self.progress.frontier()).nth(1).is_some() {
            self.wake_one(worker);
        }
    }

    fn wake_one<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>) {
        let Sleepers { asleep, absent } = &self.sleepers.0;
        let set = if asleep.load(Ordering::Relaxed) != 0 { asleep } else { absent };
        let one = set.load(Ordering::Relaxed).trailing_zeros();
        wake(set, one, worker.rest);
    }

    /// Wakes all who sleep.
    pub(super) fn wake_sleepers<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>) {
        wake_all(&self.sleepers.0.asleep, worker.rest);
    }

    /// Wakes all who sleep, or have not come.
    pub(super) fn wake_everybody<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>) {
        wake_all(&self.sleepers.0.asleep, worker.rest);
        wake_all(&self.sleepers.0.absent, worker.rest);
    }
}

fn wake_all(set: &AtomicU64, rest: &impl Rest) {
    let mut members = set.load(Ordering::Relaxed);
    while members != 0 {
        let one = members.trailing_zeros();
        members &= !(1 << one);
        wake(set, one, rest);
    }
}

/// Who takes the bit away wakes: one is enough.
fn wake(set: &AtomicU64, who: u32, rest: &impl Rest) {
    if who < u64::BITS && set.fetch_and(!(1 << who), Ordering::Relaxed) & 1 << who != 0 {
        rest.wake(who as usize);
    }
}
