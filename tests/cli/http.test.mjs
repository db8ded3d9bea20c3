// http.test.mjs - bad input against the running gateway and hall, and a real full disk.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Serving, codes, expect, folder, json, remove, sleep, until, write } from "./support.mjs";

const status_of = (reply) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(reply)?.[1] ?? 0);

describe("bad input", () => {
  let dir, data, hall, cookie, attempt;

  before(async () => {
    dir = folder();
    data = join(dir, "hall");
    json("init", data);
    hall = await Serving.start(data);
    expect(0, "exam", "open", "sample", "--data", data);
    const [roll, code] = codes(data).entries().next().value;
    cookie = await hall.sign_in(roll, code);
    attempt = 1;
    assert.equal((await hall.ask("POST", `/v1/attempts/${attempt}/start`, {}, cookie)).status, 200);
  });
  after(async () => {
    await hall?.stop();
    remove(dir);
  });

  const head = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const refused = [
    ["both framing headers", `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`, [400, 501]],
    ["an encoding of its own", `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, [501]],
    ["a bare line feed", "GET /-/ready HTTP/1.1\nHost: localhost\n\n", [400]],
    ["one bare line feed among the headers", "GET /-/ready HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", [400]],
    ["two lengths", `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, [400]],
    ["the same length twice", `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, [400]],
    ["a signed length", `${head}Content-Length: +2\r\n\r\n{}`, [400]],
    ["a length beyond all numbers", `${head}Content-Length: 99999999999999999999999\r\n\r\n`, [400, 413]],
    ["no host", "GET /-/ready HTTP/1.1\r\n\r\n", [400]],
    ["a folded header", "GET /-/ready HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", [400]],
    ["a blank before the colon", "GET /-/ready HTTP/1.1\r\nHost : localhost\r\n\r\n", [400]],
    ["a header that never ends", `GET /-/ready HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(200_000)}`, [431]],
    ["headers without end", `GET /-/ready HTTP/1.1\r\nHost: localhost\r\n${"X: y\r\n".repeat(5000)}`, [431]],
    ["a target without end", `GET /${"a".repeat(100_000)} HTTP/1.1\r\n`, [414, 431]],
    ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]],
    ["another version", "GET /-/ready HTTP/2.0\r\nHost: localhost\r\n\r\n", [400, 505]],
    ["a body that is too large", `${head}Content-Length: 9000000\r\n\r\n${"x".repeat(1000)}`, [413]],
  ];
  for (const [what, bytes, statuses] of refused)
    test(`${what} is refused and the connection closed`, async () => {
      const reply = await hall.raw(Buffer.from(bytes, "latin1"));
      assert.ok(statuses.includes(status_of(reply)), `${statuses} wanted: ${reply.slice(0, 300)}`);
      assert.equal(reply.split("HTTP/1.1 ").length, 2, "one reply and no more");
      assert.match(reply, /application\/problem\+json/);
    });

  test("bytes that come slowly are given up on or waited for, and hold nobody else", async () => {
    const socket = connect(hall.port, "127.0.0.1");
    socket.on("error", () => {});
    const text = "GET /-/ready HTTP/1.1\r\nHost: localhost\r\n";
    for (const c of text) {
      socket.write(c);
      await sleep(2);
    }
    const start = Date.now();
    assert.equal((await hall.ask("GET", "/-/ready")).status, 200);
    assert.ok(Date.now() - start < 2000);
    let got = "";
    socket.on("data", (part) => (got += part));
    socket.write("\r\n");
    await until("the slow request is answered", () => status_of(got) === 200);
    socket.destroy();
  });

  test("broken JSON, unknown members and wrong types are 400 in words", async () => {
    for (const body of ["{", "", "[]", '{"roll":"x"}', '{"roll":"x","code":1}', '{"roll":"x","code":"y","more":1}', '{"roll":"x","roll":"y","code":"z"}', `{"roll":${"[".repeat(2_000)}`, '{"roll":"\\ud800","code":"x"}']) {
      const reply = await hall.ask("POST", "/v1/sessions", body);
      assert.equal(reply.status, 400, `${body.slice(0, 40)}: ${reply.raw}`);
      assert.ok(reply.body.detail.length > 10);
    }
    const not_json = await hall.ask("POST", "/v1/sessions", "{}", { "Content-Type": "text/plain" });
    assert.equal(not_json.status, 400);
  });

  test("what is asked of no item, another's attempt or with a bad token is refused", async () => {
    const save = (path, body, headers = cookie) => hall.ask("PUT", path, body, headers);
    assert.equal((await save(`/v1/attempts/${attempt}/answers/99`, { value: "A", seq: 1 })).status, 404);
    assert.equal((await save("/v1/attempts/2/answers/1", { value: "A", seq: 1 })).status, 403);
    assert.equal((await save(`/v1/attempts/${attempt}/answers/1`, { value: "Z", seq: 1 })).status, 400);
    assert.equal((await save(`/v1/attempts/${attempt}/answers/1`, `{"value":"${"A".repeat(5000)}","seq":1}`)).status, 413);
    for (const token of ["", "x", "A".repeat(43), "A".repeat(5000), "%00", 'x"; other=y'])
      assert.equal((await hall.ask("GET", "/v1/attempts/1", undefined, { Cookie: `__Host-examhall=${token}` })).status, 401, token.slice(0, 50));
    const forged = cookie.Cookie.slice(0, -1) + (cookie.Cookie.endsWith("A") ? "B" : "A");
    assert.equal((await hall.ask("GET", "/v1/attempts/1", undefined, { Cookie: forged })).status, 401);
  });

  test("routes of the operator are not to be had from outside", async () => {
    for (const path of ["/v1/roster", "/metrics", "/v1/roster?after=0", "//v1/roster", "/v1/./roster", "/v1/%72oster"])
      assert.ok([400, 403, 404].includes((await hall.ask("GET", path, undefined, cookie)).status), path);
    assert.equal((await hall.ask("POST", "/v1/officers", { name: "x", password: "y".repeat(12), totp_secret_hex: "00".repeat(20) })).status, 403);
  });

  test("after all of that the hall serves as before", async () => {
    const saved = await hall.ask("PUT", `/v1/attempts/${attempt}/answers/1`, { value: null, marked: true, seq: 1 }, cookie);
    assert.equal(saved.status, 200, saved.raw);
    assert.equal((await hall.ask("GET", "/-/ready")).status, 200);
    assert.ok(!hall.said.includes('"crash"') && !hall.said.includes("process.died"), hall.said);
  });
});

/* The log's first segment of 64 MiB fits, the second does not. */
describe("a full disk", () => {
  const root = process.getuid?.() === 0;
  const sh = (...words) => spawnSync(words[0], words.slice(1), { encoding: "utf8" });
  let dir, disk, mounted, hall;

  before(() => {
    dir = folder();
    disk = join(dir, "disk");
    mkdirSync(disk);
    mounted = root && sh("mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", disk).status === 0;
    if (!mounted) console.log("skipped: a real full disk needs the right to mount a tmpfs");
  });
  after(async () => {
    await hall?.stop();
    if (mounted) sh("umount", "-l", disk);
    remove(dir);
  });

  test("answers 503 disk-full, loses nothing, and goes on with space", async (t) => {
    if (!mounted) return t.skip("no right to mount a tmpfs");
    const data = join(disk, "hall");
    json("init", data);
    hall = await Serving.start(data);
    expect(0, "exam", "open", "sample", "--data", data);
    const [roll, code] = codes(data).entries().next().value;
    const cookie = await hall.sign_in(roll, code);
    assert.equal((await hall.ask("POST", "/v1/attempts/1/start", {}, cookie)).status, 200);
    /* Busy is an honest answer while the next segment is still being filled: asked again, as a page does. */
    const save = async (seq) => {
      for (let tries = 0; ; tries++) {
        const reply = await hall.ask("PUT", "/v1/attempts/1/answers/1", { value: null, marked: seq % 2 === 0, seq }, cookie);
        if (reply.body?.type !== "/problems/busy" || tries === 100) return reply;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    let seq = 0;
    let acknowledged = 0;
    assert.equal((await save(++seq)).status, 200);
    acknowledged = seq;
    assert.equal((await hall.admin("PUT", "/v1/exams/filler", {})).status, 200);
    const item = { kind: "number", text: "x".repeat(60_000), key: "1" };
    const items = JSON.stringify({ replace: true, items: Array(50).fill(item) });
    let full;
    for (let i = 0; i < 40 && !full; i++) {
      const filled = await hall.admin("POST", "/v1/exams/filler/items", items);
      assert.ok([200, 503].includes(filled.status), filled.raw);
      for (let k = 0; k < 3 && !full; k++) {
        const reply = await save(++seq);
        if (reply.status === 503) full = reply;
        else {
          assert.equal(reply.status, 200, reply.raw);
          acknowledged = seq;
        }
      }
      if (filled.status === 503 || (filled.body.refused ?? []).some(({ reason }) => /full/.test(reason)))
        for (let k = 0; k < 20_000 && !full; k++) {
          const reply = await save(++seq);
          if (reply.status === 503) full = reply;
          else acknowledged = seq;
        }
    }
    assert.ok(full, "the disk never was full");
    assert.equal(full.body.type, "/problems/disk-full");
    assert.ok(Number(full.headers["retry-after"]) > 0);
    const seen = (await hall.ask("GET", "/v1/attempts/1/answers", undefined, cookie)).body;
    assert.equal(seen.seq, acknowledged);
    assert.equal((await hall.ask("GET", "/-/live")).status, 200);
    assert.equal(sh("mount", "-o", "remount,size=400m", disk).status, 0);
    await until("saves are taken again", async () => (await save(++seq)).status === 200);
    assert.equal(await hall.stop(), 0);
    hall = await Serving.start(data);
    const after_restart = await hall.ask("GET", "/v1/attempts/1/answers", undefined, cookie);
    assert.equal(after_restart.body?.seq, seq, after_restart.raw);
    t.diagnostic(`refused at save ${acknowledged + 1}, taken again at ${seq}`);
  });
});
