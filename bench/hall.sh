# hall.sh - sourced by the benchmarks: a hall with one exam and B1..Bn on its roster, in a temporary folder.
#   hall_make DIR CANDIDATES     init, exam, roster; codes in DIR/codes.csv
#   hall_serve DIR PORT [OPTION...]   serves plain on PORT, TLS on PORT+1; opens the exam; sets hall_pid
#   ports_find N                 the first of N free ports in a row
# shellcheck shell=sh

hall_make() {
    build/examhall init "$1/hall" --empty --json > "$1/init.json"
    cat >> "$1/hall/hall.yaml" <<SPEC
exams:
  - name: bench
    title: Bench
    minutes: 600
    marks: {right: 4, wrong: -1, partial: subset}
SPEC
    build/examhall exam import bench data/sample/exam.jsonl --data "$1/hall" --json > "$1/import.json"
    awk -v n="$2" 'BEGIN { print "roll,name,birth,centre,exam"
        for (i = 1; i <= n; i++) print "B" i ",Bench " i ",2009-01-01,C1,bench" }' > "$1/roster.csv"
    build/examhall roster import "$1/roster.csv" --data "$1/hall" --json > "$1/import.json"
    build/examhall roster export --codes --data "$1/hall" > "$1/codes.csv"
}

hall_serve() {
    hall_dir=$1 hall_port=$2
    shift 2
    ${HALL_UNDER:-} build/examhall serve --quiet --data "$hall_dir/hall" --listen "127.0.0.1:$((hall_port + 1))" \
        --listen-plain "127.0.0.1:$hall_port" "$@" > "$hall_dir/hall.log" 2>&1 &
    hall_pid=$!
    tries=0
    until curl -sf -o "$hall_dir/ready.json" "http://127.0.0.1:$hall_port/-/ready"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { echo "the hall did not start:" >&2; cat "$hall_dir/hall.log" >&2; exit 3; }
        sleep 0.1
    done
    build/examhall exam open bench --data "$hall_dir/hall" --json > "$hall_dir/open.json"
}

ports_find() {
    port=21800
    while :; do
        taken=0 i=0
        while [ "$i" -lt "$1" ]; do
            ! ss -Htln | grep -q ":$((port + i)) " || taken=1
            i=$((i + 1))
        done
        [ "$taken" = 1 ] || break
        port=$((port + $1))
    done
}
