// sitting.ts - one candidate's way through the day, as a state that pages draw. Read journal.ts and uploader.ts first.
//
// The hall decides everything that counts: when it starts, when it ends, whether it is submitted; this only shows what it
// was told. Here are the state and what moves within it; what changes it is, in the order of the day, in
//   coming_in.ts    signing in and out, and the other windows of this browser
//   following.ts    asking the hall about the attempt, and doing what it said
//   opening.ts      the paper, the journal and the uploader of a running attempt
//   handing_in.ts   the end of time, the submission, the receipt, the result

import { DatabaseStore } from "../journal_db";
import { type Journal, type JournalStore, MemoryStore, sitting_of } from "../journal";
import { Problem, Unreachable, hall_clock, sentence } from "../core/api";
import { backoff_ms, sleep } from "../core/retry";
import type { Attempt, Receipt, ResponseSheet, ScoreCard } from "../core/types";
import type { Uploader } from "../uploader";
import { type Rest, moved_away } from "./leaving";
import type { Question } from "./paper";

export type View =
  | "boot"
  | "sign-in"
  | "instructions"
  | "loading"
  | "exam"
  | "summary"
  | "submitting"
  | "time-over"
  | "receipt"
  | "result"
  | "closed"
  | "elsewhere"
  | "other-tab";

export const TAKING_INPUT: View[] = ["exam", "summary", "submitting"];
const FINISHED: View[] = ["receipt", "result", "closed"];
export const BEAT_MS = 75_000; // without a word from the hall; each recorded answer is one
export const BEAT_AFTER_MS = 60_000; // once submitted there is only the publication to wait for

export class Sitting {
  view: View = "boot";
  notice: string | null = null; // one sentence above the page's content
  attempt: Attempt | null = null;
  questions: Question[] = [];
  sections: string[] = [];
  at = 0; // index into questions
  journal: Journal | null = null;
  uploader: Uploader | null = null;
  receipt: { object: Receipt; text: string } | null = null;
  result: { card: ScoreCard; sheet: ResponseSheet | null } | null = null;
  rest: Rest | null = null; // after the end, once it is known
  not_recorded: number[] = []; // the questions of that which the hall does not have
  handing_in = false; // the submission may be at the hall already: there is no way back
  connecting = false; // boot or load had no answer yet
  /** Writes down what is being typed; the question on screen sets it. */
  flush: () => Promise<void> = async () => undefined;

  // Of the files named above, not of the pages:
  readonly store: JournalStore = "indexedDB" in window ? new DatabaseStore() : new MemoryStore();
  generation = 0; // of the sign-in; what belongs to an older one is dropped
  ending = false; // the end of time was noticed
  finishing = false; // the receipt is being fetched
  cleared: Promise<void> | null = null; // this device forgets what the hall has
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | null = null;

  /** `beat` asks the hall about the attempt and follows its word: following.ts. */
  constructor(private readonly beat: (sitting: Sitting) => Promise<void>) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed = (): void => {
    for (const listener of this.listeners) listener();
  };

  show(view: View, notice: string | null = null): void {
    this.view = view;
    this.notice = notice;
    this.changed();
  }

  // --- the hall ----------------------------------------------------------------------------------------------------

  get path(): string {
    return `/v1/attempts/${this.attempt!.attempt}`;
  }

  beat_in(ms: number): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.beat(this), ms);
  }

  /** Repeats until the hall answers; only the hall's own "no" comes out as an error. */
  async persistent<T>(ask: () => Promise<T>): Promise<T> {
    const generation = this.generation;
    for (let failures = 1; ; failures++) {
      try {
        const answer = await ask();
        this.connecting = false;
        this.uploader?.heard(true);
        return answer;
      } catch (error) {
        const passing = error instanceof Unreachable || (error instanceof Problem && error.passing);
        if (!passing || generation !== this.generation) throw error;
        this.connecting = true;
        this.uploader?.heard(false, error instanceof Problem ? sentence(error) : null);
        this.changed();
        await sleep(backoff_ms(failures, error instanceof Problem ? error.retry_after_s : null));
      }
    }
  }

  /** The hall refused for good, in most cases because the session is over: back to the sign-in, with the reason. */
  signed_out(error: unknown): void {
    this.drop();
    if (error instanceof Problem && error.slug === "signed-in-elsewhere") {
      if (this.attempt) void moved_away(this.store, sitting_of(this.attempt)).catch(() => undefined);
      return this.show("elsewhere");
    }
    const kept = this.attempt ? "Please sign in again: you come back to the same place, with every answer." : null;
    this.show("sign-in", error instanceof Problem && error.status === 401 ? kept : sentence(error));
  }

  /** Forgets everything of the sign-in before; what the journal holds stays on the device. */
  drop(): void {
    void this.flush(); // what was typed a moment ago is written down before its question goes
    this.generation++;
    this.uploader?.close();
    this.uploader = null;
    this.journal = null;
    this.questions = [];
    this.receipt = null;
    this.result = null;
    this.rest = null;
    this.cleared = null;
    this.not_recorded = [];
    this.ending = false;
    this.handing_in = false;
    if (this.timer) clearTimeout(this.timer);
  }

  /** No answer is taken any more: submitted, published, or never started. */
  get ended(): boolean {
    return FINISHED.includes(this.view);
  }

  /** Time left by the hall's clock; null before the start. */
  left_ms(): number | null {
    const ends_at = this.attempt?.ends_at;
    return ends_at == null || !hall_clock.known() ? null : ends_at - hall_clock.now();
  }

  // --- moving and answering ----------------------------------------------------------------------------------------

  get question(): Question {
    return this.questions[this.at]!;
  }

  async go(index: number): Promise<void> {
    if (index < 0 || index >= this.questions.length) return;
    await this.flush();
    this.at = index;
    this.notice = null;
    if (this.view === "summary") this.view = "exam";
    this.visit();
    this.changed();
  }

  visit(): void {
    this.journal!.visit(this.question.paper.item);
  }

  save(value: string | null, marked: boolean, question: Question = this.question): Promise<void> {
    return this.journal!.save(question.paper.item, value, marked);
  }

  async toggle_mark(): Promise<void> {
    const question = this.question;
    await this.flush();
    const answer = this.journal!.get(question.paper.item);
    await this.save(answer?.value ?? null, !answer?.marked, question);
  }

  async summary(): Promise<void> {
    await this.flush();
    this.show("summary");
  }

  back_to_exam(): void {
    this.show("exam");
  }
}
