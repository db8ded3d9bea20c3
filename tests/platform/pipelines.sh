#!/bin/bash
# pipelines.sh - the rendered pipelines, read by tools that are not ours, and their own steps run here.
#
# GitHub's files: actionlint (types of expressions, contexts, triggers, and shellcheck on every script). Then the scripts of the build job are run as they stand in a fresh clone, and the
# deploy step of each environment with --dry-run. What cannot run here says so in a line that begins with "skipped".
#
#     tests/platform/pipelines.sh              make platform-pipelines
set -u
cd "$(dirname "$0")/../.." || exit 3
root=$PWD
examhall=$(readlink -f "${EXAMHALL:-build/examhall}")
cache=${PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/examhall/platform}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# check SENTENCE COMMAND...: the command must succeed; what it printed is shown when it does not.
check() {
    local sentence=$1 before=$SECONDS
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %-86s %3d s\n' "$sentence" $((SECONDS - before))
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\n' "$sentence"
        tail -n 40 "$work/log" | sed 's/^/        /'
    fi
}
refused() { ! "$@"; }

# --- what is rendered ------------------------------------------------------------------------------------------------
cat >"$work/hall.yaml" <<SPEC
hall: nee-2027
domain: exam.example.org
environments:
  local:   {on: machine}
  nonprod: {on: aws, account: "111122223333", region: ap-south-1}
  prod:    {like: nonprod, account: "444455556666", size: exam}
SPEC
git clone -q "$root" "$work/repository" # as a pipeline's checkout: what is committed, and nothing else
cp "$work/hall.yaml" "$work/repository/"
cd "$work/repository" || exit 3
for environment in nonprod prod; do
    check "$environment is rendered" "$examhall" env render "$environment" . --spec hall.yaml
done

# --- read by others --------------------------------------------------------------------------------------------------
actionlint=$cache/actionlint-1.7.12/actionlint
if [ ! -x "$actionlint" ] && command -v go >/dev/null; then
    GOTOOLCHAIN=local GOFLAGS="-buildvcs=false -trimpath" CGO_ENABLED=0 GOBIN=${actionlint%/*} \
        go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 >"$work/go.log" 2>&1
fi
if [ -x "$actionlint" ]; then
    for file in .github/workflows/*.yml; do
        check "actionlint finds nothing in $(basename "$file")" "$actionlint" -no-color "$file"
    done
    sed 's/github.event.workflow_run.conclusion/github.event.workflow_run.conclusio/' .github/workflows/deliver-prod.yml >"$work/wrong.yml"
    sed -i 's/needs\|runs-on: .*/runs-on: [unknown-machine]/' "$work/wrong.yml"
    check "and does find what is wrong in a changed one" refused "$actionlint" -no-color "$work/wrong.yml"
else
    echo "skipped actionlint: no Go toolchain to build it, or its module cannot be fetched"
fi

echo "skipped GitLab's own schema: no reader of it that can be installed without native builds; its words are compared below"

# --- run here --------------------------------------------------------------------------------------------------------
# step FILE NAME: the script of that step of GitHub's workflow, as it is.
step() {
    awk -v name="      - name: $2" '
        $0 == name { on = 1; next }
        on && /^      - / { exit }
        on && /^        run: [^|]/ { sub(/^        run: /, ""); print; exit }
        on && /^        run: \|/ { text = 1; next }
        text && /^          / { sub(/^          /, ""); print }' "$1"
}
run_step() { bash -eo pipefail -c "$(step "$@")"; }
build=.github/workflows/build.yml
export GITHUB_SHA STAGES=tidy # of the tests: CI has run the others on this commit
GITHUB_SHA=$(git rev-parse HEAD)
if [ "$(id -u)" = 0 ]; then
    mkdir -p build/portal web && cp -a "$root/web/node_modules" web/ 2>/dev/null
    for name in Build Test Image; do
        check "the build job's step $name runs in a fresh clone" run_step "$build" "$name"
    done
    check "it leaves the program and its image for delivery" test -x delivery/examhall -a -f delivery/image/index.json
else
    echo "skipped the build job: its first step installs packages, which takes root"
    mkdir delivery && cp "$examhall" delivery/ && "$examhall" image build --out delivery/image >/dev/null
fi
echo "skipped the step Scan: debsecan asks Debian's security tracker, which this test does not"

export PATH=$work/bin:$PATH
mkdir -p "$work/bin" && ln -sf "$PWD/delivery/examhall" "$work/bin/examhall"
dry() { run_dry=$(step ".github/workflows/deliver-$1.yml" Deploy) && bash -eo pipefail -c "$run_dry --dry-run"; }
shows() { dry "$1" | tee "$work/dry" | grep -qF -- "$2" || { cat "$work/dry"; false; }; }
digest=$("$examhall" verify certificate --help >/dev/null; node -p 'JSON.parse(require("fs").readFileSync("delivery/image/index.json")).manifests[0].digest')
for environment in nonprod prod; do
    check "the deploy step of $environment is one command of ours, by the image's digest" shows "$environment" "image.digest=$digest"
done
check "prod verifies the certificate of that image" shows prod "--image delivery/image@$digest"
same_words() {
    diff <(step .github/workflows/deliver-prod.yml Deploy | tr -s ' \\\n' ' ') \
        <(sed -n '/examhall deploy/,/credentials.json/p' .gitlab/deliver-prod.yml | tr -s ' \\\n' ' ' | sed 's/^ //')
}
check "GitLab's job says it in the same words" same_words

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
