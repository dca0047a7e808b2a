#!/usr/bin/env bash
# Every test and every example in the documentation, in the builds in which they say something.
# A failure in one build does not hide those of the next.
#
# Usage: ci/test.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check test "unit, integration and documentation tests"
status=0

# The programs around the libraries, and what the documentation says. The program on top wants parents on a disk, and would
# have them built into everything beside it.
run_tests cargo test "${locked[@]}" --no-fail-fast -p epoch-store -p engine --doc || status=1
run_tests cargo test "${locked[@]}" --no-fail-fast -p bench -p loom-tests || status=1
run_tests cargo test "${locked[@]}" --no-fail-fast -p engine-cli || status=1

# Unoptimised, with the stops inside the protocols: tests that park a thread halfway exist in this build only.
run_tests cargo test "${locked[@]}" --no-fail-fast -p epoch-store -p engine --tests \
    --features epoch-store/pause-points,engine/pause-points || status=1

# With what the engine tells to hosts that listen.
run_tests cargo test "${locked[@]}" --no-fail-fast -p engine --features tracing,metrics \
    --test observe_tracing --test observe_metrics || status=1
run_tests cargo test "${locked[@]}" -p engine --features metrics --doc -- observability || status=1

# With the parents on a disk, and the one that fails on command; engines of others are built for these only.
below=redb,fjall,fault-injection
run_tests cargo test "${locked[@]}" --no-fail-fast -p engine --features "$below" --test parents || status=1
run_tests cargo test "${locked[@]}" --no-fail-fast -p engine --features "$below" --test faults || status=1
run_tests cargo test "${locked[@]}" -p engine --features "$below" --lib -- parent:: || status=1
run_tests cargo test "${locked[@]}" -p engine --features "$below" --doc -- parent:: || status=1

# Killed while they commit, 300 times on each; said aloud, so that the log has the figures.
run_tests cargo test "${locked[@]}" --no-fail-fast -p engine --features "$below" --test crash -- \
    --test-threads=1 --nocapture || status=1

# As a user builds it, but optimised with assertions kept: threads are fast enough to meet, which is what a stress test needs.
run_tests cargo test "${locked[@]}" --no-fail-fast -p epoch-store -p engine --tests \
    --profile checked || status=1

# The main job, in small: its tests run it smaller still.
step cargo run "${locked[@]}" -p bench --bin replay -- --blocks 2 --transactions 500 --work-us 2 --ballast 1000 --baseline \
    || status=1

# A store on a disk, in small: everything that is read is compared with what was written.
step cargo run "${locked[@]}" -p bench --bin durable -- --keys 2000 --rounds 1 || status=1

exit $status
