// retry.ts - how long to wait before asking again. Jittered, so that a hall that comes back is not met by everyone at once.

const FIRST_MS = 500;
const MOST_MS = 10_000;

/** The wait after `failures` failures in a row (1, 2, ...): 0.5 s to 10 s, half of it left to chance. */
export function backoff_ms(failures: number, retry_after_s: number | null, chance: () => number = Math.random): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.max(0, failures));
  const wait = Math.max(FIRST_MS, full / 2 + (full / 2) * chance());
  // What the hall asks for counts in full, and a little chance on top spreads those it told the same.
  return retry_after_s === null ? wait : Math.max(wait, retry_after_s * 1000 * (1 + 0.25 * chance()));
}

/** A period with a fifth of jitter each way, for heartbeats. */
export function jittered_ms(period_ms: number, chance: () => number = Math.random): number {
  return period_ms * (0.8 + 0.4 * chance());
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
