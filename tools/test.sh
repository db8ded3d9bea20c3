#!/bin/bash
# test.sh - every test of the project, in two lanes, and the sum at the end.
# A stage is a command; what it prints is kept in build/test/STAGE.log and shown when it fails.
# STAGES="unit cli" runs only those.
set -u
mkdir -p build/test
rm -f build/test/*.count
computing="" # the other lane, while it runs: a process group, which ends with this
trap '[ -z "$computing" ] || kill -- "-$computing"' EXIT
trap 'exit 130' INT TERM

# Counts come from the runner's own closing lines; a stage without them counts as one test.
count() {
    local log=$1 status=$2 p f
    p=$(sed -nE 's/^(# pass |ℹ pass )([0-9]+)$/\2/p; s/^([0-9]+) passed, [0-9]+ failed.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    f=$(sed -nE 's/^(# fail |ℹ fail )([0-9]+)$/\2/p; s/^[0-9]+ passed, ([0-9]+) failed.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    if [ "$p" = 0 ] && [ "$f" = 0 ]; then
        [ "$status" = 0 ] && p=1 || f=1
    fi
    [ "$status" = 0 ] || [ "$f" -gt 0 ] || f=1

    echo "$p passed, $f failed"
}

stage() {
    local name=$1
    shift
    [[ -z ${STAGES:-} || " $STAGES " == *" $name "* ]] || return 0
    local log=build/test/$name.log start=$SECONDS status=0 counts
    "$@" >"$log" 2>&1 || status=$?
    counts=$(count "$log" "$status")
    echo "$counts" >"build/test/$name.count" || exit 1 # a result that cannot be written is none
    { # in one piece: the other lane writes, too
        printf '%-12s %s, %d s\n' "$name" "$counts" $((SECONDS - start))
        grep -hE '^(skipped|second try)' "$log" | sed 's/^/             /'
        sed -nE 's/^(# |ℹ )skipped ([1-9][0-9]*)$/             skipped: \2 of them/p' "$log"
        [ "$status" = 0 ] || printf '%s\n' "---- $name failed with status $status; the end of $log:" "$(tail -n 60 "$log")" "----"
    } >"build/test/$name.said"
    cat "build/test/$name.said"
}

# A real browser on a busy machine: what fails runs once more, and that it did is said with the names of what failed.
twice() {
    local first=build/test/first-try.log
    "$@" >"$first" 2>&1 && { cat "$first"; return; }
    echo "second try: at the first one failed: $(sed -nE 's/^ *(not ok [0-9]+ -|✖) //p' "$first" | paste -sd ';')"
    "$@"
}

jobs=$(nproc)
stage build make -j"$jobs"
stage unit make -j"$jobs" unit

# Commands, deployments and browsers wait most of the time. What computes has the time that they leave.
set -m
{
    renice -n 19 "$BASHPID" >/dev/null
    stage asan make -j"$jobs" FLAVOUR=asan unit
    stage fuzz make -j"$jobs" fuzz FUZZ_SECONDS=3
    stage clang make -j"$jobs" FLAVOUR=clang build/examhall-clang
    stage tidy make tidy
    stage portal make portal-unit
} </dev/null &
computing=$!
set +m
stage cli make test-cli
stage deploy make test-deploy
stage browser twice make portal-e2e
wait "$computing" || { echo "the computing lane was killed" && echo "0 passed, 1 failed" >build/test/computing.count; }
computing=""

# A rehearsal is judged by its latencies: nothing else runs beside these.
stage rehearsal make test-rehearsal
stage distributed make test-distributed
stage chaos make test-chaos

# Where only the end of a long output is kept, this is all that is read: which tests failed, and their own words.
for said in $(grep -lE ', [1-9][0-9]* failed$' build/test/*.count); do
    log=${said%.count}.log
    [ -f "$log" ] || continue
    printf '\nfailed in %s:\n' "$(basename "$log" .log)"
    (grep -nE -B 3 -A 16 '^ *(not ok|✖) |^FAILED' "$log" || tail -n 20 "$log") | cut -c1-300 | head -n 90
done

echo
awk '{ passed += $1; failed += $3 } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' build/test/*.count
