#!/bin/bash
# kubernetes.sh - `examhall deploy ENV` and deploy/helm/examhall on a real Kubernetes of two nodes (kubernetes/cluster.sh):
# what is rendered is accepted, an image is rehearsed, pushed and deployed as an engineer does it, and while candidates sit an
# exam all of it is replaced, killed, moved, and put back. Images that are bad are turned away before anybody notices.
#
#     tests/platform/kubernetes.sh             make platform-kubernetes
#
# Prints a row for each proof; what cannot be proven here is named at the end. Ends with `N passed, N failed`.
set -u
[ -n "${CLUSTER:-}" ] || exec "$(dirname "$0")/kubernetes/cluster.sh" "$0"
. "$(dirname "$0")/proof.sh"
unborn=$(readlink -f "${FAULTY:-build/faulty}/examhall-unborn")
[ -x "$unborn" ] || {
    echo "kubernetes.sh: no $unborn, of which an image is made: run make faulty first" >&2
    exit 3
}
use helm || exit
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm
mkdir "$work/bin" && ln -s "$helm" "$work/bin/helm"
PATH=$work/bin:$PATH
namespace=examhall chart=deploy/helm/examhall
account=444455556666 registry=444455556666.dkr.ecr.ap-south-1.amazonaws.com
arn=arn:aws:elasticloadbalancing:ap-south-1:$account:targetgroup/hall-prod/0123456789abcdef
repository=$work/repository hall=$work/hall delivery=$work/repository/delivery
candidates=${CANDIDATES:-300} minutes=7 save_every=${SAVE_EVERY:-1}

k() { kubectl -n $namespace "$@"; }
target_group() { k get targetgroupbinding examhall-gateway -o jsonpath='{.spec.targetGroupARN}'; }
images() { k get deployment,statefulset -o json | jq -r '[.items[].spec.template.spec.containers[0].image] | unique[]'; }
in_hall() { k exec --stdin examhall-hall-0 -- /examhall "$@" --data /var/lib/examhall; }
rendered() { # helm template with what the deployment sets
    helm template examhall $chart --namespace $namespace --set "image.digest=$digest" "$@"
}
# deploy ... - `examhall deploy prod`, where the repository is, into this cluster; what it said is in $work/deployed
deploy() {
    (cd "$repository" && "$examhall" deploy prod --spec "$hall/hall.yaml" --kubeconfig "$KUBECONFIG" --json "$@") >"$work/deployed"
}
undeployed() { # REASON ... - it must say no, for this reason
    local reason=$1
    shift
    if deploy "$@"; then
        echo "deployed, and should not have been: $reason"
        return 1
    fi
    jq -r .reason "$work/deployed" && jq -e --arg reason "$reason" '.deployed == false and (.reason | test($reason))' "$work/deployed"
}
seconds() { jq -r '[.steps[] | "\(.step) \(.seconds | floor)"] | join(", ")' "$work/deployed"; } # of each step

# --- the image, and what a cluster must have before: keys by hand, a volume by hand, the operators' kinds ------------
environments() { # the spec says what differs between this cluster and one in the cloud: less of everything
    "$examhall" init "$hall" && cp -r deploy "$work/" && mkdir -p "$delivery" && mv "$work/deploy" "$repository/" || return
    "$examhall" env add nonprod --on aws --account 111122223333 --region ap-south-1 --size small --domain nonprod.exam.example.org \
        --spec "$hall/hall.yaml" &&
        "$examhall" env add prod --like nonprod --account $account --size exam --domain exam.example.org --spec "$hall/hall.yaml" &&
        "$examhall" env render nonprod "$work" --spec "$hall/hall.yaml" && "$examhall" env render prod "$work" --spec "$hall/hall.yaml" &&
        sed -i 's/^  prod: .*size: exam/&, drain: {delay: 5s, grace: 40s}, services: {gateway: {replicas: 2, memory: 256Mi, cpu: 100m}, hall: {memory: 512Mi, cpu: 100m}}/' \
            "$hall/hall.yaml" && grep '^  prod:.*grace: 40s' "$hall/hall.yaml"
}
roster() {
    { echo roll,name,birth,centre,shift,extra_minutes; seq "$candidates" | sed 's/.*/K-&,Candidate &,2009-01-01,Centre,day,0/'; } >"$work/people.csv"
    "$examhall" roster import "$work/people.csv" --data "$hall" && "$examhall" roster export --data "$hall" >"$repository/roster.csv"
}
image() {
    "$examhall" image build --out "$delivery/image" --tag examhall:test || return
    digest=$(skopeo inspect "oci:$delivery/image:test" | jq -r .Digest)
    note "${digest:0:19}"
}
# As the pipeline does. A machine that others load at the moment makes the verdict void, and no certificate of use: twice more then.
rehearsed() {
    local tries
    for tries in 1 2 3; do
        "$examhall" rehearse --for "$hall" --minutes 1 --ramp 15 --certificate "$delivery/certificate.json" && break
        [ "$(jq -r .result.verdict "$delivery/certificate.json")" = void ] && [ $tries -lt 3 ] || return 1
    done
    cp "$hall/keys/certificate.pub" "$repository/certificate.pub"
}
kinds() {
    kubectl create --filename "$crds" && kubectl wait --for=condition=Established --timeout=30s crd --all &&
        note "$(kubectl get crd -o json | jq -r '[.items[].spec.names.kind] | join(", ")')"
}
namespace() {
    kubectl apply -f deploy/helm/namespace.yaml
}
secrets() {
    openssl rand -hex 32 >"$work/gate.key"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$host" -addext "subjectAltName=DNS:$host" \
        -keyout "$work/tls.key" -out "$work/tls.crt" || return
    k create secret generic examhall-keys --from-file=master="$hall/keys/master" &&
        k create secret generic examhall-gate --from-file="$work/gate.key" &&
        k create secret tls examhall-tls --cert="$work/tls.crt" --key="$work/tls.key"
}
# What there is in the cloud: nodes of the pool, and a class of disks. Here it is a folder that both nodes see, as they would a
# network's disk; Kubernetes has it for one pod at a time.
ground() {
    kubectl label node one two examhall.org/pool=exam || return
    mkdir -m 0700 "$CLUSTER/shared/hall" && chown 65532:65532 "$CLUSTER/shared/hall" && kubectl create --filename - <<'YAML'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: shared, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: hall}
spec:
  capacity: {storage: 20Gi}
  accessModes: [ReadWriteOncePod]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: shared
  hostPath: {path: /srv/hall}
YAML
}

# --- accepted: what the chart renders is sent to the API server, which checks it as if it were to be stored -------------
accepted() { # VALUES...
    rendered "$@" >"$work/manifest" && k apply --dry-run=server --validate=strict --filename "$work/manifest" >"$work/accepted" || return
    note "$(sed 's/[./].*//' "$work/accepted" | sort | uniq -c | awk '{printf "%s%s %s", sep, $1, $2; sep = ", "}')"
}
misspelt() { # a key that Kubernetes does not know: an API server that is asked to be strict says so
    rendered -f $chart/ci/one-node-values.yaml | sed 's/readinessProbe:/readinesProbe:/' >"$work/misspelt"
    refused 'unknown field.*readinesProbe' k apply --dry-run=server --validate=strict --filename "$work/misspelt"
}
careless() { # a pod that gives nothing up
    refused 'violates PodSecurity "restricted' k run careless --image="$registry/examhall@$digest"
}

# --- a hall ------------------------------------------------------------------------------------------------------
uncertified() { # an image that nobody rehearsed
    undeployed 'requires a certificate of this image' && [ -z "$(k get deployment,statefulset,job -o name)" ]
}
deployed() {
    deploy --credentials "$CLUSTER/login" --values "$work/edge.yaml" || return
    note "$(seconds); $(k get pods -o json | jq -r '[.items[] | "\(.metadata.name) on \(.spec.nodeName)"] | join(", ")')"
    [ "$(images)" = "$registry/hall/examhall@$digest" ] && [ "$(target_group)" = "$arn" ]
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
    in_hall exam import sample /dev/stdin --format jsonl <data/sample/exam.jsonl &&
        in_hall roster import /dev/stdin <"$repository/roster.csv" && in_hall exam open sample &&
        in_hall roster export --codes | grep -E '^(roll|K-)' >"$work/codes.csv" && [ "$(wc -l <"$work/codes.csv")" -gt "$candidates" ]
}
status_is_true() { # gateways are pods of their own, and not down
    in_hall status --json | jq -e '[.services[] | select(.state != "running")] | map("\(.name) \(.state)") == ["gateway apart", "portal apart"]'
}
sitting_begins() { # in the background; it ends by itself
    "$examhall" rehearse --candidates "$candidates" --minutes $minutes --save-every "$save_every" --ramp 5 --target "https://$host" \
        --codes "$work/codes.csv" --ca "$work/tls.crt" --report "$work/sitting.html" --json >"$work/verdict.json" 2>"$work/rehearsal.log" &
    sitting=$! sat=$(date +%s)
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

# What is deployed while they sit: the certificate is of one image, and the spec is told that it is for trying out.
trial() { sed -i 's/^  prod: .*grace: 40s}/&, certificate: none/' "$hall/hall.yaml" && grep '^  prod:.*certificate: none' "$hall/hall.yaml"; }
program() { # NAME LETTER - the same program, but for the last letter of its version
    LC_ALL=C sed "s/$version\x00/${version%?}$2\x00/g" "$examhall" >"$work/$1" && chmod +x "$work/$1" && build "$1" "$work/$1"
}
build() { # NAME PROGRAM - its image
    "$2" image build --out "$delivery/$1" --tag "examhall:$1"
}
during() { echo "$(($1 - sat)) $(($(date +%s) - sat))" >>"$work/rolls"; } # SINCE - seconds of the sitting in which all was rolled
another() {
    local since
    program another ! && undeployed 'requires a certificate of this image.*the program changed' --image delivery/another && trial || return
    since=$(date +%s)
    deploy --image delivery/another --credentials "$CLUSTER/login" && stands && during "$since" && flows || return
    note "$(in_hall --version | cut -d' ' -f2) after $version; $(seconds)"
    [ "$(in_hall --version | cut -d' ' -f2)" = "${version%?}!" ] && [ "$(target_group)" = "$arn" ] # which nobody named this time
}
undone() {
    local since
    since=$(date +%s)
    deploy --undo && stands && during "$since" && flows && [ "$(images)" = "$registry/hall/examhall@$digest" ] && note "$(seconds)"
}

# Turned away before anything is replaced: the same pods as before, none of them started again. (What still drains does not count.)
pods() { k get pods -l app.kubernetes.io/component!=check -o json | jq -c '[.items[] | select(.metadata.deletionTimestamp | not) | [.metadata.uid, .status.containerStatuses[0].restartCount]] | sort'; }
turned_away() { # WHAT ... - and Kubernetes says WHAT of it
    local what=$1 before
    shift
    before=$(pods)
    undeployed 'deploy failed: helm upgrade.*the revision before serves again' --values "$work/hasty.yaml" "$@" 2>&1 | tee "$work/said"
    [ "${PIPESTATUS[0]}" = 0 ] || { echo "deploy did not say that it failed and why"; return 1; }
    grep -E "$what" "$work/said" || { echo "Kubernetes did not say: $what"; return 1; }
    [ "$before" = "$(pods)" ] || { echo "pods before $before, now $(pods)"; return 1; }
    flows &&
        note "$(seconds); $(grep -oE "$what" "$work/said" | head -1)"
}
never_pushed() {
    program unpushed '?' && turned_away 'Failed to pull image' --image delivery/unpushed
}
not_starting() {
    build unborn "$unborn" && turned_away 'BackoffLimitExceeded' --image delivery/unborn --credentials "$CLUSTER/login"
}

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

drained() { # the node that the hall is on; the other takes it, and a gateway waits for a node of its own zone
    local node pods
    node=$(k get pod examhall-hall-0 -o jsonpath='{.spec.nodeName}')
    kubectl drain "$node" --delete-emptydir-data --timeout=120s && k rollout status statefulset/examhall-hall --timeout=60s && flows || return
    pods=$(k get pods --field-selector "spec.nodeName=$node" -o name)
    kubectl uncordon "$node" && stands && note "$node" && [ -z "$pods" ]
}

# Gateways larger than what is left on any node: they wait, the ones before serve on, the scheduler says why, and back it goes.
no_room() {
    undeployed 'rollout failed.*the revision before serves again' --values "$work/large.yaml" --timeout 15s &&
        k get events --field-selector reason=FailedScheduling -o jsonpath='{.items[*].message}' | grep -q 'Insufficient memory' &&
        stands && flows && note "$(k get events --field-selector reason=FailedScheduling -o jsonpath='{.items[0].message}' | cut -c1-60)"
}

# What counts here: everybody submitted, nothing failed, nothing was lost. How long a save took while a pod was gone, and
# whether two cores were enough for the candidates too, is in the figures, and not judged.
unnoticed() {
    wait "$sitting"
    cat "$work/rehearsal.log"
    jq -r '.reasons[]' "$work/verdict.json"
    note "$(jq -r '"\(.requests) requests, \(.requests_failed) failed; \(.saves_acknowledged) answers, \(.saves_lost) lost; \(.reconnects) reconnects"' "$work/verdict.json")"
    jq -e --argjson candidates "$candidates" '.requests_failed == 0 and .saves_lost == 0 and .submitted == $candidates
        and .saves_acknowledged > 10 * $candidates' "$work/verdict.json"
}

# How busy it was while pods were replaced, in the seconds of the rehearsal's own series.
busy() {
    jq -r --rawfile rolls "$work/rolls" '[$rolls | split("\n")[] | select(. != "") | split(" ") | map(tonumber)] as $rolls | .series
        | [.to_s, .requests] | transpose | map(select(.[0] as $at | any($rolls[]; $at > .[0] and $at <= .[1])) | .[1]) | sort
        | "\(.[length / 2 | floor]) requests a second in the middle of \(length) seconds, \(.[0]) at least, \(.[-1]) at most"' "$work/sitting.json" \
        >"$work/busy" && note "$(cat "$work/busy")" && grep -q '^[1-9]' "$work/busy"
}

version=$("$examhall" --version | cut -d' ' -f2)
printf 'edge: {targetGroupARN: "%s"}\n' "$arn" >"$work/edge.yaml"
echo 'check: {deadlineSeconds: 20}' >"$work/hasty.yaml"
echo 'services: {gateway: {resources: {requests: {memory: 3Gi}, limits: {memory: 3Gi}}}}' >"$work/large.yaml"
host=examhall-gateway.$namespace.svc.cluster.local
digest=""
echo "with: Kubernetes $(kubectl version -o json | jq -r .serverVersion.gitVersion), $(kubectl get nodes -o json | jq -r '.items | length') nodes of" \
    "$(kubectl get nodes -o json | jq -r '.items[0].status.nodeInfo | "\(.containerRuntimeVersion), kubelet \(.kubeletVersion)"'); $(etcd --version | sed -n 's/^etcd Version/etcd/p')"
proof "a spec with both environments, and files rendered from it by \`examhall env render\`" environments
proof "the image" image
proof "the kinds of operators are known" kinds
proof "a namespace that enforces restricted pod security" namespace
proof "a pod that does not give its rights up is refused there" careless
proof "the API server takes nonprod" accepted -f "$work/environments/nonprod/values.yaml"
proof "the API server takes prod" accepted -f "$work/environments/prod/values.yaml"
proof "the API server takes every operator's kind" accepted -f $chart/ci/everything-values.yaml
proof "a misspelt key is refused" misspelt
proof "secrets, a volume and nodes of the pool, made by hand" eval 'secrets && ground'
proof "a roster" roster
proof "examhall deploy prod, without a certificate: refused, and nothing is there" uncertified
proof "rehearsed with all of the roster, and the certificate signed" rehearsed
proof "examhall deploy prod: certified, pushed, deployed by digest, watched until all is ready" deployed
[ "$failed" = 0 ] || { # nothing below can run
    echo "$passed passed, $failed failed"
    exit 1
}
proof "its processes have no rights, in the kernel's words" unprivileged
proof "an exam with $candidates candidates, made and opened through the hall pod" exam
proof "status in the hall pod says that gateways are apart" status_is_true
proof "they sit it, through the service's address and TLS" sitting_begins
proof "examhall deploy: another program, all pods replaced, watched to the end" another
proof "examhall deploy --undo: all of them back" undone
proof "an image that was never pushed is turned away, every pod stays" never_pushed
proof "an image that does not start is turned away, every pod stays" not_starting
proof "no room for new gateways: it stands still, the old ones serve; back by itself" no_room
proof "a gateway's pod killed" killed gateway
proof "the hall's pod killed" killed hall
proof "the hall's node drained, and taken back" drained
proof "nobody noticed" unnoticed
proof "it was busy meanwhile" busy

cat <<TEXT
not run: NetworkPolicies in force: they are accepted, but the network is the plain ptp plugin
not run: the HPA scaling: it is accepted and has no figures, as there is no metrics-server
not run: KEDA, Prometheus' operator, External Secrets, the load balancer's controller: their kinds are accepted
TEXT
ended
