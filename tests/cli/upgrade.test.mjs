// upgrade.test.mjs - one program after another in a running hall, with candidates who are at work meanwhile.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Candidate } from "./candidate.mjs";
import { EXAMHALL, Serving, codes, expect, folder, json, remove, sleep, until } from "./support.mjs";

const CANDIDATES = 8;
let dir, data, hall, version;

/** The same program but for one text in it, which becomes another of its length. */
function other_program(name, text, instead) {
  const bytes = readFileSync(EXAMHALL);
  assert.equal(text.length, instead.length);
  let at = bytes.indexOf(text);
  assert.ok(at >= 0, text);
  for (; at >= 0; at = bytes.indexOf(text, at + 1)) bytes.write(instead, at);
  const path = join(dir, name);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
}

/** A connection that asks only when told to. */
class Quiet {
  static async open() {
    const quiet = new Quiet();
    quiet.got = "";
    quiet.socket = connect(hall.port, "127.0.0.1");
    quiet.socket.on("error", () => {});
    quiet.socket.on("data", (part) => (quiet.got += part));
    quiet.ended = new Promise((ended) => quiet.socket.once("close", ended));
    await new Promise((open) => quiet.socket.once("connect", open));
    await quiet.ask();
    return quiet;
  }
  async ask() {
    this.got = "";
    this.socket.write("GET /v1/time HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return until("a reply", () => this.got.includes("\r\n\r\n") && this.got);
  }
}

/** Beside everything else that goes on here: { status, out, err }. */
const run = (...args) =>
  new Promise((done) => execFile(EXAMHALL, args, (error, out, err) => done({ status: error ? error.code : 0, out, err })));

async function upgrade(...args) {
  const { status, out, err } = await run("upgrade", "--data", data, "--json", ...args);
  assert.equal(status, 0, out + err);
  return JSON.parse(out);
}
const pids = () => ["gateway", "hall"].map((name) => Number(readFileSync(join(data, `run/${name}.pid`), "utf8")));
const is_alive = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

before(async () => {
  dir = folder();
  data = join(dir, "hall");
  json("init", data);
  hall = await Serving.start(data);
  expect(0, "exam", "open", "sample", "--data", data);
  version = expect(0, "--version").out.trim().split(" ")[1];
});
after(async () => {
  await hall?.stop();
  remove(dir);
});

describe("upgrade", () => {
  test("under load nothing fails, and everything is of the new program", async () => {
    const candidates = [];
    for (const [roll, code] of [...codes(data)].slice(0, CANDIDATES)) {
      candidates.push(await Candidate.start(hall, roll, code));
    }
    const old = pids();
    const newer = `${version.slice(0, -1)}${version.endsWith("!") ? "?" : "!"}`;
    const there = await upgrade("--binary", other_program("newer", `${version}\0`, `${newer}\0`));
    assert.equal(there.before, version);
    assert.equal(there.after, newer);
    for (const pid of pids()) assert.ok(!old.includes(pid) && is_alive(pid));
    for (let i = 0; i < 3; i++) {
      await sleep(200);
      const back = await upgrade();
      assert.equal(back.before, i ? version : newer);
      assert.equal(back.after, version);
    }
    await until("the first gateway has ended", () => !is_alive(old[0]));
    for (const candidate of candidates) {
      assert.deepEqual(await candidate.stop(), []);
      assert.ok(candidate.sockets.size > 1, "it was told to connect anew");
    }
    assert.ok(!is_alive(old[1]));
    assert.ok(is_alive(hall.process.pid), "the supervisor is the same process");
    assert.ok(existsSync(`/proc/${hall.process.pid}/fd/0`), "and has kept what it was given");
    assert.ok(!hall.said.includes("process.died"), hall.said);
  });

  test("a connection that is silent stays with its gateway until its next reply, over several upgrades", async () => {
    const first = await Quiet.open();
    assert.equal((await upgrade()).leaving_connections, 1);
    const second = await Quiet.open();
    const { leaving_gateways, leaving_connections } = await upgrade();
    assert.deepEqual([leaving_gateways, leaving_connections], [2, 2]);
    assert.equal(json("status", "--data", data).connections, 2);
    for (const quiet of [first, second]) {
      assert.match(await quiet.ask(), /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n/s);
      await quiet.ended;
    }
    await until("nobody leaves any more", async () => (await upgrade()).leaving_gateways === 0);
  });

  test("what is no examhall, or is not there, is refused, and nothing changes", () => {
    const before = pids();
    assert.match(expect(1, "upgrade", "--data", data, "--binary", "/bin/true").err, /not an examhall.*nothing has changed/);
    assert.match(expect(1, "upgrade", "--data", data, "--binary", join(data, "hall.yaml")).err, /does not run/);
    assert.match(expect(3, "upgrade", "--data", data, "--binary", join(dir, "none")).err, /none cannot be opened/);
    const stranger = other_program("stranger", "hands over in form", "hands over in FORM");
    assert.match(expect(1, "upgrade", "--data", data, "--binary", stranger).err, /not an examhall that can take over/);
    const later = other_program("later", "hands over in form %d", "hands over in form 77");
    assert.match(expect(1, "upgrade", "--data", data, "--binary", later).err, /do not hand over in the same form/);
    assert.deepEqual(pids(), before);
  });

  test("a program whose gateway does not start changes nothing", async () => {
    const before = pids();
    const broken = other_program("no-gateway", "--connections\0", "--connexions!\0");
    const { err } = expect(1, "upgrade", "--data", data, "--binary", broken);
    assert.match(err, /the gateway of .* did not start.* serves on/);
    assert.deepEqual(pids(), before, "neither the gateway nor the hall was touched");
    assert.equal((await hall.ask("GET", "/-/ready")).status, 200);
    assert.equal((await upgrade()).before, version);
  });

  test("a program whose hall does not start is taken back, and who asked meanwhile has waited", async () => {
    const broken = other_program("no-hall", "--services\0", "--servants\0");
    const asked = sleep(100).then(() => hall.ask("GET", "/v1/time"));
    const { status, err } = await run("upgrade", "--data", data, "--binary", broken);
    assert.equal(status, 1, err);
    assert.match(err, /the hall of .* did not start.* serves on/);
    assert.equal((await asked).status, 200);
    assert.equal((await upgrade()).before, version);
  });

  test("ends in peace afterwards, with those who still leave; then there is nothing to upgrade", async () => {
    const quiet = await Quiet.open();
    await upgrade();
    assert.equal(await hall.stop(), 0);
    await quiet.ended;
    assert.match(expect(3, "upgrade", "--data", data).err, /no hall runs on .*examhall serve --data/);
  });
});
