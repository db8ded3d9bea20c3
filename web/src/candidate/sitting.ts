// sitting.ts - one candidate's way through the day, as a state that pages draw. Read journal.ts and uploader.ts first.
//
// The hall decides everything that counts: when it starts, when it ends, whether it is submitted. This object asks
// (each heartbeat brings the attempt back), and shows what it was told. It never ends an exam by its own clock: at the end
// of time it stops taking input, goes on sending what the journal holds, and asks the hall what it decided.

import { DatabaseStore } from "../journal_db";
import { type Entry, Journal, MemoryStore, not_at_hall, sitting_of } from "../journal";
import { Problem, type Reply, Unreachable, call, get, hall_clock, post, sentence } from "../core/api";
import { backoff_ms, jittered_ms, sleep } from "../core/retry";
import type { Attempt, Form, HallAnswers, Paper, Receipt, ResponseSheet, SaveReply, ScoreCard } from "../core/types";
import { Uploader } from "../uploader";
import { load_formulas } from "../core/rich_text";
import { type Question, questions_of } from "./paper";
import { take_over } from "./tabs";

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

const TAKING_INPUT: View[] = ["exam", "summary", "submitting"];
// These wait for a person: a window that was taken over must not take the exam back because it is looked at.
const AT_REST: View[] = ["boot", "sign-in", "elsewhere", "other-tab"];
const BEAT_MS = 75_000; // without a word from the hall; each recorded answer is one
const BEAT_AFTER_MS = 60_000; // once submitted there is only the publication to wait for
const ASK_MS = 4_000; // at the end of time: what did the hall decide?
const ATTEMPT_KEY = "examhall.attempt";

const store = "indexedDB" in window ? new DatabaseStore() : new MemoryStore();

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
  not_recorded: number[] = []; // question numbers that the hall does not have, after the end
  connecting = false; // boot or load had no answer yet
  /** Writes down what is being typed; the question on screen sets it. */
  flush: () => Promise<void> = async () => undefined;

  private readonly listeners = new Set<() => void>();
  private beat: ReturnType<typeof setTimeout> | null = null;
  private generation = 0; // of the sign-in; what belongs to an older one is dropped
  private ending = false;
  private finishing = false;

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed = (): void => {
    for (const listener of this.listeners) listener();
  };

  private show(view: View, notice: string | null = null): void {
    this.view = view;
    this.notice = notice;
    this.changed();
  }

  // --- coming in ---------------------------------------------------------------------------------------------------

  async boot(): Promise<void> {
    window.addEventListener("online", () => this.uploader?.kick());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) void this.flush();
      else if (this.attempt && !AT_REST.includes(this.view)) this.beat_in(0);
    });
    window.addEventListener("pagehide", () => void this.flush());
    setInterval(() => this.watch_end(), 500);
    const number = Number(localStorage.getItem(ATTEMPT_KEY));
    if (!number) return this.show("sign-in");
    try {
      this.adopt(await this.persistent(() => get<Attempt>(`/v1/attempts/${number}`)));
    } catch (error) {
      this.signed_out(error);
    }
  }

  async sign_in(roll: string, code: string): Promise<void> {
    const attempt = await post<Attempt>("/v1/sessions", { roll, code });
    localStorage.setItem(ATTEMPT_KEY, String(attempt.attempt));
    this.drop();
    this.adopt(attempt);
  }

  async sign_out(): Promise<void> {
    await call("DELETE", "/v1/sessions").catch(() => undefined);
    localStorage.removeItem(ATTEMPT_KEY);
    this.drop();
    this.attempt = null;
    this.show("sign-in");
  }

  /** Forgets everything of the sign-in before; what the journal holds stays on the device. */
  private drop(): void {
    this.generation++;
    this.uploader?.close();
    this.uploader = null;
    this.journal = null;
    this.questions = [];
    this.receipt = null;
    this.result = null;
    this.not_recorded = [];
    this.ending = false;
    if (this.beat) clearTimeout(this.beat);
  }

  private signed_out(error: unknown): void {
    this.drop();
    if (error instanceof Problem && error.slug === "signed-in-elsewhere") return this.show("elsewhere");
    const kept = this.attempt ? "Please sign in again: you come back to the same place, with every answer." : null;
    this.show("sign-in", error instanceof Problem && error.status === 401 ? kept : sentence(error));
  }

  /** Repeats until the hall answers; only the hall's own "no" comes out as an error. */
  private async persistent<T>(ask: () => Promise<T>): Promise<T> {
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

  // --- what the hall said about the attempt ------------------------------------------------------------------------

  private adopt(attempt: Attempt): void {
    this.attempt = attempt;
    this.beat_in(jittered_ms(attempt.state === "submitted" ? BEAT_AFTER_MS : BEAT_MS));
    switch (attempt.state) {
      case "waiting":
      case "ready":
        void load_formulas().catch(() => undefined); // so that the first question shows its formulas at once
        if (this.view !== "instructions") this.show("instructions");
        break;
      case "running":
        if (!this.journal) void this.load();
        else if (this.view === "time-over" && this.left_ms()! > 0) this.time_was_added();
        else if (this.uploader?.state.stopped) this.uploader.resume();
        break;
      case "submitted":
        // Over, but for a moment not yet submitted: what is still on its way counts, so go on sending.
        if (attempt.submitted_at !== null) void this.finish();
        else if (this.journal) this.end_of_time();
        else void this.load();
        break;
      case "published":
        if (this.view !== "result") void this.load_result();
        break;
      case "closed":
        this.show("closed");
    }
    this.changed();
  }

  private time_was_added(): void {
    this.ending = false;
    this.uploader?.resume();
    this.show("exam", "Time was added: you can go on.");
  }

  async start(): Promise<void> {
    const { attempt } = this.attempt!;
    this.adopt(await post<Attempt>(`/v1/attempts/${attempt}/start`, {}));
  }

  private async load(): Promise<void> {
    const generation = this.generation;
    const { attempt } = this.attempt!;
    if (this.view === "loading") return;
    this.show("loading");
    try {
      await take_over(attempt, () => this.hand_over(), () => this.lost_tab(generation));
      const [form, answers] = await Promise.all([
        this.persistent(() => get<Form>(`/v1/attempts/${attempt}/form`)),
        this.persistent(() => get<HallAnswers>(`/v1/attempts/${attempt}/answers`)),
      ]);
      const paper = await this.persistent(() => get<Paper>(form.paper));
      if (generation !== this.generation) return;
      await this.open(paper, form, answers);
    } catch (error) {
      if (generation === this.generation) this.signed_out(error);
    }
  }

  private async open(paper: Paper, form: Form, answers: HallAnswers): Promise<void> {
    const journal = new Journal(store, sitting_of(this.attempt!));
    this.questions = questions_of(paper, form);
    this.sections = paper.sections.map((section) => section.name);
    this.journal = journal;
    await journal.open(answers);
    journal.subscribe(this.changed);
    this.uploader = new Uploader(journal, (entry) => this.send(entry), () => this.uploader_changed());
    this.at = Math.max(0, this.questions.findIndex((question) => question.paper.item === journal.place));
    this.show("exam");
    this.visit();
    if (this.attempt!.state !== "running") this.end_of_time();
  }

  private send(entry: Entry): Promise<SaveReply> {
    const { item, value, marked, seq } = entry;
    const path = `/v1/attempts/${this.attempt!.attempt}/answers/${item}`;
    return call<SaveReply>("PUT", path, { value, marked, seq }, { keepalive: document.hidden }).then((r) => this.saved(r.body));
  }

  /** A reply to a save says what a heartbeat would, so none is needed soon; but for added time, which it looks at. */
  private saved(reply: SaveReply): SaveReply {
    const ends_at = this.attempt?.ends_at;
    if (this.attempt?.state === "running") this.beat_in(jittered_ms(ends_at && reply.ends_at > ends_at ? 1000 : BEAT_MS));
    return reply;
  }

  private uploader_changed(): void {
    const stopped = this.uploader?.state.stopped;
    if (stopped === "signed-in-elsewhere") {
      this.drop();
      this.show("elsewhere");
    } else if (stopped === "not-signed-in" || stopped === "not-yours") {
      this.signed_out(new Problem(401, stopped, "", "", null));
    } else if (stopped) {
      this.beat_in(jittered_ms(1000)); // what the hall says of the attempt then decides
    }
    this.changed();
  }

  // --- another window of this browser ------------------------------------------------------------------------------

  private async hand_over(): Promise<void> {
    await this.flush();
  }

  private lost_tab(generation: number): void {
    if (generation !== this.generation) return;
    this.drop();
    this.show("other-tab");
  }

  async use_here(): Promise<void> {
    this.view = "boot";
    const { attempt } = this.attempt!;
    try {
      this.adopt(await this.persistent(() => get<Attempt>(`/v1/attempts/${attempt}`)));
    } catch (error) {
      this.signed_out(error);
    }
  }

  // --- heartbeat and the end of time -------------------------------------------------------------------------------

  beat_in(ms: number): void {
    if (this.beat) clearTimeout(this.beat);
    this.beat = setTimeout(() => void this.beat_now(), ms);
  }

  private async beat_now(): Promise<void> {
    const { attempt, state } = this.attempt!;
    const generation = this.generation;
    this.beat_in(jittered_ms(BEAT_MS));
    try {
      const place = this.journal?.place;
      const running = state === "running" && place;
      const path = `/v1/attempts/${attempt}`;
      const told = running ? await post<Attempt>(`${path}/heartbeat`, { place }) : await get<Attempt>(path);
      if (generation !== this.generation) return;
      // A heartbeat that gets through does not say that answers can be recorded.
      if (this.uploader && (!this.uploader.state.lost_why || !this.journal!.pending())) this.uploader.heard(true);
      this.adopt(told);
    } catch (error) {
      if (generation !== this.generation) return;
      if (error instanceof Problem && error.status === 401) return this.signed_out(error);
      if (error instanceof Problem && error.status === 409) return this.look();
      const passing = error instanceof Problem && error.passing;
      if (passing || error instanceof Unreachable) this.uploader?.heard(false, passing ? sentence(error) : null);
    }
  }

  /** A heartbeat that came too late is refused; reading the attempt never is. */
  private look(): void {
    void get<Attempt>(`/v1/attempts/${this.attempt!.attempt}`).then(
      (attempt) => this.adopt(attempt),
      () => undefined,
    );
  }

  /** Time left by the hall's clock; null before the start. */
  left_ms(): number | null {
    const ends_at = this.attempt?.ends_at;
    return ends_at == null || !hall_clock.known() ? null : ends_at - hall_clock.now();
  }

  private watch_end(): void {
    const left_ms = this.left_ms();
    if (left_ms !== null && left_ms <= 0) this.end_of_time();
  }

  /** No more input; the journal goes on, and the hall is asked until it says what it decided. */
  private end_of_time(): void {
    if (this.ending || !TAKING_INPUT.includes(this.view)) return;
    this.ending = true;
    void this.flush().then(() => {
      if (!TAKING_INPUT.includes(this.view)) return;
      this.show("time-over");
      this.ask_at_end();
    });
  }

  private ask_at_end(): void {
    if (this.view !== "time-over") return;
    this.beat_in(jittered_ms(ASK_MS / 4)); // spread: everyone's time ends in the same instant
    setTimeout(() => this.ask_at_end(), jittered_ms(ASK_MS));
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

  private visit(): void {
    this.journal!.visit(this.question.paper.item);
  }

  save(value: string | null, marked: boolean, question: Question = this.question): Promise<void> {
    return this.journal!.save(question.paper.item, value, marked);
  }

  async toggle_mark(): Promise<void> {
    await this.flush();
    const answer = this.journal!.get(this.question.paper.item);
    await this.save(answer?.value ?? null, !answer?.marked);
  }

  async summary(): Promise<void> {
    await this.flush();
    this.show("summary");
  }

  back_to_exam(): void {
    this.show("exam");
  }

  // --- the end -----------------------------------------------------------------------------------------------------

  /** Everything the journal holds first, then the submission; both repeated until the hall has answered. */
  async submit(): Promise<void> {
    const generation = this.generation;
    this.show("submitting");
    try {
      await this.drained();
      if (this.view !== "submitting" || generation !== this.generation) return;
      const path = `/v1/attempts/${this.attempt!.attempt}/submit`;
      const reply = await this.persistent(() => call<Receipt>("POST", path, {}));
      if (generation === this.generation) this.keep_receipt(reply);
    } catch (error) {
      if (generation !== this.generation || this.view !== "submitting") return;
      if (error instanceof Problem && error.status === 401) return this.signed_out(error);
      this.beat_in(0); // time may have ended meanwhile: the hall's word decides what is shown
      this.show("summary", sentence(error));
    }
  }

  private drained(): Promise<void> {
    const journal = this.journal!;
    return new Promise((resolve) => {
      const look = () => {
        if (journal.pending() && this.view === "submitting" && !this.uploader?.state.stopped) return;
        unsubscribe();
        resolve();
      };
      const unsubscribe = this.subscribe(look);
      look();
    });
  }

  private keep_receipt(reply: Reply<Receipt>): void {
    this.receipt = { object: reply.body, text: reply.text };
    this.attempt = { ...this.attempt!, state: "submitted", submitted_at: reply.body.submitted_at };
    void this.tell_not_recorded(this.journal?.items_not_recorded() ?? null);
    this.uploader?.close();
    this.uploader = null;
    this.beat_in(jittered_ms(BEAT_AFTER_MS));
    this.show("receipt");
  }

  /** What was typed here and is not at the hall is said, even when the page was closed at the end of time. */
  private async tell_not_recorded(known: number[] | null): Promise<void> {
    const path = `/v1/attempts/${this.attempt!.attempt}`;
    const lost = new Set(known ?? (await this.kept_but_not_recorded(path)));
    if (lost.size > 0 && this.questions.length === 0) await this.load_questions(path);
    this.not_recorded = this.questions.filter((q) => lost.has(q.paper.item)).map((q) => q.number);
    this.changed();
  }

  private async kept_but_not_recorded(path: string): Promise<number[]> {
    const { entries } = await store.read(sitting_of(this.attempt!)).catch(() => ({ entries: [] }));
    const unsure = entries.filter((entry) => entry.stage !== "recorded");
    if (unsure.length === 0) return [];
    const hall = await get<HallAnswers>(`${path}/answers`).catch(() => null);
    return not_at_hall(unsure, hall?.answers ?? []);
  }

  /** The hall says that it is submitted: by the candidate, by time, or by an officer. */
  private async finish(): Promise<void> {
    const generation = this.generation;
    // Shown already, or on its way: the submission's own reply is the receipt too.
    if (this.finishing || this.view === "submitting" || this.view === "receipt") return;
    this.finishing = true;
    try {
      const path = `/v1/attempts/${this.attempt!.attempt}/receipt`;
      const reply = await this.persistent(() => call<Receipt>("GET", path));
      if (generation === this.generation) this.keep_receipt(reply);
    } catch (error) {
      if (generation === this.generation) this.signed_out(error);
    } finally {
      this.finishing = false;
    }
  }

  private async load_result(): Promise<void> {
    const generation = this.generation;
    const path = `/v1/attempts/${this.attempt!.attempt}`;
    try {
      const card = await this.persistent(() => get<ScoreCard>(`${path}/result`));
      const sheet = await this.persistent(() => get<ResponseSheet>(`${path}/responses`)).catch(() => null);
      if (this.questions.length === 0) await this.load_questions(path);
      if (generation !== this.generation) return;
      this.result = { card, sheet };
      this.uploader?.close();
      this.show("result");
    } catch (error) {
      if (generation === this.generation) this.signed_out(error);
    }
  }

  /** For the response sheet: the letters as the candidate saw them. Without it, the sheet has the paper's letters. */
  private async load_questions(path: string): Promise<void> {
    try {
      const form = await get<Form>(`${path}/form`);
      const paper = await get<Paper>(form.paper);
      this.questions = questions_of(paper, form);
      this.sections = paper.sections.map((section) => section.name);
    } catch {
      this.questions = [];
    }
  }

  /** Receipts of every save that this device saw acknowledged. */
  async journal_file(): Promise<string> {
    const journal = this.journal ?? new Journal(store, sitting_of(this.attempt!));
    return JSON.stringify({ roll: this.attempt!.roll, saves: await journal.receipts() }, null, 1);
  }
}
