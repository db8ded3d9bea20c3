// uploader.ts - brings the journal to the hall: newest value per item, oldest first, two requests at a time, for ever.
//
// No answer from the hall, or "come again later", is no reason to stop: wait (jittered, 0.5 to 10 s) and send the
// same again. What the hall says for good ends it: for one item (refused), or for the whole attempt (`stopped`).

import type { Entry, Journal } from "./journal";
import { Problem, sentence } from "./core/api";
import { backoff_ms } from "./core/retry";
import type { SaveReply } from "./core/types";

export type Stopped = "signed-in-elsewhere" | "not-signed-in" | "time-over" | "submitted" | "not-started" | "not-yours";

const STOPS = new Set<string>(["signed-in-elsewhere", "not-signed-in", "time-over", "submitted", "not-started", "not-yours"]);
const AT_ONCE = 2;

export interface UploaderState {
  /** Since when no request got through, or null while they do. On this device's own clock, for people. */
  lost_since: number | null;
  /** What the hall said when it was reached but could not record (no room, busy); null when nothing came back. */
  lost_why: string | null;
  stopped: Stopped | null;
}

export class Uploader {
  readonly state: UploaderState = { lost_since: null, lost_why: null, stopped: null };
  private under_way = 0;
  private failures = 0;
  private waiting: ReturnType<typeof setTimeout> | null = null;
  private closed = false;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly journal: Journal,
    private readonly send: (entry: Entry) => Promise<SaveReply>,
    private readonly changed: () => void,
    private readonly chance: () => number = Math.random,
  ) {
    this.unsubscribe = journal.subscribe(() => this.pump());
    this.pump();
  }

  close(): void {
    this.closed = true;
    this.unsubscribe();
    if (this.waiting) clearTimeout(this.waiting);
  }

  /** The network seems to be back, or the candidate asked: do not wait any longer. */
  kick(): void {
    if (this.waiting) clearTimeout(this.waiting);
    this.waiting = null;
    this.pump();
  }

  /** After the hall's decision changed (time was added, signed in again). */
  resume(): void {
    this.state.stopped = null;
    this.kick();
  }

  /** A request of another kind got through or did not: the banner should know as well. */
  heard(recorded: boolean, why: string | null = null): void {
    const was = { ...this.state };
    this.state.lost_since = recorded ? null : (was.lost_since ?? Date.now());
    this.state.lost_why = recorded ? null : why;
    if (recorded && was.lost_since !== null) this.kick();
    if (this.state.lost_since !== was.lost_since || this.state.lost_why !== was.lost_why) this.changed();
  }

  private pump(): void {
    // While requests fail, one at a time finds out whether the way is open again.
    const at_once = this.failures > 0 ? 1 : AT_ONCE;
    while (!this.closed && !this.state.stopped && !this.waiting && this.under_way < at_once) {
      const entry = this.journal.take();
      if (!entry) return;
      this.under_way++;
      void this.one(entry).finally(() => {
        this.under_way--;
        this.pump();
      });
    }
  }

  private async one(entry: Entry): Promise<void> {
    try {
      const reply = await this.send(entry);
      this.failures = 0;
      this.heard(true);
      await this.journal.recorded(entry, reply);
    } catch (error) {
      await this.failed(entry, error);
    }
  }

  private async failed(entry: Entry, error: unknown): Promise<void> {
    if (error instanceof Problem && !error.passing) {
      this.failures = 0;
      this.heard(true);
      if (error.slug === "seq-reused") return this.journal.renumber(entry);
      if (!STOPS.has(error.slug)) return this.journal.refused(entry, sentence(error));
      this.state.stopped = error.slug as Stopped;
      this.journal.returned(entry);
      return this.changed();
    }
    this.failures++;
    this.wait(backoff_ms(this.failures, error instanceof Problem ? error.retry_after_s : null, this.chance));
    this.journal.returned(entry);
    this.heard(false, error instanceof Problem ? sentence(error) : null);
  }

  private wait(ms: number): void {
    if (this.waiting || this.closed) return;
    this.waiting = setTimeout(() => {
      this.waiting = null;
      this.pump();
    }, ms);
  }
}
