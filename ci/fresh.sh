#!/usr/bin/env bash
# What the build server will see: the last commit in a new clone, nothing left over in a target folder,
# no file that somebody forgot to add. To be run before pushing.
#
# Usage: ci/fresh.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check fresh "all checks on a new clone of the last commit"

git status --short | sed 's/^/not in this run: /'
step git clone --quiet . "$scratch/clone"
cd "$scratch/clone"
step env -u CARGO_TARGET_DIR CI=true bash .ci/run </dev/null
