#!/bin/sh
# full.sh - what a full exam costs: restart, scoring, submissions, results, memory. Prints one row a
# figure; about five minutes and 8 GB of disk.
#
#   bench/full.sh [CANDIDATES]       450,000 candidates with 50 answers each
#   FULL_DIR=DIR bench/full.sh       a folder that bench/fill has filled; it is closed and scored
set -eu
cd "$(dirname "$0")/.."
candidates=${1:-450000}
dir=$(mktemp -d)
serve_pid=
trap '[ -z "$serve_pid" ] || kill "$serve_pid" 2> "$dir/stop" || :; rm -rf "$dir"' EXIT
full=${FULL_DIR:-$dir/full}
. bench/hall.sh

now_ms() { date +%s%3N; }

# The hall as `serve` runs it: killed, and asked at once through the gateway, which holds the request.
restart() {
    ports_find 2
    build/examhall serve --quiet --data "$full" --listen "127.0.0.1:$((port + 1))" \
        --listen-plain "127.0.0.1:$port" > "$dir/serve.log" 2>&1 &
    serve_pid=$!
    curl -sf --retry 100 --retry-delay 0 --retry-connrefused --retry-max-time 60 \
        -o "$dir/ready" "http://127.0.0.1:$port/-/ready"
    for round in 1 2 3; do
        [ "$1" = with ] || rm -f "$full/checkpoint.db"
        hall=$(pgrep -P "$serve_pid" -f ' hall ')
        begin=$(now_ms)
        kill -9 "$hall"
        curl -sf -o "$dir/time" "http://127.0.0.1:$port/v1/time"
        echo "kill -9 to the first answer, $1 checkpoint: $(($(now_ms) - begin)) ms"
    done
    kill -9 "$serve_pid" "$(pgrep -P "$serve_pid" -f ' hall ')"
    serve_pid=
    sleep 1
}

if [ -z "${FULL_DIR:-}" ]; then
    build/examhall init --empty "$full" --json > "$dir/init.json"
    build/bench/fill --candidates "$candidates" --batch 16 "$full"
fi
rm -f "$full/checkpoint.db"
echo "without checkpoint:"
build/bench/hall open "$full"
restart without
build/bench/hall checkpoint "$full"
echo "with checkpoint:"
build/bench/hall open "$full"
restart with
build/bench/hall score "$full"
