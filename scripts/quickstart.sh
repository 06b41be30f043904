#!/bin/sh
# From a fresh clone to a real job: sets up, builds dist/runner, runs one job with it and shows the log.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
node_modules/.bin/bun scripts/build.ts
exec node_modules/.bin/bun scripts/quickstart.ts
