// following.ts - asks the hall about the attempt, and does what follows from its word.
//
// Every reply that brings the attempt ends in follow(). Besides it only the candidate (submit), the clock (end_of_time),
// another window and a refusal change the page. So a page that slept, was reloaded or had no network needs no special
// case: it hears the state, and is there.

import { Problem, Unreachable, get, post, sentence } from "../core/api";
import { load_formulas } from "../core/rich_text";
import { jittered_ms } from "../core/retry";
import type { Attempt, Started } from "../core/types";
import { clear, end_of_time, finish, load_result } from "./handing_in";
import { load } from "./opening";
import { BEAT_AFTER_MS, BEAT_MS, type Sitting } from "./sitting";

/** `told` may be the reply to a start, which says more than other replies: opening.ts takes it from there. */
export function follow(sitting: Sitting, told: Attempt | Started): void {
  const { form, packed_paper, ...attempt }: Started = told;
  sitting.attempt = attempt;
  sitting.beat_in(jittered_ms(attempt.state === "submitted" ? BEAT_AFTER_MS : BEAT_MS));
  switch (attempt.state) {
    case "waiting":
    case "ready":
      void load_formulas().catch(() => undefined); // so that the first question shows its formulas at once
      if (sitting.view !== "instructions") sitting.show("instructions");
      break;
    case "running":
      if (!sitting.journal) void load(sitting, told);
      else if (sitting.view === "time-over" && sitting.left_ms()! > 0) time_was_added(sitting);
      else if (sitting.uploader?.state.stopped) sitting.uploader.resume();
      break;
    case "submitted":
      // Over, but for a moment not yet submitted: what is still on its way counts, so go on sending.
      if (attempt.submitted_at !== null) void finish(sitting);
      else if (sitting.journal) end_of_time(sitting);
      else void load(sitting);
      break;
    case "published":
      if (sitting.view !== "result") void load_result(sitting);
      break;
    case "closed":
      void clear(sitting);
      sitting.show("closed");
  }
  sitting.changed();
}

function time_was_added(sitting: Sitting): void {
  sitting.ending = false;
  sitting.uploader?.resume();
  sitting.show("exam", "Time was added: you can go on.");
}

export async function start(sitting: Sitting): Promise<void> {
  const generation = sitting.generation;
  const started = await post<Started>(`${sitting.path}/start`, {});
  if (generation === sitting.generation) follow(sitting, started);
}

/** The heartbeat: says where the candidate is, and hears what the hall has decided. */
export async function beat(sitting: Sitting): Promise<void> {
  const generation = sitting.generation;
  sitting.beat_in(jittered_ms(BEAT_MS));
  try {
    const told = await ask(sitting);
    if (generation !== sitting.generation) return;
    // A heartbeat that gets through does not say that answers can be recorded.
    if (sitting.uploader && (!sitting.uploader.state.lost_why || !sitting.journal!.pending())) sitting.uploader.heard(true);
    follow(sitting, told);
  } catch (error) {
    if (generation === sitting.generation) beat_failed(sitting, error);
  }
}

function ask({ attempt, journal, path }: Sitting): Promise<Attempt> {
  const place = journal?.place;
  return attempt!.state === "running" && place ? post<Attempt>(`${path}/heartbeat`, { place }) : get<Attempt>(path);
}

function beat_failed(sitting: Sitting, error: unknown): void {
  if (error instanceof Problem && (error.status === 401 || error.status === 403)) return sitting.signed_out(error);
  if (error instanceof Problem && error.status === 409) return look(sitting);
  const passing = error instanceof Problem && error.passing;
  if (passing || error instanceof Unreachable) sitting.uploader?.heard(false, passing ? sentence(error) : null);
}

/** A heartbeat that came too late is refused; reading the attempt never is. */
function look(sitting: Sitting): void {
  const generation = sitting.generation;
  void get<Attempt>(sitting.path).then(
    (attempt) => generation === sitting.generation && follow(sitting, attempt),
    () => undefined,
  );
}
