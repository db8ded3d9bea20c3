// env.test.mjs - environments as an engineer meets them: one command adds one, what is rendered is read by the tools it is
// for, and no single change on the disk goes unseen.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { examhall, expect, folder, json, remove, write } from "./support.mjs";

const SPEC = `hall: nee-2027
domain: exam.example.org
time_zone: Asia/Kolkata
exams:
  - name: paper-1
    shifts:
      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, minutes: 180, candidates: 225000}
objectives:
  save: {p99: 250ms}
  submit: {p50: 40ms, p999: 3s}
environments:
  local: {on: machine}
  nonprod: {on: aws, account: "111122223333", region: ap-south-1}
  # prod follows
`;

let dir, spec;
const path = (...parts) => join(dir, ...parts);
const files = (root) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();

before(() => {
  dir = folder();
  spec = write(dir, "hall.yaml", SPEC);
});
after(() => remove(dir));

describe("env", () => {
  test("check says every mistake with its line, and status 1", () => {
    const wrong = write(dir, "wrong.yaml", "hall: x\ntilte: y\nexams:\n  - nam: a\nenvironments: {p: {on: azure}}\n");
    const { out } = expect(1, "env", "check", "--spec", wrong);
    assert.match(out, /wrong\.yaml, line 2: a spec has no key "tilte"; did you mean title/);
    assert.match(out, /line 4: .*did you mean name/);
    assert.match(out, /line 5: on is "azure", but must be machine or aws/);
    const report = JSON.parse(expect(1, "env", "check", "--spec", wrong, "--json").out);
    assert.equal(report.valid, false);
    assert.deepEqual(report.mistakes.map((mistake) => mistake.line), [2, 4, 4, 5]);
    expect(3, "env", "check", "--spec", path("none.yaml"));
    expect(2, "env", "check", "more");
    assert.match(expect(2, "env", "rendr", "a", "b").err, /usage: examhall env/);
  });

  test("30 different mistakes in one file are 30 answers, each with its line and what would be right", () => {
    const right = null;
    const rows = [
      ["hall: nee 2027", /no blanks/],
      ["titel: x", /did you mean title/],
      ["domain: exam_example", /a domain such as exam\.example\.org/],
      ["time_zone: Mars/Base", /write one such as Asia\/Kolkata/],
      ["listen: nowhere", /an address such as 0\.0\.0\.0:8443/],
      ["exams:", right],
      ["  - name: Paper 1", /such as paper-1/],
      ["    languages: [en, Hindi!]", /such as en or hi/],
      ["    minutes: 3h", /a whole number from 1 to 1440/],
      ["    marks: {right: four}", /marks such as 4/],
      ["    results: after lunch", /a time such as 2027-01-22 08:30/],
      ["    shifts:", right],
      ["      - {name: a, opens: 22.1.2027}", /a time such as 2027-01-22 08:30/],
      ["      - {name: b, opens: 2027-01-22 08:30, starts: 08:00}", /swap the two times/],
      ["      - {name: b}", /give it another name/],
      ["      - {candidates: 10}", /such as \{name: morning\}/],
      ["      - {name: c, candidates: 11000000}", /from 0 to 10000000/],
      ["objectives:", right],
      ["  save: {p99: 250, lost: 0}", /such as 250ms or 2s/],
      ["  submit: {p95: 2s}", /did you mean p90/],
      ["  failed: none", /a number of requests/],
      ["settings: {answers.grace: 3}", /did you mean answers\.grace_s/],
      ["services:", right],
      ["  answer: {memory: 256Mi}", /did you mean answers/],
      ["  gateway: {memory: 256MB}", /such as 256Mi or 2Gi/],
      ["  hall: {replicas: 2}", /always one hall pod.*remove replicas/],
      ["  scoring: {replicas: {from: 9, to: 3}}", /swap the two/],
      ["environments:", right],
      ["  local: {on: machine, region: ap-south-1}", /leave it out/],
      ["  a: {on: azure}", /machine or aws/],
      ["  b: {on: aws, region: ap-south-1}", /needs account/],
      ["  c: {on: aws, account: 1234, region: ap-south-2}", /12 digits/],
      ["  f: {like: local, siz: exam}", /did you mean size/],
      ['  g: {on: aws, account: "111122223333", region: ap-sout-1}', /mean ap-south-1/],
      ["  h: {like: nonprod}", /no such environment/],
    ];
    const wrong = write(dir, "thirty.yaml", rows.map(([line]) => `${line}\n`).join(""));
    const { out } = expect(1, "env", "check", "--spec", wrong);
    const said = (line) => out.split("\n").filter((text) => text.startsWith(`${wrong}, line ${line}: `)).join("\n");
    assert.ok(rows.filter(([, says]) => says).length >= 30);
    rows.forEach(([line, says], i) => {
      if (says) assert.match(said(i + 1), says, line);
      else assert.equal(said(i + 1), "", line);
    });
    assert.match(out, /\d+ mistakes\. The spec is not used until they are right\./);
  });

  test("check --explain says value, origin and meaning of every setting", () => {
    const { settings } = json("env", "check", "--explain", "--spec", spec);
    const of = (scope, name) => settings.find((row) => row.scope === scope && row.path === name);
    assert.deepEqual(of("hall", "objectives.submit.p50"), {
      scope: "hall", path: "objectives.submit.p50", value: "40ms", from: "line 10", help: "the limit for 500 of 1000 requests",
    });
    assert.equal(of("nonprod", "region").from, "line 13");
    assert.equal(of("nonprod", "documents.class").from, "size small");
    assert.ok(settings.every((row) => row.help), "each has a meaning");
  });

  test("add is one line more, and nothing of the other is another", () => {
    expect(0, "env", "render", "nonprod", path("before"), "--spec", spec);
    expect(0, "env", "add", "prod", "--like", "nonprod", "--account", "444455556666", "--size", "exam", "--spec", spec);
    assert.equal(readFileSync(spec, "utf8"), SPEC + '  prod: {like: nonprod, account: "444455556666", size: exam}\n');
    expect(0, "env", "render", "nonprod", path("nonprod"), "--spec", spec);
    assert.deepEqual(files(path("nonprod")), files(path("before")));
    for (const file of files(path("before")))
      assert.deepEqual(readFileSync(path("nonprod", file)), readFileSync(path("before", file)), file);
    const { err } = expect(1, "env", "add", "prod", "--on", "machine", "--spec", spec);
    assert.match(err, /there is an environment prod already, in line 15/);
    assert.deepEqual(json("env", "list", "--spec", spec).environments.map((e) => e.name), ["local", "nonprod", "prod"]);
  });

  test("both are rendered beside each other into one repository", () => {
    for (const name of ["nonprod", "prod"]) expect(0, "env", "render", name, path("both"), "--spec", spec);
    assert.equal(files(path("both")).length, 9 + 6);
    assert.match(expect(2, "env", "diff", path("both"), path("nonprod")).err, /two environments/);
  });

  test("rules are right by promtool's word", (t) => {
    const rules = path("nonprod/environments/nonprod/rules.yaml");
    const promtool = spawnSync("promtool", ["check", "rules", rules], { encoding: "utf8" });
    if (promtool.error) return t.skip("promtool is not installed (Debian's package prometheus)");
    assert.equal(promtool.status, 0, promtool.stdout + promtool.stderr);
    assert.match(promtool.stdout, /SUCCESS: 40 rules found/);
  });

  test("diff says identical, and lists what differs", () => {
    expect(0, "env", "render", "prod", path("prod"), "--spec", spec);
    assert.match(expect(0, "env", "diff", "nonprod", "prod", "--spec", spec).out, /are identical but for these/);
    const report = json("env", "diff", path("nonprod"), path("prod"));
    assert.equal(report.identical, true);
    assert.deepEqual(report.differences, []);
    assert.ok(report.listed.some((row) => row.path === "account" && row.a === "111122223333" && row.b === "444455556666"));
    assert.ok(report.listed.every((row) => ["name", "address", "size"].includes(row.kind)));
    assert.match(expect(3, "env", "diff", "nonprod", "prd", "--spec", spec).err, /there are: local, nonprod, prod/);
  });

  test("200 different changes on the disk, one at a time, are all found at their file and line", () => {
    cpSync(path("prod"), path("spoilt"), { recursive: true });
    const listed = new Set(json("env", "diff", path("nonprod"), path("prod")).listed.map((row) => `${row.file}:${row.line_b}`));
    const name = (file) => file.replace(/(?<![a-z])prod(?![a-z])/g, "<environment>");
    const places = files(path("spoilt")).flatMap((file) =>
      readFileSync(path("spoilt", file), "utf8")
        .split("\n")
        .map((line, i) => ({ file, line: i + 1, text: line }))
        .filter(({ text }) => /^[^#]*[A-Za-z0-9]/.test(text) && !/^\s*#/.test(text))
        .filter(({ line }) => !listed.has(`${name(file)}:${line}`))
        // These may differ by size, but happen to be the same in both.
        .filter(({ text }) => !/(scheduledReplicas|replicaCount|minReplicas|maxReplicas|"network"|"zones"|"admin_role_arns"|capacity"|needs:|runs-on: "|tags:)/.test(text)),
    );
    assert.ok(places.length >= 400, `${places.length} places`);
    const step = places.length / 200;
    let found = 0;
    for (let n = 0; n < 200; n++) {
      const { file, line } = places[Math.floor(n * step)];
      const right = readFileSync(path("spoilt", file), "utf8");
      const lines = right.split("\n");
      lines[line - 1] = lines[line - 1].replace(/[A-Za-z0-9](?=[^A-Za-z0-9]*$)/, (c) => (/[0-9]/.test(c) ? (c === "9" ? "8" : `${+c + 1}`) : c === "q" ? "z" : "q"));
      writeFileSync(path("spoilt", file), lines.join("\n"));
      const done = examhall("env", "diff", path("nonprod"), path("spoilt"), "--json");
      assert.ok(done.status === 1 || done.status === 2, `${file}:${line} ${lines[line - 1]}: status ${done.status}`);
      if (done.status === 1) assert.ok(JSON.parse(done.out).differences.length > 0);
      else assert.match(done.err, new RegExp(file.split("/").at(-1).replaceAll(".", "\\.")));
      found++;
      writeFileSync(path("spoilt", file), right);
    }
    assert.equal(found, 200);
    assert.equal(examhall("env", "diff", path("prod"), path("spoilt")).status, 0);
  });
});
