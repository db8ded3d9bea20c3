// handing_in.ts - the end: of the time, or by the candidate; then the receipt, what stays on this device, and the result.
//
// This page never ends an exam by its own clock: at the end of time it stops taking input, goes on sending what the journal
// holds, and asks the hall what it decided.

import { Problem, type Reply, call, get, sentence } from "../core/api";
import { jittered_ms } from "../core/retry";
import type { Form, HallAnswers, Paper, Receipt, ResponseSheet, ScoreCard } from "../core/types";
import { kept_unacknowledged, sitting_of } from "../journal";
import { clear_sitting } from "./leaving";
import { questions_of } from "./paper";
import { BEAT_AFTER_MS, type Sitting, TAKING_INPUT } from "./sitting";

const ASK_MS = 4_000; // at the end of time: what did the hall decide?

export function watch_end(sitting: Sitting): void {
  const left_ms = sitting.left_ms();
  if (left_ms !== null && left_ms <= 0) end_of_time(sitting);
}

/** No more input; the journal goes on, and the hall is asked until it says what it decided. */
export function end_of_time(sitting: Sitting): void {
  if (sitting.ending || !TAKING_INPUT.includes(sitting.view)) return;
  sitting.ending = true;
  void sitting.flush().then(() => {
    if (!TAKING_INPUT.includes(sitting.view)) return;
    sitting.show("time-over");
    ask_at_end(sitting);
  });
}

function ask_at_end(sitting: Sitting): void {
  if (sitting.view !== "time-over") return;
  sitting.beat_in(jittered_ms(ASK_MS / 4)); // spread: everyone's time ends in the same instant
  setTimeout(() => ask_at_end(sitting), jittered_ms(ASK_MS));
}

// --- submitted -----------------------------------------------------------------------------------------------------

/** Everything the journal holds first, then the submission; both repeated until the hall has answered. */
export async function submit(sitting: Sitting): Promise<void> {
  const { generation } = sitting;
  sitting.show("submitting");
  try {
    await drained(sitting);
    if (sitting.view !== "submitting" || generation !== sitting.generation) return;
    sitting.handing_in = true;
    sitting.changed();
    const path = `${sitting.path}/submit`;
    const reply = await sitting.persistent(() => call<Receipt>("POST", path, {}));
    if (generation === sitting.generation) keep_receipt(sitting, reply);
  } catch (error) {
    if (generation === sitting.generation) submit_failed(sitting, error);
  }
}

function submit_failed(sitting: Sitting, error: unknown): void {
  sitting.handing_in = false;
  if (sitting.view !== "submitting") return;
  if (error instanceof Problem && error.status === 401) return sitting.signed_out(error);
  sitting.beat_in(0); // time may have ended meanwhile: the hall's word decides what is shown
  sitting.show("summary", sentence(error));
}

function drained(sitting: Sitting): Promise<void> {
  const journal = sitting.journal!;
  return new Promise((resolve) => {
    const look = () => {
      if (journal.pending() && sitting.view === "submitting" && !sitting.uploader?.state.stopped) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = sitting.subscribe(look);
    look();
  });
}

/** The hall says that it is submitted: by the candidate, by time, or by an officer. */
export async function finish(sitting: Sitting): Promise<void> {
  const { generation } = sitting;
  // Shown already, or on its way: the submission's own reply is the receipt too.
  if (sitting.finishing || sitting.view === "submitting" || sitting.view === "receipt") return;
  sitting.finishing = true;
  try {
    const path = `${sitting.path}/receipt`;
    const reply = await sitting.persistent(() => call<Receipt>("GET", path));
    if (generation === sitting.generation) keep_receipt(sitting, reply);
  } catch (error) {
    if (generation === sitting.generation) sitting.signed_out(error);
  } finally {
    sitting.finishing = false;
  }
}

function keep_receipt(sitting: Sitting, reply: Reply<Receipt>): void {
  sitting.receipt = { object: reply.body, text: reply.text };
  sitting.attempt = { ...sitting.attempt!, state: "submitted", submitted_at: reply.body.submitted_at };
  sitting.handing_in = false;
  void clear(sitting);
  sitting.uploader?.close();
  sitting.uploader = null;
  sitting.beat_in(jittered_ms(BEAT_AFTER_MS));
  sitting.show("receipt");
}

// --- afterwards ----------------------------------------------------------------------------------------------------

/** What the hall has leaves this device; what it has not stays and is said, even when the page was closed at the end. */
export function clear(sitting: Sitting): Promise<void> {
  sitting.cleared ??= clear_now(sitting);
  return sitting.cleared;
}

async function clear_now(sitting: Sitting): Promise<void> {
  const { generation, path, store } = sitting;
  const name = sitting_of(sitting.attempt!);
  await sitting.flush();
  const unsure = sitting.journal?.not_recorded() ?? (await kept_unacknowledged(store, name).catch(() => []));
  const ask = () => sitting.persistent(() => get<HallAnswers>(`${path}/answers`)).then(({ answers }) => answers);
  const rest = await clear_sitting(store, name, unsure, ask).catch(() => ({ lost: unsure, saves: [] }));
  if (rest.lost.length > 0 && sitting.questions.length === 0) await load_questions(sitting, path);
  if (generation !== sitting.generation) return;
  const lost = new Set(rest.lost.map((entry) => entry.item));
  sitting.not_recorded = sitting.questions.filter((q) => lost.has(q.paper.item)).map((q) => q.number);
  sitting.rest = rest;
  sitting.journal = null;
  sitting.questions = [];
  sitting.changed();
}

export async function load_result(sitting: Sitting): Promise<void> {
  const { generation, path } = sitting;
  if (TAKING_INPUT.includes(sitting.view)) sitting.show("time-over"); // the network was away until after the publication
  try {
    const card = await sitting.persistent(() => get<ScoreCard>(`${path}/result`));
    const sheet = await sitting.persistent(() => get<ResponseSheet>(`${path}/responses`)).catch(() => null);
    await clear(sitting);
    await load_questions(sitting, path);
    if (generation !== sitting.generation) return;
    sitting.result = { card, sheet };
    sitting.uploader?.close();
    sitting.show("result");
  } catch (error) {
    if (generation === sitting.generation) sitting.signed_out(error);
  }
}

/** For the response sheet: the letters as the candidate saw them. Without it, the sheet has the paper's letters. */
async function load_questions(sitting: Sitting, path: string): Promise<void> {
  const { generation } = sitting;
  try {
    const form = await get<Form>(`${path}/form`);
    const paper = await get<Paper>(form.paper);
    if (generation !== sitting.generation) return;
    sitting.questions = questions_of(paper, form);
    sitting.sections = paper.sections.map((section) => section.name);
  } catch {
    sitting.questions = [];
  }
}
