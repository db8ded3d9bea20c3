# tools.sh - what each stage's own tools.sh is written in: it makes the programs that the stage proves with, once, and keeps
# them in $cache, keyed by version. Each prints a line `NAME PATH` for each; status 4: cannot, and the last line says why.
# shellcheck shell=bash
set -eu
here=$(dirname "$(readlink -f "$0")")
cache=${PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/examhall/platform}
mkdir -p "$cache"
exec 9>"$cache/$(basename "$here").lock"
flock 9 # two runs at once make them once

cannot() {
    echo "not run: $*"
    exit 4
}

# go_for GO.MOD: the toolchain that is here must be as new as that asks for. Sets $have, its version.
go_for() {
    local wanted
    command -v go >/dev/null || cannot "no Go toolchain, and $(basename "$here")'s tools are built from source"
    export GOTOOLCHAIN=local GOFLAGS="-mod=readonly -buildvcs=false -trimpath" CGO_ENABLED=0
    have=$(go env GOVERSION)
    wanted=$(sed -n 's/^go //p' "$1")
    [ "$(printf '%s\n' "go$wanted" "$have" | sort -V | head -1)" = "go$wanted" ] || cannot "$have is older than go$wanted"
}

# built FOLDER PACKAGE TARGET [LINKER-FLAGS]: builds what the module in FOLDER pins. Modules that cannot be fetched are told
# from sources that do not compile: the first is this machine's, the second is a failure.
built() {
    [ -x "$3" ] && return
    local started=$SECONDS
    cd "$1"
    go list -deps "$2" >/dev/null 2>"$3.log" || {
        cat "$3.log" >&2
        grep -q "checksum mismatch" "$3.log" && exit 1
        cannot "modules of $2 cannot be fetched: $(tail -n 1 "$3.log")"
    }
    nice -n 10 go build -p "$(nproc)" -ldflags "-s -w ${4:-}" -o "$3.new" "$2" >&2
    mv "$3.new" "$3"
    rm "$3.log"
    cd "$OLDPWD"
    echo "built $(basename "$3") in $((SECONDS - started)) s, $(($(stat -c %s "$3") / 1048576)) MiB" >&2
}
