// report.test.mjs - a real small rehearsal whose report a browser opens: nothing is loaded, nothing complains, and its
// figures are those of the JSON beside it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EXAMHALL, ROOT, expect, folder, remove } from "./support.mjs";

const SEED = "1795755040"; // both faults come while somebody still sits
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const why_not = existsSync(CHROMIUM) ? false : `needs ${CHROMIUM} (apt-get install chromium)`;
let dir, page;

/** Exit status and output of a rehearsal that lasts longer than other commands may. */
const rehearse = (...args) =>
  new Promise((ended) => {
    const opts = { encoding: "utf8", timeout: 240_000, maxBuffer: 64 << 20 };
    execFile(EXAMHALL, ["rehearse", ...args], opts, (error, out, err) => ended({ status: error?.code ?? 0, out, err }));
  });

before(() => {
  dir = folder();
  page = join(dir, "report.html");
});
after(() => remove(dir));

describe("rehearse --report", () => {
  test("says before the rehearsal that the report could not be written", () => {
    const { err } = expect(3, "rehearse", "--candidates", "5", "--report", join(dir, "no/such/folder.html"));
    assert.match(err, /cannot write the report to/);
    assert.match(expect(2, "rehearse", "--candidates", "5", "--report", join(dir, "r.json")).err, /name of the page/);
  });

  test("writes a page and its data, and the page names the digest of the data", async () => {
    const { status, out, err } = await rehearse(
      ...["--candidates", "60", "--minutes", "1", "--kill-hall", "1", "--kill-gateway", "1", "--seed", SEED, "--report", page, "--json"],
    );
    const printed = JSON.parse(out);
    assert.equal(printed.saves_lost, 0, err);
    assert.equal(printed.requests_failed, 0, err);
    assert.equal(status, printed.verdict === "pass" ? 0 : 1);
    const bytes = readFileSync(join(dir, "report.json"));
    const data = JSON.parse(bytes);
    for (const name of Object.keys(printed)) assert.deepEqual(data[name], printed[name], name);
    const saves = data.series.saves.reduce((sum, n) => sum + n, 0);
    assert.equal(saves, printed.saves_acknowledged);
    assert.equal(data.series.to_s.length, data.series.latency_ms.save.p99.length);
    assert.equal(data.series.faults.length, 2);
    // All of them lost their connection to the killed gateway, and came back to another that knows their tickets.
    assert.ok(printed.handshakes >= 120, `${printed.handshakes} handshakes`);
    assert.ok(printed.resumed >= 50, `${printed.resumed} of ${printed.handshakes} handshakes resumed`);
    const html = readFileSync(page, "utf8");
    assert.ok(html.includes(createHash("sha256").update(bytes).digest("hex")));
    assert.match(html, { pass: /Passed:/, fail: /Failed:/, void: /Void:/ }[printed.verdict]);
  });

  test("opens in a browser, whole by itself", { skip: why_not }, async () => {
    const { chromium } = createRequire(join(ROOT, "web/package.json"))("playwright-core");
    const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
    const browser = await chromium.launch({ executablePath: CHROMIUM, args });
    try {
      const complaints = [];
      const loads = [];
      const shown = await browser.newPage({ viewport: { width: 1100, height: 900 } });
      shown.on("console", (message) => complaints.push(message.text()));
      shown.on("pageerror", (error) => complaints.push(error.message));
      shown.on("request", (request) => loads.push(request.url()));
      await shown.goto(`file://${page}`);
      assert.deepEqual(complaints, []);
      assert.deepEqual(loads, [`file://${page}`]);
      assert.equal(await shown.locator("#verdict").count(), 1);
      for (const svg of await shown.locator("svg.plot").all()) assert.ok((await svg.getAttribute("aria-label")).length > 20);
      assert.equal(await shown.locator("figure").count(), await shown.locator("figure figcaption").count());
      assert.ok((await shown.locator("svg.plot .fault").count()) > 0);
      for (const width of [1100, 400]) {
        await shown.setViewportSize({ width, height: 900 });
        assert.ok((await shown.evaluate(() => document.documentElement.scrollWidth)) <= width, `scrolls sideways at ${width}`);
      }
    } finally {
      await browser.close();
    }
  });
});
