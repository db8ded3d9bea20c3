#!/bin/sh
# run.sh - kills gateway and hall at random under load, KILLS times, and asks for every acknowledged answer.
#
# All of it is `examhall rehearse`: its verdict fails when an acknowledged answer is lost, a request failed, a candidate
# could not submit or be checked, or a kill could not be made. Two of five kills hit the gateway. The figures name how
# long it took from each kill to the next acknowledged save.
#
#   tests/chaos/run.sh 200                     SEED=7 CANDIDATES=1000 EXAMHALL=build/examhall-asan tests/chaos/run.sh 20
set -eu
kills=${1:-200}
gateway=$((kills * 2 / 5))
# A kill every two to three seconds, in a sitting of at least a minute.
minutes=$(((kills * 5 / 2 + 59) / 60))
exec "${EXAMHALL:-build/examhall}" rehearse --candidates "${CANDIDATES:-400}" --minutes "$minutes" --save-every 2 \
    --drops-per-minute "${CANDIDATES:-400}" --kill-gateway "$gateway" --kill-hall $((kills - gateway)) \
    --seed "${SEED:-$(date +%s)}"
