#!/usr/bin/env bash
# Instructions that single operations of the map take, counted by valgrind and compared with bench/counts-baseline.txt:
# a row that grew by more than 3 % fails. Counts are the same on a busy machine; another compiler or valgrind gives others,
# and then nothing is compared.
#
# Usage: ci/counts.sh [ROW]...      get, get-many, overwrite, insert, scan, commit; all without an argument
#        ci/counts.sh --record      writes the baseline anew
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check counts "instructions of single operations, optimised build"

command -v valgrind >/dev/null || unavailable "valgrind is not installed"
step cargo build "${locked[@]}" --release -p bench --bin counts
status=0
step "${CARGO_TARGET_DIR:-target}/release/counts" "$@" || status=$?
((status != 77)) || unavailable "recorded with other tools: ci/counts.sh --record"
exit "$status"
