#!/usr/bin/env bash
# Undefined behaviour that no sanitizer sees, under Miri: aliasing, provenance, alignment, uninitialised
# memory. It runs a thousand times slower than the machine, so only a few small tests.
# First a program with a known fault has to be reported.
#
# Tree Borrows, because crossbeam-epoch does not keep to the older model (it goes from a list's entry to the
# participant around it); permissive provenance, because it keeps its tags in integers.
#
# Needs a nightly with the component miri, which a build server fetches. Where it cannot be had the check is
# SKIPPED, and is no pass.
#
# Usage: ci/miri.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check miri "small tests of epoch-store under Miri, with a canary"

say_skipped() {
    echo "##################################################################################"
    echo "# SKIPPED: Miri did not run. $1"
    echo "##################################################################################"
    unavailable "$1"
}

toolchain=$(nightly)
[[ -n $toolchain ]] || say_skipped "no nightly toolchain is installed"
has_miri() { cargo "+$toolchain" miri --version >/dev/null 2>&1; }
add_miri=(rustup component add miri rust-src --toolchain "$toolchain")
if ! has_miri; then
    if [[ ${CI:-} == true ]]; then
        step timeout 180 "${add_miri[@]}" || true
    fi
    has_miri || say_skipped "the component is missing: ${add_miri[*]}"
fi

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri"
export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-tree-borrows -Zmiri-permissive-provenance"
miri=(cargo "+$toolchain" miri)
must_report 1 "Undefined Behavior" \
    "${miri[@]}" run "${locked[@]}" -q -p epoch-store --example canary -- use-after-free

run_tests "${miri[@]}" test "${locked[@]}" -p epoch-store --test removal -- a_deleted_key
run_tests "${miri[@]}" test "${locked[@]}" -p epoch-store --test thread_exit -- \
    --skip threads_without_number

# The arena of blocks, threads that are lent a borrow, and cells for one thread at a time. What is left out takes minutes each.
run_tests "${miri[@]}" test "${locked[@]}" -p epoch-store --lib -- block:: crew:: place:: \
    --skip four_threads --skip in_order_from_both --skip pieces_do_not --skip empty_and_long
