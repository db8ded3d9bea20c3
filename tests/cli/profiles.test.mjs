// profiles.test.mjs - the day on which all come at once, three times: everybody starts, hands in and has three results.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { EXAMHALL } from "./support.mjs";

const CANDIDATES = 150;

/** What the rehearsal printed. Its latencies are not asked for: other tests run beside it. */
const rehearse = (...args) =>
  new Promise((ended, failed) => {
    const opts = { encoding: "utf8", timeout: 400_000, maxBuffer: 64 << 20 };
    execFile(EXAMHALL, ["rehearse", "--json", ...args], opts, (error, out, err) => {
      if (!out) return failed(new Error(`${error}\n${err}`));
      ended(JSON.parse(out));
    });
  });

test("rehearse --profile worst: all start at the bell, all hand in, and all see their result three times", async () => {
  const run = await rehearse("--profile", "worst", "--candidates", `${CANDIDATES}`, "--ramp", "5", "--minutes", "1", "--save-every", "10", "--upgrade", "1", "--seed", "1795755040");
  const { started, submitted, checked, results_seen, saves_lost, requests_failed } = run;
  assert.deepEqual(
    { started, submitted, checked, results_seen, saves_lost, requests_failed },
    { started: CANDIDATES, submitted: CANDIDATES, checked: CANDIDATES, results_seen: 3 * CANDIDATES, saves_lost: 0, requests_failed: 0 },
    run.reasons.join("\n"),
  );
  assert.ok(run.start_spike_s > 10 && run.start_spike_s < 60, `they started within ${run.start_spike_s} s`);
  assert.deepEqual(run.faults.map((fault) => Object.keys(fault)), [["rolled", "took_ms"]]);
  assert.ok(run.faults[0].took_ms > 10, `the upgrade took ${run.faults[0].took_ms} ms`); // starting a hall takes longer than a save
});
