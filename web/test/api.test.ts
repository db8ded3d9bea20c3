import { afterEach, expect, it, vi } from "vitest";
import { Problem, Unreachable, get } from "../src/core/api";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function answers(status: number, body: string, headers: Record<string, string> = {}) {
  vi.stubGlobal("fetch", async () => new Response(body, { status, headers }));
  return get<unknown>("/v1/time").then(
    () => "fine",
    (error: unknown) => error,
  );
}
const problem = (slug: string, status: number) => JSON.stringify({ type: `/problems/${slug}`, title: "t", status, detail: "d" });

it("takes the hall's no for one, and tells what may pass from what stays", async () => {
  for (const [slug, status, passing] of [
    ["time-over", 409, false],
    ["not-signed-in", 401, false],
    ["too-slow", 408, true],
    ["slow-down", 429, true],
    ["disk-full", 503, true],
  ] as const) {
    const error = await answers(status, problem(slug, status));
    expect(error).toBeInstanceOf(Problem);
    expect([(error as Problem).slug, (error as Problem).passing]).toEqual([slug, passing]);
  }
});

it("hears nothing of the hall in what a proxy says", async () => {
  for (const [status, body] of [
    [403, "<html>Blocked by the school's filter</html>"],
    [401, "sign in to the network"],
    [404, '{"error":"no route"}'],
    [400, "null"],
    [407, ""],
  ] as const)
    expect(await answers(status, body)).toBeInstanceOf(Unreachable);
});

it("waits as long as whoever is overloaded asks, be it the hall or a balancer", async () => {
  const error = await answers(503, "<html>overloaded</html>", { "Retry-After": "7" });
  expect([(error as Problem).passing, (error as Problem).retry_after_s]).toEqual([true, 7]);
});

/** A body that comes in `parts`, each `every_ms` after the one before, and then stands still if it is not to end. */
function slow_body(parts: string[], every_ms: number, signal: AbortSignal, ends: boolean) {
  const bytes = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async start(out) {
      signal.addEventListener("abort", () => out.error(signal.reason));
      for (const part of parts) {
        await new Promise((resolve) => setTimeout(resolve, every_ms));
        out.enqueue(bytes.encode(part));
      }
      if (ends) out.close();
    },
  });
}

async function over_a_slow_line(parts: string[], every_ms: number, ends: boolean) {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (_: string, { signal }: { signal: AbortSignal }) => new Response(slow_body(parts, every_ms, signal, ends)));
  const outcome = get<unknown>("/v1/papers/d").catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(parts.length * every_ms + 21_000);
  return outcome;
}

it("takes a long reply over a slow line whole, however long it takes", async () => {
  const parts = ['{"title":"', "a".repeat(1000), "\u00e9".repeat(1000), "b".repeat(1000), '"}'];
  expect(await over_a_slow_line(parts, 15_000, true)).toEqual({ title: parts.slice(1, 4).join("") });
});

it("gives up on a reply of which nothing more comes", async () => {
  expect(await over_a_slow_line(['{"title":"'], 1000, false)).toBeInstanceOf(Unreachable);
});
