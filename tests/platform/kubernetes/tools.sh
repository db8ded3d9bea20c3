#!/bin/bash
# tools.sh - builds what the Kubernetes proofs run, once, and keeps it. Prints the folder that has kubectl, kubelet and
# kube-* in it.
#
# It lies in $PLATFORM_CACHE (default: ~/.cache/examhall/platform), keyed by version; what is there is not made again. Sums
# are pinned in go.sum. Status 4: cannot run here, and the last line says why.
set -eu
here=$(dirname "$(readlink -f "$0")")
cache=${PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/examhall/platform}

cannot() {
    echo "skipped kubernetes: $*"
    exit 4
}

command -v go >/dev/null || cannot "no Go toolchain (Kubernetes is built from source)"
export GOTOOLCHAIN=local GOFLAGS="-mod=readonly -buildvcs=false -trimpath" CGO_ENABLED=0
have=$(go env GOVERSION)
wanted=$(sed -n 's/^go //p' "$here/hyperkube/go.mod")
[ "$(printf '%s\n' "go$wanted" "$have" | sort -V | head -1)" = "go$wanted" ] || cannot "$have is older than go$wanted"

mkdir -p "$cache"
exec 9>"$cache/kubernetes-tools.lock"
flock 9 # two runs at once build once

version=$(sed -n 's|.*k8s.io/kubernetes v\([0-9.]*\)$|\1|p' "$here/hyperkube/go.mod" | head -1)
bin=$cache/kubernetes-$version-$have
mkdir -p "$bin"
if [ ! -x "$bin/hyperkube" ]; then
    built=$SECONDS info=k8s.io/component-base/version
    (cd "$here/hyperkube" && go build -p "$(nproc)" -o "$bin/hyperkube.new" -ldflags "-s -w -X $info.gitVersion=v$version \
        -X $info.gitMajor=${version%%.*} -X $info.gitMinor=$(cut -d. -f2 <<<"$version")") >&2
    mv "$bin/hyperkube.new" "$bin/hyperkube"
    echo "built Kubernetes $version in $((SECONDS - built)) s, $(($(stat -c %s "$bin/hyperkube") / 1048576)) MiB" >&2
fi
for program in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl; do
    ln -sf hyperkube "$bin/$program"
done
echo "$bin"
