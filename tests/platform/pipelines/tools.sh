#!/bin/bash
# tools.sh - what reads the rendered pipelines: `actionlint` for GitHub's, built from source and pinned by go.sum, and
# `schema`, check-jsonschema with GitLab's own schema in it, pinned by requirements.txt.
. "$(dirname "$(readlink -f "$0")")/../tools.sh"
go_for "$here/go.mod"

version=$(sed -n 's|.*github.com/rhysd/actionlint v\([0-9.]*\).*|\1|p' "$here/go.mod" | head -1)
actionlint=$cache/actionlint-$version-$have
built "$here" github.com/rhysd/actionlint/cmd/actionlint "$actionlint"

python=$cache/python-$(sha256sum "$here/requirements.txt" | cut -c1-16)
if [ ! -f "$python/complete" ]; then
    rm -rf "$python"
    python3 -m venv "$python" >&2 || cannot "python3 has no venv, and tools/deps.sh platform could not install it"
    "$python/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --requirement "$here/requirements.txt" >&2 || cannot "check-jsonschema cannot be fetched for $(python3 --version)"
    touch "$python/complete"
fi

printf 'actionlint %s\nschema %s\n' "$actionlint" "$python/bin/check-jsonschema"
