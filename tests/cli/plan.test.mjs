// plan.test.mjs - the plan as an engineer meets it: from a capacity file to lines in the spec and a schedule in values.yaml, and
// one clear error for each file that is wrong.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT, examhall, expect, folder, json, remove, write } from "./support.mjs";

const SPEC = `hall: nee-2027 # a comment stays
domain: exam.example.org
time_zone: Asia/Kolkata
exams:
  - name: paper-1
    results: 2027-02-10 10:00
    shifts:
      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, minutes: 180, candidates: 225000}
      - {name: evening, opens: 2027-01-22 14:30, starts: 15:00, minutes: 180, candidates: 225000}
environments:
  local: {on: machine}
  nonprod: {on: aws, account: "111122223333", region: ap-south-1, layout: each}
  prod: {like: nonprod, account: "444455556666", size: exam}
`;
const CAPACITY = {
  kind: "examhall-capacity-1",
  made_at: Date.now() - 86_400_000,
  binary: { version: "test", sha256: "0".repeat(64) },
  machine: { cpu: "test", cores: 2, memory_bytes: 8e9 },
  run: { candidates: 5000, tls: true },
  held: { requests_per_s: 1200, saves_per_s: 1000 },
  cpu_ns: {
    sign_in: { gateway: 500_000, hall: 100_000 },
    start: { gateway: 60_000, hall: 50_000 },
    save: { gateway: 40_000, hall: 20_000 },
    submit: { gateway: 40_000, hall: 25_000 },
    result: { gateway: 20_000, hall: 40_000 },
  },
  memory_bytes: { gateway: 14_000, socket: 4_000, hall: 1_200 },
};

let dir, spec, capacity;
before(() => {
  dir = folder();
  spec = write(dir, "hall.yaml", SPEC);
  capacity = write(dir, "measured.json", JSON.stringify(CAPACITY));
});
after(() => remove(dir));
const plan = (status, ...args) => expect(status, "plan", "--spec", spec, ...args);

describe("plan", () => {
  test("without a capacity file it says so, status 1, and names the command that makes one", () => {
    const { out } = plan(1);
    assert.match(out, /Nothing was measured/);
    assert.match(out, /examhall rehearse --candidates 5000 --profile stampede --capacity capacity\.json/);
    assert.match(out, /replicas of answers +4\.\.40 +\? /);
    assert.match(plan(3, "--capacity", join(dir, "none.json")).err, /none\.json/);
  });

  test("each line has its reason, and the sums are right", () => {
    const { out, err } = plan(1, "--capacity", capacity);
    assert.match(err, /another program was measured \(test\)/);
    assert.match(out, /MiB of a pod of answers +512 +768 .*the spec gives less/);
    assert.match(out, /10 Feb 10:00: 22500 result\/s x 40\.0 us = 0\.90 cores \/ \(500m x 60 %\) = 3/);
    assert.match(out, /Prices of \d{4}-\d\d-\d\d: approximations/);
    const report = JSON.parse(plan(1, "--capacity", capacity, "--json").out);
    assert.equal(report.environment, "prod");
    assert.deepEqual(report.peaks_per_s, { sign_in: 250, start: 3750, save: 5000, submit: 3750, result: 22500 });
    assert.deepEqual(report.schedule.map(({ name }) => name), ["paper-1/morning", "paper-1/evening", "paper-1"]);
    assert.equal(report.schedule[0].from_at, Date.parse("2027-01-22T02:00:00Z"));
    assert.ok(report.lines.every((line) => line.reason && line.binding));
    const sum = report.money.lines.reduce((all, line) => all + line.a_month, 0);
    assert.ok(Math.abs(sum - report.money.standing_a_month - report.money.for_the_shifts) < 0.001);
    assert.ok(report.money.for_the_shifts < report.money.for_the_shifts_as_the_spec_is);
  });

  test("--write changes one line of the spec, and env render has the schedule with it", () => {
    plan(0, "--capacity", capacity, "--write");
    const text = readFileSync(spec, "utf8");
    const changed = text.split("\n").filter((line, i) => line !== SPEC.split("\n")[i]);
    assert.equal(changed.length, 1);
    assert.match(changed[0], /prod: \{like: nonprod, .*services: \{gateway: \{replicas: \{from: 6, to: 7\}\}, .*memory: 768Mi/);
    plan(0, "--capacity", capacity);
    assert.match(plan(0, "--capacity", capacity, "--write").err, /has the plan already/);
    assert.equal(readFileSync(spec, "utf8"), text);
    expect(0, "env", "render", "prod", dir, "--spec", spec);
    const values = readFileSync(join(dir, "environments/prod/values.yaml"), "utf8");
    assert.match(values, /results:[^]*?scheduledReplicas: 3\n/);
    assert.match(values, /- name: paper-1\/morning\n +timezone: Asia\/Kolkata\n +start: "2027-01-22T07:30"\n +end: "2027-01-22T12:30"/);
    assert.match(values, /- name: paper-1\/results\n +timezone: Asia\/Kolkata\n +start: "2027-02-10T09:00"/);
    write(dir, "hall.yaml", SPEC);
  });

  test("a roster that is larger than the spec expects counts", () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i},A,paper-1,morning`).join("\n");
    const small = write(dir, "small.yaml", SPEC.replaceAll("225000", "10"));
    const roster = write(dir, "roster.csv", `roll,name,exam,shift\n${rows}\n9999,B,paper-1,night\n`);
    const { out, err } = expect(0, "plan", "--spec", small, "--capacity", capacity, "--roster", roster);
    assert.match(out, /paper-1\/morning.* 3000\n/);
    assert.match(err, /1 rows of the roster name no shift/);
  });

  test("a file that is wrong gets one line: which, what, where", () => {
    const prices = readFileSync(join(ROOT, "deploy/prices/aws.json"), "utf8");
    const text = JSON.stringify(CAPACITY);
    const wrong = [
      ["--capacity", text.slice(0, 200), /is no capacity file: JSON line 1, column \d+/],
      ["--capacity", text.replace(/"made_at":\d+/, `"made_at":${Date.now() + 86_400_000}`), /made in the future/],
      ["--capacity", text.replace('"hall":20000', '"hall":-1'), /cpu_ns\.save: The member "hall" must be a whole number/],
      ["--capacity", prices, /kind is "examhall-prices-1"/],
      ["--prices", prices.replace(/"cluster": "[\d.]+", /, ""), /is no price list: The member "cluster" is missing/],
      ["--prices", prices.replace(/"as_of": "\d+/, '"as_of": "2999'), /in the future/],
      ["--prices", prices.replace("c7i.2xlarge", "c7i.9xlarge"), /has no c7i\.2xlarge; add it to "nodes"/],
      ["--prices", prices.replace('"ap-south-1"', '"ap-south-9"'), /says nothing of ap-south-1/],
      ["--roster", "roll,name\n1,A\n", /is no roster: it has no column "shift"/],
    ];
    for (const [option, bytes, reason] of wrong) {
      const done = examhall("plan", "--spec", spec, "--capacity", capacity, option, write(dir, "wrong", bytes));
      assert.match(done.err, reason);
      assert.ok(done.status >= 1 && done.status <= 3, `${done.status}`);
      assert.equal(done.err.trim().split("\n").length, 1, done.err);
      assert.equal(done.out, "");
    }
    assert.match(plan(2, "--save-every", "0").err, /--save-every/);
    assert.match(plan(3, "--env", "prd").err, /there are: local, nonprod, prod/);
    const bare = write(dir, "bare.yaml", "hall: x\nenvironments: {local: {on: machine}}\n");
    assert.match(expect(1, "plan", "--spec", bare).err, /no shift with a time/);
  });

  test("one machine is planned too", () => {
    const report = JSON.parse(plan(0, "--env", "local", "--capacity", capacity, "--json").out);
    assert.deepEqual(report.lines.map((line) => line.what), ["cores", "GiB of memory"]);
    assert.equal(report.money, undefined);
  });

  test("rehearse --capacity refuses runs that cannot measure", () => {
    const file = join(dir, "new.json");
    assert.match(expect(2, "rehearse", "--candidates", "10", "--capacity", file).err, /--profile stampede/);
    assert.match(
      expect(2, "rehearse", "--candidates", "10", "--profile", "stampede", "--kill-hall", "1", "--capacity", file).err,
      /without faults/,
    );
  });
});
