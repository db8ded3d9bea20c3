// image.test.mjs - what `examhall image push` does not give away: a password without TLS, and the right to write that is in
// an upload's address. Whole pushes, to real registries, are in tests/platform/image.sh.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EXAMHALL, expect, folder, remove, write } from "./support.mjs";

let dir, image, login;
before(() => {
  dir = folder();
  image = join(dir, "image");
  login = write(dir, "login", "name:password");
  expect(0, "image", "build", "--out", image);
});
after(() => remove(dir));

/** Beside a server of our own, so it may not block. */
const push = (...args) =>
  new Promise((resolve) =>
    execFile(EXAMHALL, ["image", "push", image, ...args], { timeout: 60_000 }, (error, out, err) => resolve({ status: error?.code ?? 0, out, err })),
  );

describe("image push", () => {
  test("a password goes without TLS to this machine only, whatever another one's name begins with", async () => {
    for (const host of ["127.example.org", "127.0.0.1.example.org:5000", "localhost.example.org", "registry.example.org"]) {
      const { status, err } = await push(`${host}/exams/examhall:1`, "--plain", "--credentials", login);
      assert.equal(status, 2, err);
      assert.match(err, /password would travel to .* without TLS; leave out --plain/);
    }
  });

  test("a failure shows where an upload went, and not the right to write there", async () => {
    const server = createServer((request, response) => {
      const upload = request.method === "POST";
      response.writeHead(upload ? 202 : 404, upload ? { Location: "http://127.0.0.1:99999/bucket/upload?signature=secret" } : {});
      response.end();
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { status, err } = await push(`127.0.0.1:${server.address().port}/exams/examhall:1`, "--plain");
    server.close();
    assert.equal(status, 3, err);
    assert.match(err, /http:\/\/127\.0\.0\.1:99999\/bucket\/upload/);
    assert.doesNotMatch(err, /secret/);
  });
});
