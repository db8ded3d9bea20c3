#!/bin/bash
# tools.sh - what the Kubernetes proofs run, built from source and pinned by go.sum: `kubernetes`, a folder that has kubectl,
# kubelet and kube-* in it.
. "$(dirname "$(readlink -f "$0")")/../tools.sh"
go_for "$here/hyperkube/go.mod"

version=$(sed -n 's|.*k8s.io/kubernetes v\([0-9.]*\)$|\1|p' "$here/hyperkube/go.mod" | head -1)
bin=$cache/kubernetes-$version-$have info=k8s.io/component-base/version
mkdir -p "$bin"
built "$here/hyperkube" . "$bin/hyperkube" \
    "-X $info.gitVersion=v$version -X $info.gitMajor=${version%%.*} -X $info.gitMinor=$(cut -d. -f2 <<<"$version")"
for program in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl; do
    ln -sf hyperkube "$bin/$program"
done
echo "kubernetes $bin"
