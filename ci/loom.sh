#!/usr/bin/env bash
# Model checking: every schedule and every allowed reordering of the protocols, at small sizes.
# The models are in loom-tests. Each fails if it explored fewer executions than recorded (a model that
# explores nothing proves nothing), and each runs its seeded mutants as child processes that must fail.
#
# Usage: ci/loom.sh [FILTER]    FILTER as for `cargo test`, e.g. the name of a model
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check loom "the protocols of epoch-store under loom, and mutants that the models must kill"

# `epoch_loom` turns on the facade of epoch-store, `crossbeam_loom` that of crossbeam-epoch, and
# `crossbeam_sanitize` makes the latter collect after a handful of objects: otherwise a model ends
# before anything is freed.
export RUSTFLAGS="--cfg epoch_loom --cfg crossbeam_loom --cfg crossbeam_sanitize"
# Other flags, other folder: otherwise every second command would rebuild the world.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom"
# Atomic operations allowed in one execution before loom calls it endless; its default of 1,000 is too
# few for anything on a real reclaimer.
export LOOM_MAX_BRANCHES=10000

# `checked` is release with assertions, and without the link-time optimisation that would be paid again
# for every file of models.
run_tests cargo test "${locked[@]}" --no-fail-fast --profile checked -p loom-tests --tests "$@" -- \
    --show-output
