#!/bin/bash
# stopwatch.sh - from an empty folder to both environments rendered and validated, the image built and pushed, all services
# running here, rolled once under candidates, rehearsed, and the certificate signed and tied to the image. Begins with the
# program that EXAMHALL names; prints what each part took. The times are measured, not asserted.
#
#     tests/platform/stopwatch.sh              make platform-stopwatch
set -u
candidates=${CANDIDATES:-200}
. "$(dirname "$0")/proof.sh"
needs node jq curl docker-registry skopeo
children=()
clean_up() {
    for pid in "${children[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
}

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }
began=$(now)

# part SENTENCE COMMAND...: a row with its seconds; what the command printed is shown when it fails.
part() {
    local sentence=$1 from
    shift
    from=$(now)
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        printf '%8s s  %s\n' "$(since "$from")" "$sentence"
    else
        failed=$((failed + 1))
        printf 'FAILED %s s  %s\n' "$(since "$from")" "$sentence"
        tail -n 30 "$work/log" | sed 's/^/        /'
    fi
}
free_port() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
until_open() { for _ in $(seq 100); do (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; return 1; }

hall() {
    "$examhall" init hall && cd hall &&
        "$examhall" env add nonprod --on aws --account 111122223333 --region ap-south-1 --domain try.exam.example.org &&
        "$examhall" env add prod --like nonprod --account 444455556666 --size exam --domain exam.example.org
    local status=$?
    cd "$work" || return 3
    return $status
}
render() {
    mkdir repository && cp -r "$root/deploy" repository/ && cp hall/hall.yaml repository/ && cd repository || return
    "$examhall" env check --spec hall.yaml && "$examhall" env render nonprod . --spec hall.yaml &&
        "$examhall" env render prod . --spec hall.yaml && "$examhall" env diff nonprod prod --spec hall.yaml
    local status=$?
    cd "$work" || return 3
    return $status
}

# The real OpenTofu with the AWS provider's real schema, as terraform.sh has it.
validate() {
    local address environment variables
    mkdir package && tar -xzf "$package" -C package --strip-components=1 --wildcards 'package/lib/*/index.js' &&
        node "$platform/terraform/schema.mjs" "$work/package" repository/deploy/terraform >"$EXAMHALL_AWS_SCHEMA" || return
    cd repository/deploy/terraform || return
    address=$("$tofu" -chdir=modules/kms providers | sed -n 's/.*provider\[\([^]]*hashicorp\/aws\)\].*/\1/p' | head -1)
    mkdir -p "$work/mirror/$address/6.25.0/linux_$(go env GOARCH)"
    cp "$provider" "$work/mirror/$address/6.25.0/linux_$(go env GOARCH)/terraform-provider-aws_v6.25.0"
    printf 'terraform {\n  backend "local" {}\n}\n' >backend_override.tf
    "$tofu" init -input=false && "$tofu" validate
    local status=$?
    for environment in nonprod prod; do
        variables=$work/repository/environments/$environment/terraform.tfvars.json
        [ $status = 0 ] && { "$tofu" plan -input=false -lock=false -var-file="$variables" || status=$?; }
    done
    cd "$work" || return 3
    return $status
}
push() {
    local port
    port=$(free_port)
    printf '%s\n' "version: 0.1" "log: {level: error, accesslog: {disabled: true}}" \
        "storage: {filesystem: {rootdirectory: $work/registry}}" "http: {addr: '127.0.0.1:$port'}" >registry.yml
    docker-registry serve registry.yml 2>registry.log &
    children+=($!)
    until_open "$port" && "$examhall" image push delivery/image "127.0.0.1:$port/nee/examhall:1" --plain &&
        [ "$(skopeo inspect --tls-verify=false "docker://127.0.0.1:$port/nee/examhall:1" | jq -r .Digest)" = "$(jq -r '.manifests[0].digest' delivery/image/index.json)" ]
}
serve() {
    plain=127.0.0.1:$(free_port)
    "$examhall" exam open sample --data hall || return
    "$examhall" serve --data hall --listen none --listen-plain "$plain" --quiet 2>serve.log &
    children+=($!)
    until_open "${plain#*:}" && for _ in $(seq 100); do curl -sf "http://$plain/-/ready" && break; sleep 0.1; done &&
        "$examhall" status --data hall --json | jq -e '[.services[].state] | length > 5 and all(. == "running")'
}
roll() {
    "$examhall" rehearse --target "http://$plain" --codes hall/candidates.csv --candidates "$candidates" --minutes 1 --ramp 5 \
        --save-every 2 --json >rolled.json 2>rolled.log &
    local rehearsal=$!
    sleep 8
    "$examhall" deploy local --data hall || { wait $rehearsal; return 1; }
    wait $rehearsal # its verdict may be void on a busy machine; what must hold is this:
    jq -e '.saves_lost == 0 and .requests_failed == 0 and .saves_acknowledged > 0' rolled.json
}
certify() {
    "$examhall" rehearse --for hall --candidates "$candidates" --minutes 1 --ramp 5 --upgrade 1 --certificate delivery/certificate.json
}
verify() {
    "$examhall" roster export --data hall >roster.csv
    "$examhall" verify certificate delivery/certificate.json --key hall/keys/certificate.pub --spec hall/hall.yaml --roster roster.csv \
        --image "delivery/image@$(jq -r '.manifests[0].digest' delivery/image/index.json)"
}
show() {
    "$examhall" deploy prod --dry-run --spec hall/hall.yaml --repository repository --key hall/keys/certificate.pub --infrastructure
}

cd "$work" || exit 3
mkdir delivery
echo "with: $("$examhall" --version), $(nproc) cores, $candidates candidates"
part "a hall with its keys, a sample exam, and two environments besides the local one" hall
part "both environments rendered, and alike but for names, addresses and sizes" render
if use terraform; then
    export TF_CLI_CONFIG_FILE=$work/tofurc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1 TF_CLI_ARGS="-no-color"
    export EXAMHALL_AWS_SCHEMA=$work/schema.json EXAMHALL_AWS_CLOUD=$work/cloud.json
    echo "provider_installation { filesystem_mirror { path = \"$work/mirror\" } }" >"$TF_CLI_CONFIG_FILE"
    part "Terraform valid, and a plan for both" validate
fi
part "the image built" "$examhall" image build --out delivery/image --tag examhall:1
part "pushed to a registry, which has the same digest" push
part "all services running here" serve
part "rolled once while $candidates candidates sit: 0 requests failed, 0 answers lost" roll
part "rehearsed with another upgrade in it, and the certificate signed" certify
part "the certificate is of the program in the image" verify
part "the deployment of production, step by step, as it would run" show
total=$(since "$began")
awk -v s="$total" 'BEGIN { printf "%8.1f s  in all: %.1f minutes; the real case took 6 hours, %.0f times as long\n", s, s / 60, 21600 / s }'
ended
