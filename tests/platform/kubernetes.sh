#!/bin/bash
# kubernetes.sh - deploy/helm/examhall on a real Kubernetes of two nodes (kubernetes/cluster.sh): what it renders is
# accepted, it runs, and while candidates sit an exam all of it is replaced, killed, moved, and put back.
#
#     tests/platform/kubernetes.sh             make platform-kubernetes
#
# Prints a row for each proof; what cannot be proven here is named at the end. Ends with `N passed, N failed`.
set -u
[ -n "${CLUSTER:-}" ] || exec "$(dirname "$0")/kubernetes/cluster.sh" "$0"
. "$(dirname "$0")/proof.sh"
use helm || exit
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm
registry=10.77.0.1:5000 namespace=examhall chart=deploy/helm/examhall
candidates=300 minutes=3

k() { kubectl -n $namespace "$@"; }
in_hall() { k exec --stdin examhall-hall-0 -- /examhall "$@" --data /var/lib/examhall; }
rendered() { # helm template with what the deployment sets
    "$helm" template examhall $chart --namespace $namespace --set "image.digest=$digest" "$@"
}
release() { # helm upgrade, of the environment that fits on these two nodes
    "$helm" upgrade --install examhall $chart --namespace $namespace -f $chart/ci/one-node-values.yaml -f "$work/config.yaml" \
        --set "image.registry=$registry,image.digest=$digest" "$@"
}

# --- the image, and what a cluster must have before: keys by hand, a volume by hand, the operators' kinds ------------
image() {
    "$examhall" image build --out "$work/image" --tag examhall:test || return
    digest=$(skopeo inspect "oci:$work/image:test" | jq -r .Digest)
    "$examhall" image push "$work/image" "$registry/examhall:test" --plain && note "${digest:0:19}"
}
kinds() {
    kubectl create --filename "$crds" && kubectl wait --for=condition=Established --timeout=30s crd --all &&
        note "$(kubectl get crd -o json | jq -r '[.items[].spec.names.kind] | join(", ")')"
}
namespace() {
    kubectl create namespace $namespace &&
        kubectl label namespace $namespace pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/enforce-version=latest
}
secrets() {
    "$examhall" init "$work/hall" && { echo config: && sed '/^# Where/,$d; s/^/  /' "$work/hall/hall.yaml"; } >"$work/config.yaml" || return
    openssl rand -hex 32 >"$work/gate.key"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$host" -addext "subjectAltName=DNS:$host" \
        -keyout "$work/tls.key" -out "$work/tls.crt" || return
    k create secret generic examhall-keys --from-file=master="$work/hall/keys/master" &&
        k create secret generic examhall-gate --from-file="$work/gate.key" &&
        k create secret tls examhall-tls --cert="$work/tls.crt" --key="$work/tls.key"
}
# A folder that both nodes see, as they would a network's disk; Kubernetes has it for one pod at a time.
volume() {
    mkdir -m 0700 "$CLUSTER/shared/hall" && chown 65532:65532 "$CLUSTER/shared/hall" && kubectl create --filename - <<'YAML'
apiVersion: v1
kind: PersistentVolume
metadata: {name: hall}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: ""
  hostPath: {path: /srv/hall}
YAML
}

# --- accepted: what the chart renders is sent to the API server, which checks it as if it were to be stored -------------
accepted() { # VALUES...
    rendered "$@" >"$work/manifest" && k apply --dry-run=server --validate=strict --filename "$work/manifest" >"$work/accepted" || return
    note "$(sed 's/[./].*//' "$work/accepted" | sort | uniq -c | awk '{printf "%s%s %s", sep, $1, $2; sep = ", "}')"
}
environments() { # both, as people get them: rendered from a spec
    local spec=$work/spec/hall.yaml
    "$examhall" init "$work/spec" --empty &&
        "$examhall" env add nonprod --on aws --account 111122223333 --region ap-south-1 --size small --domain nonprod.exam.example.org \
            --spec "$spec" &&
        "$examhall" env add prod --like nonprod --account 444455556666 --size exam --domain exam.example.org --spec "$spec" &&
        "$examhall" env render nonprod "$work" --spec "$spec" && "$examhall" env render prod "$work" --spec "$spec"
}
misspelt() { # a key that Kubernetes does not know: an API server that is asked to be strict says so
    rendered -f $chart/ci/one-node-values.yaml | sed 's/readinessProbe:/readinesProbe:/' >"$work/misspelt"
    refused 'unknown field.*readinesProbe' k apply --dry-run=server --validate=strict --filename "$work/misspelt"
}
careless() { # a pod that gives nothing up
    refused 'violates PodSecurity "restricted' k run careless --image="$registry/examhall@$digest"
}

# --- a hall ------------------------------------------------------------------------------------------------------
install() {
    release --wait --timeout 90s && note "$(k get pods -o json | jq -r '[.items[] | "\(.metadata.name) on \(.spec.nodeName)"] | join(", ")')"
}
unprivileged() { # as the kernel has them
    local pid node found=0
    for node in one two; do
        for pid in $(on $node pgrep -u 65532 -f examhall); do
            [ "$(on $node awk '/^(Uid|CapEff|NoNewPrivs|Seccomp):/ {printf "%s ", $2}' "/proc/$pid/status")" = "65532 0000000000000000 1 2 " ] ||
                { on $node cat "/proc/$pid/status"; return 1; }
            found=$((found + 1))
        done
    done
    note "$found processes" && [ $found -ge 6 ]
}
exam() {
    { echo roll,name,birth,centre,shift,extra_minutes; seq $candidates | sed 's/.*/K-&,Candidate &,2009-01-01,Centre,day,0/'; } >"$work/roster.csv"
    in_hall exam import sample /dev/stdin --format jsonl <data/sample/exam.jsonl &&
        in_hall roster import /dev/stdin <"$work/roster.csv" && in_hall exam open sample &&
        in_hall roster export --codes >"$work/codes.csv" && [ "$(wc -l <"$work/codes.csv")" -gt $candidates ]
}
sitting_begins() { # in the background; it ends by itself
    "$examhall" rehearse --candidates $candidates --minutes $minutes --save-every 2 --ramp 5 --target "https://$host" --codes "$work/codes.csv" \
        --ca "$work/tls.crt" --json >"$work/verdict.json" 2>"$work/rehearsal.log" &
    sitting=$!
    until_saves 200
}

# --- what happens to it meanwhile ----------------------------------------------------------------------------------
saves() { in_hall status --json | jq .saves; }
until_saves() { # N more than now, within a minute
    local wanted=$(($(saves) + $1)) deadline=$((SECONDS + 60))
    until [ "$(saves)" -ge $wanted ]; do
        [ $SECONDS -lt $deadline ] || { cat "$work/rehearsal.log"; return 1; }
        sleep 0.5
    done 2>/dev/null
}
flows() { kill -0 "$sitting" && until_saves 100; }

stands() { # all of it is there and answers
    k rollout status deployment/examhall-gateway --timeout=120s && k rollout status statefulset/examhall-hall --timeout=60s
}
rolled() { k rollout restart deployment/examhall-gateway statefulset/examhall-hall && stands && flows; }

# kill -9 of every process of a pod, what holds its namespaces too: nobody is told, and kubelet finds out.
killed() { # COMPONENT
    local pod uid node restarts
    read -r pod uid node restarts < <(k get pods -l "app.kubernetes.io/component=$1" -o json |
        jq -r '.items[0] | "\(.metadata.name) \(.metadata.uid) \(.spec.nodeName) \(.status.containerStatuses[0].restartCount)"')
    on "$node" sh -c "cat /sys/fs/cgroup/pids/kubepods/*/pod$uid/*/cgroup.procs | xargs kill -KILL" # some end with others
    for _ in $(seq 100); do
        [ "$(k get pod "$pod" -o jsonpath='{.status.containerStatuses[0].restartCount}')" -gt "$restarts" ] && break
        sleep 0.3
    done
    k wait --for=condition=Ready "pod/$pod" --timeout=60s && stands && flows && note "$pod on $node"
}

drained() { # the node that the hall is on; the other takes all
    local node pods
    node=$(k get pod examhall-hall-0 -o jsonpath='{.spec.nodeName}')
    kubectl drain "$node" --delete-emptydir-data --timeout=120s && stands && flows || return
    pods=$(k get pods --field-selector "spec.nodeName=$node" -o name)
    kubectl uncordon "$node" && note "$node" && [ -z "$pods" ]
}

# An image that is not there: nothing of it ever gets ready, and helm takes the release back.
bad_image() {
    local before
    before=$(k get deployment,statefulset -o jsonpath='{.items[*].spec.template.spec.containers[0].image}')
    refused 'timed out|deadline exceeded|not ready' release --set "image.digest=sha256:$(printf '0%.0s' {1..64})" --atomic --timeout 10s &&
        [ "$before" = "$(k get deployment,statefulset -o jsonpath='{.items[*].spec.template.spec.containers[0].image}')" ] && stands && flows
}

# Gateways larger than what is left on any node: they wait, the ones before serve on, and the scheduler says why.
no_room() {
    refused 'timed out|deadline exceeded|not ready' release --wait --timeout 15s \
        --set services.gateway.resources.requests.memory=3Gi,services.gateway.resources.limits.memory=3Gi || return
    k get events --field-selector reason=FailedScheduling -o jsonpath='{.items[*].message}' | grep -q 'Insufficient memory' || return
    [ "$(k get deployment examhall-gateway -o jsonpath='{.status.availableReplicas}')" = 2 ] && flows &&
        "$helm" rollback examhall --namespace $namespace --wait --timeout 60s && stands &&
        note "$(k get events --field-selector reason=FailedScheduling -o jsonpath='{.items[0].message}' | cut -c1-60)"
}

# What counts here: everybody submitted, nothing failed, nothing was lost. How long a save took while a pod was gone, and
# whether two cores were enough for the candidates too, is in the figures, and not judged.
unnoticed() {
    wait "$sitting"
    cat "$work/rehearsal.log"
    jq -r '.reasons[]' "$work/verdict.json"
    note "$(jq -r '"\(.requests) requests, \(.requests_failed) failed; \(.saves_acknowledged) answers, \(.saves_lost) lost; \(.reconnects) reconnects"' "$work/verdict.json")"
    jq -e --argjson candidates $candidates '.requests_failed == 0 and .saves_lost == 0 and .submitted == $candidates
        and .saves_acknowledged > 10 * $candidates' "$work/verdict.json"
}

version=$(kubectl version -o json | jq -r .serverVersion.gitVersion)
host=examhall-gateway.$namespace.svc.cluster.local
digest=""
echo "with: Kubernetes $version, $(kubectl get nodes -o json | jq -r '.items | length') nodes of" \
    "$(kubectl get nodes -o json | jq -r '.items[0].status.nodeInfo | "\(.containerRuntimeVersion), kubelet \(.kubeletVersion)"'), $(etcd --version | sed -n 's/^etcd Version:/etcd/p')"
proof "the image, built and pushed to the cluster's registry" image
proof "the kinds of operators are known" kinds
proof "a namespace that enforces restricted pod security" namespace
proof "a pod that does not give its rights up is refused there" careless
proof "both environments rendered from a spec by \`examhall env render\`" environments
proof "the API server takes nonprod" accepted -f "$work/environments/nonprod/values.yaml"
proof "the API server takes prod" accepted -f "$work/environments/prod/values.yaml"
proof "the API server takes every operator's kind" accepted -f $chart/ci/everything-values.yaml
proof "a misspelt key is refused" misspelt
proof "secrets and a volume, made by hand" eval 'secrets && volume'
proof "helm upgrade --install: all pods ready" install
[ "$failed" = 0 ] || { # nothing below can run
    echo "$passed passed, $failed failed"
    exit 1
}
proof "its processes have no rights, in the kernel's words" unprivileged
proof "an exam with $candidates candidates, made and opened through the hall pod" exam
proof "they sit it, through the service's address and TLS" sitting_begins
proof "all pods replaced by a rolling restart, watched to its end" rolled
proof "a gateway's pod killed" killed gateway
proof "the hall's pod killed" killed hall
proof "the hall's node drained, and taken back" drained
proof "an image that does not exist: helm takes it back" bad_image
proof "no room for new gateways: the rollout stands still, the old ones serve; rolled back" no_room
proof "nobody noticed" unnoticed

cat <<TEXT
not run: NetworkPolicies in force: they are accepted, but the network is the plain ptp plugin
not run: the HPA scaling: it is accepted and has no figures, as there is no metrics-server
not run: KEDA, Prometheus' operator, External Secrets, the load balancer's controller: their kinds are accepted
TEXT
ended
