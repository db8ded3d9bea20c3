// simulate.test.mjs - a day simulated from the command line: quick at ten million, the same bytes for a seed, one clear error
// for what cannot be simulated.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EXAMHALL, examhall, expect, folder, remove, write } from "./support.mjs";

const SPEC = `hall: nee-2027
domain: exam.example.org
time_zone: Asia/Kolkata
exams:
  - name: paper-1
    shifts:
      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, minutes: 180, candidates: 225000}
      - {name: evening, opens: 2027-01-22 14:30, starts: 15:00, minutes: 180, candidates: 225000}
      - {name: late, opens: 2027-01-23 08:30, starts: 09:00, minutes: 180, candidates: 100}
environments:
  local: {on: machine}
  prod: {on: aws, account: "444455556666", region: ap-south-1, size: exam, layout: each}
`;
const cost = (gateway, hall) => ({ gateway, hall });
const CAPACITY = {
  kind: "examhall-capacity-1",
  made_at: Date.now() - 86_400_000,
  binary: { version: "test", sha256: "0".repeat(64) },
  machine: { cpu: "test", cores: 2, memory_bytes: 8e9 },
  run: { candidates: 5000, tls: true },
  held: { requests_per_s: 1200, saves_per_s: 1000 },
  cpu_ns: {
    sign_in: cost(1_500_000, 500_000),
    start: cost(430_000, 510_000),
    save: cost(130_000, 220_000),
    submit: cost(260_000, 620_000),
    result: cost(140_000, 90_000),
  },
  memory_bytes: { gateway: 14_000, socket: 4_000, hall: 1_200 },
};

let dir, spec;
before(() => {
  dir = folder();
  spec = write(dir, "hall.yaml", SPEC);
  write(dir, "capacity.json", JSON.stringify(CAPACITY));
});
after(() => remove(dir));
const simulate = (status, ...args) => expect(status, "simulate", "--spec", spec, ...args);

describe("simulate", () => {
  test("the busiest day, who waits, and status 1 when somebody is refused", () => {
    const report = JSON.parse(simulate(1, "--json").out);
    assert.equal(report.candidates, 450_000);
    assert.equal(report.kinds.start.served, 450_000);
    assert.equal(report.kinds.save.refused, 0);
    assert.ok(report.kinds.result.refused > 0, "results are not announced, so nothing stood ready");
    for (const kind of Object.values(report.kinds)) assert.equal(kind.asked, kind.served + kind.refused + kind.waiting);
    assert.equal(JSON.parse(simulate(0, "--policy", "fixed", "--json").out).good, true);
    assert.equal(JSON.parse(simulate(0, "--day", "2027-01-23", "--json").out).candidates, 100);
  });

  test("450,000 in under 5 s and 10,000,000 in under 60 s of one core", () => {
    for (const [candidates, limit_s] of [
      [450_000, 5],
      [10_000_000, 60],
    ]) {
      const args = ["simulate", "--spec", spec, "--candidates", `${candidates}`];
      const { stdout } = spawnSync("bash", ["-c", '"$0" "$@" >/dev/null; times', EXAMHALL, ...args], { encoding: "utf8" });
      const [user, system] = stdout.split("\n")[1].split(" ").map((text) => {
        const [minutes, seconds] = text.replace("s", "").split("m").map(Number);
        return minutes * 60 + seconds;
      });
      assert.ok(user > 0 && user + system < limit_s, `${candidates}: ${user} + ${system} s`);
    }
  });

  test("the same seed gives the same bytes, of the page too", () => {
    const run = (name, seed) => {
      const { out } = simulate(0, "--candidates", "30000", "--seed", seed, "--json", "--report", join(dir, name), "--policy", "load");
      return out + readFileSync(join(dir, name), "utf8");
    };
    assert.equal(run("a.html", "5"), run("b.html", "5"));
    assert.notEqual(run("a.html", "5"), run("c.html", "6"));
    const page = readFileSync(join(dir, "a.html"), "utf8");
    assert.match(page, /22 January 2027 with 30,000 candidates/);
    assert.doesNotMatch(page, /<script|https?:/);
  });

  test("--sweep compares all policies, and fixed holds the day", () => {
    const { policies } = JSON.parse(simulate(0, "--sweep", "--json").out);
    assert.deepEqual(policies.map((policy) => policy.policy), ["schedule", "load", "default", "fixed"]);
    assert.deepEqual(policies.map((policy) => policy.good), [false, false, false, true]);
    assert.match(simulate(0, "--sweep").out, /^POLICY.*\nschedule .* not met\n/);
  });

  test("a registration's last day: all who are expected, a rush, and the page shows its deadline", () => {
    const file = join(dir, "rush.html");
    const report = JSON.parse(examhall("simulate", "--spec", spec, "--profile", "registration", "--json", "--report", file).out);
    assert.deepEqual([report.profile, report.candidates, report.kinds.result.asked], ["registration", 450_100, 0]);
    assert.equal(report.kinds.submit.served, 450_100);
    const page = readFileSync(file, "utf8");
    assert.match(page, /The last day of a registration with 450,100 candidates/);
    assert.match(page, /deadline[^]*>24:00:00</);
    assert.match(page, /was not measured: its requests cost/);
    const { out } = examhall("simulate", "--spec", spec, "--profile", "registration", "--candidates", "10");
    assert.match(out, /^21 Jan 2027 22:45 to 23 Jan 00:40 in prod/);
    assert.match(out, /not measured: it is taken to cost/);
  });

  test("what cannot be simulated gets one line that says why", () => {
    const bare = write(dir, "bare.yaml", SPEC.replace(/ {4}shifts:[^]*?environments/, "environments"));
    const alone = write(join(dir), "alone.yaml", SPEC);
    const wrong = [
      [2, ["--candidates", "0"], /whole number from 1 to 10000000/],
      [2, ["--candidates", "11000000"], /whole number from 1 to 10000000/],
      [2, ["--candidates", "-1"], /whole number from 1 to 10000000/],
      [2, ["--candidates", "many"], /whole number/],
      [2, ["--policy", "hope"], /there are schedule, load, default and fixed/],
      [2, ["--day", "22.1.2027"], /is no day; write one such as 2027-01-22/],
      [3, ["--day", "2027-01-24"], /nothing on 2027-01-24/],
      [2, ["--patience", "0"], /from 1 to 120/],
      [1, ["--env", "local"], /one machine, where nothing scales/],
      [3, ["--env", "prd"], /there are: local, prod/],
      [3, ["--capacity", join(dir, "none.json")], /none\.json/],
      [3, ["--report", join(dir, "no/such/folder.html")], /cannot write the report/],
      [2, ["--sweep", "--report", join(dir, "sweep.html")], /--sweep compares all policies.*leave out/],
      [2, ["--profile", "wedding"], /there are day and registration/],
      [2, ["--profile", "registration", "--day", "2027-01-22"], /no date of a registration/],
      [2, ["--sweep", "--policy", "load"], /--sweep compares all policies.*leave out/],
    ];
    for (const [status, args, reason] of wrong) {
      const { err, out } = simulate(status, ...args);
      assert.match(err, reason);
      assert.equal(err.trim().split("\n").length, 1, err);
      assert.equal(out, "");
    }
    assert.match(expect(1, "simulate", "--spec", bare).err, /say how many come to a sample day/);
    const nobody = write(dir, "nobody.yaml", SPEC.replaceAll(/, candidates: \d+/g, ""));
    assert.match(expect(1, "simulate", "--spec", nobody).err, /no shift of the spec says how many candidates/);
    assert.match(expect(1, "plan", "--spec", nobody).err, /no load to plan for; write `candidates: 225000` to each/);
    assert.equal(JSON.parse(examhall("simulate", "--spec", bare, "--candidates", "1000", "--json").out).kinds.start.served, 1000);
    const none = folder();
    const elsewhere = write(none, "hall.yaml", readFileSync(alone, "utf8"));
    assert.match(expect(1, "simulate", "--spec", elsewhere).err, /not measured, and is not made up/);
    remove(none);
  });
});
