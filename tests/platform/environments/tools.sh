#!/bin/bash
# tools.sh - what reads an environment's alerts: Prometheus' own `promtool`, out of Debian's package, whose daemon is not installed.
. "$(dirname "$(readlink -f "$0")")/../tools.sh"

folder=$cache/prometheus promtool=$cache/prometheus/usr/bin/promtool
if [ ! -x "$promtool" ]; then
    rm -rf "$folder" "$folder.new" && mkdir "$folder.new"
    cd "$folder.new"
    download() { apt-get -o APT::Sandbox::User=root -qq download prometheus >&2; }
    download || { apt-get update -qq >&2 && download; } || cannot "Debian's package prometheus cannot be fetched"
    dpkg-deb -x prometheus_*.deb .
    mv "$folder.new" "$folder"
fi
echo "promtool $promtool"
