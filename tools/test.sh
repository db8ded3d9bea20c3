#!/bin/bash
# test.sh - every test of the project, one stage after another, and one table at the end.
# A stage is a command; what it prints is kept in build/test/STAGE.log and shown when it fails.
# STAGES="unit cli" runs only those.
set -u
mkdir -p build/test
passed=0 failed=0

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
    printf '%-12s ' "$name"
    "$@" >"$log" 2>&1 || status=$?
    counts=$(count "$log" "$status")
    printf '%s, %d s\n' "$counts" $((SECONDS - start))
    # count ran in a subshell: take its numbers from its words
    passed=$((passed + ${counts%% *}))
    local rest=${counts#*, }
    failed=$((failed + ${rest%% *}))
    grep -hE '^skipped' "$log" | sed 's/^/             /' || true
    if [ "$status" != 0 ]; then
        echo "---- $name failed with status $status; the end of $log:"
        tail -n 60 "$log"
        echo "----"
    fi
}

jobs=$(nproc)
stage build make -j"$jobs"
stage unit make -j"$jobs" unit
stage asan make -j"$jobs" FLAVOUR=asan unit
stage clang make -j"$jobs" FLAVOUR=clang build/examhall-clang
stage tidy make tidy
stage portal make portal-unit
stage cli make test-cli
stage deploy make test-deploy
stage fuzz make fuzz FUZZ_SECONDS=3
stage rehearsal make test-rehearsal
stage distributed make test-distributed
stage chaos make test-chaos
stage browser make portal-e2e

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
