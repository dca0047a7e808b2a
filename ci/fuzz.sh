#!/usr/bin/env bash
# Coverage-guided fuzzing of the map against the model of its oracle: bytes become steps, every answer is
# compared. Begins with the committed corpus. The build server makes few inputs, to keep the driver alive
# (ci/test.sh replays the corpus and random inputs without it); long runs are for people.
#
# Usage: ci/fuzz.sh [RUNS [ARGUMENT of libFuzzer]...]    20,000 runs without an argument
#        ci/fuzz.sh keep    chooses few inputs that reach what all found ones reach; replaces the corpus, but for
#                           inputs that have a name
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check fuzz "random steps on a map, guided by coverage, against a model"

host=$(rustc -vV | sed -n 's/^host: //p')
# Counters for edges, without a sanitizer: fast, and no nightly needed. ci/asan.sh replays the corpus too.
# Comparisons are not traced, since bytes of the input are not compared with anything: they are decoded.
flags=(-Cpasses=sancov-module)
for option in level=3 inline-8bit-counters pc-table; do
    flags+=("-Cllvm-args=-sanitizer-coverage-$option")
done
export RUSTFLAGS="${flags[*]}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/fuzz"
found=$CARGO_TARGET_DIR/found
failures=$CARGO_TARGET_DIR/failures/
readonly corpus=fuzz/corpus/map
mkdir -p "$found" "$failures"

step cargo build "${locked[@]}" --manifest-path fuzz/Cargo.toml --release --target "$host"
driver=$CARGO_TARGET_DIR/$host/release/map

if [[ ${1:-} == keep ]]; then
    # libFuzzer writes down what each input reaches; its own choice keeps every count of every edge and is
    # ten times as large. Ours: from the longest input down, whatever reaches an edge of its own.
    mkdir "$scratch/all" "$scratch/kept" "$scratch/unused"
    cp -r "$corpus/." "$scratch/all"
    cp -r "$found/." "$scratch/all"
    step "$driver" -set_cover_merge=1 -merge_control_file="$scratch/reached" "$scratch/unused" "$scratch/all"
    sed -n '3,/^STARTED/p' "$scratch/reached" >"$scratch/names"
    tac "$scratch/reached" | awk '$1 == "FT" {
        fresh = 0
        for (i = 3; i <= NF; i++) {
            edge = int($i / 8)
            if (!(edge in seen)) { seen[edge]; fresh = 1 }
        }
        if (fresh) print $2 + 1
    }' | while read -r line; do
        cp "$(sed -n "${line}p" "$scratch/names")" "$scratch/kept"
    done
    # Inputs whose name is more than a hash were put there by hand.
    find "$corpus" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    mv "$scratch/kept"/* "$corpus"
    echo "the corpus has $(find "$corpus" -type f | wc -l) inputs now"
    exit
fi

runs=${1:-20000}
shift || true
step "$driver" -runs="$runs" -seed=1 -max_len=256 -timeout=60 -print_final_stats=1 \
    -artifact_prefix="$failures" "$@" "$found" "$corpus" 2>&1 | tee "$scratch/log" | grep -vE '^#[0-9]+[[:space:]]+(NEW|REDUCE)' || {
    echo "to see the steps of a failing input:" >&2
    echo "FUZZ_INPUT=\$PWD/FILE cargo test -p epoch-store --test fuzz one_input -- --nocapture" >&2
    exit 1
}
# An input that was not run cannot have failed.
ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/log")
((ran >= runs)) || {
    echo "only ${ran:-0} of $runs inputs were run" >&2
    exit 1
}
