#!/bin/bash
# environments.sh - what `examhall env render` writes, read by the tools it is for: promtool checks the alerts, and runs them on
# a hall that goes wrong. Then env diff, which must find each of 200 differences. Ends with `N passed, N failed`.
#
#     tests/platform/environments.sh           make platform-environments
set -u
. "$(dirname "$0")/proof.sh"
use environments || exit

cat >"$work/hall.yaml" <<SPEC
hall: nee-2027
domain: exam.example.org
objectives: {save: {p99: 250ms}}
environments:
  nonprod: {on: aws, account: "111122223333", region: ap-south-1}
SPEC
rules=$work/environments/nonprod/rules.yaml
on_a_bad_day() {
    cp tests/platform/environments/rules_test.yaml "$work/environments/nonprod/" &&
        "$promtool" test rules "$work/environments/nonprod/rules_test.yaml"
}
misspelt() { sed 's/sum(rate(/sum(rat(/' "$rules" >"$work/wrong.yaml" && refused 'unknown function' "$promtool" check rules "$work/wrong.yaml"; }
commands() {
    node --test tests/cli/env.test.mjs && note "$(sed -nE 's/^(#|ℹ) pass ([0-9]+)$/\2/p' "$log") tests"
}

echo "with: promtool $("$promtool" --version 2>&1 | awk 'NR == 1 {print $3}')"
proof "an environment rendered from a spec" "$examhall" env render nonprod "$work" --spec "$work/hall.yaml"
proof "promtool reads its alerts" "$promtool" check rules "$rules"
proof "and finds what is wrong in changed ones" misspelt
proof "the alerts fire on a hall that goes wrong, and on no other" on_a_bad_day
proof "env: add, render, diff and its 200 differences" commands
ended
