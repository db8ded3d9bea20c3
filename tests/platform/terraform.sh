#!/bin/bash
# terraform.sh - proves deploy/terraform without a cloud account: the real OpenTofu, against the AWS provider's real
# schema, served by the test provider beside this file, whose cloud is a file. Both environments are planned, applied,
# planned again, changed behind Terraform's back, repaired and destroyed. docs/adr/0016 says what this cannot prove.
#
#     tests/platform/terraform.sh              make platform-terraform
#
# Prints a row for each proof; the work folder stays if one fails. Ends with `N passed, N failed`.
set -u
. "$(dirname "$0")/proof.sh"
use terraform || exit
here=$platform/terraform

# --- the work folder: the tree as it is, and a mirror that has our provider where the AWS provider would be ---------
cp -r deploy/terraform "$work/terraform"
cd "$work/terraform" || exit 3
export TF_CLI_CONFIG_FILE=$work/tofurc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1 TF_CLI_ARGS="-no-color"
export EXAMHALL_AWS_SCHEMA=$work/schema.json EXAMHALL_AWS_CLOUD=$work/cloud.json
echo "provider_installation { filesystem_mirror { path = \"$work/mirror\" } }" >"$TF_CLI_CONFIG_FILE"

schema() {
    mkdir "$work/package"
    tar -xzf "$package" -C "$work/package" --strip-components=1 --wildcards 'package/lib/*/index.js' &&
        node "$here/schema.mjs" "$work/package" . >"$EXAMHALL_AWS_SCHEMA" &&
        note "$(node -p 's = require(process.argv[1]); `${Object.keys(s.resources).length} resources, ${Object.keys(s.data).length} data sources`' "$EXAMHALL_AWS_SCHEMA")"
    local status=$?
    rm -rf "$work/package"
    return $status
}
mirror() {
    local address # with the registry's host, which is OpenTofu's to know
    address=$("$tofu" -chdir=modules/kms providers | sed -n 's/.*provider\[\([^]]*hashicorp\/aws\)\].*/\1/p' | head -1)
    [ -n "$address" ] || return
    mkdir -p "$work/mirror/$address/6.25.0/linux_$(go env GOARCH)"
    cp "$provider" "$work/mirror/$address/6.25.0/linux_$(go env GOARCH)/terraform-provider-aws_v6.25.0"
    # The one thing that is not as in the field: the state lies in a file, since there is no S3 here.
    for root in . bootstrap; do
        printf 'terraform {\n  backend "local" {}\n}\n' >"$root/backend_override.tf"
        "$tofu" -chdir="$root" init -input=false || return
    done
}
validate() {
    local folder
    for folder in . bootstrap modules/*/; do
        echo "$folder"
        [ -d "$folder/.terraform" ] || "$tofu" -chdir="$folder" init -backend=false -input=false >/dev/null || return
        "$tofu" -chdir="$folder" validate || return
    done
    note "root, bootstrap, $(ls -d modules/*/ | wc -l) modules"
}
unit() {
    local folder
    : >"$work/tests"
    for folder in bootstrap modules/*/; do
        ls "$folder"/tests/*.tftest.hcl >/dev/null 2>&1 || continue
        "$tofu" -chdir="$folder" test | tee -a "$work/tests"
        [ "${PIPESTATUS[0]}" = 0 ] || return 1
    done
    note "$(grep -c '\.\.\. pass$' "$work/tests") runs"
    [ "$(grep -c '\.\.\. pass$' "$work/tests")" -gt 0 ]
}

echo "with: $("$tofu" version | head -1), schema of hashicorp/aws 6.25.0, a cloud of our own"
proof "every file is as \`tofu fmt\` writes it" "$tofu" fmt -check -diff -recursive .
proof "every resource and data source exists in hashicorp/aws 6.25.0" schema
proof "init: root and bootstrap" mirror
[ "$failed" = 0 ] || { # nothing below can run
    echo "$passed passed, $failed failed"
    exit 1
}
proof "validate" validate
proof "tofu test" unit

# --- wrong code and wrong values are refused: what follows could fail ---------------------------------------------
wrong_code() { # PATTERN, then sed's expression on a copy of the documents module
    rm -rf modules/wrong && cp -r modules/documents modules/wrong
    sed -i "$2" modules/wrong/main.tf
    refused "$1" "$tofu" -chdir=modules/wrong validate
    local status=$?
    rm -rf modules/wrong
    return $status
}
proof "an argument that AWS does not know is refused" wrong_code 'argument named "storage_encryptd" is not expected' 's/storage_encrypted/storage_encryptd/'
proof "an argument of the wrong type is refused" wrong_code 'a bool is required' 's/storage_encrypted  *= true/storage_encrypted = "sometimes"/'
proof "a missing argument is refused" wrong_code 'argument "instance_class" is required' '/instance_class  *= /d'
proof "a block that AWS does not know is refused" wrong_code 'Blocks of type "parametre" are not expected' 's/dynamic "parameter"/dynamic "parametre"/; s/parameter\.\(key\|value\)/parametre.\1/'

# wrong NAME=JSON... PATTERN - prod's values, one of them changed
wrong() {
    node -e '
        const fs = require("fs"), [file, where, value, out] = process.argv.slice(1);
        const vars = JSON.parse(fs.readFileSync(file)), keys = where.split("."), last = keys.pop();
        keys.reduce((o, k) => o[k], vars)[last] = JSON.parse(value);
        fs.writeFileSync(out, JSON.stringify(vars));' "$work/prod.tfvars.json" "$1" "$2" "$work/wrong.json"
    refused "$3" "$tofu" plan -input=false -state="$work/none.tfstate" -var-file="$work/wrong.json"
}
# The variables are those that people get: rendered from a spec, by the command they use.
rendered() {
    local spec=$work/hall/hall.yaml environment
    "$examhall" init "$work/hall" --empty &&
        "$examhall" env add nonprod --on aws --account 111122223333 --region ap-south-1 --size small \
            --domain nonprod.exam.example.org --spec "$spec" &&
        "$examhall" env add prod --like nonprod --account 444455556666 --size exam \
            --domain exam.example.org --spec "$spec" || return
    for environment in nonprod prod; do
        "$examhall" env render $environment "$work" --spec "$spec" || return
        cp "$work/environments/$environment/terraform.tfvars.json" "$work/$environment.tfvars.json"
    done
    cp "$here/bootstrap.tfvars.json" "$work/"
}
proof "both environments rendered from a spec by \`examhall env render\`" rendered
while IFS='|' read -r where value pattern; do
    proof "refused: $where = $value" wrong "$where" "$value" "$pattern"
done <<'ROWS'
network.zones|["eu-west-1a","eu-west-1b","eu-west-1c"]|a zone of the region
events.kafka_version|"3.9.x"|KRaft version
events.storage_gib|"plenty"|a number is required
blobs.deletion_protection|false|outlives any destroy
secrets.names|["keys"]|connections is one of them
tags|{"Project":"x"}|all needed
ROWS

# --- each environment: from nothing, to applied, to drift, to nothing ----------------------------------------------
in_cloud() { node -p 'Object.keys(JSON.parse(require("fs").readFileSync(process.argv[1]))).length' "$EXAMHALL_AWS_CLOUD"; }
# change TYPE FIELD JSON - what someone does in the console; FIELD "" removes the thing
change() {
    node -e '
        const fs = require("fs"), [file, type, field, value] = process.argv.slice(1);
        const cloud = JSON.parse(fs.readFileSync(file)), key = Object.keys(cloud).sort().find((k) => k.startsWith(type + "/"));
        if (!key) throw new Error(`no ${type} in the cloud`);
        if (field) cloud[key].Attributes[field] = JSON.parse(value); else delete cloud[key];
        fs.writeFileSync(file, JSON.stringify(cloud));' "$EXAMHALL_AWS_CLOUD" "$@"
}
run() { "$tofu" "$@" -input=false -state="$state" -var-file="$vars"; }
apply() {
    run apply -auto-approve || return
    note "$(in_cloud) resources"
}
plan_is() { # STATUS: 0 nothing to do, 2 something
    run plan -detailed-exitcode -out="$work/plan"
    [ $? = "$1" ]
}
target_group() { # the output that `examhall deploy` asks for, and in the form that the chart takes
    local arn
    arn=$("$tofu" output -state="$state" -raw target_group_arn) && note "$arn" &&
        [[ $arn =~ ^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/.+$ ]]
}
# Three changes at once: the plan must name each, applying must take all three back.
drift() {
    change aws_s3_bucket_public_access_block block_public_policy false &&
        change aws_cloudwatch_log_group kms_key_id '""' &&
        change aws_vpc_security_group_ingress_rule "" "" || return
    plan_is 2 || return
    local type
    "$tofu" show "$work/plan" >"$work/drift"
    for type in aws_s3_bucket_public_access_block aws_cloudwatch_log_group aws_vpc_security_group_ingress_rule; do
        grep -qE "# .*$type\..* (will be|must be|has been)" "$work/drift" || { echo "not named: $type"; return 1; }
    done
    run apply -auto-approve >/dev/null && plan_is 0
}
security() {
    "$tofu" show -json "$work/plan" >"$work/$environment.plan.json" || return
    node "$here/security.mjs" "$@" "$work/$environment.plan.json" >"$work/rules"
    local status=$?
    cat "$work/rules"
    note "$(tail -1 "$work/rules")"
    return $status
}
# The password that the test provider hands out as ephemeral must be nowhere; that it was written, the cloud knows.
no_secret() {
    grep -q '"secret_string_wo"' "$EXAMHALL_AWS_CLOUD" || return
    ! grep -l 'random-password-' "$state" "$work/$environment.plan.json" "$EXAMHALL_AWS_CLOUD"
}
destroyed() {
    run destroy -auto-approve || return
    [ "$(in_cloud)" = 0 ]
}
unprotect() { # what it takes to take production down: its file says so first, and that is applied
    node -e '
        const fs = require("fs"), [from, to] = process.argv.slice(1), vars = JSON.parse(fs.readFileSync(from));
        for (const part of ["cluster", "documents", "blobs"]) vars[part].deletion_protection = false;
        vars.blobs.archive_lock_mode = "GOVERNANCE";
        fs.writeFileSync(to, JSON.stringify(vars));' "$vars" "$work/unprotected.json"
    vars=$work/unprotected.json
    run apply -auto-approve
}

for environment in nonprod prod; do
    vars=$work/$environment.tfvars.json state=$work/$environment.tfstate
    EXAMHALL_AWS_CLOUD=$work/$environment.cloud.json
    all=$([ $environment = prod ] && echo --all)
    proof "$environment: applied to an empty account" apply
    proof "$environment: planned again, nothing to do" plan_is 0
    proof "$environment: its target group, for \`examhall deploy\`" target_group
    # shellcheck disable=SC2086 # a word or none
    proof "$environment: security rules" security $all
    # shellcheck disable=SC2086
    proof "$environment: each rule finds its breach" security --prove $all
    proof "$environment: the password reached the secret, and neither plan nor state" no_secret
    proof "$environment: drift found and repaired: a bucket opened, a key taken off logs, a rule deleted" drift
    [ $environment = prod ] && {
        proof "prod: not destroyed while it is protected" refused 'deletion protection is on' run destroy -auto-approve
        proof "prod: unprotected by its own file first" unprotect
    }
    proof "$environment: destroyed, nothing left" destroyed
done

# --- bootstrap, and what differs between the environments ----------------------------------------------------------
bootstrap() {
    vars=$work/bootstrap.tfvars.json state=$work/bootstrap.tfstate environment=bootstrap
    EXAMHALL_AWS_CLOUD=$work/bootstrap.cloud.json
    cd bootstrap || return
    apply && plan_is 0 && security && security --prove
    local status=$?
    cd .. && return $status
}
same() { # both environments' resources, without what a size decides the number of
    local environment
    for environment in nonprod prod; do
        node -e '
            const walk = (m) => [...(m.resources ?? []).map((r) => r.address), ...(m.child_modules ?? []).flatMap(walk)];
            const plan = JSON.parse(require("fs").readFileSync(process.argv[1]));
            console.log(walk(plan.planned_values.root_module).sort().join("\n"))' "$work/$environment.plan.json" |
            sed -E 's/[0-9]{12}/ACCOUNT/' | grep -vE 'aws_(eip|nat_gateway)\..*\[|aws_docdb_cluster_instance' >"$work/$environment.addresses"
    done
    diff "$work/nonprod.addresses" "$work/prod.addresses" && note "$(wc -l <"$work/prod.addresses")"
}
proof "both environments are the same resources, but for NAT gateways and instances" same
proof "bootstrap: applied, planned again, secure" bootstrap

ended
