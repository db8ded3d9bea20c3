// rolled.test.mjs - all of a hall rolled one after another at 5,000 requests a second, over TLS: gateway, hall and supervisor
// by `deploy local`, and back by --undo, with 0 requests failed and 0 answers lost; a bad build is back within 30 seconds.
//
// How many requests a second there truly were, the rehearsal's own series says, for the seconds in which the hall was
// rolled. A machine that does not reach 5,000 is said to be one (skipped), after everything else has been judged.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Serving, expect, folder, remove, sleep, until } from "../../cli/support.mjs";
import { FAULTY, codes_of, hall_with, program, run } from "../../deploy/support.mjs";

const RATE = 5000;
const CANDIDATES = 13_000;
const SAVE_EVERY_S = 2; // 6,500 saves a second, and what else they ask for
const RAMP_S = 65; // 200 whole handshakes a second: each costs the candidates' side some 2 ms
const BACK_MS = 30_000;
let dir, data, hall, version;

before(async () => {
  dir = folder();
  data = hall_with(2 * CANDIDATES, dir);
  version = expect(0, "--version").out.trim().split(" ")[1];
  hall = await Serving.start(data);
});
after(async () => {
  await hall?.stop();
  remove(dir);
});

/** Candidates of one half sit. `ended` resolves to what `rehearse --json` says, with the series of its report. */
function sitting(half, minutes) {
  const codes = codes_of(data, half * CANDIDATES, (half + 1) * CANDIDATES, dir);
  const report = join(dir, `report-${half}.html`);
  const target = ["--target", `https://${hall.tls}`, "--ca", join(data, "keys/tls.crt"), "--codes", codes];
  const args = ["--candidates", `${CANDIDATES}`, "--ramp", `${RAMP_S}`, "--minutes", `${minutes}`, "--save-every", `${SAVE_EVERY_S}`];
  const began = Date.now();
  const ended = run("rehearse", ...target, ...args, "--report", report, "--json").then(({ out, err }) => {
    assert.ok(out.startsWith("{"), err);
    return { ...JSON.parse(out), series: JSON.parse(readFileSync(report.replace(/html$/, "json"), "utf8")).series };
  });
  return { began, ended };
}
const started = async () => (await hall.admin("GET", "/v1/staff/overview")).body.started;
const all_sit = (before) =>
  until("everybody sits", async () => {
    await sleep(500);
    return (await started()) >= before + CANDIDATES;
  }, 180_000);

/** Requests in each second from one instant to another. */
function rate(series, began, from, to) {
  const seconds = series.requests.filter((_, i) => series.to_s[i] * 1000 > from - began + 1000 && series.to_s[i] * 1000 <= to - began);
  return { mean: Math.round(seconds.reduce((a, b) => a + b, 0) / seconds.length), least: Math.min(...seconds), seconds: seconds.length };
}
async function deploy(status, ...args) {
  const from = Date.now();
  const { status: was, out, err } = await run("deploy", "local", "--data", data, "--watch", "5s", "--json", ...args);
  assert.equal(was, status, out + err);
  return { ...JSON.parse(out), from, to: Date.now() };
}

describe("at 5,000 requests a second", () => {
  test("all services are rolled one after another, and back: 0 failed, 0 lost", async (t) => {
    const before = await started();
    const { began, ended } = sitting(0, 2);
    await all_sit(before);
    await sleep(3000);
    const newer = `${version.slice(0, -1)}!`;
    const there = await deploy(0, "--binary", program(join(dir, "newer"), `${version}\0`, `${newer}\0`));
    const back = await deploy(0, "--undo");
    assert.deepEqual([there.after, back.after], [newer, version]);
    const { started: sat, submitted, saves_acknowledged, saves_lost, requests_failed, series } = await ended;
    const reached = rate(series, began, there.from, back.to);
    console.log(`    rolled twice in ${reached.seconds} s at ${reached.mean} requests/s (in one second at least ${reached.least});`,
      `${saves_acknowledged} saves acknowledged, ${saves_lost} lost, ${requests_failed} requests failed`);
    assert.deepEqual({ started: sat, submitted, saves_lost, requests_failed }, { started: CANDIDATES, submitted: CANDIDATES, saves_lost: 0, requests_failed: 0 });
    if (reached.mean < RATE) t.skip(`this machine reached ${reached.mean} requests a second, not ${RATE}`);
  });

  test("a bad build, which starts and answers 500, is rolled back within 30 seconds, and no answer is lost", async (t) => {
    const before = await started();
    const { began, ended } = sitting(1, 1);
    await all_sit(before);
    await sleep(3000);
    const bad = await deploy(1, "--binary", join(FAULTY, "examhall-500s"));
    assert.ok(bad.rolled_back, JSON.stringify(bad));
    assert.equal(bad.after, version);
    const { saves_acknowledged, saves_lost, requests_failed, series } = await ended;
    const reached = rate(series, began, bad.from, bad.to);
    console.log(`    ${bad.reason}; back in ${bad.back_ms} ms, ${bad.ms} ms after it was asked for, at ${reached.mean} requests/s;`,
      `${saves_acknowledged} saves acknowledged, ${saves_lost} lost; ${requests_failed} requests got a 500`);
    assert.equal(saves_lost, 0);
    assert.ok(bad.ms < BACK_MS, `${bad.ms} ms`);
    if (reached.mean < RATE) t.skip(`this machine reached ${reached.mean} requests a second, not ${RATE}`);
  });
});
