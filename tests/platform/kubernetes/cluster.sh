#!/bin/bash
# cluster.sh COMMAND... - a real Kubernetes of two nodes, for as long as COMMAND runs.
#
#     tests/platform/kubernetes/cluster.sh bash        $ kubectl get nodes      $ on one ctr -n k8s.io images ls
#
# COMMAND runs in the first node's network and asks its DNS; it has KUBECONFIG, kubectl, and `on NODE COMMAND...`, which
# runs something inside a node. There is a registry: by COMMAND it is called like every account's (*.amazonaws.com), it wants
# the name:password in $CLUSTER/login, and its certificate is of an authority that COMMAND trusts; nodes look there for every
# image. A node is a set of namespaces (network, mounts, processes, cgroups) with its own kubelet, containerd and
# kube-proxy; the first also has etcd, the API server, controllers, scheduler and DNS (node.sh). Nothing machine-wide
# changes, and nothing outlives COMMAND: a node's processes end with its first one, and that asks the kernel to be killed
# with this script, however this script ends.
#
# One cluster at a time (a second waits). Needs root and cgroup v1. Status: COMMAND's; 3 if the cluster does not come up,
# 4 if it cannot run here (the last line says why).
set -u
here=$(dirname "$(readlink -f "$0")")
cache=${PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/examhall/platform}
address=10.77.0.1

cannot() {
    echo "not run: $*"
    exit 4
}
die() {
    echo "cluster.sh: $*" >&2
    exit 3
}

until_true() { # SECONDS COMMAND...
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.2
    done
}

# cgroups: the folders of this process, one in each hierarchy; a node's are children of them
cgroups() {
    local controllers path
    while IFS=: read -r _ controllers path; do
        [ -n "$controllers" ] && echo "/sys/fs/cgroup/${controllers#name=}${path%/}"
    done </proc/self/cgroup
}

# What a node asks of the kernel, tried beforehand: a machine that forbids it is told from a cluster that fails.
possible() {
    local parent
    for parent in $(cgroups); do
        mkdir -p "$parent/examhall-try" && rmdir "$parent/examhall-try" || cannot "no right to make a cgroup in $parent"
    done
    unshare --net --mount --uts --ipc --cgroup --pid --fork --mount-proc true || cannot "no right to make namespaces"
    unshare --net ip link add eth0 type veth peer name eth1 || cannot "no virtual network cables (veth)"
    unshare --net iptables -t nat -A POSTROUTING -j MASQUERADE || cannot "no iptables with a nat table"
    mkdir -p "$cache/try/"{lower,upper,work,all}
    unshare --net --mount --cgroup sh -c "mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /sys/fs/cgroup &&
        mount -t cgroup -o memory cgroup /sys/fs/cgroup && cd '$cache/try' &&
        mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work all" || cannot "no right to mount what a node mounts"
    rm -rf "$cache/try"
} 2>/dev/null

# join NODE: makes a node's cgroups and moves this very process into them
join() {
    local parent file
    for parent in $(cgroups); do
        mkdir -p "$parent/examhall-$1" || return
        for file in cpuset.cpus cpuset.mems; do # empty at first, and nothing can run on no processor
            [ -f "$parent/$file" ] && cat "$parent/$file" >"$parent/examhall-$1/$file"
        done
        echo "$BASHPID" >"$parent/examhall-$1/cgroup.procs" || return
    done
}

# remove: whatever this or a killed run left
remove() {
    local parent node
    for node in "${nodes[@]}"; do kill -KILL "$node"; done
    wait
    for parent in $(cgroups); do
        for node in "$parent"/examhall-{one,two}; do # its last processes may still be on their way out
            [ ! -d "$node" ] || until_true 10 find "$node" -depth -type d -exec rmdir {} +
        done
    done
    rm -rf "$CLUSTER"
} 2>/dev/null

# certificate NAME COMMON-NAME [ORGANISATION]: what someone shows to the API server, or it to them
certificate() {
    openssl req -x509 -CA ca.crt -CAkey ca.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') -subj "/${3:+O=$3/}CN=$2" \
        -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth,clientAuth \
        -addext "subjectAltName=DNS:kubernetes,DNS:kubernetes.default.svc,DNS:*.dkr.ecr.ap-south-1.amazonaws.com,IP:$address,IP:10.79.0.1" \
        -keyout "$1.key" -out "$1.crt" 2>>openssl.log
}

# kubeconfig NAME COMMON-NAME [ORGANISATION]: a certificate, and the file that says how to use it
kubeconfig() {
    certificate "$@" || return
    cat >"$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: examhall, cluster: {server: "https://$address:6443", certificate-authority: $CLUSTER/ca.crt}}]
users: [{name: $1, user: {client-certificate: $CLUSTER/$1.crt, client-key: $CLUSTER/$1.key}}]
contexts: [{name: examhall, context: {cluster: examhall, user: $1}}]
current-context: examhall
YAML
}

credentials() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=examhall -keyout ca.key -out ca.crt \
        2>openssl.log &&
        openssl genrsa -out accounts.key 2048 2>>openssl.log && openssl rsa -in accounts.key -pubout -out accounts.pub 2>>openssl.log &&
        certificate apiserver kube-apiserver system:masters &&
        certificate registry registry &&
        kubeconfig admin admin system:masters &&
        kubeconfig manager system:kube-controller-manager &&
        kubeconfig scheduler system:kube-scheduler &&
        kubeconfig proxy system:kube-proxy &&
        kubeconfig one system:node:one system:nodes &&
        kubeconfig two system:node:two system:nodes
}

# Who may push and pull; and whom COMMAND trusts.
logins() {
    local password
    password=$(openssl rand -hex 16)
    (umask 077 && printf 'examhall:%s' "$password" >login &&
        printf '{"auths": {"%s": {"auth": "%s"}}}\n' "$address" "$(base64 -w0 login)" >login.json) &&
        htpasswd -iBn examhall <<<"$password" >htpasswd 2>>openssl.log &&
        cat /etc/ssl/certs/ca-certificates.crt ca.crt >trusted.crt
}

# node NAME: starts it, and waits until it stands in namespaces of its own
node() {
    (
        join "$1" && exec setpriv --pdeathsig KILL unshare --net --mount --uts --ipc --cgroup --pid --fork --kill-child \
            --mount-proc "$here/node.sh" "$1"
    ) >"$CLUSTER/$1.log" 2>&1 &
    nodes+=($!)
    until_true 10 test -e "$CLUSTER/$1.stands" || die "node $1 did not start: $(tail -3 "$CLUSTER/$1.log")"
}

# The image that every pod's namespaces are held by: one program.
pause_image() {
    gcc -static -Os -o pause "$here/pause.c" && umoci init --layout pause-image && umoci new --image pause-image:1 &&
        umoci insert --image pause-image:1 pause /pause && umoci config --image pause-image:1 --config.entrypoint /pause
}

[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }
[ "$(id -u)" = 0 ] || cannot "it takes root to make namespaces, cgroups and mounts"
grep -q ':memory:' /proc/self/cgroup || cannot "it needs cgroup v1 (containerd 1.6, runc; cgroup v2 was not tried)"
for program in etcd htpasswd containerd runc dnsmasq ip iptables docker-registry skopeo umoci openssl gcc setpriv; do
    command -v $program >/dev/null || cannot "no $program, and tools/deps.sh platform could not install it"
done
tools=$("$here/tools.sh") || {
    status=$?
    echo "$tools" | tail -1
    exit $status
}
possible

exec 8>"$cache/cluster.lock"
flock 8
export CLUSTER=$cache/cluster TOOLS=${tools#kubernetes }
nodes=()
remove
mkdir -p "$CLUSTER/bin" "$CLUSTER/shared"
cd "$CLUSTER" || exit 3
trap remove EXIT
trap 'exit 3' HUP INT TERM

printf 'nameserver %s\nsearch svc.cluster.local\n' $address >resolv.conf
credentials && logins || die "no certificates: $(tail -3 openssl.log)"
pause_image >pause.log 2>&1 || die "no pause image: $(tail -3 pause.log)"
node one
node two
inside=(nsenter --net --target "${nodes[0]}")
"${inside[@]}" ip link add eth0 type veth peer name eth0 netns "${nodes[1]}" || die "the nodes cannot be connected"

cat >bin/on <<SH
#!/bin/sh
# on NODE COMMAND... - runs it inside a node
case \$1 in one) first=$(pgrep -P "${nodes[0]}") ;; two) first=$(pgrep -P "${nodes[1]}") ;; *) echo "on: nodes are one and two" >&2; exit 2 ;; esac
shift
exec nsenter --all --target "\$first" "\$@"
SH
chmod +x bin/on
export KUBECONFIG=$CLUSTER/admin.kubeconfig PATH=$CLUSTER/bin:$TOOLS:$PATH
until_true 60 "${inside[@]}" kubectl get --raw /readyz || die "no API server after 60 s: $(tail -n 3 one.log two.log one.kube-apiserver.log)"
SSL_CERT_FILE=ca.crt until_true 20 "${inside[@]}" skopeo copy --dest-authfile login.json oci:pause-image:1 "docker://$address/pause:1" ||
    die "the registry did not take the pause image: $(tail -3 one.registry.log)"
until_true 60 "${inside[@]}" kubectl wait --for=condition=Ready node/one node/two --timeout=60s ||
    die "the nodes are not ready: $(tail -3 one.log two.log)"
cd "$OLDPWD" || exit 3
# shellcheck disable=SC2016 # for the inner shell
setpriv --pdeathsig KILL "${inside[@]}" unshare --mount sh -c 'mount --bind "$CLUSTER/resolv.conf" /etc/resolv.conf &&
    mount --bind "$CLUSTER/trusted.crt" /etc/ssl/certs/ca-certificates.crt && exec "$@"' sh "$@"
