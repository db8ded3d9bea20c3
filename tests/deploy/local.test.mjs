// local.test.mjs - `examhall deploy local` in mid-exam, with virtual candidates at work: good programs, and bad ones that
// are real builds (fault.c). The rehearsal's ledger says whether anything acknowledged was lost.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EXAMHALL, Serving, expect, folder, remove, sleep } from "../cli/support.mjs";
import { FAULTY, codes_of, hall_with, program, run } from "./support.mjs";

const CANDIDATES = 500;
let dir, data, hall, version;

const deploy = (...args) => run("deploy", "local", "--data", data, "--watch", "4s", ...args);

async function deployed(...args) {
  const { status, out, err } = await deploy("--json", ...args);
  assert.equal(status, 0, out + err);
  return JSON.parse(out);
}
async function rolled_back(...args) {
  const began = Date.now();
  const { status, out, err } = await deploy("--json", ...args);
  assert.equal(status, 1, out + err);
  const result = JSON.parse(out);
  assert.ok(result.rolled_back, out);
  assert.equal(result.after, version);
  console.log(`    ${result.reason}; back in ${result.back_ms} ms, ${Date.now() - began} ms after the command`);
  assert.ok(result.ms < 60_000, "generously");
  return result;
}

const other_program = (name, text, instead) => program(join(dir, name), text, instead);
const newer = () => `${version.slice(0, -1)}${version.endsWith("!") ? "?" : "!"}`;

/** Candidates `from`.. sit for a minute and submit; resolves to what `rehearse --json` says. */
async function sitting(from) {
  const codes = codes_of(data, from, from + CANDIDATES, dir);
  const target = `http://127.0.0.1:${hall.port}`;
  const args = ["--candidates", `${CANDIDATES}`, "--ramp", "5", "--minutes", "1", "--save-every", "2", "--drops-per-minute", "10"];
  const { out, err } = await run("rehearse", "--target", target, "--codes", codes, ...args, "--json");
  assert.ok(out.startsWith("{"), err);
  return JSON.parse(out);
}
const pids = () => ["gateway", "hall"].map((name) => Number(readFileSync(join(data, `run/${name}.pid`), "utf8")));

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

describe("deploy local", () => {
  test("a good program, twice, while 500 candidates sit: no request fails, no answer is lost", async () => {
    const sat = sitting(0);
    await sleep(8000);
    const old = pids();
    const there = await deployed("--binary", other_program("newer", `${version}\0`, `${newer()}\0`));
    assert.deepEqual([there.before, there.after], [version, newer()]);
    assert.ok(there.watched.after.replies_per_s > 50, JSON.stringify(there));
    assert.equal(there.watched.after.errors, 0);
    assert.ok(pids().every((pid) => !old.includes(pid)));
    const back = await deploy("--undo");
    assert.equal(back.status, 0, back.err);
    assert.ok(back.out.startsWith(`Deployed. ${version} serves now, after ${newer()}, in `), back.out);
    assert.match(back.out, /replies\/s .*\n +errors \(5xx\) +0 +0\n/);
    assert.match(back.err, /before: \d+ replies\/s, 0 errors, save p99 .*\n.* watching,  1 of 4 s: [^]*starting the hall anew/);
    const { started, submitted, saves_acknowledged, saves_lost, requests_failed } = await sat;
    const all = { started: CANDIDATES, submitted: CANDIDATES, saves_lost: 0, requests_failed: 0 };
    assert.deepEqual({ started, submitted, saves_lost, requests_failed }, all);
    console.log(`    ${saves_acknowledged} saves acknowledged, ${saves_lost} lost, ${requests_failed} requests failed`);
  });

  test("bad programs are taken back, the file of the good one being gone; what was acknowledged stays", async () => {
    const serving = join(dir, "serving");
    copyFileSync(EXAMHALL, serving);
    await deployed("--binary", serving);
    writeFileSync(`${serving}.new`, "overwritten");
    remove(serving);
    const sat = sitting(CANDIDATES);
    await sleep(8000);
    assert.match((await rolled_back("--binary", join(FAULTY, "examhall-500s"))).reason, /errors: .* were 5xx/);
    const { reason } = await rolled_back("--binary", join(FAULTY, "examhall-slow"), "--watch", "8s");
    assert.match(reason, /latency: p99 of save is \d+ ms, over the objective of 250 ms/);
    const there = await deployed();
    assert.equal(there.watched.after.errors, 0, "the good one again");
    const { saves_acknowledged, saves_lost, requests_failed } = await sat;
    assert.equal(saves_lost, 0);
    assert.ok(saves_acknowledged > CANDIDATES, `${saves_acknowledged}`);
    console.log(`    ${saves_acknowledged} saves acknowledged, ${saves_lost} lost; ${requests_failed} requests got a 500`);
  });

  test("with nobody there, a hall that says no when it is asked, or dies again and again, is taken back, too", async () => {
    assert.match((await rolled_back("--binary", join(FAULTY, "examhall-500s"))).reason, /deaf: /);
    assert.match((await rolled_back("--binary", join(FAULTY, "examhall-dying"), "--watch", "10s")).reason, /deaths: |did not start/);
  });

  test("what could not take over is refused with the reason, and nothing changes", () => {
    const before = pids();
    const refused = (binary) => expect(1, "deploy", "local", "--data", data, "--binary", binary).err;
    assert.match(refused("/bin/true"), /not an examhall that can take over.*nothing has changed/);
    assert.match(refused(join(data, "hall.yaml")), /does not run here: .*does not begin as one\. Nothing has changed/);
    const bytes = readFileSync(EXAMHALL);
    bytes.writeUInt16LE(183, 18); // e_machine: EM_AARCH64
    const arm = join(dir, "arm");
    writeFileSync(arm, bytes);
    assert.match(refused(arm), /it is for arm64, and this machine is amd64\. Nothing has changed/);
    const cut = join(dir, "cut");
    copyFileSync(EXAMHALL, cut);
    truncateSync(cut, 700_000);
    assert.match(refused(cut), /a segment lies outside of the file: it is cut off\. Nothing has changed/);
    const history = (form) => other_program(`history-${form}`, "keeps history in form %d", `keeps history in form ${form}`);
    assert.match(refused(history("00")), /an older form .* would not understand .*; nothing has changed/);
    assert.match(refused(history("99")), /there would be no way back.*; nothing has changed/);
    assert.match(refused(other_program("count", "counts in form %llx", "counts in form 1234")), /do not count in the same form/);
    assert.match(refused(other_program("layout", "hands over in form %d", "hands over in form 77")), /do not hand over in the same form/);
    assert.deepEqual(pids(), before);
  });

  test("words that are wrong are said, with what would be right", () => {
    assert.match(expect(2, "deploy", "local", "--data", data, "--watch", "1s").err, /--watch is "1s".*from 3s to 1h/);
    assert.match(expect(2, "deploy", "local", "--data", data, "--undo", "--binary", "x").err, /either --undo or --binary/);
    expect(2, "deploy");
  });

  test("where no hall runs there is nothing to replace", async () => {
    await hall.stop();
    hall = undefined;
    assert.match(expect(3, "deploy", "local", "--data", data).err, /no hall runs on .*examhall serve --data/);
  });
});
