// desk.ts - what the officer's page knows, and how it stays fresh: the overview every two seconds, the list when asked
// and every ten. A request that failed is said and tried again; the figures on screen carry their age.

import { Problem, Unreachable, call, get, hall_clock, post, sentence } from "../core/api";
import { backoff_ms } from "../core/retry";
import type { CandidateRow, ExamRow, Overview } from "../core/types";

export interface Sample {
  at: number;
  saves_per_s: number;
  p50: number | null;
  p99: number | null;
}

export interface Filter {
  q: string;
  state: string;
}

const OVERVIEW_MS = 2_000;
const LIST_MS = 10_000;
const HISTORY_MS = 10 * 60_000;
export const PAGE_ROWS = 50;

export class Desk {
  signed_in: "unknown" | "no" | "yes" = "unknown";
  officer = "";
  notice: string | null = null;
  overview: Overview | null = null;
  overview_at = 0; // performance.now() of the newest figures
  lost: string | null = null;
  history: Sample[] = [];
  rows: CandidateRow[] = [];
  next: number | string | null = null;
  filter: Filter = { q: "", state: "" };
  /** Where each page shown so far began; the last one is on screen. */
  pages: (number | string | null)[] = [null];

  private readonly listeners = new Set<() => void>();
  private failures = 0;
  private listed_at = -Infinity;
  private asked = 0; // the list's newest question; older replies are dropped
  private generation = 0; // of the sign-in; what was asked before it, or before signing out, is dropped

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  async sign_in(name: string, password: string, totp: string): Promise<void> {
    const { name: officer } = await post<{ name: string; role: string }>("/v1/staff/sessions", { name, password, totp });
    this.generation++;
    this.officer = officer;
    this.signed_in = "yes";
    this.notice = null;
    this.changed();
    await this.refresh();
  }

  /** Only the hall can end the session: until it did, the officer is signed in, and an error says so. */
  async sign_out(): Promise<void> {
    await call("DELETE", "/v1/sessions").catch((error: unknown) => {
      if (!(error instanceof Problem && error.status === 401)) throw error; // 401: it had ended before
    });
    this.signed_in = "no";
    this.forget();
    this.changed();
  }

  /** The next officer at this desk finds neither figures nor what the one before looked for. */
  private forget(): void {
    this.generation++;
    this.asked++;
    this.listed_at = -Infinity;
    this.officer = "";
    this.notice = this.lost = this.overview = this.next = null;
    this.history = [];
    this.rows = [];
    this.filter = { q: "", state: "" };
    this.pages = [null];
  }

  /** Runs for as long as the page lives. */
  async run(): Promise<void> {
    for (;;) {
      if (this.signed_in !== "no") await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, this.failures ? backoff_ms(this.failures, null) : OVERVIEW_MS));
    }
  }

  async refresh(): Promise<void> {
    const generation = this.generation;
    try {
      const overview = await get<Overview>("/v1/staff/overview");
      if (generation !== this.generation) return;
      this.take(overview);
      if (performance.now() - this.listed_at > LIST_MS) await this.list();
    } catch (error) {
      if (generation !== this.generation) return;
      this.failed(error);
    }
    this.changed();
  }

  private take(overview: Overview): void {
    this.signed_in = "yes";
    this.failures = 0;
    this.lost = null;
    this.overview = overview;
    this.overview_at = performance.now();
    const { saves_per_s, latency_ms, now } = overview;
    // 0 is no latency: there was no save in the last minute.
    this.history.push({ at: now, saves_per_s, p50: latency_ms.p50 || null, p99: latency_ms.p99 || null });
    this.history = this.history.filter((sample) => sample.at > now - HISTORY_MS);
  }

  private failed(error: unknown): void {
    if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
      this.notice = this.signed_in === "yes" ? "Please sign in again." : null;
      this.signed_in = "no";
      return;
    }
    this.failures++;
    this.lost = error instanceof Unreachable ? "No answer from the hall." : sentence(error);
  }

  // --- the list ----------------------------------------------------------------------------------------------------

  async list(): Promise<void> {
    const mine = ++this.asked;
    this.listed_at = performance.now();
    const rows: CandidateRow[] = [];
    let next = this.pages.at(-1) ?? null;
    do {
      // The hall looks at some thousand candidates for one question, and may find none of them.
      const query = new URLSearchParams({ limit: String(PAGE_ROWS - rows.length) });
      if (this.filter.q) query.set("q", this.filter.q);
      if (this.filter.state) query.set("state", this.filter.state);
      if (next != null) query.set("after", String(next));
      const part = await get<{ candidates: CandidateRow[]; next: number | string | null }>(`/v1/staff/candidates?${query}`);
      if (mine !== this.asked) return;
      rows.push(...part.candidates);
      next = part.next;
    } while (next != null && rows.length < PAGE_ROWS);
    this.rows = rows;
    this.next = next;
    this.changed();
  }

  private relist(): void {
    void this.list().catch((error: unknown) => {
      this.failed(error);
      this.changed();
    });
  }

  search(filter: Filter): void {
    this.filter = filter;
    this.pages = [null];
    this.relist();
    this.changed();
  }

  page_next(): void {
    if (this.next == null) return;
    this.pages.push(this.next);
    this.relist();
  }

  page_back(): void {
    if (this.pages.length > 1) this.pages.pop();
    this.relist();
  }

  // --- orders ------------------------------------------------------------------------------------------------------

  async order(exam: string, act: "open" | "close" | "score" | "publish"): Promise<ExamRow> {
    const row = await post<ExamRow>(`/v1/exams/${encodeURIComponent(exam)}/${act}`, {}, { timeout_ms: 120_000 });
    await this.refresh();
    return row;
  }

  async add_time(attempt: number, minutes: number, reason: string, idempotency_key: string): Promise<void> {
    await post(`/v1/staff/attempts/${attempt}/time`, { minutes, reason }, { idempotency_key });
    await this.list().catch(() => undefined);
    this.changed();
  }

  now(): number {
    return hall_clock.known() ? hall_clock.now() : Date.now();
  }
}
