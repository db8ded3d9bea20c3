#!/bin/sh
# run.sh - the command line and the gateway from outside, with the real binary; three files at a time, since most wait.
set -eu
cd "$(dirname "$0")/../.."
exec node --test --test-concurrency=3 tests/cli/
