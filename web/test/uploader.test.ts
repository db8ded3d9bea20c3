import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Journal, MemoryStore, type Entry } from "../src/journal";
import { Uploader } from "../src/uploader";
import { Problem, Unreachable } from "../src/core/api";
import { backoff_ms } from "../src/core/retry";
import type { SaveReply } from "../src/core/types";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const problem = (status: number, slug: string, retry_after_s: number | null = null) =>
  new Problem(status, slug, slug, `The hall says ${slug}.`, retry_after_s);
const reply = (entry: Entry): SaveReply => ({ item: entry.item, seq: entry.seq, recorded_at: 1, receipt: "r", ends_at: 9, now: 2 });

async function setup(send: (entry: Entry) => Promise<SaveReply>) {
  const journal = new Journal(new MemoryStore(), "sample/R1/1000");
  await journal.open({ epoch: 1, seq: 0, place: null, answers: [], now: 0 });
  const uploader = new Uploader(journal, send, () => undefined, () => 0.5);
  return { journal, uploader };
}

it("repeats through a lost network until the hall has it, and tells since when", async () => {
  let failures = 12;
  const { journal, uploader } = await setup((entry) =>
    failures-- > 0 ? Promise.reject(new Unreachable("no")) : Promise.resolve(reply(entry)),
  );
  await journal.save(1, "A", false);
  await vi.advanceTimersByTimeAsync(100);
  expect(uploader.state.lost_since).not.toBeNull();
  expect(journal.get(1)?.stage).toBe("device");
  await vi.advanceTimersByTimeAsync(120_000);
  expect(journal.get(1)?.stage).toBe("recorded");
  expect(uploader.state.lost_since).toBeNull();
});

it("keeps at most two requests under way, and one while nothing gets through", async () => {
  let under_way = 0;
  let most = 0;
  let reachable = true;
  const { journal } = await setup(async (entry) => {
    most = Math.max(most, ++under_way);
    await new Promise((resolve) => setTimeout(resolve, 50));
    under_way--;
    if (!reachable) throw new Unreachable("no");
    return reply(entry);
  });
  await Promise.all([1, 2, 3, 4, 5].map((item) => journal.save(item, "A", false)));
  await vi.advanceTimersByTimeAsync(1000);
  expect(most).toBe(2);
  expect(journal.counts().recorded).toBe(5);
  reachable = false;
  await journal.save(6, "A", false);
  await vi.advanceTimersByTimeAsync(60);
  most = 0;
  await Promise.all([7, 8].map((item) => journal.save(item, "A", false)));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(most).toBe(1);
});

it("waits as long as the hall asks", async () => {
  const times: number[] = [];
  const { journal } = await setup((entry) => {
    times.push(Date.now());
    return times.length === 1 ? Promise.reject(problem(503, "busy", 7)) : Promise.resolve(reply(entry));
  });
  await journal.save(1, "A", false);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(7000);
  expect(journal.get(1)?.stage).toBe("recorded");
});

it("stops for good when signed in elsewhere, and the entry stays on the device", async () => {
  const send = vi.fn(() => Promise.reject(problem(401, "signed-in-elsewhere")));
  const { journal, uploader } = await setup(send);
  await journal.save(1, "A", false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(send).toHaveBeenCalledTimes(1);
  expect(uploader.state.stopped).toBe("signed-in-elsewhere");
  expect(journal.get(1)?.stage).toBe("device");
});

it("after added time it goes on with what came too late before", async () => {
  let over = true;
  const { journal, uploader } = await setup((entry) => (over ? Promise.reject(problem(409, "time-over")) : Promise.resolve(reply(entry))));
  await journal.save(1, "A", false);
  await vi.advanceTimersByTimeAsync(10);
  expect(uploader.state.stopped).toBe("time-over");
  over = false;
  uploader.resume();
  await vi.advanceTimersByTimeAsync(10);
  expect(journal.get(1)?.stage).toBe("recorded");
});

it("one refused answer does not hold up the others", async () => {
  const { journal } = await setup((entry) => (entry.item === 1 ? Promise.reject(problem(413, "too-large")) : Promise.resolve(reply(entry))));
  await journal.save(1, "long", false);
  await journal.save(2, "B", false);
  await vi.advanceTimersByTimeAsync(10);
  expect(journal.get(1)).toMatchObject({ stage: "refused", why: "The hall says too-large." });
  expect(journal.get(2)?.stage).toBe("recorded");
});

it("takes a higher number when the hall knows this one with another value", async () => {
  const { journal } = await setup((entry) => (entry.seq < 3 ? Promise.reject(problem(409, "seq-reused")) : Promise.resolve(reply(entry))));
  await journal.save(1, "A", false);
  await vi.advanceTimersByTimeAsync(100);
  expect(journal.get(1)).toMatchObject({ value: "A", stage: "recorded" });
});

it("waits between half a second and ten", () => {
  for (let failures = 1; failures < 40; failures++)
    for (const chance of [0, 0.5, 0.999]) {
      const ms = backoff_ms(failures, null, () => chance);
      expect(ms).toBeGreaterThanOrEqual(500);
      expect(ms).toBeLessThanOrEqual(10_000);
    }
});

it("a hall without room is not called a lost connection, and nothing is called recorded", async () => {
  let full = true;
  const { journal, uploader } = await setup((entry) => (full ? Promise.reject(problem(503, "disk-full", 2)) : Promise.resolve(reply(entry))));
  await journal.save(1, "A", false);
  await vi.advanceTimersByTimeAsync(100);
  expect(uploader.state.lost_why).toBe("The hall says disk-full.");
  expect(journal.get(1)?.stage).toBe("device");
  full = false;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(uploader.state).toMatchObject({ lost_since: null, lost_why: null });
  expect(journal.get(1)?.stage).toBe("recorded");
});
