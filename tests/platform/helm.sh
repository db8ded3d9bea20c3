#!/bin/bash
# helm.sh - proves deploy/helm/examhall without a cluster: the real Helm lints and renders it for both environments and for
# all of ci/, every object is read as an API server would (unknown keys, wrong types and operators' kinds included), and
# rules of security read them all. What the chart must refuse is refused. What runs of it: tests/platform/kubernetes.sh.
#
#     tests/platform/helm.sh              make platform-helm
#
# Prints a row for each proof; the work folder stays if one fails. Ends with `N passed, N failed`.
set -u
. "$(dirname "$0")/proof.sh"
use helm || exit
here=$platform/helm chart=$root/deploy/helm/examhall
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm

digest=sha256:$(printf 'the image' | sha256sum | cut -c1-64)
render() { "$helm" template examhall "$chart" --namespace examhall --set image.digest="$digest" "$@"; }

# --- the sets of values: both environments as people get them, and every file of ci/ ---------------------------------
sets=()
rendered() {
    local spec=$work/hall/hall.yaml environment
    "$examhall" init "$work/hall" --empty || return
    cat >>"$spec" <<'YAML'

exams:
  - name: paper-1
    title: "Paper 1: physics"
    minutes: 180
    marks: {right: 4, wrong: -1}
    instructions: ["Read: all.", "No # is a comment"]
    shifts:
      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, candidates: 225000}
      - {name: evening, opens: 2027-01-22 14:30, starts: 15:00, candidates: 225000}
YAML
    "$examhall" env add nonprod --on aws --account 111122223333 --region ap-south-1 --size small \
            --domain nonprod.exam.example.org --spec "$spec" &&
        "$examhall" env add prod --like nonprod --account 444455556666 --size exam \
            --domain exam.example.org --spec "$spec" || return
    for environment in nonprod prod; do
        "$examhall" env render $environment "$work" --spec "$spec" || return
        cp "$work/environments/$environment/values.yaml" "$work/$environment-values.yaml"
    done
    cp "$chart"/ci/*-values.yaml "$work/"
}
proof "both environments rendered from a spec by \`examhall env render\`" rendered
for file in "$work"/*-values.yaml; do sets+=("$(basename "$file" -values.yaml)"); done

lint() {
    "$helm" lint --strict "$chart" --namespace examhall --set image.digest="$digest" -f "$work/$1-values.yaml"
}
template() { # and every object is read strictly
    render -f "$work/$1-values.yaml" >"$work/$1.yaml" && "$strict" "$crds" <"$work/$1.yaml" >"$work/$1.json" || return
    note "$(node -p 'o = require(process.argv[1]); `${o.length} objects of ${new Set(o.map((x) => x.kind)).size} kinds`' "$work/$1.json")"
}
echo "with: Helm $("$helm" version --short), manifests read by the types of Kubernetes $(sed -n 's/.*k8s.io.api v0\(\.[0-9]*\).*/1\1/p' "$here/tools/go.mod")"
for set in "${sets[@]}"; do
    proof "$set: helm lint --strict" lint "$set"
    proof "$set: rendered, and every key of it exists" template "$set"
done
[ "$failed" = 0 ] || { # nothing below can run
    echo "$passed passed, $failed failed"
    exit 1
}

rules() {
    node "$here/rules.mjs" "$@" "$work"/*.json >"$work/said"
    local status=$?
    cat "$work/said"
    note "$(tail -1 "$work/said")"
    return $status
}
proof "rules of security and of rollouts hold" rules
proof "each rule finds its breach" rules --prove

# --- what pods read, and what alerts read -----------------------------------------------------------------------------
member() { node -p 'const [f, kind, name, path] = process.argv.slice(1); path.split("/").reduce((o, k) => o[k], require(f).find((o) => o.kind === kind && o.metadata.name === name))' "$@"; }
spec_of_pods() { # the ConfigMap's hall.yaml is a spec to this program, for each set
    local set
    for set in "${sets[@]}"; do
        member "$work/$set.json" ConfigMap examhall-hall data/hall.yaml >"$work/$set-hall.yaml" &&
            "$examhall" env check --spec "$work/$set-hall.yaml" || return
    done
}
words() { # what the containers call is what this program takes: it gets as far as the missing key
    local part
    for part in Deployment/examhall-gateway StatefulSet/examhall-hall; do
        mkdir -p "$work/run/keys" && head -c 32 /dev/urandom >"$work/run/keys/master" && chmod 600 "$work/run/keys/master"
        mapfile -t args < <(member "$work/prod.json" "${part%/*}" "${part#*/}" spec/template/spec/containers/0/args | node -e '
            console.log(eval(require("fs").readFileSync(0, "utf8")).map((a) => a
                .replace(/=\/(var\/lib|run)\/examhall$/, "=" + process.argv[1] + "/run")
                .replace(/=\/etc\/examhall\/spec/, "=" + process.argv[1] + "/hall")).join("\n"))' "$work")
        refused "the gate's key /etc/examhall/gate/gate.key cannot be read" timeout 20 "$examhall" "${args[@]}" || return
    done
}
alerts() {
    render -f "$work/prod-values.yaml" --set metrics.prometheusRule.enabled=true \
        --set-file metrics.prometheusRule.file="$work/environments/prod/rules.yaml" >"$work/rules.yaml" &&
        "$strict" "$crds" <"$work/rules.yaml" >"$work/with-rules.json" || return
    note "$(member "$work/with-rules.json" PrometheusRule examhall-rules spec/groups | grep -c 'name:') groups"
    rm "$work/with-rules.json"
}
timetable() { # each shift as KEDA's cron: of an environment, and of ci/everything, beside CPU and connections
    local set
    for set in prod everything; do
        member "$work/$set.json" ScaledObject examhall-gateway spec/triggers >"$work/triggers" && cat "$work/triggers" || return
        [ "$(grep -c "type: 'cron'" "$work/triggers")" = 2 ] && grep -q "start: '30 7 22 1 \*'" "$work/triggers" || return
    done
    grep -q "end: '8 18 22 1 \*'" "$work/triggers" && grep -q "threshold: '40000'" "$work/triggers"
}
changed_config() { # another spec is another hall pod, and the same gateways
    render -f "$work/prod-values.yaml" --set config.title=Another | "$strict" "$crds" >"$work/other.json" || return
    local same other part path=spec/template/metadata/annotations
    for part in Deployment/examhall-gateway StatefulSet/examhall-hall; do
        same=$(member "$work/prod.json" "${part%/*}" "${part#*/}" $path) other=$(member "$work/other.json" "${part%/*}" "${part#*/}" $path)
        if [ "${part%/*}" = Deployment ]; then [ "$same" = "$other" ]; else [ "$same" != "$other" ]; fi || return
    done
    rm "$work/other.json"
}
deployer() { # the kinds of operators in the chart, and those that namespace.yaml lets the pipeline make, are the same
    awk '/^apiVersion: /{ split($2, a, "/"); group = a[1] } /^kind: /{ print group, tolower($2) "s" }' "$chart"/templates/*.yaml |
        grep '\..* ' | grep -v '\.k8s\.io ' | sort -u >"$work/needed"
    "$strict" "$crds" <"$root/deploy/helm/namespace.yaml" >"$work/namespace.objects" && node -p '
        const role = JSON.parse(require("fs").readFileSync(process.argv[1])).find((o) => o.kind === "Role");
        role.rules.flatMap((r) => r.resources.map((resource) => `${r.apiGroups} ${resource}`)).sort().join("\n")' "$work/namespace.objects" |
        sort -u | diff "$work/needed" - && note "$(wc -l <"$work/needed") kinds" && [ -s "$work/needed" ]
}
proof "the spec that pods get is a spec, in every set" spec_of_pods
proof "who deploys may make every kind of the chart that is no part of Kubernetes" deployer
proof "what the containers say is what \`examhall serve\` takes" words
proof "the rendered alerts as a PrometheusRule" alerts
proof "the timetable as KEDA reads it" timetable
proof "a changed spec rolls the hall, and no gateway" changed_config

# --- wrong values are refused ----------------------------------------------------------------------------------------
wrong() { # PATTERN VALUE, the last of all that are set
    refused "$1" "$helm" template examhall "$chart" --namespace examhall -f "$work/prod-values.yaml" \
        --set-json "image.digest=\"$digest\"" --set-json "$2"
}
while IFS='|' read -r what set pattern; do
    proof "refused: $what" wrong "$pattern" "$set"
done <<'ROWS'
a key that does not exist|replicas=3|replicas
a key of a service that does not exist|services.gateway.replicaCnt=3|replicaCnt
a service that does not exist|services.anwsers={"replicaCount":1}|anwsers
text where a number belongs|services.gateway.replicaCount="three"|replicaCount
memory in a unit that there is not|services.hall.resources.limits.memory="4GB"|memory
a tag|image.tag="latest"|tag
a digest that is none|image.digest="sha256:abc"|digest
no digest|image.digest=""|image.digest is empty: the deployment sets it
a service of its own, without a log to share|layout="each"|layout: each .* use layout: one
Kafka|log.backend="kafka"|this version has embedded, embedded and folder only
two halls|services.hall.replicaCount=2|must be 1: the embedded log .* one writer
a hall that scales|services.hall.autoscaling.enabled=true|exactly one hall pod
no time to drain|drain.graceSeconds=20|must be more than drain.delaySeconds
a call to nobody|networkPolicy.calls=[{"from":"gateway","to":"halls","port":"gate"}]|halls, which is no row
a target group that is none|edge.targetGroupARN="arn:aws:s3:::bucket"|targetGroupARN
ROWS
proof "refused: another namespace than the roles are bound to" refused 'namespace is examhall' \
    "$helm" template examhall "$chart" --namespace default --set image.digest="$digest" -f "$work/prod-values.yaml"
proof "refused: an older Kubernetes" refused 'incompatible with Kubernetes v1.29' render -f "$work/prod-values.yaml" --kube-version 1.29.0
misspelt() { sed 's/livenessProbe/livenessProb/' "$work/prod.yaml" >"$work/wrong" && refused 'unknown field.*livenessProb' "$strict" "$crds" <"$work/wrong"; }
misspelt_crd() { sed 's/pollingInterval/polingInterval/' "$work/everything.yaml" >"$work/wrong" && refused 'unknown field.*polingInterval' "$strict" "$crds" <"$work/wrong"; }
proof "a misspelt key of a Deployment would be found" misspelt
proof "a misspelt key of a ScaledObject would be found" misspelt_crd

ended
