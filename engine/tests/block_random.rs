//! Random blocks on the executor equal sequential execution, bit by bit: results, errors and panics by index, final state,
//! changed keys.
//!
//! `BLOCKS=1000000 cargo test -p engine --test block_random` for more of them, `SEED=n` to repeat a run.

mod blocks;

use blocks::adapter::{Logic, Setting, compare, store_of};
use blocks::sequential::{Limits, execute};
use blocks::strategy::{Case, Mischief, case};
