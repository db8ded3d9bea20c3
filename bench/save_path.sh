#!/bin/sh
# save_path.sh - a hall and an nginx side by side on one core, and the same saves sent to both from another.
#   bench/save_path.sh [JSON-FILE]          CONNECTIONS=512 IDLE=5000 ROUNDS=3 SECONDS_EACH=2
set -eu
cd "$(dirname "$0")/.."
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

port=21800 # four free ports in a row
while ss -Htln | grep -Eq ":($port|$((port + 1))|$((port + 2))|$((port + 3))) "; do port=$((port + 4)); done

# --- the hall: one exam, one candidate for each connection ---
hall=$dir/hall
build/examhall init "$hall" --empty --json > "$dir/init.json"
cat >> "$hall/hall.yaml" <<SPEC
exams:
  - name: bench
    title: Bench
    minutes: 600
    marks: {right: 4, wrong: -1, partial: subset}
SPEC
build/examhall exam import bench data/sample/exam.jsonl --data "$hall" --json > "$dir/import.json"
{
    echo "roll,name,birth,centre,exam"
    i=1
    while [ "$i" -le "$connections" ]; do
        echo "B$i,Bench $i,2009-01-01,C1,bench"
        i=$((i + 1))
    done
} > "$dir/roster.csv"
build/examhall roster import "$dir/roster.csv" --data "$hall" --json > "$dir/import.json"
build/examhall roster export --codes --data "$hall" > "$dir/codes.csv"
taskset -c 0 build/examhall serve --quiet --data "$hall" --reactors 1 \
    --listen "127.0.0.1:$((port + 1))" --listen-plain "127.0.0.1:$port" > "$dir/hall.log" 2>&1 &
hall_pid=$!
tries=0
until curl -sf -o "$dir/ready.json" "http://127.0.0.1:$port/-/ready"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the hall did not start:" >&2; cat "$dir/hall.log" >&2; exit 3; }
    sleep 0.1
done
build/examhall exam open bench --data "$hall" --json > "$dir/open.json"

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
