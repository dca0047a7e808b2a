#!/usr/bin/env bash
# Data races under ThreadSanitizer, with a standard library that is instrumented too: an uninstrumented
# one hides the edges that its locks and threads make, and is reported by the dozen for what is right.
# First programs with known races have to be reported: the canary, and the map itself with one of its
# orderings taken away (EPOCH_MUTANT, as in the models).
#
# Needs a nightly and the source of its standard library (component rust-src), which a build server
# fetches. Where they cannot be had the check is SKIPPED, and is no pass.
#
# Usage: ci/tsan.sh [FILTER]    FILTER as for `cargo test`
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check tsan "the tests of epoch-store that have threads, under ThreadSanitizer, with canaries"

# say_skipped WHY: the build server's log is long.
say_skipped() {
    echo "##################################################################################"
    echo "# SKIPPED: no data race was looked for. $1"
    echo "##################################################################################"
    unavailable "$1"
}

host=$(rustc -vV | sed -n 's/^host: //p')
toolchain=$(nightly)
[[ -n $toolchain ]] || say_skipped "no nightly toolchain is installed"
has_source() { [[ -f $(rustc "+$toolchain" --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock ]]; }
add_source=(rustup component add rust-src --toolchain "$toolchain")
if ! has_source; then
    if [[ ${CI:-} == true ]]; then
        step timeout 180 "${add_source[@]}" || true
    fi
    has_source || say_skipped "the source of the standard library is missing: ${add_source[*]}"
fi

# `crossbeam_sanitize` shrinks the bags of the reclaimer, so that memory is freed soon enough to be missed;
# `epoch_tsan` lets EPOCH_MUTANT seed faults. There are no suppressions.
export RUSTFLAGS="-Zsanitizer=thread --cfg crossbeam_sanitize --cfg epoch_tsan"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/tsan"
build=("${locked[@]}" -Zbuild-std --profile checked --target "$host" -p epoch-store)
build+=(--features pause-points)

step cargo "+$toolchain" build "${build[@]}" --example canary
canary=$CARGO_TARGET_DIR/$host/checked/examples/canary
export TSAN_OPTIONS="exitcode=66:halt_on_error=1"
must_report 66 "ThreadSanitizer: heap-use-after-free" "$canary" use-after-free
must_report 66 "ThreadSanitizer: data race" "$canary" relaxed-publish
must_report 66 "ThreadSanitizer: data race" "$canary" changed-in-place
must_report 66 "ThreadSanitizer: data race" "$canary" unpinned-reader
must_be_silent "$canary" clean

# The map with a fault: an ordering taken away, a node freed before its time, a cut that links it anew.
step cargo "+$toolchain" test "${build[@]}" --test stress --no-run 2>&1 | tee "$scratch/built"
stress=$(sed -n 's/.*Executable tests.stress.rs (\(.*\))/\1/p' "$scratch/built")
for fault in head-install head-load epoch-frees-at-once cut-by-store; do
    must_report 66 'ThreadSanitizer: \(data race\|heap-use-after-free\)' \
        env "EPOCH_MUTANT=$fault" "$stress" overwrites_scans --test-threads=1
done

tests=()
for name in stress history hot_keys lifetimes thread_exit parked bounds collection \
    large_commits delete_range key_spaces removal retention leases checked_races checked_histories; do
    tests+=(--test "$name")
done
# Every report, not the first alone; any fails the test that it is in.
export TSAN_OPTIONS="exitcode=66"
HISTORY_OPS=${HISTORY_OPS:-100_000} run_tests \
    cargo "+$toolchain" test "${build[@]}" --no-fail-fast "${tests[@]}" "$@"
