// deploy.test.mjs - `examhall deploy ENV`: which commands, in which order, and that an environment which requires a
// certificate takes no image without. helm, kubectl, aws and tofu are recorders here, for the order of words only; real
// registries are in tests/platform/image.sh. The certificates are signed by minisign.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { EXAMHALL, folder, json, remove, write } from "./support.mjs";

const SPEC = `hall: nee-2027
domain: exam.example.org
environments:
  local: {on: machine}
  nonprod: {on: aws, account: "111122223333", region: ap-south-1}
  prod: {like: nonprod, account: "444455556666", size: exam}
`;
const RECORDER = `#!/bin/sh
me=$(basename "$0")
echo "$me $*" >>"$RECORD"
case "$me $1" in
"helm history") [ ! -e first ] && cat history ;;
"helm get") echo '{"edge":{"targetGroupARN":"arn:aws:kept"},"hall":"nee-2027"}' ;;
"kubectl get") [ "$2" = namespace ] && [ -e namespace ] && echo namespace/examhall ;;
"tofu -chdir="*) [ "$2" = output ] && cat arn ;;
esac
fail=fail-$me-\${1##*/}
[ ! -e "$fail" ] || { rm "$fail"; exit 1; }
`;

let dir, image, program;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const path = (...parts) => join(dir, ...parts);
const record = () => (existsSync(path("record")) ? readFileSync(path("record"), "utf8").trim().split("\n") : []);

function deploy(status, ...args) {
  const env = { ...process.env, PATH: `${path("bin")}:/usr/bin:/bin`, RECORD: path("record"), TMPDIR: dir };
  const done = spawnSync(EXAMHALL, ["deploy", ...args], { cwd: dir, env, encoding: "utf8", timeout: 60_000 });
  assert.equal(done.status, status, `${done.stdout}${done.stderr}`);
  return done;
}
const result = (status, ...args) => JSON.parse(deploy(status, ...args, "--json").stdout);

/** What helm says of revisions 1, 2, ...: status, description. */
const history = (...rows) =>
  writeFileSync(path("history"), JSON.stringify(rows.map(([status, description = ""], i) => ({ revision: i + 1, status, description }))));

/** A certificate as `rehearse --certificate` writes it, but for what is changed, signed by minisign. */
function certify(changes = {}) {
  const rows = readFileSync(path("roster.csv"), "utf8").trim().split("\n").slice(1);
  const lines = rows.map((row) => Buffer.from(`${row}\n`)).sort(Buffer.compare);
  const certificate = {
    kind: "examhall-readiness-1", hall: "nee-2027", made_at: Date.now() - 1000, expires_at: Date.now() + 86_400_000,
    binary: { version: "1", sha256: changes.program ?? program },
    spec: { sha256: changes.spec ?? sha256(readFileSync(path("hall.yaml"))) },
    roster: { candidates: rows.length, sha256: sha256(Buffer.concat(lines)) },
    run: {
      profile: "day", candidates: changes.candidates ?? rows.length,
      minutes: 30, save_every_s: 45, kill_hall: 1, kill_gateway: 0, upgrade: 1, tls: true,
    },
    result: { verdict: changes.verdict ?? "pass" },
  };
  if (changes.expired) Object.assign(certificate, { made_at: 1000, expires_at: 2000 });
  writeFileSync(path("delivery/certificate.json"), JSON.stringify(certificate));
  const { status, stderr } = spawnSync("minisign", ["-S", "-W", "-s", path("key"), "-m", path("delivery/certificate.json")]);
  assert.equal(status, 0, `${stderr}`);
}

before(() => {
  dir = folder();
  mkdirSync(path("bin"));
  mkdirSync(path("delivery"));
  for (const tool of ["helm", "kubectl", "aws", "tofu"]) chmodSync(write(path("bin"), tool, RECORDER), 0o755);
  write(dir, "hall.yaml", SPEC);
  write(dir, "roster.csv", "roll,name,birth,centre,exam,shift,extra_minutes\nR1,One,,,paper-1,day,0\nR2,Two,,,paper-1,day,0\n");
  image = json("image", "build", "--out", path("delivery/image"), "--tag", "examhall:test").digest;
  program = sha256(readFileSync(EXAMHALL));
  assert.equal(spawnSync("minisign", ["-G", "-W", "-p", path("certificate.pub"), "-s", path("key")]).status, 0);
});
after(() => remove(dir));
beforeEach(() => {
  for (const name of ["record", "first"]) rmSync(path(name), { force: true });
  writeFileSync(path("arn"), "arn:aws:applied");
  history(["superseded"], ["superseded"], ["superseded"], ["deployed"], ["failed"]);
  certify();
});

describe("deploy ENV", () => {
  test("takes the steps of the pipeline in their order, each shown, by the image's digest", () => {
    const { stdout } = deploy(0, "nonprod", "--kubeconfig", "cluster");
    assert.deepEqual(record(), [
      "helm history examhall --namespace examhall --output json --kubeconfig cluster",
      "helm get values examhall --revision 4 --namespace examhall --output json --kubeconfig cluster",
      `helm upgrade --install examhall deploy/helm/examhall --namespace examhall --values ` +
        `environments/nonprod/values.yaml --set image.digest=${image} --set edge.targetGroupARN=arn:aws:kept --kubeconfig cluster`,
      "kubectl rollout status deployment,statefulset --selector app.kubernetes.io/instance=examhall --namespace examhall " +
        "--timeout=30m --kubeconfig cluster",
    ]);
    assert.deepEqual([...stdout.matchAll(/^(\w+) +\$ /gm)].map((match) => match[1]), ["check", "render", "deploy", "rollout"]);
    assert.ok(existsSync(path("environments/nonprod/values.yaml")), "it was rendered");
    assert.match(stdout, /hall\.yaml is right/);
  });

  test("with --infrastructure plans and applies that plan, and finds the environment's own cluster", () => {
    const { steps, program: deployed } = result(0, "prod", "--infrastructure");
    const words = record().map((line) => line.split(" ").slice(0, 3).join(" "));
    assert.deepEqual(words, [
      "tofu -chdir=deploy/terraform init", "tofu -chdir=deploy/terraform plan", "tofu -chdir=deploy/terraform apply",
      "aws eks update-kubeconfig", "tofu -chdir=deploy/terraform output", "helm history examhall", "helm upgrade --install", "kubectl rollout status",
    ]);
    const [, plan, apply, access, , , helm, rollout] = record();
    assert.equal(plan.match(/-out=(\S+)/)[1], apply.split(" ").at(-1));
    assert.match(access, /--name nee-2027-prod --region ap-south-1 --kubeconfig \/\S+$/);
    assert.ok(access.includes(` ${dir}/examhall-deploy-`), "in a folder where TMPDIR says");
    assert.match(helm, / --set edge\.targetGroupARN=arn:aws:applied /);
    assert.deepEqual([helm, rollout].map((line) => line.split(" ").at(-1)), [access, access].map((line) => line.split(" ").at(-1)));
    assert.deepEqual([...new Set(steps.map(({ status }) => status))], [0]);
    assert.equal(deployed, program);
  });

  test("--dry-run shows the same commands and runs none", () => {
    mkdirSync(path("environments/prod"), { recursive: true });
    writeFileSync(path("environments/prod/plan"), "somebody's");
    const shown = result(0, "prod", "--infrastructure", "--credentials", "login", "--dry-run");
    assert.deepEqual(shown.steps.map(({ step }) => step),
      ["check", "render", "certify", "infrastructure", "infrastructure", "infrastructure", "push", "access", "edge", "deploy", "rollout"]);
    assert.ok(shown.steps.every(({ status }) => status === null));
    assert.deepEqual([shown.deployed, shown.dry_run], [false, true]);
    const push = shown.steps.find(({ step }) => step === "push").command;
    assert.match(push, /^examhall image push delivery\/image 444455556666\.dkr\.ecr\.ap-south-1\.amazonaws\.com\/nee-2027\/examhall:[0-9a-f]{12} --credentials login$/);
    assert.deepEqual(record(), []);
    assert.equal(readFileSync(path("environments/prod/plan"), "utf8"), "somebody's");
  });

  test("a rollout that does not end well goes back to the revision that served, and shows why", () => {
    writeFileSync(path("fail-kubectl-rollout"), "");
    const { deployed, rolled_back, reason } = result(1, "nonprod", "--kubeconfig", "cluster");
    assert.deepEqual([deployed, rolled_back], [false, true]);
    assert.match(reason, /^rollout failed: kubectl rollout status .*; the revision before serves again/);
    assert.deepEqual(record().slice(4).map((line) => line.split(" ").slice(0, 4).join(" ")), [
      "kubectl get pods --selector", "kubectl get events --field-selector",
      "kubectl logs --selector app.kubernetes.io/instance=examhall,app.kubernetes.io/component=check", "helm rollback examhall 4", "kubectl rollout status deployment,statefulset",
    ]);
  });

  test("the first of all has nothing to go back to, and says how to remove it", () => {
    writeFileSync(path("first"), "");
    writeFileSync(path("fail-helm-upgrade"), "");
    const { rolled_back, reason } = result(1, "nonprod", "--kubeconfig", "cluster");
    assert.equal(rolled_back, false);
    assert.match(reason, /it was the first one here.*helm uninstall examhall/);
    assert.ok(!record().some((line) => line.startsWith("helm rollback")));
    assert.ok(record().some((line) => / --create-namespace /.test(line)));
  });

  test("the first of all into a namespace that an administrator has made is not told to make it: the pipeline may not", () => {
    writeFileSync(path("first"), "");
    writeFileSync(path("namespace"), "");
    result(0, "nonprod", "--kubeconfig", "cluster");
    rmSync(path("namespace"));
    assert.ok(record().includes("kubectl get namespace examhall --output name --ignore-not-found --kubeconfig cluster"));
    assert.ok(!record().some((line) => /--create-namespace/.test(line)));
  });

  test("in its own cluster the load balancer's target group is what Terraform says, applied now or before", () => {
    const { steps } = result(0, "nonprod");
    assert.deepEqual(steps.map(({ step }) => step), ["check", "render", "access", "edge", "edge", "deploy", "rollout"]);
    assert.match(record()[1], /^tofu -chdir=deploy\/terraform init .* -backend-config=\S+\/environments\/nonprod\/backend\.hcl$/);
    assert.match(record()[2], /^tofu -chdir=deploy\/terraform output -raw target_group_arn$/);
    assert.match(steps.at(-2).command, / --set edge\.targetGroupARN=arn:aws:applied /);
    writeFileSync(path("arn"), "");
    const { reason } = result(1, "nonprod");
    assert.match(reason, /output target_group_arn is ""; apply it with: examhall deploy nonprod --infrastructure/);
    assert.ok(!record().slice(-1)[0].startsWith("helm"), "and nothing was deployed");
  });

  test("--undo goes back to the revision that served before, watched, and never to one that was left", () => {
    const undo = (status) => {
      rmSync(path("record"), { force: true });
      const { reason } = result(status, "prod", "--undo", "--kubeconfig", "cluster");
      return reason ?? record().filter((line) => !/^helm (history|get)/.test(line)).map((line) => line.split(" ").slice(0, 4).join(" "));
    };
    const watched = "kubectl rollout status deployment,statefulset";
    assert.deepEqual(undo(0), ["helm rollback examhall 3", watched]);
    history(["superseded"], ["superseded"], ["superseded", "Upgrade complete"], ["deployed", "Rollback to 2"]);
    assert.deepEqual(undo(0), ["helm rollback examhall 1", watched], "3 was left for 2");
    history(["superseded"], ["superseded"], ["superseded", "Rollback to 1"], ["deployed", "Upgrade complete"]);
    assert.deepEqual(undo(0), ["helm rollback examhall 3", watched]);
    history(["superseded"], ["superseded"], ["deployed", "Rollback to 1"]);
    assert.match(undo(1), /there is no revision before the one that serves/);
    assert.match(deploy(0, "prod", "--undo", "--kubeconfig", "cluster", "--dry-run").stdout, /helm rollback examhall REVISION/);
  });

  test("a step that fails ends it before the cluster is touched", () => {
    writeFileSync(path("fail-tofu-terraform"), "");
    const { reason } = result(1, "nonprod", "--infrastructure", "--kubeconfig", "cluster");
    assert.match(reason, /^infrastructure failed: tofu -chdir=deploy\/terraform init/);
    assert.ok(record().every((line) => line.startsWith("tofu")));
  });
});

describe("an environment that requires a certificate", () => {
  const refused = (says) => {
    const { deployed, reason, steps } = result(1, "prod", "--kubeconfig", "cluster");
    assert.equal(deployed, false);
    assert.match(reason, says);
    assert.equal(steps.at(-1).step, "certify");
    assert.deepEqual(record(), [], "nothing was touched");
  };
  test("takes the image whose program was rehearsed", () => {
    assert.match(deploy(0, "prod", "--kubeconfig", "cluster").stdout, /^Valid\. The hall nee-2027 passed/m);
  });
  test("refuses one whose program is another, by both digests", () => {
    certify({ program: sha256("another") });
    refused(new RegExp(`the program changed: rehearsed was ${sha256("another")}, here is ${program}`));
  });
  test("refuses what was rehearsed for another spec, failed, with too few, or too long ago", () => {
    certify({ spec: sha256("another") });
    refused(/the spec changed/);
    certify({ verdict: "fail" });
    refused(/verdict|fail/);
    certify({ candidates: 1 });
    refused(/1 /);
    certify({ expired: true });
    refused(/expired/);
  });
  test("refuses one without a certificate, or with one that another key signed", () => {
    rmSync(path("delivery/certificate.json"));
    refused(/delivery\/certificate\.json cannot be read/);
    certify();
    writeFileSync(path("delivery/certificate.json"), "{}");
    refused(/delivery\/certificate\.json is none: /);
  });
  test("refuses an image that was changed after it was built", () => {
    const manifest = path("delivery/image/blobs/sha256", image.slice(7));
    const bytes = readFileSync(manifest);
    writeFileSync(manifest, Buffer.concat([bytes, Buffer.from(" ")]));
    assert.match(deploy(3, "prod", "--kubeconfig", "cluster").stderr, /is damaged/);
    writeFileSync(manifest, bytes);
  });
});

describe("deploy says what it lacks", () => {
  test("a tool, an environment, an image, and words that belong elsewhere", () => {
    rmSync(path("bin/helm"));
    assert.match(deploy(3, "nonprod").stderr, /helm is not on PATH; install it/);
    assert.match(deploy(3, "noprod").stderr, /there is no environment "noprod"; there are: local, nonprod, prod/);
    assert.match(deploy(3, "nonprod", "--dry-run", "--image", "none").stderr, /none is no image layout; make one with: examhall image build/);
    assert.match(deploy(2, "nonprod", "--watch", "5s").stderr, /--watch is not for an environment/);
    assert.match(deploy(2, "local", "--dry-run").stderr, /--dry-run is not for local/);
    for (const timeout of ["soon", "30", "0s", "-5m", "25h"])
      assert.match(deploy(2, "prod", "--timeout", timeout).stderr, /--timeout is ".*", but must be a duration from 1s to 24h/);
    assert.match(deploy(2).stderr, /usage: examhall deploy local/);
  });
});
