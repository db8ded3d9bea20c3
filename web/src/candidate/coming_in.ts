// coming_in.ts - who sits at this page: the way in, the way out, and the other windows of this browser.
//
// All windows share one cookie, so what one of them does holds for all. Whoever leaves takes everything along that the
// hall has (leaving.ts).

import { Problem, call, get, post } from "../core/api";
import type { Attempt } from "../core/types";
import { forget_acknowledged, sitting_of } from "../journal";
import { follow } from "./following";
import { watch_end } from "./handing_in";
import { IDLE_MS, swept } from "./leaving";
import { settings_forget } from "./settings";
import { signed_in_read, signed_in_watch, signed_in_write } from "./signed_in";
import type { Sitting, View } from "./sitting";

// These wait for a person: a window that was taken over must not take the exam back because it is looked at.
const AT_REST: View[] = ["boot", "sign-in", "elsewhere", "other-tab"];
const WATCH_MS = 500;

let touched_ms = performance.now(); // when somebody last used this page

/** Once, when the page was loaded: signed in already, or not. */
export async function boot(sitting: Sitting): Promise<void> {
  listen(sitting);
  const number = signed_in_read();
  if (number === null) return sitting.show("sign-in");
  await come_back(sitting, number);
}

function listen(sitting: Sitting): void {
  window.addEventListener("online", () => sitting.uploader?.kick());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) void sitting.flush();
    else if (sitting.attempt && !AT_REST.includes(sitting.view)) sitting.beat_in(0);
  });
  window.addEventListener("pagehide", () => void sitting.flush());
  window.addEventListener("beforeunload", (event) => {
    if (sitting.journal?.pending() || sitting.handing_in) event.preventDefault(); // without the hall it could not come back
  });
  for (const touch of ["pointerdown", "keydown"])
    window.addEventListener(touch, () => (touched_ms = performance.now()), { capture: true });
  signed_in_watch((number) => other_signed_in(sitting, number));
  setInterval(() => (watch_end(sitting), watch_idle(sitting)), WATCH_MS);
}

async function come_back(sitting: Sitting, attempt: number): Promise<void> {
  try {
    follow(sitting, await sitting.persistent(() => get<Attempt>(`/v1/attempts/${attempt}`)));
  } catch (error) {
    sitting.signed_out(error);
  }
}

export async function sign_in(sitting: Sitting, roll: string, code: string): Promise<void> {
  const attempt = await post<Attempt>("/v1/sessions", { roll, code });
  if (signed_in_read() !== attempt.attempt) settings_forget();
  signed_in_write(attempt.attempt);
  sitting.drop();
  void forget_acknowledged(sitting.store, sitting_of(attempt)).catch(() => undefined); // whoever sat here before
  follow(sitting, attempt);
}

/** Only the hall can end the session: until it did, the candidate is signed in, and an error says so. */
export async function sign_out(sitting: Sitting, notice: string | null = null): Promise<void> {
  await call("DELETE", "/v1/sessions").catch((error: unknown) => {
    if (!(error instanceof Problem && error.status === 401)) throw error; // 401: it had ended before
  });
  const clean = await swept(sitting.store);
  signed_in_write(null);
  settings_forget();
  leave(sitting, clean ? notice : "This browser could not delete what it keeps of your answers. Please tell an invigilator.");
}

function leave(sitting: Sitting, notice: string | null): void {
  sitting.drop();
  sitting.attempt = null;
  sitting.show("sign-in", notice);
}

/** Whoever finished and went away without signing out is not shown to the next who comes. */
function watch_idle(sitting: Sitting): void {
  if (!sitting.ended || sitting.rest?.lost.length !== 0) return;
  if (performance.now() - touched_ms < IDLE_MS) return;
  touched_ms = performance.now(); // if the hall is away: again after the same time
  void sign_out(sitting, "You were signed out: this page was not used for 10 minutes.").catch(() => undefined);
}

// --- other windows of this browser ---------------------------------------------------------------------------------

/** The cookie is no longer ours, so neither is this window. */
function other_signed_in(sitting: Sitting, number: number | null): void {
  if (!sitting.attempt || sitting.attempt.attempt === number) return;
  leave(sitting, number === null ? "You signed out in another window." : "Another candidate signed in, in another window of this browser.");
}

/** Takes the exam back from the window that had taken it. */
export async function use_here(sitting: Sitting): Promise<void> {
  sitting.view = "boot";
  await come_back(sitting, sitting.attempt!.attempt);
}
