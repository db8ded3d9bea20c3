#!/bin/bash
# tools.sh - what the chart's proofs run, built from source and pinned by go.sum: `helm`, the `strict` reader of manifests;
# and `crds`, the definitions of the operators' kinds, out of their modules, pinned by the sums below.
. "$(dirname "$(readlink -f "$0")")/../tools.sh"
command -v node >/dev/null || cannot "no node (it runs the rules of security)"
go_for "$here/tools/go.mod"

version=$(sed -n 's|.*helm.sh/helm/v3 v\([0-9.]*\).*|\1|p' "$here/tools/go.mod" | head -1)
helm=$cache/helm-$version-1.34-$have
capabilities=helm.sh/helm/v3/pkg/chartutil.k8sVersion rules=helm.sh/helm/v3/pkg/lint/rules.k8sVersion
built "$here/tools" helm.sh/helm/v3/cmd/helm "$helm" "-X helm.sh/helm/v3/internal/version.version=v$version \
    -X ${capabilities}Major=1 -X ${capabilities}Minor=34 -X ${rules}Major=1 -X ${rules}Minor=34"

sources=$(cat "$here"/tools/strict/*.go "$here/tools/go.mod" | sha256sum | cut -c1-16)
strict=$cache/strict-$sources-$have
built "$here/tools" ./strict "$strict"

# crd MODULE@VERSION SUM FILE... - copies definitions out of an operator's module
crd() {
    local module=$1 sum=$2 said folder file
    shift 2
    said=$(cd "$cache" && GOFLAGS=-mod=mod go mod download -json "$module") || cannot "the module $module cannot be fetched"
    grep -q "\"Sum\": \"$sum\"" <<<"$said" || { echo "the module $module has another sum than $sum" >&2 && exit 1; }
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
