#!/bin/sh
# run.sh - the command line and the gateway from outside, with the real binary; in three minutes at most.
set -eu
cd "$(dirname "$0")/../.."
exec node --test --test-concurrency=1 tests/cli/
