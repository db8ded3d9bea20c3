#!/bin/bash
# tools.sh - what the Terraform proofs run: `tofu` and our test `provider`, built from source and pinned by their go.sum, and
# the npm `package` with the AWS provider's schema, pinned by its sum below.
. "$(dirname "$(readlink -f "$0")")/../tools.sh"
package=cdktf-provider-aws-21.22.1.tgz
package_sha256=d1446ab6ac6526c6fab4b28a5ebefdd90c0ce56203949925d35a4d286c05cbbf

command -v node >/dev/null && command -v npm >/dev/null || cannot "no node and npm (the AWS schema comes from an npm package)"
go_for "$here/tofu/go.mod"

version=$(sed -n 's|.*github.com/opentofu/opentofu v\([0-9.]*\).*|\1|p' "$here/tofu/go.mod" | head -1)
tofu=$cache/tofu-$version-$have
built "$here/tofu" github.com/opentofu/opentofu/cmd/tofu "$tofu" "-X github.com/opentofu/opentofu/version.dev=no"

sources=$(cat "$here"/provider/*.go "$here"/provider/go.mod | sha256sum | cut -c1-16)
provider=$cache/terraform-provider-aws-$sources-$have
built "$here/provider" . "$provider"

if [ ! -f "$cache/$package" ]; then
    rm -rf "$cache/package.new" && mkdir "$cache/package.new"
    (cd "$cache/package.new" && npm pack --silent @cdktf/provider-aws@21.22.1) >&2 ||
        cannot "the npm package @cdktf/provider-aws cannot be fetched"
    echo "$package_sha256  $cache/package.new/$package" | sha256sum --quiet -c - >&2
    mv "$cache/package.new/$package" "$cache/$package"
    rmdir "$cache/package.new"
fi

printf 'tofu %s\nprovider %s\npackage %s\n' "$tofu" "$provider" "$cache/$package"
