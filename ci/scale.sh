#!/usr/bin/env bash
# What more threads bring, for everyone, on the cores that are there; with --html FILE as a page with plots. No check, as
# ci/bench.sh.
#
# Usage: ci/scale.sh [ARGUMENT OF scale]...
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check scale "throughput and times over the number of threads, optimised build"

step cargo run "${locked[@]}" --release -p bench --bin scale -- "$@"
