# shellcheck shell=bash
# Sourced by every check in this folder. It holds what they must not differ in: where they run, how
# they close, and that a check which ran nothing is not a check that passed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A build server must build what was committed; at a desk the lock file may move.
# shellcheck disable=SC2034 # read by the scripts that source this one
if [[ "${CI:-}" == true ]]; then locked=(--locked); else locked=(); fi

check_name=
check_began=$SECONDS
tests_passed=0
skipped=
scratch=

# check NAME WHAT: announces a check and makes $scratch, a folder that lives as long as the script. The
# closing line is printed however the script ends; a signal (the time limit in .ci/run) is no success.
check() {
    check_name=$1
    echo "# $1: $2"
    scratch=$(mktemp -d)
    trap 'close $?' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

close() {
    rm -rf "$scratch"
    local took=$((SECONDS - check_began)) counted=
    ((tests_passed > 0)) && counted=", $tests_passed tests"
    if [[ -n $skipped ]]; then
        echo "# $check_name: SKIPPED: $skipped"
    elif (($1 == 0)); then
        echo "# $check_name: OK ($took s$counted)"
    else
        echo "# $check_name: FAILED (exit $1, $took s)"
    fi
}

# skip WHY: ends a check that could not run. On a build server that is a failure, and nowhere a pass.
skip() {
    skipped=$1
    if [[ "${CI:-}" == true ]]; then exit 1; else exit 77; fi
}

# unavailable WHY: ends a check for which something could not be fetched. No failure of what is checked, so a
# build server goes on with the others; but no pass either: .ci/run counts it apart.
unavailable() {
    skipped=$1
    exit 77
}

# nightly: the name of an installed nightly toolchain, or nothing.
nightly() {
    rustup toolchain list 2>/dev/null | awk '/^nightly/ && !seen { seen = 1; print $1 }' || true
}

# must_report STATUS WORDS COMMAND...: a program with a known fault; a sanitizer has to end it with this
# status, and say these words.
must_report() {
    local wanted=$1 words=$2 status=0
    shift 2
    timeout 120 "$@" >"$scratch/said" 2>&1 || status=$?
    if ((status != wanted)) || ! grep -q "$words" "$scratch/said"; then
        tail -n 60 "$scratch/said"
        echo "the canary '${*##*/}' ended with $status and was not reported as '$words'" >&2
        return 1
    fi
    echo "reported: ${*##*/}"
}

# must_be_silent COMMAND...: the same program without a fault.
must_be_silent() {
    local status=0
    timeout 120 "$@" >"$scratch/said" 2>&1 || status=$?
    if ((status != 0)) || [[ -s $scratch/said ]]; then
        tail -n 60 "$scratch/said"
        echo "the canary '${*##*/}' has no fault, and ended with $status or said something" >&2
        return 1
    fi
    echo "silent: ${*##*/}"
}

# step COMMAND...: says what it runs, then runs it.
step() {
    echo "+ $*"
    "$@"
}

# run_tests COMMAND...: a step that is a test runner; counts the tests that passed, and fails if none did.
run_tests() {
    local log=$scratch/log count
    echo "+ $*"
    if ! "$@" 2>&1 | tee "$log"; then
        return 1
    fi
    count=$(awk '/^test result:/ { sum += $4 } END { print sum + 0 }' "$log")
    if ((count == 0)); then
        echo "no test ran: $*" >&2
        return 1
    fi
    tests_passed=$((tests_passed + count))
}
