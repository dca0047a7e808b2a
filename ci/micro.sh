#!/usr/bin/env bash
# Single operations under criterion, each beside its rivals. No check, as ci/bench.sh.
#
# Usage: [MICRO_KEYS=1000000] [MICRO_CASE=fix] ci/micro.sh [ARGUMENT OF criterion]...
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check micro "microbenchmarks, optimised build"

step cargo bench "${locked[@]}" -p bench --bench micro -- "$@"
