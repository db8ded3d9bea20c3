// target.test.mjs - `examhall rehearse --target`: a hall that cannot be reached, and the true reason.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EXAMHALL, Serving, folder, free_port, json, remove, write } from "./support.mjs";

let dir, data, hall, codes;

before(async () => {
  dir = folder();
  data = join(dir, "hall");
  codes = write(dir, "codes.csv", "roll,code\nR1,0000000000000000\n");
  json("init", data);
  hall = await Serving.start(data);
});
after(async () => {
  await hall?.stop();
  remove(dir);
});

/** What it says on its way to status 3. `inside`: the command that runs it. */
function unreachable(target, { inside = [], more = [] } = {}) {
  const [program, ...words] = [...inside, EXAMHALL, "rehearse", "--candidates", "1", "--target", target, "--codes", codes, ...more];
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8", timeout: 60_000 });
  assert.equal(status, 3, `${stdout}${stderr}`);
  const found = /cannot reach the hall at (.*)/.exec(stderr);
  assert.ok(found, stderr);
  return found[1];
}

describe("rehearse --target says why it cannot reach the hall", () => {
  test("the network is not there", (t) => {
    const alone = ["unshare", "--net", ...(process.getuid() === 0 ? [] : ["--map-root-user"]), "--"]; // nothing is connected in there
    const { status, stderr } = spawnSync(alone[0], [...alone.slice(1), "true"], { encoding: "utf8" });
    if (status !== 0) return t.skip(`no network namespace can be made here: ${stderr.trim()}`);
    for (const scheme of ["http", "https"])
      assert.equal(unreachable(`${scheme}://192.0.2.1:8443`, { inside: alone }), `${scheme}://192.0.2.1:8443: Network is unreachable`);
  });

  test("nobody listens", async () => {
    const port = await free_port();
    for (const scheme of ["http", "https"])
      assert.equal(unreachable(`${scheme}://127.0.0.1:${port}`), `${scheme}://127.0.0.1:${port}: Connection refused`);
  });

  test("its certificate is not of those who are trusted", () => {
    const other = join(dir, "other");
    json("init", other);
    const says = (...more) => unreachable(`https://${hall.tls}`, { more });
    assert.match(says("--ca", join(other, "keys/tls.crt")), /the TLS handshake failed: self.signed certificate/);
  });

  test("its certificate is its own, and nobody said that it may be trusted", () => {
    assert.match(unreachable(`https://${hall.tls}`), /the TLS handshake failed: self.signed certificate/);
  });

  test("it does not speak TLS", () => {
    assert.match(unreachable(`https://127.0.0.1:${hall.port}`), /the TLS handshake failed: (wrong version number|packet length too long)/);
  });
});
