// sitting.ts - one candidate's way through the day, as a state that pages draw. Read journal.ts and uploader.ts first.
//
// The hall decides everything that counts: when it starts, when it ends, whether it is submitted. This object asks
// (each heartbeat brings the attempt back), and shows what it was told. It never ends an exam by its own clock: at the end
// of time it stops taking input, goes on sending what the journal holds, and asks the hall what it decided.

import { DatabaseStore } from "../journal_db";
import { type Entry, Journal, MemoryStore, forget_acknowledged, kept_unacknowledged, sitting_of } from "../journal";
import { Problem, type Reply, Unreachable, call, get, hall_clock, post, sentence } from "../core/api";
import { backoff_ms, jittered_ms, sleep } from "../core/retry";
import type { Attempt, Form, HallAnswers, Paper, Receipt, ResponseSheet, SaveReply, ScoreCard } from "../core/types";
import { Uploader } from "../uploader";
import { load_formulas } from "../core/rich_text";
import { IDLE_MS, type Rest, clear_sitting, moved_away, saves_file, swept } from "./leaving";
import { type Question, questions_of } from "./paper";
import { settings_forget } from "./settings";
import { signed_in_read, signed_in_watch, signed_in_write } from "./signed_in";
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
const FINISHED: View[] = ["receipt", "result", "closed"];
const BEAT_MS = 75_000; // without a word from the hall; each recorded answer is one
const BEAT_AFTER_MS = 60_000; // once submitted there is only the publication to wait for
const ASK_MS = 4_000; // at the end of time: what did the hall decide?

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
  rest: Rest | null = null; // after the end, once it is known
  not_recorded: number[] = []; // the questions of that which the hall does not have
  handing_in = false; // the submission may be at the hall already: there is no way back
  connecting = false; // boot or load had no answer yet
  /** Writes down what is being typed; the question on screen sets it. */
  flush: () => Promise<void> = async () => undefined;

  private readonly listeners = new Set<() => void>();
  private beat: ReturnType<typeof setTimeout> | null = null;
  private generation = 0; // of the sign-in; what belongs to an older one is dropped
  private ending = false;
  private finishing = false;
  private cleared: Promise<void> | null = null;
  private touched_ms = performance.now();

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
    window.addEventListener("beforeunload", (event) => {
      if (this.journal?.pending() || this.handing_in) event.preventDefault(); // without the hall it could not come back
    });
    for (const touch of ["pointerdown", "keydown"])
      window.addEventListener(touch, () => (this.touched_ms = performance.now()), { capture: true });
    signed_in_watch((number) => this.other_signed_in(number));
    setInterval(() => (this.watch_end(), this.watch_idle()), 500);
    const number = signed_in_read();
    if (number === null) return this.show("sign-in");
    try {
      this.adopt(await this.persistent(() => get<Attempt>(`/v1/attempts/${number}`)));
    } catch (error) {
      this.signed_out(error);
    }
  }

  async sign_in(roll: string, code: string): Promise<void> {
    const attempt = await post<Attempt>("/v1/sessions", { roll, code });
    if (signed_in_read() !== attempt.attempt) settings_forget();
    signed_in_write(attempt.attempt);
    this.drop();
    void forget_acknowledged(store, sitting_of(attempt)).catch(() => undefined); // whoever sat here before
    this.adopt(attempt);
  }

  /** Only the hall can end the session: until it did, the candidate is signed in, and an error says so. */
  async sign_out(notice: string | null = null): Promise<void> {
    await call("DELETE", "/v1/sessions").catch((error: unknown) => {
      if (!(error instanceof Problem && error.status === 401)) throw error; // 401: it had ended before
    });
    const clean = await swept(store);
    signed_in_write(null);
    settings_forget();
    this.leave(clean ? notice : "This browser could not delete what it keeps of your answers. Please tell an invigilator.");
  }

  private leave(notice: string | null): void {
    this.drop();
    this.attempt = null;
    this.show("sign-in", notice);
  }

  /** The cookie is no longer ours, so neither is this window. */
  private other_signed_in(number: number | null): void {
    if (!this.attempt || this.attempt.attempt === number) return;
    this.leave(number === null ? "You signed out in another window." : "Another candidate signed in, in another window of this browser.");
  }

  /** Forgets everything of the sign-in before; what the journal holds stays on the device. */
  private drop(): void {
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
    if (this.beat) clearTimeout(this.beat);
  }

  private signed_out(error: unknown): void {
    this.drop();
    if (error instanceof Problem && error.slug === "signed-in-elsewhere") {
      if (this.attempt) void moved_away(store, sitting_of(this.attempt)).catch(() => undefined);
      return this.show("elsewhere");
    }
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
        void this.clear();
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
    const generation = this.generation;
    const { attempt } = this.attempt!;
    const started = await post<Attempt>(`/v1/attempts/${attempt}/start`, {});
    if (generation === this.generation) this.adopt(started);
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
    if (stopped === "signed-in-elsewhere" || stopped === "not-signed-in" || stopped === "not-yours") {
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
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) return this.signed_out(error);
      if (error instanceof Problem && error.status === 409) return this.look();
      const passing = error instanceof Problem && error.passing;
      if (passing || error instanceof Unreachable) this.uploader?.heard(false, passing ? sentence(error) : null);
    }
  }

  /** A heartbeat that came too late is refused; reading the attempt never is. */
  private look(): void {
    const generation = this.generation;
    void get<Attempt>(`/v1/attempts/${this.attempt!.attempt}`).then(
      (attempt) => generation === this.generation && this.adopt(attempt),
      () => undefined,
    );
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

  private watch_end(): void {
    const left_ms = this.left_ms();
    if (left_ms !== null && left_ms <= 0) this.end_of_time();
  }

  /** Whoever finished and went away without signing out is not shown to the next who comes. */
  private watch_idle(): void {
    if (!this.ended || this.rest?.lost.length !== 0) return;
    if (performance.now() - this.touched_ms < IDLE_MS) return;
    this.touched_ms = performance.now(); // if the hall is away: again after the same time
    void this.sign_out("You were signed out: this page was not used for 10 minutes.").catch(() => undefined);
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

  // --- the end -----------------------------------------------------------------------------------------------------

  /** Everything the journal holds first, then the submission; both repeated until the hall has answered. */
  async submit(): Promise<void> {
    const generation = this.generation;
    this.show("submitting");
    try {
      await this.drained();
      if (this.view !== "submitting" || generation !== this.generation) return;
      this.handing_in = true;
      this.changed();
      const path = `/v1/attempts/${this.attempt!.attempt}/submit`;
      const reply = await this.persistent(() => call<Receipt>("POST", path, {}));
      if (generation === this.generation) this.keep_receipt(reply);
    } catch (error) {
      if (generation !== this.generation) return;
      this.handing_in = false;
      if (this.view !== "submitting") return;
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
    this.handing_in = false;
    void this.clear();
    this.uploader?.close();
    this.uploader = null;
    this.beat_in(jittered_ms(BEAT_AFTER_MS));
    this.show("receipt");
  }

  /** What the hall has leaves this device; what it has not stays and is said, even when the page was closed at the end. */
  private clear(): Promise<void> {
    this.cleared ??= this.clear_now(this.generation);
    return this.cleared;
  }

  private async clear_now(generation: number): Promise<void> {
    const path = `/v1/attempts/${this.attempt!.attempt}`;
    const sitting = sitting_of(this.attempt!);
    await this.flush();
    const unsure = this.journal?.not_recorded() ?? (await kept_unacknowledged(store, sitting).catch(() => []));
    const ask = () => this.persistent(() => get<HallAnswers>(`${path}/answers`)).then(({ answers }) => answers);
    const rest = await clear_sitting(store, sitting, unsure, ask).catch(() => ({ lost: unsure, saves: [] }));
    if (rest.lost.length > 0 && this.questions.length === 0) await this.load_questions(path);
    if (generation !== this.generation) return;
    const lost = new Set(rest.lost.map((entry) => entry.item));
    this.not_recorded = this.questions.filter((q) => lost.has(q.paper.item)).map((q) => q.number);
    this.rest = rest;
    this.journal = null;
    this.questions = [];
    this.changed();
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
    if (TAKING_INPUT.includes(this.view)) this.show("time-over"); // the network was away until after the publication
    try {
      const card = await this.persistent(() => get<ScoreCard>(`${path}/result`));
      const sheet = await this.persistent(() => get<ResponseSheet>(`${path}/responses`)).catch(() => null);
      await this.clear();
      await this.load_questions(path);
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
    const generation = this.generation;
    try {
      const form = await get<Form>(`${path}/form`);
      const paper = await get<Paper>(form.paper);
      if (generation !== this.generation) return;
      this.questions = questions_of(paper, form);
      this.sections = paper.sections.map((section) => section.name);
    } catch {
      this.questions = [];
    }
  }

  /** Receipts of every save that this device saw acknowledged; only this page still has them. */
  saves_file(): string {
    return saves_file(this.attempt!.roll, this.rest!);
  }
}
