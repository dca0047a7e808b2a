#!/usr/bin/env bash
# Form, lints and documentation: everything that is wrong without running anything.
#
# Usage: ci/lint.sh [scripts | fmt | clippy | doc]...    all four without an argument
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check lint "shell scripts, rustfmt, clippy and rustdoc, all warnings as errors"

libraries=(-p epoch-store -p engine)
# Both shapes of the source: without any feature, and with the stops that tests park threads at and what hosts may
# listen to, and every parent.
told=engine/tracing,engine/metrics,engine/redb,engine/fjall,engine/fault-injection
shapes=("" "engine/pause-points,$told")

scripts() {
    local script
    for script in .ci/run ci/*.sh; do
        bash -n "$script"
    done
    if command -v shellcheck >/dev/null; then
        step shellcheck --external-sources --source-path=SCRIPTDIR .ci/run ci/*.sh
    else
        echo "shellcheck is not installed: the scripts were only parsed"
    fi
}

fmt() {
    step cargo fmt --all --check
    step cargo fmt --manifest-path fuzz/Cargo.toml --check
}

# `disallowed_types` (no locks, no atomics that go past `epoch_store::sync`) is denied for the whole
# workspace, and says nothing without a clippy.toml that names the types. Clippy takes that file from
# the folder of the package, and only those of epoch-store and engine name any: the others are free.
# Tests inside those two packages share their folder and may use a mutex, so the library targets are
# linted alone with the rule, and all targets of all packages once more without it.
clippy() {
    local shape
    for shape in "${shapes[@]}"; do
        step cargo clippy "${locked[@]}" "${libraries[@]}" --lib --features "$shape" -- -D warnings
        step cargo clippy "${locked[@]}" --workspace --exclude engine-cli --all-targets --features "$shape" -- \
            -D warnings -A clippy::disallowed_types
    done
    # By itself: it has features of the engine turned on for all that are built with it.
    step cargo clippy "${locked[@]}" -p engine-cli --all-targets -- -D warnings
    # The models, and what the library has for them alone, exist under this cfg only.
    step env RUSTFLAGS="--cfg epoch_loom --cfg crossbeam_loom --cfg crossbeam_sanitize" \
        CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom" \
        cargo clippy "${locked[@]}" --profile checked -p loom-tests --all-targets -- \
        -D warnings -A clippy::disallowed_types
}

# Twice: what users read, and what maintainers read (the headers that argue a protocol are private).
doc() {
    step env RUSTDOCFLAGS="-D warnings" cargo doc "${locked[@]}" --no-deps "${libraries[@]}" \
        --document-private-items --features "$told"
    step env RUSTDOCFLAGS="-D warnings" cargo doc "${locked[@]}" --no-deps "${libraries[@]}" --features "$told"
}

(($# > 0)) || set -- scripts fmt clippy doc
for part in "$@"; do
    case $part in
    scripts | fmt | clippy | doc) "$part" ;;
    *)
        echo "lint.sh has no part called '$part'" >&2
        exit 2
        ;;
    esac
done
