#!/bin/sh
# Builds dist/runner for this machine, or dist/runner-<os>-<arch> for each TARGET (`all` for every one).
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/.bin/bun scripts/build.ts "$@"
