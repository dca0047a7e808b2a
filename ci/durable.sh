#!/usr/bin/env bash
# A store with a parent on a disk, beside one without and beside the parent's engine used by itself. No check of speeds: figures of
# a shared build server would only be noise, so this is run by people, on a quiet machine; ci/test.sh runs it on small sizes.
#
# Usage: ci/durable.sh [ARGUMENT OF durable]...
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check durable "measurements of durable stores, optimised build"

step cargo run "${locked[@]}" --release -p bench --bin durable -- "$@"
