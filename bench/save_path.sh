#!/bin/sh
# save_path.sh - a hall and an nginx side by side on one core, and the same saves sent to both from another.
#   bench/save_path.sh [JSON-FILE]          CONNECTIONS=512 IDLE=5000 ROUNDS=3 SECONDS_EACH=2
set -eu
cd "$(dirname "$0")/.."
. bench/hall.sh
json=${1:-}
connections=${CONNECTIONS:-512} # enough that the core of the servers is full
dir=$(mktemp -d /tmp/examhall-bench-XXXXXX)
hall_pid= nginx_pid=
end() {
    [ -z "$hall_pid" ] || kill "$hall_pid" 2>/dev/null || true
    [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || true
    wait
    rm -rf "$dir"
}
trap end EXIT INT TERM

ports_find 4
hall_make "$dir" "$connections"
HALL_UNDER="taskset -c 0" hall_serve "$dir" "$port" --reactors 1

# --- nginx: its reply is as long as the hall's, its own headers counted (they are 45 bytes longer) ---
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$dir/key.pem" -out "$dir/cert.pem" 2> "$dir/openssl.log"
body=$(printf '%0100d' 0)
sed -e "s|@DIR@|$dir|g" -e "s|@PLAIN@|$((port + 2))|" -e "s|@TLS@|$((port + 3))|" -e "s|@BODY@|$body|" \
    bench/nginx.conf.in > "$dir/nginx.conf"
if command -v nginx > "$dir/nginx.path"; then
    taskset -c 0 nginx -c "$dir/nginx.conf" -e "$dir/nginx.log" &
    nginx_pid=$!
fi

build/bench/save_path --hall "$hall_pid" --nginx "${nginx_pid:-0}" --port "$port" --codes "$dir/codes.csv" \
    --connections "$connections" --idle "${IDLE:-5000}" --rounds "${ROUNDS:-3}" --ms "$((${SECONDS_EACH:-2} * 1000))" \
    ${json:+--json "$json"}
