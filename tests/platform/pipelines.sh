#!/bin/bash
# pipelines.sh - the rendered pipelines, read by tools that are not ours, and their own steps run here.
#
# GitHub's files: actionlint (types of expressions, contexts, triggers, and shellcheck on every script). GitLab's: its own
# schema. Then the scripts of the build job are run as they stand in a fresh clone, and the deploy step of each environment
# with --dry-run. Ends with `N passed, N failed`.
#
#     tests/platform/pipelines.sh              make platform-pipelines
set -u
. "$(dirname "$0")/proof.sh"
needs git shellcheck jq
use pipelines || exit
echo "with: actionlint $("$actionlint" --version | head -1), $("$schema" --version | sed 's/, version//') and its schema of GitLab, $(versions shellcheck)"

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
    proof "$environment is rendered" "$examhall" env render "$environment" . --spec hall.yaml
done

# --- read by others --------------------------------------------------------------------------------------------------
printf 'self-hosted-runner: {labels: [nee-2027-nonprod, nee-2027-prod]}\n' >.github/actionlint.yaml
for file in .github/workflows/*.yml; do
    proof "actionlint finds nothing in $(basename "$file")" "$actionlint" -no-color "$file"
done
sed 's/github.event.workflow_run.conclusion/github.event.workflow_run.conclusio/' .github/workflows/deliver-prod.yml >"$work/wrong.yml"
sed -i 's/needs\|runs-on: .*/runs-on: [unknown-machine]/' "$work/wrong.yml"
proof "and does find what is wrong in a changed one" refused 'unknown-machine' "$actionlint" -no-color "$work/wrong.yml"

pinned() { ! grep -hE '^ *(- )?uses: ' "$@" | grep -vE '@[0-9a-f]{40}$'; }
proof "every action is named by its commit, which nobody can move to another" pinned .github/workflows/*.yml

gitlab() { "$schema" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci --color never "$@"; }
for file in .gitlab-ci.yml .gitlab/*.yml; do
    proof "GitLab's schema takes $file" gitlab "$file"
done
wrong() { # PATTERN, then sed's expression on production's file
    sed "$2" .gitlab/deliver-prod.yml >"$work/wrong.yml"
    refused "$1" gitlab "$work/wrong.yml"
}
proof "and refuses a misspelt key" wrong 'id_token' 's/id_tokens:/id_token:/'
proof "and what is no list of needs" wrong 'needs' 's/needs: .*/needs: 7/'

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
        proof "the build job's step $name runs in a fresh clone" run_step "$build" "$name"
    done
    proof "it leaves the program and its image for delivery" test -x delivery/examhall -a -f delivery/image/index.json
else
    echo "not run: the build job: its first step installs packages, which takes root"
    mkdir delivery && cp "$examhall" delivery/ && "$examhall" image build --out delivery/image >/dev/null
fi
echo "not run: the step Scan: debsecan asks Debian's security tracker, which this test does not"

export PATH=$work/bin:$PATH
mkdir -p "$work/bin" && ln -sf "$PWD/delivery/examhall" "$work/bin/examhall"
dry() { run_dry=$(step ".github/workflows/deliver-$1.yml" Deploy) && bash -eo pipefail -c "$run_dry --dry-run"; }
shows() { dry "$1" | tee "$work/dry" | grep -qF -- "$2" || { cat "$work/dry"; false; }; }
digest=$(node -p 'JSON.parse(require("fs").readFileSync("delivery/image/index.json")).manifests[0].digest')
for environment in nonprod prod; do
    proof "the deploy step of $environment is one command of ours, by the image's digest" shows "$environment" "image.digest=$digest"
done
proof "prod verifies the certificate of that image" shows prod "--image delivery/image@$digest"
same_words() {
    diff <(step .github/workflows/deliver-prod.yml Deploy | tr -s ' \\\n' ' ') \
        <(sed -n '/examhall deploy/,/credentials.json/p' .gitlab/deliver-prod.yml | tr -s ' \\\n' ' ' | sed 's/^ //')
}
proof "GitLab's job says it in the same words" same_words

ended
