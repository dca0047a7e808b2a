#!/usr/bin/env bash
# Real memory under AddressSanitizer and LeakSanitizer: use after free, double free, overrun, leaks.
# First a program with known faults has to be reported, so that silence afterwards means something.
#
# Usage: ci/asan.sh [FILTER]    FILTER as for `cargo test`
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check asan "tests of epoch-store under AddressSanitizer and LeakSanitizer, with canaries"

host=$(rustc -vV | sed -n 's/^host: //p')
# The second flag: the standard library comes uninstrumented, and rustc wants to hear that we know.
# `crossbeam_sanitize` shrinks the bags of the reclaimer, so that memory is freed soon enough to be missed.
export RUSTFLAGS="-Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer --cfg crossbeam_sanitize"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/asan"
export ASAN_OPTIONS="detect_leaks=1:exitcode=86"

cargo=(cargo)
nightly=$(rustup toolchain list 2>/dev/null | awk '/^nightly/ && !seen { seen = 1; print $1 }') || true
if [[ -n $nightly ]]; then
    cargo=(cargo "+$nightly")
else
    echo "##################################################################################"
    echo "# SKIPPED: the nightly build, for no nightly toolchain is installed."
    echo "# Trying the installed compiler with its unstable flags unlocked instead."
    echo "##################################################################################"
    export RUSTC_BOOTSTRAP=1
    read -ra flags <<<"$RUSTFLAGS"
    if ! echo 'fn main() {}' | rustc "${flags[@]}" -o "$scratch/probe" - || ! "$scratch/probe"; then
        skip "no nightly toolchain, and the installed one cannot link a sanitizer"
    fi
fi
# A profile with assertions; `--target` keeps the flags away from build scripts and macros.
build=("${locked[@]}" --profile checked --target "$host" -p epoch-store)

step "${cargo[@]}" build "${build[@]}" --example canary

# canary FAULT WORDS: the fault has to end the program with the sanitizer's exit code and these words.
canary() {
    local status=0
    "$CARGO_TARGET_DIR/$host/checked/examples/canary" "$1" >"$scratch/said" 2>&1 || status=$?
    if ((status != 86)) || ! grep -q "$2" "$scratch/said"; then
        cat "$scratch/said"
        echo "the canary '$1' ended with $status and was not reported as '$2'" >&2
        return 1
    fi
    echo "canary $1: reported"
}
canary use-after-free "AddressSanitizer: heap-use-after-free"
canary leak "LeakSanitizer: detected memory leaks"

"$CARGO_TARGET_DIR/$host/checked/examples/canary" clean >"$scratch/said" 2>&1 || {
    cat "$scratch/said"
    echo "the canary without a fault failed" >&2
    exit 1
}
if [[ -s $scratch/said ]]; then
    cat "$scratch/said"
    echo "the canary without a fault was reported" >&2
    exit 1
fi
echo "canary clean: silent"

# One test leaks on purpose (`mem::forget`): it runs by itself, with the leak check off.
readonly leaky=forgetting_leaks_and_does_no_other_harm
run_tests "${cargo[@]}" test "${build[@]}" --no-fail-fast --tests --features pause-points "$@" -- \
    --skip "$leaky"
ASAN_OPTIONS="detect_leaks=0:exitcode=86" run_tests \
    "${cargo[@]}" test "${build[@]}" --features pause-points --test lifetimes -- "$leaky"
