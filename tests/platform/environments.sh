#!/bin/sh
# environments.sh - what `examhall env render` writes, read by the tools it is for: Prometheus' own promtool checks the rules,
# and runs them on a hall that goes wrong. promtool is taken out of Debian's package, without installing its daemon.
set -eu
cd "$(dirname "$0")/../.."
work=build/platform/environments
rm -rf "$work/out"
mkdir -p "$work/out"

if ! command -v promtool >/dev/null 2>&1; then
    if [ ! -x "$work/prometheus/usr/bin/promtool" ]; then
        (cd "$work" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb prometheus)
    fi
    PATH="$PWD/$work/prometheus/usr/bin:$PATH"
    export PATH
fi

cat >"$work/hall.yaml" <<SPEC
hall: nee-2027
domain: exam.example.org
objectives: {save: {p99: 250ms}}
environments:
  nonprod: {on: aws, account: "111122223333", region: ap-south-1}
SPEC
"${EXAMHALL:-build/examhall}" env render nonprod "$work/out" --spec "$work/hall.yaml" >/dev/null
cp "$work/out/environments/nonprod/rules.yaml" tests/platform/rules_test.yaml "$work/out/"
promtool check rules "$work/out/rules.yaml"
promtool test rules "$work/out/rules_test.yaml"
exec node --test tests/cli/env.test.mjs
