#!/usr/bin/env bash
# The main comparison: epoch-store beside its rivals on the same work. No check: figures of a shared
# build server would only be noise, so this is run by people, on a quiet machine.
#
# Usage: ci/bench.sh [ARGUMENT OF side-by-side]...
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check bench "side-by-side measurements, optimised build"

step cargo run "${locked[@]}" --release -p bench --bin side-by-side -- "$@"
