//! The child process: one contender, one job.

use std::collections::BTreeSet;
use std::io::{Write, stdout};

use super::{Options, Outcome, protocol};
use crate::measure::{Family, Findings, Job, Measure};

/// Measures what `options` ask of `job`, and says it on standard output family by family.
///
/// # Errors
///
/// Where it was not started by the parent, which names exactly one contender and one case.
pub fn run(job: Job, options: &Options) -> Outcome {
    let mut cases = options.cases();
    let (Some(case), None) = (cases.next(), cases.next()) else {
        return Err("a job is for one case".into());
    };
    let &[contender] = options.contenders().as_slice() else {
        return Err("a job is for one contender".into());
    };
    let plan = options.plan(case, options.round);
    let rows = options.rows(&plan);
    let wanted: BTreeSet<Family> = rows.iter().flat_map(|row| row.families()).collect();
    let wanted: Vec<Family> = wanted.into_iter().collect();
    let report = |findings: Findings| {
        // The parent is gone when nobody reads: there is nothing left to do then.
        let _ = stdout().write_all(protocol::encode(&findings).as_bytes());
        let _ = stdout().flush();
    };
    contender.visit(case, Measure { job, wanted: &wanted, plan, report });
    Ok(())
}
