#!/bin/sh
# deps.sh GROUP... - installs what is missing of Debian's packages: build, test, bench, platform.
# Quiet when nothing is missing. Needs root (or sudo) only when something is.
set -eu

packages=""
for group in "$@"; do
    case "$group" in
    build) packages="$packages gcc libc6-dev make pkg-config libsodium-dev libssl-dev libsqlite3-dev libfyaml-dev
        libseccomp-dev zlib1g-dev liburing-dev libcurl4-openssl-dev tzdata ca-certificates"
        command -v node >/dev/null 2>&1 || packages="$packages nodejs"
        command -v npm >/dev/null 2>&1 || packages="$packages npm" ;;
    test) packages="$packages clang libclang-rt-14-dev clang-format chromium curl jq procps iproute2 python3-minimal minisign" ;;
    platform) packages="$packages docker-registry apache2-utils skopeo umoci runc openssl curl jq minisign shellcheck gcc libc6-dev
        containerd etcd-server containernetworking-plugins dnsmasq-base iptables iproute2 procps python3-venv" ;;
    bench) packages="$packages nginx-light linux-perf wrk hey valgrind" ;;
    *) echo "deps.sh: there is no group $group: build, test, bench, platform" >&2; exit 2 ;;
    esac
done

missing=""
for package in $packages; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "These packages are missing, and only root can install them:$missing" >&2
        echo "Run as root: apt-get install$missing" >&2
        exit 3
    fi
    sudo=sudo
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
