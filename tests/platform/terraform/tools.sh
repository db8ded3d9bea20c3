#!/bin/bash
# tools.sh - builds what the Terraform proofs run, once, and keeps it: OpenTofu, our test provider, the package with the
# AWS provider's schema. Prints one line for each: `tofu PATH`, `provider PATH`, `package PATH`.
#
# Everything lies in $PLATFORM_CACHE (default: ~/.cache/examhall/platform), keyed by version; what is there is not made
# again. Sums are pinned: OpenTofu's and the provider's sources in their go.sum, the package below. Status 4: cannot run
# here, and the last line says why.
set -eu
here=$(dirname "$(readlink -f "$0")")
cache=${PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/examhall/platform}
package=cdktf-provider-aws-21.22.1.tgz
package_sha256=d1446ab6ac6526c6fab4b28a5ebefdd90c0ce56203949925d35a4d286c05cbbf

cannot() {
    echo "skipped terraform: $*"
    exit 4
}

command -v go >/dev/null || cannot "no Go toolchain (OpenTofu and the test provider are built from source)"
command -v node >/dev/null && command -v npm >/dev/null || cannot "no node and npm (the AWS schema comes from an npm package)"
wanted=$(sed -n 's/^go //p' "$here/tofu/go.mod")
export GOTOOLCHAIN=local GOFLAGS="-mod=readonly -buildvcs=false -trimpath" CGO_ENABLED=0
have=$(go env GOVERSION)
[ "$(printf '%s\n' "go$wanted" "$have" | sort -V | head -1)" = "go$wanted" ] || cannot "$have is older than go$wanted"

mkdir -p "$cache"
exec 9>"$cache/terraform.lock"
flock 9 # two runs at once build once

# build FOLDER PACKAGE TARGET [LINKER-FLAGS]
build() {
    [ -x "$3" ] && return
    local started=$SECONDS
    rm -f "$3.new"
    (cd "$here/$1" && nice -n 10 go build -p "$(nproc)" -ldflags "-s -w ${4:-}" -o "$3.new" "$2") >&2
    mv "$3.new" "$3"
    echo "built $(basename "$3") in $((SECONDS - started)) s, $(($(stat -c %s "$3") / 1048576)) MiB" >&2
}

version=$(sed -n 's|.*github.com/opentofu/opentofu v\([0-9.]*\).*|\1|p' "$here/tofu/go.mod" | head -1)
tofu=$cache/tofu-$version-$have
build tofu github.com/opentofu/opentofu/cmd/tofu "$tofu" "-X github.com/opentofu/opentofu/version.dev=no"

sources=$(cat "$here"/provider/*.go "$here"/provider/go.mod | sha256sum | cut -c1-16)
provider=$cache/terraform-provider-aws-$sources-$have
build provider . "$provider"

if [ ! -f "$cache/$package" ]; then
    rm -rf "$cache/package.new" && mkdir "$cache/package.new"
    (cd "$cache/package.new" && npm pack --silent @cdktf/provider-aws@21.22.1) >&2 ||
        cannot "the npm package @cdktf/provider-aws cannot be fetched"
    echo "$package_sha256  $cache/package.new/$package" | sha256sum --quiet -c - >&2
    mv "$cache/package.new/$package" "$cache/$package"
    rmdir "$cache/package.new"
fi

printf 'tofu %s\nprovider %s\npackage %s\n' "$tofu" "$provider" "$cache/$package"
