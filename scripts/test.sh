#!/bin/sh
# The whole gate: sets up, builds, runs every suite. Its last line is `N passed, N failed, N skipped`.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh --tests || {
  echo '0 passed, 1 failed, 0 skipped'
  exit 1
}
exec node_modules/.bin/bun scripts/test.ts
