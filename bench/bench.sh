#!/bin/sh
# bench.sh - everything `make bench` prints, in one run; with a file name also as JSON in that file.
#   bench/bench.sh [JSON-FILE]     see save_path.sh for the knobs
set -eu
cd "$(dirname "$0")/.."
json=${1:-}
work=$(mktemp -d /tmp/examhall-bench-XXXXXX)
trap 'rm -rf "$work"' EXIT

echo "$(uname -sr), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), load $(cut -d' ' -f1 /proc/loadavg)"
build/bench/log
build/bench/crossing
bench/save_path.sh "$work/save_path.json"
[ -n "$json" ] || exit 0
build/bench/log --json > "$work/log.json"
build/bench/crossing --json > "$work/crossing.json"
printf '{"log":%s,"crossing":%s,"save_path":%s}\n' "$(cat "$work/log.json")" "$(cat "$work/crossing.json")" \
    "$(cat "$work/save_path.json")" > "$json"
echo
echo "also in $json"
