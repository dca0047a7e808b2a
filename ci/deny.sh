#!/usr/bin/env bash
# Licences, sources and duplicates of everything we depend on, against deny.toml. To be run when a
# dependency changes. Advisories are left out: their database is a repository that a build server may
# not reach, and a check that fails for that reason teaches people to ignore it.
#
# Usage: ci/deny.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
check deny "licences, sources and bans of all dependencies"

cargo deny --version >/dev/null 2>&1 || unavailable "cargo-deny is not installed (cargo install cargo-deny)"
step cargo deny --all-features check licenses sources bans
