#!/usr/bin/env bash
# Processes that are killed while they commit, again and again, on every parent that keeps things on a disk: the rounds that
# ci/test.sh runs, and as many more as one likes.
#
# Usage: ci/crash.sh [ROUNDS]    300 for each parent without an argument
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check crash "what was acknowledged as durable outlives its process"

export CRASH_ROUNDS="${1:-300}"
# Optimised with assertions kept; one parent after the other, so that a child has the machine for itself.
run_tests cargo test "${locked[@]}" --no-fail-fast -p engine --profile checked --features redb,fjall \
    --test crash -- --test-threads=1 --nocapture
