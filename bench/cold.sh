#!/bin/sh
# cold.sh - a hall and the bare server, each with all candidates connected, and saves spread over all of them.
#   bench/cold.sh [JSON-FILE]        CONNECTIONS=450000 RATE=10000 ROUNDS=2 SECONDS_EACH=8: longer, and who is silent for two minutes is closed
# RELAY=2: the bare server asks another thread, with a beat of 2 ms, before it answers, as a gateway asks its hall.
set -eu
cd "$(dirname "$0")/.."
. bench/hall.sh
json=${1:-}
connections=${CONNECTIONS:-450000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/examhall-cold-XXXXXX")
hall_pid= bare_pid=
end() {
    [ -z "$hall_pid" ] || kill "$hall_pid" 2>/dev/null || true
    [ -z "$bare_pid" ] || kill "$bare_pid" 2>/dev/null || true
    wait
    rm -rf "$dir"
}
trap end EXIT INT TERM

ports_find 3
hall_make "$dir" "$connections"
hall_serve "$dir" "$port" ${REACTORS:+--reactors "$REACTORS"}
build/bench/bare --port $((port + 2)) --connections "$connections" --reply-bytes "${REPLY_BYTES:-233}" --relay "${RELAY:-0}" &
bare_pid=$!
build/bench/cold --hall "$hall_pid" --hall-port "$port" --bare "$bare_pid" --bare-port $((port + 2)) \
    --codes "$dir/codes.csv" --connections "$connections" --rate "${RATE:-10000}" --rounds "${ROUNDS:-2}" \
    --ms "$((${SECONDS_EACH:-8} * 1000))" ${json:+--json "$json"}
