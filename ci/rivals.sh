#!/usr/bin/env bash
# Situations in which stores of this kind behave very differently, shown on both sides. No check, as ci/bench.sh.
#
# Usage: ci/rivals.sh [ARGUMENT OF rivals]...
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check rivals "demonstrations on both sides, optimised build"

step cargo run "${locked[@]}" --release -p bench --bin rivals -- "$@"
