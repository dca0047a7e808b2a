#!/usr/bin/env bash
# Runs every example of the library crates: each asserts what it says, so that one which ends well is right.
# The folders are the list: an example that is added is run, and one that needs something is named below.
#
# Usage: ci/examples.sh [NAME]...    all without an argument
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check examples "every program in examples/, run"

# Seconds that one may take, on a machine that does other things too.
readonly limit=120
ran=0

# arguments_of EXAMPLE: what it is called with.
arguments_of() {
    case $1 in
    epoch-store/canary) echo clean ;; # its other programs have faults
    esac
}

# run_examples PACKAGE FEATURES [NAME]...
run_examples() {
    local package=$1 features=$2 file name arguments
    shift 2
    step cargo build "${locked[@]}" -p "$package" --examples --features "$features"
    for file in "$package"/examples/*.rs; do
        name=$(basename "$file" .rs)
        (($# == 0)) || [[ " $* " == *" $name "* ]] || continue
        read -ra arguments <<<"$(arguments_of "$package/$name")"
        step timeout "$limit" "${CARGO_TARGET_DIR:-target}/debug/examples/$name" "${arguments[@]}"
        ran=$((ran + 1))
    done
}

run_examples epoch-store "" "$@"
run_examples engine tracing,metrics "$@"
((ran > 0)) || {
    echo "no example ran: $*" >&2
    exit 1
}
echo "$ran examples ran"
