import { afterEach, expect, it, vi } from "vitest";
import { Problem, Unreachable, get } from "../src/core/api";

afterEach(() => void vi.unstubAllGlobals());

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
