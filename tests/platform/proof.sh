# proof.sh - what the stages of platform-test are written in; each sources it, and gets
# $examhall, a folder $work to work in, and the words below; the current folder is the root of the repository.
#
# A stage prints a row for each proof, `with: ...` for the tools it proves with, `not run: WHAT: WHY` for what cannot be proven
# on this machine, and ends with `N passed, N failed`. A stage that cannot run at all ends with status 4, and its last line
# says why. all.sh reads these words.
# shellcheck shell=bash disable=SC2034 # some are for those who source this
platform=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
root=${platform%/tests/platform}
cd "$root" || exit 3
examhall=$(readlink -f "${EXAMHALL:-build/examhall}")
[ -x "$examhall" ] || {
    echo "$0: no $examhall: run make first" >&2
    exit 3
}
started=$SECONDS passed=0 failed=0
work=$(mktemp -d)
log=$work/log

# The work folder stays if a proof failed. A stage that has more to clean up says so in a function clean_up.
clean_up() { :; }
leave() {
    clean_up
    if [ "$failed" != 0 ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap leave EXIT
trap 'exit 130' HUP INT TERM

cannot() {
    echo "not run: $*"
    exit 4
}
needs() { # PROGRAM...
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || cannot "no $program, and tools/deps.sh platform could not install it"
    done
}

# use STAGE: makes its tools, and sets a variable for each that its tools.sh prints; where it cannot, it says why
use() {
    local said status=0 name path
    said=$("$platform/$1/tools.sh") || status=$?
    case $status in
    0) while read -r name path; do printf -v "$name" %s "$path"; done <<<"$said" ;;
    4) tail -n 1 <<<"$said" ;;
    *) echo "the tools of $1 could not be made" ;;
    esac
    return $status
}

# versions PACKAGE...: as Debian has them, in a row
versions() { dpkg-query -W -f '${Package} ${Version}\n' "$@" | sed -E 's/ ([0-9]+:)?([0-9.]+).*/ \2/' | paste -sd, | sed 's/,/, /g'; }

# proof WHAT COMMAND...: one row; what the command printed is shown when it fails
proof() {
    local what=$1 before=$SECONDS
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %-86s %3d s\n' "$what$([ -s "$work/note" ] && cat "$work/note")" $((SECONDS - before))
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\n' "$what"
        tail -n 40 "$log" | sed 's/^/        /'
    fi
    rm -f "$work/note"
}
note() { printf ': %s' "$*" >"$work/note"; } # said behind the row's words

# refused PATTERN COMMAND...: the command must fail, and say PATTERN (some tools wrap lines, and draw boxes around them)
refused() {
    local pattern=$1
    shift
    if "$@" >"$work/refused" 2>&1; then
        echo "accepted, and should have been refused: $pattern"
        return 1
    fi
    cat "$work/refused"
    tr -d '│╷╵' <"$work/refused" | tr -s '\n ' ' ' | grep -qE "$pattern" || {
        echo "refused, but not with: $pattern"
        return 1
    }
}

ended() { # the last words of a stage, and its status
    echo
    echo "in $((SECONDS - started)) s"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}
