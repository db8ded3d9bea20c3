#!/bin/bash
# all.sh - every proof of the platform, one stage after another, and at the end a table: what was proven, with what.
#
#     make platform-test                       all of it
#     make platform-helm                       one stage
#     make platform-test BUDGET=1800           in so many seconds: what might not end in them is named, and not begun
#
# A stage is the script of its name; all.sh makes its tools first, and keeps what it prints in build/platform/STAGE.log. Its
# status: 0 proven, 4 it cannot run on this machine (its last line says why), anything else failed: then it runs once more, and
# the table says so. Status 1 only if a stage failed.
set -u
here=$(dirname "$(readlink -f "$0")")
cd "$here/../.." || exit 3
logs=$PWD/build/platform
budget=${BUDGET:-14400}
passed=0 failed=0 skipped=0 table=""
mkdir -p "$logs"

# STAGE  MOST: seconds that it may take; longer, and it hangs  TOOLS it needs  WHAT it proves
stages() {
    cat <<'ROWS'
environments|180|environments|alerts as Prometheus reads and runs them; 200 differences between environments, all found
image|600||built without a daemon, the same twice; pushed to a registry that refuses, tires and fills; run without rights
helm|300|helm|the chart rendered for both environments and all of ci/, every key of it known, and safe; wrong values refused
terraform|1200|terraform|both environments planned, applied, drifted, repaired and destroyed with the AWS provider's own schema
pipelines|900|pipelines|the rendered pipelines of GitHub and GitLab as their own tools read them; the build job run in a fresh clone
kubernetes|1200|helm kubernetes|examhall deploy into a real cluster of two nodes: certified, rolled, undone, bad images turned away, pods killed, a node drained, while candidates sit
stopwatch|900|terraform|from an empty folder to a signed certificate of the image that would be deployed, and how long it took
ROWS
}

left() { echo $((budget - SECONDS)); }
row() { table+=$(printf '%-13s %-19s %7s  %s' "$@")$'\n'; }

not_run() { # STAGE WHY
    skipped=$((skipped + 1))
    echo "$1: not run: $2"
    row "$1" "not run" "" "$2"
}

# make_tools STAGE MOST TOOLS: status 0 made, 4 not here; $why says why
make_tools() {
    local tools before=$SECONDS status
    for tools in $3; do
        [ "$(left)" -gt "$2" ] || { why="out of time" && return 4; }
        timeout --kill-after=10 $(($(left) - $2)) "$here/$tools/tools.sh" >"$logs/$1.tools" 2>"$logs/$1.log" </dev/null
        status=$?
        case $status in
        0) ;;
        4) why=$(sed -n '$s/^not run: //p' "$logs/$1.tools") && return 4 ;;
        124) why="out of time: its tools could not be built in $((SECONDS - before)) s; the next run goes on from there" && return 4 ;;
        *) return $status ;;
        esac
    done
}

# What failed, and its last words, at both tries: where only the end of a long output is kept, the table is all that is read.
failures() { # STAGE
    local log
    for log in "$logs/$1.first.log" "$logs/$1.log"; do
        [ -f "$log" ] || continue
        while IFS= read -r line; do
            row "" "" "" "$line"
        done < <(awk '/^FAILED /{if (what) print what ": " last; what = $0; last = ""; next}
            what && /^ /{last = $0; sub(/^ +/, "", last); next} what{print what ": " last; what = ""}' "$log" | cut -c1-600)
    done
}

judge() { # STAGE STATUS SECONDS WHAT
    local log=$logs/$1.log p f
    p=$(sed -nE 's/^([0-9]+) passed, [0-9]+ failed$/\1/p' "$log" | tail -n 1)
    f=$(sed -nE 's/^[0-9]+ passed, ([0-9]+) failed$/\1/p' "$log" | tail -n 1)
    [ "$2" = 4 ] && { not_run "$1" "$(sed -n '$s/^not run: //p' "$log")" && return; }
    if [ "$2" != 0 ] || [ "${p:-0}" = 0 ]; then # nothing proven is not proven
        [ "${f:-0}" != 0 ] || f=1
        echo "$1 FAILED with status $2 (124: it took longer than it may); all of it is in ${log#"$PWD"/}"
    fi
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
    row "$1" "${p:-0} passed, ${f:-0} failed" "$3 s" "$(sed -n 's/^with: //p' "$log")"
    row "" "" "" "$4"
    failures "$1"
    while IFS= read -r line; do
        skipped=$((skipped + 1))
        row "" "" "" "$line"
    done < <(grep '^not run: ' "$log")
}

stage() { # STAGE MOST TOOLS WHAT
    local before=$SECONDS status=0 why=""
    echo "--- $1"
    make_tools "$1" "$2" "$3" || status=$?
    [ $status = 0 ] || {
        [ $status = 4 ] && { not_run "$1" "$why" && return; }
        cat "$logs/$1.log"
        judge "$1" $status $((SECONDS - before)) "$4"
        return
    }
    [ "$(left)" -ge "$2" ] || { not_run "$1" "out of time: it may take $2 s" && return; }
    before=$SECONDS
    rm -f "$logs/$1.first.log"
    prove "$1" "$2" || status=$?
    if [ $status != 0 ] && [ $status != 4 ] && [ "$(left)" -ge "$2" ]; then
        echo "--- $1 failed with status $status; once more, for something else on this machine may have been why"
        cp "$logs/$1.log" "$logs/$1.first.log"
        status=0 why="at the second try; of the first all is in ${logs#"$PWD"/}/$1.first.log"
        prove "$1" "$2" || status=$?
    fi
    judge "$1" $status $((SECONDS - before)) "$4"
    [ -z "$why" ] || row "" "" "" "$why"
}

prove() { # STAGE MOST
    : >"$logs/$1.log"
    timeout --kill-after=30 "$2" "$here/$1.sh" >"$logs/$1.log" 2>&1 </dev/null &
    tail -n +1 -f --pid=$! "$logs/$1.log"
    wait $!
}

for name in ${STAGES:-}; do
    stages | grep -q "^$name|" || {
        echo "all.sh: there is no stage $name: $(stages | cut -d'|' -f1 | paste -sd' ')" >&2
        exit 2
    }
done
tools/deps.sh platform || echo "not all packages could be installed; what needs them says so"
while IFS='|' read -r name most tools what; do
    [[ -z ${STAGES:-} || " $STAGES " == *" $name "* ]] && stage "$name" "$most" "$tools" "$what"
done < <(stages)
[ -n "${STAGES:-}" ] || not_run rolled "make rolled is a target of its own: 5,000 requests a second while all is rolled take a machine with nothing else to do"

echo
printf '%s' "$table"
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
