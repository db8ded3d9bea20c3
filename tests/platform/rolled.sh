#!/bin/bash
# rolled.sh - all of a hall rolled one after another at 5,000 requests a second over TLS, and back; a bad build taken back.
# rolled/rolled.test.mjs does it; here it gets its rows. Where two cores do not reach the rate, that is said.
#
#     tests/platform/rolled.sh                 make rolled
set -u
. "$(dirname "$0")/proof.sh"
needs node
export EXAMHALL=$examhall FAULTY=${FAULTY:-$root/build/faulty}

sat() { # TEST - one of the tests; what it measured is said, and what this machine did not reach is kept for the end
    node --test --test-reporter=tap --test-name-pattern="$1" "$platform/rolled/rolled.test.mjs" >"$work/tap" 2>&1
    local status=$?
    cat "$work/tap"
    note "$(sed -n 's/^# *\(.*requests\/s.*\)/\1/p' "$work/tap")"
    sed -n 's/.*# SKIP \(this machine .*\)/not run: the whole rate: \1/p' "$work/tap" >>"$work/not_run"
    [ $status = 0 ] && grep -q 'requests/s' "$work/tap"
}

echo "with: examhall $("$examhall" --version | cut -d' ' -f2), $(nproc) cores for hall and candidates, node $(node --version)"
proof "all services rolled one after another, and back: 0 failed, 0 lost" sat "^all services"
proof "a bad build, which starts and answers 500, is back within 30 seconds, nothing lost" sat "^a bad build"
sort -u "$work/not_run"
ended
