#!/usr/bin/env bash
# Random blocks of transactions, against sequential execution and against the oracle's lists: the tests that ci/test.sh runs
# for some seconds, for as long as one likes.
#
# Usage: ci/blocks.sh [BLOCKS]    200,000 without an argument; SEED=n repeats a run
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check blocks "random blocks equal sequential execution"

export BLOCKS="${1:-200000}"
export CASES=$((BLOCKS / 4 + 1))
# Optimised with assertions kept; one test at a time, so that their threads are the block's.
run_tests cargo test "${locked[@]}" --no-fail-fast -p engine --profile checked \
    --test block_random --test block_threads --test block_differential -- --test-threads=1 --nocapture
