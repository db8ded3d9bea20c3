// support.mjs - a hall of its own and a real Chromium for the browser tests. Everything started here is ended here, by
// its process id.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { get } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const { chromium } = createRequire(join(ROOT, "web/package.json"))("playwright-core");
const EXAMHALL = process.env.EXAMHALL ?? join(ROOT, "build/examhall");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const run = promisify(execFile);

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export const can_run = existsSync(EXAMHALL) && existsSync(CHROMIUM);
export const why_not = can_run ? false : `needs ${EXAMHALL} (make) and ${CHROMIUM} (apt-get install chromium)`;

/** Asks until it is so; the message says what was waited for. */
export async function until(what, ask, timeout_ms = 20_000) {
  for (const end = Date.now() + timeout_ms; ; await sleep(50)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) assert.fail(`waited ${timeout_ms} ms in vain: ${what}`);
  }
}

async function free_port() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

const alive = (pid) => existsSync(`/proc/${pid}`);

/** A hall in a temporary folder: init, serve, and the command line on it. */
export class Hall {
  async start(exams = "") {
    this.folder = mkdtempSync(join(tmpdir(), "examhall-e2e-"));
    this.data = join(this.folder, "hall");
    this.made = JSON.parse((await run(EXAMHALL, ["init", this.data, "--json"])).stdout);
    const spec = join(this.data, "hall.yaml");
    writeFileSync(spec, readFileSync(spec, "utf8").replace(/^exams:\n/m, `exams:\n${exams}`));
    this.port = await free_port();
    this.url = `https://localhost:${this.port}`;
    this.serve();
    await this.ready();
  }

  serve() {
    this.process = spawn(EXAMHALL, ["serve", "--data", this.data, "--listen", `127.0.0.1:${this.port}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.said = "";
    this.process.stderr.on("data", (text) => (this.said = (this.said + text).slice(-20_000)));
  }

  async ready() {
    await until("the hall serves", () => this.answers()).catch((error) => {
      throw new Error(`${error.message}; it said:\n${this.said}`);
    });
  }

  /** Whether it is ready, asked from outside: `examhall status` would open the hall itself while none runs. */
  answers() {
    return new Promise((answered) => {
      const options = { rejectUnauthorized: false, timeout: 5000 };
      const request = get(`${this.url}/-/ready`, options, (reply) => {
        reply.resume();
        answered(reply.statusCode === 200);
      });
      request.on("timeout", () => request.destroy());
      request.on("error", () => answered(false));
    });
  }

  async cli(...args) {
    const { stdout } = await run(EXAMHALL, [...args, "--data", this.data], { maxBuffer: 64 << 20 });
    return stdout;
  }

  async json(...args) {
    return JSON.parse(await this.cli(...args, "--json"));
  }

  /** The gateway is a process of its own; every other service lives in the hall's. */
  async pid_of(service) {
    const { services } = await this.json("status");
    return services.find(({ name }) => name === service)?.pid ?? 0;
  }

  async kill_hall() {
    const before = await this.pid_of("answers");
    process.kill(before, "SIGKILL");
    return async () => {
      await until("the hall is back after kill -9", () => this.answers());
      assert.notEqual(await this.pid_of("answers"), before);
    };
  }

  async code_of(roll) {
    const lines = (await this.cli("roster", "export", "--codes")).trim().split("\n");
    return lines.map((line) => line.split(",")).find(([first]) => first === roll)[1];
  }

  write(name, text) {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  async add_candidate(roll, name, exam) {
    const head = "roll,name,birth,centre,shift,extra_minutes\n";
    const file = this.write(`${roll}.csv`, `${head}${roll},${name},2008-03-01,Centre 1,${exam}/day,0\n`);
    const { imported, refused } = await this.json("roster", "import", file);
    assert.equal(imported, 1, JSON.stringify(refused));
    return this.code_of(roll);
  }

  /** The first candidate of the sample exam: roll and code. */
  sample_candidate(n = 0) {
    const [roll, code] = readFileSync(this.made.candidates.replace(/^(?!\/)/, `${process.cwd()}/`), "utf8")
      .trim()
      .split("\n")
      [n + 1].split(",");
    return { roll, code };
  }

  async stop() {
    if (this.process && this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((done) => this.process.once("exit", done));
      this.process.kill("SIGTERM");
      const too_long = setTimeout(() => this.process.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(too_long);
    }
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** One profile on disk and the browser that runs on it; kill() is a power cut for the browser. */
export class Browser {
  static async start(options = {}) {
    const browser = new Browser();
    await browser.start(options);
    return browser;
  }

  async start(options = {}) {
    this.profile = mkdtempSync(join(tmpdir(), "examhall-e2e-profile-"));
    this.options = options;
    this.complaints = []; // what the page's own console said was wrong
    await this.open();
  }

  async open() {
    this.context = await chromium.launchPersistentContext(this.profile, {
      executablePath: CHROMIUM,
      args: FLAGS,
      ignoreHTTPSErrors: true,
      viewport: { width: 1280, height: 800 },
      reducedMotion: "reduce",
      ...this.options,
    });
    this.context.on("page", (page) => this.listen(page));
    this.page = this.context.pages()[0] ?? (await this.context.newPage());
    this.listen(this.page);
    this.page.setDefaultTimeout(15_000);
  }

  listen(page) {
    page.on("pageerror", (error) => this.complaints.push(`${error.message}\n${error.stack}`));
    page.on("console", (message) => {
      // Chromium logs every refused or failed request; a broken security policy is what we look for.
      if (/Content Security Policy/i.test(message.text())) this.complaints.push(message.text());
    });
  }

  async kill() {
    const pid = Number(readlinkSync(join(this.profile, "SingletonLock")).split("-").at(-1));
    process.kill(pid, "SIGKILL");
    await until("the browser is gone", () => !alive(pid));
    await this.context.close().catch(() => undefined);
  }

  async stop() {
    await this.context?.close().catch(() => undefined);
    if (this.profile) rmSync(this.profile, { recursive: true, force: true });
  }
}

/** For all tests of a file: a hall with `exams` (lines of its spec) and `count` browsers, there from the first test to the last. */
export function hall_and_browsers(count, exams = "") {
  const hall = new Hall();
  const browsers = Array.from({ length: count }, () => new Browser());
  before(async () => {
    if (why_not) return;
    await hall.start(exams);
    for (const browser of browsers) await browser.start();
  });
  after(async () => {
    for (const browser of browsers) await browser.stop();
    await hall.stop();
  });
  return [hall, ...browsers];
}

/** RFC 6238, SHA-1, six digits, 30 seconds. */
export function totp(secret_base32, at_ms = Date.now()) {
  const symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret_base32.replace(/=+$/, "")].map((c) => symbols.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at_ms / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// --- what a candidate does ---------------------------------------------------------------------------------------

export async function sign_in(page, url, roll, code) {
  await page.goto(url);
  await page.fill("input[name=roll]", roll);
  await page.fill("input[name=code]", code.toLowerCase().replace(/0/g, "o").replace(/1/g, "l"));
  await page.click("button:has-text('Sign in')");
  await page.waitForSelector(".start-card, .item, .receipt, .score");
}

export async function start(page) {
  await page.click("button:has-text('Start the exam'):not([disabled])");
  await page.waitForSelector(".item");
}

/** Which question is on screen: its number on the page and its item in the paper. */
export const shown = (page) =>
  page.$eval(".item", (item) => ({ number: Number(item.dataset.number), item: Number(item.dataset.item) }));

export async function next(page) {
  const { number } = await shown(page);
  await page.click(".move-bar .button-main");
  await page.waitForSelector(`.item[data-number="${number + 1}"]`);
}

export async function go_to(page, number) {
  await page.click(`.exam-side .palette-item[aria-label^="Question ${number}:"]`);
  await page.waitForSelector(`.item[data-number="${number}"]`);
}

export const choose = (page, letter) => page.click(`.choice[data-letter="${letter}"]`);

export const total = (page) => page.textContent("[data-testid=save-total]");

/** Until everything that was entered is recorded by the hall. */
export async function all_recorded(page, count) {
  await until(`${count} recorded`, async () => (await total(page).catch(() => "")) === `${count} recorded, 0 on this device`, 40_000);
}

export async function sign_out(page) {
  await page.click("text=Sign out");
  await page.click("dialog button:has-text('Sign out'):not([disabled])");
  await page.waitForSelector("input[name=roll]");
}

/** All that the journal's database holds, of whomever: {meta, entries, receipts}. */
export const kept = (page) =>
  page.evaluate(async () => {
    const done = (request) => new Promise((resolve, reject) => ((request.onsuccess = () => resolve(request.result)), (request.onerror = reject)));
    const database = await done(indexedDB.open("examhall"));
    const names = [...database.objectStoreNames];
    const stores = database.transaction(names);
    const rows = await Promise.all(names.map((name) => done(stores.objectStore(name).getAll())));
    database.close();
    return Object.fromEntries(names.map((name, i) => [name, rows[i]]));
  });

export async function submit(page) {
  await page.click(".exam-side >> text=Finish and submit");
  await page.click("button:has-text('Submit now')");
  await page.waitForSelector(".receipt", { timeout: 30_000 });
}
