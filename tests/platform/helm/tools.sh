#!/bin/bash
# tools.sh - builds what the chart's proofs run, once, and keeps it: Helm, the strict reader of manifests, and the
# definitions of the operators' kinds. Prints one line for each: `helm PATH`, `strict PATH`, `crds FOLDER`.
#
# Everything lies in $PLATFORM_CACHE (default: ~/.cache/examhall/platform), keyed by version; what is there is not made
# again. Sums are pinned: sources in go.sum, the operators' modules below. Status 4: cannot run here, and the last line
# says why.
set -eu
here=$(dirname "$(readlink -f "$0")")
cache=${PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/examhall/platform}

cannot() {
    echo "skipped helm: $*"
    exit 4
}

command -v go >/dev/null || cannot "no Go toolchain (Helm is built from source)"
command -v node >/dev/null || cannot "no node (it runs the rules of security)"
wanted=$(sed -n 's/^go //p' "$here/tools/go.mod")
export GOTOOLCHAIN=local GOFLAGS="-mod=readonly -buildvcs=false -trimpath" CGO_ENABLED=0
have=$(go env GOVERSION)
[ "$(printf '%s\n' "go$wanted" "$have" | sort -V | head -1)" = "go$wanted" ] || cannot "$have is older than go$wanted"

mkdir -p "$cache"
exec 9>"$cache/helm.lock"
flock 9 # two runs at once build once

# build PACKAGE TARGET [LINKER-FLAGS]
build() {
    [ -x "$2" ] && return
    local started=$SECONDS
    rm -f "$2.new"
    (cd "$here/tools" && nice -n 10 go build -p "$(nproc)" -ldflags "-s -w ${3:-}" -o "$2.new" "$1") >&2
    mv "$2.new" "$2"
    echo "built $(basename "$2") in $((SECONDS - started)) s, $(($(stat -c %s "$2") / 1048576)) MiB" >&2
}

version=$(sed -n 's|.*helm.sh/helm/v3 v\([0-9.]*\).*|\1|p' "$here/tools/go.mod" | head -1)
helm=$cache/helm-$version-1.34-$have
capabilities=helm.sh/helm/v3/pkg/chartutil.k8sVersion rules=helm.sh/helm/v3/pkg/lint/rules.k8sVersion
build helm.sh/helm/v3/cmd/helm "$helm" "-X helm.sh/helm/v3/internal/version.version=v$version \
    -X ${capabilities}Major=1 -X ${capabilities}Minor=34 -X ${rules}Major=1 -X ${rules}Minor=34"

sources=$(cat "$here"/tools/strict/*.go "$here/tools/go.mod" | sha256sum | cut -c1-16)
strict=$cache/strict-$sources-$have
build ./strict "$strict"

# crd MODULE@VERSION SUM FILE... - copies definitions out of an operator's module
crd() {
    local module=$1 sum=$2 said folder file
    shift 2
    said=$(cd "$cache" && GOFLAGS=-mod=mod go mod download -json "$module") || cannot "the module $module cannot be fetched"
    grep -q "\"Sum\": \"$sum\"" <<<"$said" || cannot "the module $module has another sum than $sum"
    folder=$(sed -n 's/.*"Dir": "\(.*\)",*/\1/p' <<<"$said")
    for file in "$@"; do install -m 644 "$folder/$file" "$crds.new/"; done
}
crds=$cache/crds-$(sha256sum "$here/tools.sh" "$here/targetgroupbindings.yaml" | sha256sum | cut -c1-16)
if [ ! -d "$crds" ]; then
    rm -rf "$crds.new" && mkdir "$crds.new"
    crd github.com/kedacore/keda/v2@v2.21.0 h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps= \
        config/crd/bases/keda.sh_scaledobjects.yaml
    crd github.com/prometheus-operator/prometheus-operator@v0.85.0 h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s= \
        example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,prometheusrules}.yaml
    crd github.com/external-secrets/external-secrets@v1.3.2 h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ= \
        config/crds/bases/external-secrets.io_externalsecrets.yaml
    install -m 644 "$here/targetgroupbindings.yaml" "$crds.new/"
    mv "$crds.new" "$crds"
fi

printf 'helm %s\nstrict %s\ncrds %s\n' "$helm" "$strict" "$crds"
