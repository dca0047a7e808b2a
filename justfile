# The single entry for people; every recipe is one line around a script in ci/, which is what the build
# server calls, so that both run the same thing. Without `just`, call the scripts.

# List the recipes.
default:
    @just --list

# All checks, as the build server runs them.
ci:
    CI=true bash .ci/run

# The same on a new clone of the last commit: finds what was not committed.
fresh:
    ci/fresh.sh

# Unit, integration and documentation tests in all builds that matter.
test:
    ci/test.sh

# Every example, run; or those with these names: `just examples overlays`.
examples *names:
    ci/examples.sh {{names}}

# Scripts, format, clippy and documentation, warnings as errors. Or parts of it: `just lint clippy`.
lint *parts:
    ci/lint.sh {{parts}}

# Rewrite all sources in the house format.
fmt:
    cargo fmt --all

# Documentation of the library crates, public and private items.
doc:
    ci/lint.sh doc

# Models under loom, all or those whose name contains FILTER.
loom *filter:
    ci/loom.sh {{filter}}

# The main job, with every number of workers; with a folder of traces, real blocks too.
replay *traces:
    ci/replay.sh {{traces}}

# Only the seeded mutants of the models: each must be killed.
mutants:
    ci/loom.sh mutants

# Tests of epoch-store under AddressSanitizer and LeakSanitizer, after canaries.
asan *filter:
    ci/asan.sh {{filter}}

# Tests with threads under ThreadSanitizer and an instrumented standard library, after canaries.
tsan *filter:
    ci/tsan.sh {{filter}}

# Small tests under Miri.
miri:
    ci/miri.sh

# Coverage-guided fuzzing, 20,000 inputs or `just fuzz 10000000`; `just fuzz keep` renews the corpus.
fuzz *args:
    ci/fuzz.sh {{args}}

# Random blocks against sequential execution, 200,000 or `just blocks 10000000`.
blocks *count:
    ci/blocks.sh {{count}}

# Processes that are killed while they commit, 300 for each parent or `just crash 3000`.
crash *rounds:
    ci/crash.sh {{rounds}}

# Licences and sources of the dependencies.
deny:
    ci/deny.sh

# The comparison with the rivals, on a quiet machine.
bench *args:
    ci/bench.sh {{args}}

# What more threads bring, on all cores: `just scale --html scale.html`; a look in seconds: `just scale --quick`.
scale *args:
    ci/scale.sh {{args}}

# Instructions of single operations against recorded ones (valgrind): `just counts`, `just counts --record`.
counts *args:
    ci/counts.sh {{args}}

# Single operations under criterion, beside the rivals: `just micro`, `just micro get`, `MICRO_KEYS=1000000 just micro`.
micro *args:
    ci/micro.sh {{args}}

# What happens on a bad day, on both sides: an old reader, a queue, a huge commit beside.
rivals *args:
    ci/rivals.sh {{args}}

# What a parent on a disk costs and gives, beside redb and fjall by themselves, on a quiet machine.
durable *args:
    ci/durable.sh {{args}}
