#!/usr/bin/env bash
# The main job, whole: blocks of every workload with 1, 2, 4 and 8 workers beside sequential execution; with a folder of
# traces also every real block in it, both ways of replaying transfers, and all of them as one chain.
# A result that differs fails. Speeds mean nothing here.
#
# Usage: ci/replay.sh [FOLDER WITH TRACES]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check replay "blocks executed by the engine, every result compared with sequential execution"

step cargo build "${locked[@]}" --profile checked -p bench --bin replay
replay=${CARGO_TARGET_DIR:-target}/checked/replay
for workers in 1 2 4 8; do
    step "$replay" --workers "$workers" --blocks 3 --transactions 2000 --work-us 2 --ballast 1000
    (($# == 0)) || step "$replay" --workers "$workers" --blocks 1 --traces "$1"
done
(($# == 0)) || step "$replay" --traces "$1" --chain
