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
toolchain=$(nightly)
if [[ -n $toolchain ]]; then
    cargo=(cargo "+$toolchain")
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

canary=$CARGO_TARGET_DIR/$host/checked/examples/canary
must_report 86 "AddressSanitizer: heap-use-after-free" "$canary" use-after-free
must_report 86 "LeakSanitizer: detected memory leaks" "$canary" leak
must_be_silent "$canary" clean

# One test leaks on purpose (`mem::forget`): it runs by itself, with the leak check off.
readonly leaky=forgetting_leaks_and_does_no_other_harm
run_tests "${cargo[@]}" test "${build[@]}" --no-fail-fast --tests --features pause-points "$@" -- \
    --skip "$leaky"
ASAN_OPTIONS="detect_leaks=0:exitcode=86" run_tests \
    "${cargo[@]}" test "${build[@]}" --features pause-points --test lifetimes -- "$leaky"
