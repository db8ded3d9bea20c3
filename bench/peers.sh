#!/bin/sh
# peers.sh - our generator beside wrk and hey, on the same server: requests a second on one core, and whether a
# server that stands still for two seconds shows in the percentiles.
#   bench/peers.sh [JSON-FILE]        CONNECTIONS=64 SECONDS_EACH=10 RATE=5000
# The server (bench/bare) has core 0, the generator core 1. Of T seconds with a stall of S, a request that is sent on
# time waits longer than x with the chance (S - x) / T: so p90 is S - T/10 and p99 is S - T/100. The exit status is 1
# when ours does not say so.
set -eu
cd "$(dirname "$0")/.."
json=${1:-}
connections=${CONNECTIONS:-64} seconds=${SECONDS_EACH:-10} rate=${RATE:-5000} stall=2
work=$(mktemp -d "${TMPDIR:-/tmp}/examhall-peers-XXXXXX")
bare_pid=
end() {
    [ -z "$bare_pid" ] || kill "$bare_pid" 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT INT TERM
. bench/hall.sh

ports_find 1
taskset -c 0 build/bench/bare --port "$port" --connections 1024 &
bare_pid=$!
until ss -Htln | grep -q ":$port "; do sleep 0.05; done
url="http://127.0.0.1:$port/v1/attempts/1/answers/1"
cat > "$work/save.lua" <<'LUA'
wrk.method = "PUT"
wrk.body = '{"value":"A","marked":false,"seq":1}'
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency)
    io.write(string.format('{"per_s":%.0f,"p50_ms":%.3f,"p90_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}\n',
        summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
        latency:percentile(99) / 1e3, latency.max / 1e3))
end
LUA

# Each prints one line of JSON; $1 is the rate, 0: as fast as it can. wrk knows no rate.
ours() {
    build/bench/paced --port "$port" --connections "$connections" --rate "$1" --ms $((seconds * 1000)) --core 1
}
wrk_run() {
    # Its own timeout is 2 s: it would count those who wait out the stall as lost, and show no latency of theirs.
    taskset -c 1 wrk -t1 -c"$connections" -d"${seconds}s" --timeout 10s -s "$work/save.lua" "$url" | tail -n 1
}
hey_run() {
    each=0
    [ "$1" = 0 ] || each=$((($1 + connections - 1) / connections))
    taskset -c 1 hey -cpus 1 -z "${seconds}s" -c "$connections" -q "$each" -m PUT -T application/json \
        -d '{"value":"A","marked":false,"seq":1}' "$url" > "$work/hey.txt"
    awk '/Requests\/sec/ { rate = $2 } /Slowest/ { max = $2 } / 50% in/ { p50 = $3 } / 90% in/ { p90 = $3 } / 99% in/ { p99 = $3 }
        END { printf "{\"per_s\":%.0f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
                     rate, p50 * 1e3, p90 * 1e3, p99 * 1e3, max * 1e3 }' "$work/hey.txt"
}
stalled() { # the same, while the server stands still for two seconds in the middle
    (sleep $((seconds / 2)); kill -STOP "$bare_pid"; sleep "$stall"; kill -CONT "$bare_pid") &
    "$@"
    wait $!
}
row() { # NAME LINE
    printf '%s\n' "$2" | jq -r --arg name "$1" '"\($name)|\(.per_s)|\(.p50_ms)|\(.p90_ms)|\(.p99_ms)|\(.max_ms)"' |
        awk -F'|' '{ printf "  %-22s %10d %10.2f %10.2f %10.2f %10.2f\n", $1, $2, $3, $4, $5, $6 }'
}

printf '\nGenerators on one core, %s connections, the same server on the other core (ms)\n\n' "$connections"
printf '  %-22s %10s %10s %10s %10s %10s\n' "" "requests/s" p50 p90 p99 max
ours_full=$(ours 0) wrk_full=$(wrk_run) hey_full=$(hey_run 0)
row "examhall, closed" "$ours_full"
row "wrk" "$wrk_full"
row "hey" "$hey_full"
ours_stall=$(stalled ours "$rate") wrk_stall=$(stalled wrk_run) hey_stall=$(stalled hey_run "$rate")
printf '\nThe same with a server that stands still for %s of %s s: p90 should be %s s, p99 %s s\n\n' "$stall" "$seconds" \
    "$(awk "BEGIN { print $stall - $seconds / 10 }")" "$(awk "BEGIN { print $stall - $seconds / 100 }")"
row "examhall, $rate/s" "$ours_stall"
row "wrk" "$wrk_stall"
row "hey, $rate/s" "$hey_stall"
all=$(jq -n --argjson a "$ours_full" --argjson b "$wrk_full" --argjson c "$hey_full" --argjson d "$ours_stall" \
    --argjson e "$wrk_stall" --argjson f "$hey_stall" \
    '{full: {examhall: $a, wrk: $b, hey: $c}, stalled: {examhall: $d, wrk: $e, hey: $f}}')
[ -z "$json" ] || printf '%s\n' "$all" > "$json"
# A tenth of the stall for machines where other work runs too.
printf '%s\n' "$all" | jq -e --argjson s "$stall" --argjson t "$seconds" '.stalled.examhall |
    (.p90_ms / 1000 - ($s - $t / 10) | fabs) < $s / 10 and (.p99_ms / 1000 - ($s - $t / 100) | fabs) < $s / 10' > /dev/null ||
    { echo "peers: our own percentiles do not show the stall" >&2; exit 1; }
