#!/bin/bash
# image.sh - images shown with tools that are not ours: registry, skopeo, umoci, runc.
#
# Builds an image of EXAMHALL, pushes it to Debian's docker-registry on loopback (TLS, passwords, tokens, failures),
# takes it back with skopeo, runs a hall in it without rights, and builds everything twice in two folders. Each proof is
# a sentence; what cannot run here says so in a line that begins with "not run".
set -u
. "$(dirname "$0")/proof.sh"
needs docker-registry skopeo umoci runc htpasswd openssl curl jq minisign
children=() container=examhall-image-$$

clean_up() {
    for pid in "${children[@]}"; do kill "$pid" 2>/dev/null; done
    runc kill "$container" KILL >/dev/null 2>&1
    wait
    runc delete -f "$container" >/dev/null 2>&1
}
echo "with: $(versions docker-registry skopeo umoci runc minisign)"
cd "$work" || exit 3

# fails STATUS TEXT COMMAND...: it must end with this status, and say this.
fails() {
    local status=$1 text=$2 got=0
    shift 2
    "$@" >fails.log 2>&1 || got=$?
    cat fails.log
    [ "$got" = "$status" ] && grep -qF -- "$text" fails.log
}

same() { [ "$1" = "$2" ] || { echo "$1 is not $2"; false; }; }
free_port() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
until_open() { for _ in $(seq 100); do (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; return 1; }
in_background() { "$@" & children+=($!); }
digest_of() { "$examhall" image build --out "$1" --tag examhall:test --json | jq -r .digest; }

echo "Image"
digest=$(digest_of image)
proof "build makes an image layout" test -f image/oci-layout
proof "built again, as a tar: the same digest" same "$(digest_of image.tar)" "$digest"
proof "skopeo reads folder and tar" same "$(skopeo inspect oci:image:test | jq -r .Digest)" \
    "$(skopeo inspect oci-archive:image.tar:test | jq -r .Digest)"
proof "SOURCE_DATE_EPOCH changes the time, and nothing but the time" \
    same "$(SOURCE_DATE_EPOCH=86400 digest_of epoch >/dev/null; skopeo inspect oci:epoch:test | jq -r .Created)" 1970-01-02T00:00:00Z
bytes=$("$examhall" image build --out image --tag examhall:test --json | jq .bytes)
echo "          $bytes bytes compressed"
proof "it is smaller than 25 MB" test "$bytes" -lt 25000000
proof "its user has no rights" same "$(skopeo inspect --config oci:image:test | jq -r .config.User)" 65532:65532
proof "its labels name the commit" jq -e '.Labels["org.opencontainers.image.revision"] | test("^[0-9a-f]{40}$")' \
    <(skopeo inspect oci:image:test)
proof "the SBOM is CycloneDX 1.6 and names libc and the portal's packages" jq -e '.specVersion == "1.6" and
    ([.components[].name] | contains(["examhall", "libc6", "libssl3", "tzdata", "preact"]))' image/sbom.cdx.json
proof "the provenance is about this image" same \
    "sha256:$(jq -r '.subject[0].digest.sha256' image/provenance.intoto.json)" "$digest"

minisign -G -W -p key.pub -s key.sec >/dev/null && chmod 600 key.sec
minisign -G -W -p stranger.pub -s stranger.sec >/dev/null
proof "a key of minisign signs the provenance" "$examhall" image build --out signed --tag examhall:test --sign-with key.sec
proof "the image stays the same" same "$(skopeo inspect oci:signed:test | jq -r .Digest)" "$digest"
proof "its envelope is true, and about this image" same \
    "sha256:$(node "$platform/dsse.mjs" signed/provenance.dsse.json key.pub | jq -r '.subject[0].digest.sha256')" "$digest"
proof "but not of another's key" fails 1 "no signature of this key" node "$platform/dsse.mjs" signed/provenance.dsse.json stranger.pub

echo "Registry"
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj "/CN=exam test authority" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost 2>/dev/null
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.pem -days 2 \
    -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1) 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -days 2 -subj /CN=other 2>/dev/null
mkdir trust && cp ca.crt trust/
htpasswd -Bbn exam secret >htpasswd
echo exam:secret >login && echo exam:wrong >wrong_login
printf '{"auths":{"%s":{"auth":"%s"}}}' 127.0.0.1:PORT "$(printf exam:secret | base64)" >docker.json

# registry NAME PORT AUTH...: writes NAME.yml
registry() {
    local name=$1 port=$2 auth=$3
    printf '%s\n' "version: 0.1" "log: {level: error, accesslog: {disabled: true}}" "storage: {filesystem: {rootdirectory: $work/$name}}" \
        "http: {addr: '127.0.0.1:$port', secret: test, tls: {certificate: $work/server.pem, key: $work/server.key}}" "$auth" >"$name.yml"
}
port=$(free_port)
sed -i "s/PORT/$port/" docker.json
registry store "$port" "auth: {htpasswd: {realm: exam, path: $work/htpasswd}}"
in_background docker-registry serve store.yml 2>registry.log
until_open "$port"
at=127.0.0.1:$port
push() { "$examhall" image push image "$@"; }
remote=(--cert-dir trust --creds exam:secret)

proof "push sends the image over TLS with a password" push "$at/exams/examhall:test" --ca ca.crt --credentials login
proof "skopeo finds the same digest there" same "$(skopeo inspect "${remote[@]}" "docker://$at/exams/examhall:test" | jq -r .Digest)" "$digest"
proof "docker's own file of passwords does, too" push "$at/exams/examhall:again" --ca ca.crt --credentials docker.json
proof "what is there is not sent again" same \
    "$(push "$at/exams/examhall:test" --ca ca.crt --credentials login --json | jq -c '[.blobs_sent, .bytes_sent]')" "[0,0]"
proof "SBOM and provenance are listed as the image's referrers" same "$(curl -s --cacert ca.crt -u exam:secret \
    -H "Accept: application/vnd.oci.image.index.v1+json" "https://$at/v2/exams/examhall/manifests/${digest/:/-}" | jq -c '[.manifests[].artifactType]')" \
    '["application/vnd.cyclonedx+json","application/vnd.in-toto+json"]'
proof "skopeo copies it back, byte for byte" skopeo copy -q --src-cert-dir trust --src-creds exam:secret "docker://$at/exams/examhall:test" oci:back:test
proof "and it is the same image" same "$(skopeo inspect oci:back:test | jq -r .Digest)" "$digest"

token_port=$(free_port) token_registry=$(free_port)
registry tokens "$token_registry" \
    "auth: {token: {realm: 'https://127.0.0.1:$token_port/token', service: registry, issuer: exam, rootcertbundle: $work/ca.crt}}"
in_background node "$platform/front.mjs" "$token_port" "$work" token
in_background docker-registry serve tokens.yml 2>>registry.log
until_open "$token_port" && until_open "$token_registry"
proof "a registry with tokens gets one from its realm" push "127.0.0.1:$token_registry/exams/examhall:test" --ca ca.crt --credentials login
proof "a realm that gives no token is a refusal" fails 1 "does not take the name and password" \
    push "127.0.0.1:$token_registry/exams/examhall:test" --ca ca.crt --credentials wrong_login

flaky_port=$(free_port)
in_background node "$platform/front.mjs" "$flaky_port" "$work" flaky "$port"
until_open "$flaky_port"
proof "a registry that fails twice before each thing gets it nevertheless" push "127.0.0.1:$flaky_port/exams/flaky:test" --ca ca.crt --credentials login

echo "Refusals"
proof "a wrong password: status 1, 401" fails 1 "(401)" push "$at/exams/examhall:test" --ca ca.crt --credentials wrong_login
proof "no password: status 1, and how to give one" fails 1 "--credentials FILE" env -u DOCKER_CONFIG HOME="$work" "$examhall" image push image "$at/exams/examhall:test" --ca ca.crt
proof "another authority: status 3, and --ca" fails 3 "does not trust" push "$at/exams/examhall:test" --ca other.crt --credentials login
proof "no TLS where TLS is: status 3" fails 3 "is it an OCI registry" push "$at/exams/examhall:test" --plain --credentials login
proof "nobody there: status 3, after some tries" fails 3 "nobody answers at" push "127.0.0.1:$(free_port)/exams/examhall:test" --credentials login
proof "no such host: status 3" fails 3 "no such host" push "registry.invalid/exams/examhall:test"
proof "a password without TLS to another machine: status 2, nothing sent" fails 2 "without TLS" push registry.invalid/a:b --plain --credentials login
proof "a name that is none: status 2, and what one looks like" fails 2 "is not REGISTRY/NAME:TAG" push examhall
proof "a folder that is no image: status 3, and how to make one" fails 3 "image build --out $work/trust" "$examhall" image push "$work/trust" "$at/a/b:c"
for case in "403 DENIED 1" "404 NAME_UNKNOWN 3" "409 CONFLICT 1" "413 TOO_LARGE 3" "500 UNKNOWN 3"; do
    read -r status code expected <<<"$case"
    refuse_port=$(free_port)
    in_background node "$platform/front.mjs" "$refuse_port" "$work" refuse "$status" "$code"
    until_open "$refuse_port"
    proof "a registry that answers $status: status $expected, and what it said" fails "$expected" "($status $code: so it says)" \
        push "127.0.0.1:$refuse_port/exams/examhall:test" --ca ca.crt --credentials login
done

cp -r image damaged
blob=$(jq -r '.layers[0].digest' "image/blobs/sha256/${digest#sha256:}")
printf x | dd of="damaged/blobs/sha256/${blob#sha256:}" bs=1 seek=1000 conv=notrunc 2>/dev/null
proof "a damaged blob does not leave: status 3" fails 3 "is damaged" "$examhall" image push damaged "$at/exams/damaged:test" --ca ca.crt --credentials login

full_port=$(free_port)
registry full "$full_port" "auth: {htpasswd: {realm: exam, path: $work/htpasswd}}"
mkdir full
in_background unshare -rm sh -c "mount -t tmpfs -o size=1m none '$work/full' && exec docker-registry serve full.yml" 2>>registry.log
if until_open "$full_port"; then
    proof "a registry whose disk is full: status 3, and where to look" fails 3 "is its disk full?" push "127.0.0.1:$full_port/exams/examhall:test" --ca ca.crt --credentials login
    proof "the tag was not moved" same "$(curl -s --cacert ca.crt -u exam:secret "https://127.0.0.1:$full_port/v2/exams/examhall/tags/list" | jq -r '.tags // "none"')" none
else
    echo "not run: a registry whose disk is full: no user namespaces here"
fi

echo "Container"
if [ "$(id -u)" = 0 ] && umoci unpack --image image:test bundle >umoci.log 2>&1; then
    mkdir -m 0700 data && chown 65532:65532 data
    hall_port=$(free_port)
    # bundle ARGS...: umoci's configuration, but with this command, nothing writable but /data, and the machine's loopback.
    cp bundle/config.json umoci.json
    bundle() {
        jq --arg data "$work/data" --argjson args "$(printf '%s\n' "$@" | jq -R . | jq -s .)" '.root.readonly = true | .process.terminal = false | .process.args = $args
            | .process.rlimits = [{type: "RLIMIT_NOFILE", hard: 4096, soft: 4096}]
            | .linux.namespaces |= map(select(.type != "network")) | .mounts |= map(select(.destination != "/data"))
            | .mounts += [{destination: "/data", type: "bind", source: $data, options: ["rbind", "rw", "nosuid", "nodev", "noexec"]}]' <umoci.json >bundle/config.json
    }
    run() { bundle "$@" && timeout 60 runc run -b bundle "$container"; }
    if run /examhall --version >/dev/null 2>&1; then
        proof "examhall --version says the same inside" same "$(run /examhall --version)" "$("$examhall" --version)"
        proof "there is no shell in it" fails 1 "no such file" run /bin/sh
        proof "time zones are there, and a hall is made" run /examhall init hall
        sed -i 's/^time_zone: UTC/time_zone: Asia\/Kolkata/' data/hall/hall.yaml
        proof "outside /data nothing can be written" fails 3 "Read-only file system" run /examhall init /hall
        bundle /examhall serve --listen "127.0.0.1:$hall_port"
        runc run -b bundle "$container" >serve.log 2>&1 &
        proof "a hall serves from it" until_open "$hall_port"
        ready() { for _ in $(seq 100); do curl -skf "https://127.0.0.1:$hall_port/-/ready" && return; sleep 0.1; done; cat serve.log; false; }
        proof "and is ready, in Kolkata's time" ready
        proof "with the portal" curl -skf "https://127.0.0.1:$hall_port/"
        proof "all as user 65532" same "$(runc ps "$container" | awk 'NR > 1 {print $1}' | sort -u)" 65532
        proof "its operator asks inside" runc exec "$container" /examhall status --json
        code=$(sed -n 2p data/hall/candidates.csv)
        proof "a candidate signs in" curl -skf "https://127.0.0.1:$hall_port/v1/sessions" -H "Content-Type: application/json" \
            -d "{\"roll\":\"${code%%,*}\",\"code\":\"${code##*,}\"}"
        runc kill "$container" TERM
        wait $! 2>/dev/null
        proof "told to stop, it stops" grep -q gateway.stopped serve.log
    else
        echo "not run: the container: runc cannot run here"
    fi
else
    echo "not run: the container: it takes root to unpack and run one"
fi

echo "Two folders"
for place in here there/deeper; do
    mkdir -p "$place" && (cd "$root" && git ls-files -z | xargs -0 cp --parents -t "$work/$place" 2>/dev/null)
    mkdir -p "$place/build" && cp -r "$root/build/portal" "$place/build/" && cp -r "$root/web/dist" "$place/web/"
    mkdir -p "$place/web/node_modules" && touch "$place/web/node_modules/.package-lock.json"
    touch "$place/web/dist/index.html" && sleep 0.01 && touch "$place/build/portal/portal_files.c"
    CCACHE_DISABLE=1 make -C "$place" -j"$(nproc)" VERSION=test REVISION=none COMMIT_TIME=0 build/examhall >make.log 2>&1 || cat make.log
done
build_in() { (cd "$1" && SOURCE_DATE_EPOCH=86400 build/examhall image build --tag examhall:test --json | jq -r .digest); }
proof "sources built in two folders give one program" cmp here/build/examhall there/deeper/build/examhall
first=$(build_in here)
proof "and one image" same "$(build_in there/deeper)" "${first:?}"

ended
