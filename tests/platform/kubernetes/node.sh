#!/bin/bash
# node.sh NAME - a node of the cluster that cluster.sh makes: process 1 of its own namespaces. It makes the machine look
# like one of its own, and starts the daemons; when one of them ends, so does the node.
set -eu
name=$1
case $name in one) number=1 ;; two) number=2 ;; esac
address=10.77.0.$number control=10.77.0.1
state=$CLUSTER/$name
mkdir -p "$state"
: >"$CLUSTER/$name.stands"

# --- the machine, as seen from here -------------------------------------------------------------------------------
hostname "$name"
mount -t sysfs sysfs /sys # of this network
mount -t tmpfs tmpfs /sys/fs/cgroup
while IFS=: read -r _ controllers _; do # the hierarchies anew: their root is now this node's cgroup
    case $controllers in
    "") continue ;;
    name=*) options=none,$controllers ;;
    *) options=$controllers ;;
    esac
    mkdir "/sys/fs/cgroup/${controllers#name=}"
    mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/${controllers#name=}"
done </proc/self/cgroup

# What kubelet would write into the machine's kernel lies in files before it.
pin() {
    echo "$2" >"$state/${1//\//.}"
    mount --bind "$state/${1//\//.}" "/proc/sys/$1"
}
pin vm/overcommit_memory 1
pin vm/panic_on_oom 0
pin kernel/panic 10
pin kernel/panic_on_oops 1
pin kernel/keys/root_maxkeys 1000000
pin kernel/keys/root_maxbytes 25000000

mount -t tmpfs tmpfs /run
mkdir "$state/lib" "$state/log"
mount --bind "$state/lib" /var/lib
mount --bind "$state/log" /var/log
mount --bind "$CLUSTER/shared" /srv # the one folder that both nodes have, as a network's disk would be

# --- the network: a cable to the other node; pods are routed, so that what they say to each other passes iptables ------
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.1; done
ip address add "$address/24" dev eth0
ip link set eth0 up
ip route add "10.78.$((3 - number)).0/24" via "10.77.0.$((3 - number))"
ip route add 10.79.0.0/24 dev eth0 # services: iptables sends them elsewhere, but there must be a way first
echo 1 >/proc/sys/net/ipv4/ip_forward

# --- daemons ---------------------------------------------------------------------------------------------------
declare -A daemons=()
start() { # NAME COMMAND...
    local daemon=$1
    shift
    "$@" >"$CLUSTER/$name.$daemon.log" 2>&1 &
    daemons[$!]=$daemon
}

control_plane() {
    start etcd etcd --data-dir /run/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380
    start kube-apiserver "$TOOLS/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --bind-address="$control" \
        --service-cluster-ip-range=10.79.0.0/24 --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --client-ca-file="$CLUSTER/ca.crt" --tls-cert-file="$CLUSTER/apiserver.crt" --tls-private-key-file="$CLUSTER/apiserver.key" \
        --kubelet-client-certificate="$CLUSTER/apiserver.crt" --kubelet-client-key="$CLUSTER/apiserver.key" \
        --kubelet-preferred-address-types=InternalIP --service-account-issuer=https://kubernetes.default.svc.cluster.local \
        --service-account-key-file="$CLUSTER/accounts.pub" --service-account-signing-key-file="$CLUSTER/accounts.key"
    start kube-controller-manager "$TOOLS/kube-controller-manager" --kubeconfig="$CLUSTER/manager.kubeconfig" --bind-address=127.0.0.1 \
        --leader-elect=false --use-service-account-credentials --root-ca-file="$CLUSTER/ca.crt" \
        --service-account-private-key-file="$CLUSTER/accounts.key"
    start kube-scheduler "$TOOLS/kube-scheduler" --kubeconfig="$CLUSTER/scheduler.kubeconfig" --bind-address=127.0.0.1 \
        --leader-elect=false

    cat >"$state/registry.yml" <<YAML
version: 0.1
storage: {filesystem: {rootdirectory: $state/registry}}
http: {addr: "$control:443", tls: {certificate: "$CLUSTER/registry.crt", key: "$CLUSTER/registry.key"}}
auth: {htpasswd: {realm: registry, path: "$CLUSTER/htpasswd"}}
YAML
    start registry docker-registry serve "$state/registry.yml"

    mkdir "$state/hosts"
    start dns dnsmasq --keep-in-foreground --user=root --no-resolv --no-hosts --local=/cluster.local/ \
        --address="/amazonaws.com/$control" --hostsdir="$state/hosts" --listen-address="$control" --bind-interfaces
    names >"$CLUSTER/$name.names.log" 2>&1 &
}

# The names of services, as they come: a file for each, which dnsmasq reads at once.
names() {
    export KUBECONFIG=$CLUSTER/admin.kubeconfig
    while sleep 0.5; do # until there is an API server; and the watch ends now and then
        "$TOOLS/kubectl" get services --all-namespaces --watch \
            -o jsonpath='{.spec.clusterIP} {.metadata.name}.{.metadata.namespace}.svc.cluster.local{"\n"}' |
            while read -r ip host; do
                [ "$ip" = None ] || echo "$ip $host" >"$state/hosts/$host"
            done
    done
}

containers() {
    mkdir -p "$state/cni" "$state/registries/_default"
    cat >"$state/cni/pods.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.78.$number.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
    # Whatever registry an image names, it is looked for in ours.
    printf 'server = "https://%s"\n[host."https://%s"]\nca = "%s"\n' $control $control "$CLUSTER/ca.crt" \
        >"$state/registries/_default/hosts.toml"
    cat >"$state/containerd.toml" <<TOML
version = 2
[plugins."io.containerd.internal.v1.opt"]
path = "$state/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.local/pause:1"
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$state/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "$state/registries"
[plugins."io.containerd.grpc.v1.cri".registry.configs."$control".auth]
username = "examhall"
password = "$(cut -d: -f2 "$CLUSTER/login")"
TOML
    start containerd containerd --config "$state/containerd.toml"
}

# All of the machine but 2 GiB is kept from pods, so that a node is small, and can be full.
kubelet() {
    local memory
    memory=$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)
    cat >"$state/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $CLUSTER/ca.crt}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /
clusterDNS: [$control]
clusterDomain: cluster.local
resolvConf: ""
failSwapOn: false
failCgroupV1: false
oomScoreAdj: 0
protectKernelDefaults: true
volumePluginDir: $state/plugins
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi}
systemReserved: {memory: $((memory - 2 * 1024 * 1024))Ki}
YAML
    start kubelet "$TOOLS/kubelet" --config="$state/kubelet.yaml" --kubeconfig="$CLUSTER/$name.kubeconfig" --hostname-override="$name" \
        --node-ip="$address" --node-labels="topology.kubernetes.io/zone=zone-$name"
    start kube-proxy "$TOOLS/kube-proxy" --kubeconfig="$CLUSTER/proxy.kubeconfig" --hostname-override="$name" --proxy-mode=iptables \
        --cluster-cidr=10.78.0.0/16 --conntrack-max-per-core=0 --oom-score-adj=0
}

[ "$name" = one ] && control_plane
containers
kubelet
wait -n -p ended
echo "node $name: ${daemons[$ended]} ended: $(tail -n 3 "$CLUSTER/$name.${daemons[$ended]}.log")"
exit 1
