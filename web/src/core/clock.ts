// clock.ts - the hall's time on this device, without the device's own clock.
//
// Every reply says what time it is at the hall (`now`). That instant lies between our sending and our receiving, so each
// reply bounds the hall's time from both sides, however long the reply was held back. The bounds of many replies
// are intersected. performance.now() never follows the wall clock, so setting the device's clock changes nothing.

const DRIFT_PER_MS = 0.0002; // a bad quartz: 200 ppm. The bounds widen by this, so old replies lose weight.

export class HallClock {
  private low_ms = -Infinity; // hall time minus monotonic time is at least this
  private high_ms = Infinity;
  private at_ms = 0;

  constructor(private readonly monotonic: () => number = () => performance.now()) {}

  /** Takes in one reply: sent and received on the monotonic clock, `hall_now` as the hall wrote it. */
  anchor(sent_ms: number, received_ms: number, hall_now: number): void {
    const low = hall_now - received_ms;
    const high = hall_now - sent_ms;
    const drift = DRIFT_PER_MS * Math.max(0, received_ms - this.at_ms);
    const wider_low = this.low_ms - drift;
    const wider_high = this.high_ms + drift;
    // No common instant: this device slept, or the hall's clock was set. The newest word counts.
    const agree = low <= wider_high && high >= wider_low;
    this.low_ms = agree ? Math.max(low, wider_low) : low;
    this.high_ms = agree ? Math.min(high, wider_high) : high;
    this.at_ms = received_ms;
  }

  known(): boolean {
    return Number.isFinite(this.low_ms);
  }

  /** The hall's time now; the middle of what is possible. Undefined before the first reply: ask known(). */
  now(): number {
    return this.monotonic() + (this.low_ms + this.high_ms) / 2;
  }
}

/** "1:02:03" or "02:03": remaining time, rounded up, so that 00:00 means that it is over. */
export function countdown(left_ms: number): string {
  const left_s = Math.max(0, Math.ceil(left_ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(left_s / 3600);
  return `${hours ? `${hours}:` : ""}${two(Math.floor(left_s / 60) % 60)}:${two(left_s % 60)}`;
}

/** The same for a listener: "1 hour 2 minutes", "3 minutes 20 seconds". */
export function countdown_words(left_ms: number): string {
  const left_s = Math.max(0, Math.ceil(left_ms / 1000));
  const unit = (n: number, name: string) => (n ? [`${n} ${name}${n === 1 ? "" : "s"}`] : []);
  const hours = Math.floor(left_s / 3600);
  const minutes = Math.floor(left_s / 60) % 60;
  const seconds = hours || minutes >= 10 ? 0 : left_s % 60;
  const words = [...unit(hours, "hour"), ...unit(minutes, "minute"), ...unit(seconds, "second")];
  return words.join(" ") || "no time";
}

/** Which announcement is due when the time left fell from `before_ms` to `after_ms`; minutes, or null. */
export function threshold_passed(before_ms: number, after_ms: number): number | null {
  for (const minutes of [1, 5, 10, 30]) {
    const at_ms = minutes * 60_000;
    if (before_ms > at_ms && after_ms <= at_ms && after_ms > 0) return minutes;
  }
  return null;
}

export function local_time(at_ms: number, seconds = false): string {
  return new Date(at_ms).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    second: seconds ? "2-digit" : undefined,
  });
}

export function local_date_time(at_ms: number): string {
  return new Date(at_ms).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}
