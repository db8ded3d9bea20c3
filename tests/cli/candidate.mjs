// candidate.mjs - a candidate who sits in a hall and saves without pause, and remembers what went wrong.

import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { sleep } from "./support.mjs";

export class Candidate {
  /** Signs in at the hall (or the gateway) and starts; saves over one connection that is kept, until told to stop. */
  static async start(hall, roll, code) {
    const signed_in = await hall.ask("POST", "/v1/sessions", { roll, code });
    const cookie = { Cookie: signed_in.headers["set-cookie"][0].split(";")[0] };
    const { attempt } = signed_in.body;
    assert.equal((await hall.ask("POST", `/v1/attempts/${attempt}/start`, {}, cookie)).status, 200);
    return new Candidate(hall, cookie, attempt);
  }

  constructor(hall, cookie, attempt) {
    this.port = hall.port;
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.cookie = cookie;
    this.attempt = attempt;
    this.headers = { ...cookie, "Content-Type": "application/json" };
    this.seq = 0;
    this.bad = [];
    this.sockets = new Set();
    this.working = this.work();
  }

  save(seq) {
    return new Promise((answered, failed) => {
      const body = JSON.stringify({ value: null, marked: seq % 2 === 0, seq });
      const headers = { ...this.headers, "Content-Length": body.length };
      const path = `/v1/attempts/${this.attempt}/answers/1`;
      const req = request({ port: this.port, host: "127.0.0.1", method: "PUT", path, headers, agent: this.agent }, (reply) => {
        reply.resume();
        reply.on("end", () => answered(reply.statusCode));
      });
      req.on("socket", (socket) => this.sockets.add(socket));
      req.on("error", failed);
      req.end(body);
    });
  }

  async work() {
    while (!this.stopped) {
      const outcome = await this.save(++this.seq).catch((error) => error.message);
      if (outcome !== 200) this.bad.push(`save ${this.seq}: ${outcome}`);
      await sleep(5);
    }
    this.agent.destroy();
  }

  /** What went wrong. */
  async stop() {
    this.stopped = true;
    await this.working;
    return this.bad;
  }
}
