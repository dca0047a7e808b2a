//! Generated chains of blocks.

use std::fmt::Debug;

use super::{Chain, Course, Findings, Options};
use crate::blocks::contender::{Contender, Done, Locked, Sequential};
use crate::blocks::ours::{Ours, Setting};
use crate::blocks::sequential::{Ordered, Points, Reference};
use crate::blocks::state::Entries;
use crate::blocks::workload::Plan;
use crate::measure::resident;
use crate::program::{Outcome, Progress};

/// Executes each of the chains.
///
/// # Errors
/// A block that cannot be executed at all.
pub fn run(
    plans: &[Plan],
    options: &Options,
    setting: Setting,
    findings: &mut Findings,
) -> Outcome {
    let progress = Progress::new(plans.len() * options.blocks() as usize);
    for plan in plans {
        let chain = if plan.workload.scans() {
            chain::<Ordered>(plan, options, setting, &progress, findings)?
        } else {
            chain::<Points>(plan, options, setting, &progress, findings)?
        };
        findings.chains.push(chain);
    }
    progress.finish();
    Ok(())
}

/// Somebody on the way, and what is known of it.
struct Runner<C> {
    contender: C,
    course: Course,
}

impl<C: Contender> Runner<C> {
    fn new(make: impl FnOnce() -> Result<C, String>) -> Result<Runner<C>, String> {
        let before = resident();
        let contender = make()?;
        let growth = resident().zip(before).map(|(now, before)| now.saturating_sub(before));
        let course = Course {
            who: contender.name(),
            bytes: contender.bytes().or(growth),
            ..Course::default()
        };
        Ok(Runner { contender, course })
    }

    fn execute<J: crate::blocks::program::Job>(&mut self, job: &J) -> Result<Vec<J::Out>, String> {
        let Done { outs, took, figures } = self.contender.execute(job)?;
        self.course.blocks.push(took);
        self.course.figures.add(&figures);
        self.course.bytes = self.course.bytes.max(self.contender.bytes());
        Ok(outs)
    }
}

fn chain<R: Reference>(
    plan: &Plan,
    options: &Options,
    setting: Setting,
    progress: &Progress,
    findings: &mut Findings,
) -> Outcome<Chain> {
    let base = plan.base();
    let mut sequential = Runner::new(|| Ok(Sequential(R::load(&base))))?;
    let mut ours = Runner::new(|| {
        let mut ours = Ours::new(setting);
        ours.load(&base)?;
        Ok(ours)
    })?;
    let mut locked = match options.baseline {
        true => Some(Runner::new(|| Ok(Locked::new(setting.workers, &base)))?),
        false => None,
    };
    drop(base);
    let mut chain = Chain { workload: plan.workload.name(), courses: vec![], differing: 0 };
    for number in 0..options.blocks() {
        progress.begin(&format!("{} block {}", plan.workload.name(), number + 1));
        let block = plan.block(number);
        let at = format!("{}, block {number}", plan.workload.name());
        let wanted = sequential.execute(&block)?;
        let found = ours.execute(&block)?;
        chain.differing += differing(&wanted, &found, "result", &at, "ours", findings);
        if let Some(locked) = &mut locked {
            let found = locked.execute(&block)?;
            chain.differing += differing(&wanted, &found, "result", &at, "locked", findings);
        }
        progress.end();
    }
    let end = sequential.contender.entries();
    let at = format!("{}, end of the chain", plan.workload.name());
    let mut compare = |entries: Entries, who: &str| {
        chain.differing += differing(&end, &entries, "entry", &at, who, findings);
    };
    compare(ours.contender.entries(), "ours");
    if let Some(locked) = &locked {
        compare(locked.contender.entries(), "locked");
    }
    chain.courses.extend([sequential.course, ours.course]);
    chain.courses.extend(locked.map(|locked| locked.course));
    Ok(chain)
}

/// Counts what differs, and says it of the first.
fn differing<T: PartialEq + Debug>(
    wanted: &[T],
    found: &[T],
    what: &str,
    at: &str,
    who: &str,
    findings: &mut Findings,
) -> u64 {
    let pairs = || wanted.iter().zip(found).enumerate();
    let count = pairs().filter(|(_, (wanted, found))| wanted != found).count()
        + wanted.len().abs_diff(found.len());
    if count > 0 {
        let first = pairs().find(|(_, (wanted, found))| wanted != found);
        let first = first.map_or_else(
            || format!("{} instead of {}", found.len(), wanted.len()),
            |(index, (wanted, found))| {
                format!("the first at {index}: {found:?}, sequentially {wanted:?}")
            },
        );
        findings.differences.push(format!("{at}: {who} differs in {count} x {what}, {first}"));
    }
    count as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_counted_and_the_first_is_named() {
        let mut findings = Findings::default();
        let mut count = |found: &[u64]| {
            differing(&[1, 2, 3], found, "result", "block 4", "ours", &mut findings)
        };
        assert_eq!(count(&[1, 2, 3]), 0);
        assert_eq!(count(&[1, 7, 8]), 2);
        assert_eq!(count(&[1, 2]), 1);
        let said = &findings.differences;
        assert_eq!(said.len(), 2);
        assert!(
            said[0].contains("block 4: ours differs in 2") && said[0].contains("first at 1: 7")
        );
        assert!(said[1].contains("2 instead of 3"));
    }
}
