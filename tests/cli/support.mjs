// support.mjs - the real binary in a temporary folder. Everything started here is ended here, by its process id.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const EXAMHALL = resolve(process.env.EXAMHALL ?? join(ROOT, "build/examhall"));
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export const folder = () => mkdtempSync(join(tmpdir(), "examhall-cli-"));
export const remove = (dir) => rmSync(dir, { recursive: true, force: true });

/** Runs a command to its end: { status, out, err }. A crash (a signal) fails the test by itself. */
export function examhall(...args) {
  const { status, signal, stdout, stderr } = spawnSync(EXAMHALL, args, { encoding: "utf8", maxBuffer: 256 << 20, timeout: 60_000 });
  assert.equal(signal, null, `examhall ${args.join(" ")} died by ${signal}: ${stderr}`);
  return { status, out: stdout, err: stderr };
}

/** The same, which must end with this status. */
export function expect(status, ...args) {
  const done = examhall(...args);
  assert.equal(done.status, status, `examhall ${args.join(" ")}: ${done.out}${done.err}`);
  return done;
}

export const json = (...args) => JSON.parse(expect(0, ...args, "--json").out);

export function write(dir, name, text) {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
}

export async function free_port() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

export async function until(what, ask, timeout_ms = 15_000) {
  for (const end = Date.now() + timeout_ms; ; await sleep(20)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) assert.fail(`waited ${timeout_ms} ms in vain: ${what}`);
  }
}

/** A hall that serves plain HTTP on a port of its own. */
export class Serving {
  static async start(data, ...more) {
    const serving = new Serving();
    serving.data = data;
    serving.port = await free_port();
    const plain = `127.0.0.1:${serving.port}`;
    const tls = `127.0.0.1:${await free_port()}`;
    const args = ["serve", "--data", data, "--listen", tls, "--listen-plain", plain, "--quiet", ...more];
    serving.tls = tls;
    serving.process = spawn(EXAMHALL, args, { stdio: ["ignore", "ignore", "pipe"] });
    serving.ended = new Promise((ended) => serving.process.once("exit", (status, signal) => ended(status ?? signal)));
    serving.said = "";
    serving.process.stderr.on("data", (text) => (serving.said += text));
    await until("the hall serves", async () => {
      if (serving.process.exitCode !== null) assert.fail(`serve ended: ${serving.said}`);
      return serving.said.includes('"hall.ready"') && (await serving.ask("GET", "/-/ready").catch(() => null))?.status === 200;
    });
    return serving;
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill("SIGTERM");
    return this.ended;
  }

  /** One request as a client would make it; a body is sent as JSON. */
  ask(method, path, body, headers = {}, where = { port: this.port, host: "127.0.0.1" }) {
    return new Promise((answered, failed) => {
      const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
      const own = text === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) };
      const req = request({ ...where, method, path, headers: { ...own, ...headers }, timeout: 20_000 }, (reply) => {
        const parts = [];
        reply.on("data", (part) => parts.push(part));
        reply.on("end", () => {
          const raw = Buffer.concat(parts).toString();
          let parsed;
          try {
            parsed = JSON.parse(raw);
          } catch {
            parsed = undefined;
          }
          answered({ status: reply.statusCode, headers: reply.headers, raw, body: parsed });
        });
      });
      req.on("error", failed);
      req.on("timeout", () => req.destroy(new Error("no reply in 20 s")));
      req.end(text);
    });
  }

  /** As the operator, over the admin socket. */
  admin(method, path, body) {
    return this.ask(method, path, body, { Host: "localhost" }, { socketPath: join(this.data, "run/admin.sock") });
  }

  async sign_in(roll, code) {
    const reply = await this.ask("POST", "/v1/sessions", { roll, code });
    assert.equal(reply.status, 200, reply.raw);
    return { Cookie: reply.headers["set-cookie"][0].split(";")[0] };
  }

  /** Bytes as they are; gives all that came back until the other side closed, or for `ms`. */
  raw(bytes, ms = 5000) {
    return new Promise((answered) => {
      const socket = connect(this.port, "127.0.0.1");
      let got = "";
      const end = () => {
        socket.destroy();
        answered(got);
      };
      const timer = setTimeout(end, ms);
      socket.on("data", (part) => (got += part.toString("latin1")));
      socket.on("error", () => {});
      socket.on("close", () => {
        clearTimeout(timer);
        answered(got);
      });
      socket.write(bytes);
    });
  }
}

export const codes = (data) =>
  new Map(
    readFileSync(join(data, "candidates.csv"), "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(",")),
  );
