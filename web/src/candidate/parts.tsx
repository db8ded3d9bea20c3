// parts.tsx - small pieces that several pages of the candidate share.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { countdown, countdown_words, local_time, threshold_passed } from "../core/clock";
import type { Stage } from "../journal";
import type { Sitting } from "./sitting";
import { STATUSES, type Status } from "./paper";

/** Draws again whenever the sitting changes. */
export function use_sitting(sitting: Sitting): void {
  const [, again] = useReducer<number, void>((n) => n + 1, 0);
  // Before the first paint: a change right after the first drawing must not be missed.
  useLayoutEffect(() => sitting.subscribe(() => again()), [sitting]);
}

/** A number that grows every `period_ms`, to draw what depends on the clock. */
export function use_tick(period_ms: number): void {
  const [, again] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => again(), period_ms);
    return () => clearInterval(timer);
  }, [period_ms]);
}

// --- words for a listener, and for everyone ------------------------------------------------------------------------

let say: (text: string) => void = () => undefined;

/** Speaks politely: a screen reader finishes its sentence first. */
export function announce(text: string): void {
  say(text);
}

export function Announcer() {
  const [text, set_text] = useState("");
  useEffect(() => {
    say = (next) => {
      set_text("");
      setTimeout(() => set_text(next), 50); // the same words twice are spoken twice
    };
  }, []);
  return (
    <div role="status" aria-live="polite" class="for-listeners">
      {text}
    </div>
  );
}

// --- the clock -----------------------------------------------------------------------------------------------------

export function Timer({ sitting }: { sitting: Sitting }) {
  use_tick(250);
  const before = useRef<number | null>(null);
  const [warning, set_warning] = useState<number | null>(null);
  const left_ms = sitting.left_ms();
  useEffect(() => {
    if (left_ms === null) return;
    const minutes = before.current === null ? null : threshold_passed(before.current, left_ms);
    before.current = left_ms;
    if (minutes === null) return;
    announce(`${minutes} ${minutes === 1 ? "minute" : "minutes"} left.`);
    set_warning(minutes);
    setTimeout(() => set_warning(null), 15_000);
  });
  if (left_ms === null) return null;
  const late = left_ms <= 5 * 60_000;
  return (
    <div class={late ? "timer timer-late" : "timer"}>
      {warning !== null && <span class="timer-note">{warning} min left</span>}
      <span class="timer-label" aria-hidden="true">
        Time left
      </span>
      <span role="timer" aria-live="off" aria-label={`Time left: ${countdown_words(left_ms)}`} class="timer-digits">
        {countdown(left_ms)}
      </span>
    </div>
  );
}

// --- where an answer is --------------------------------------------------------------------------------------------

const STAGES: Record<Stage, { mark: string; text: string }> = {
  typed: { mark: "…", text: "Typed" },
  device: { mark: "◐", text: "On this device" },
  recorded: { mark: "✓", text: "Recorded by the hall" },
  refused: { mark: "!", text: "Not accepted" },
};

export function StageChip({ stage }: { stage: Stage | null }) {
  if (!stage) return <span class="stage stage-none">No answer yet</span>;
  const { mark, text } = STAGES[stage];
  return (
    <span class={`stage stage-${stage}`} data-stage={stage}>
      <span aria-hidden="true">{mark}</span> {text}
    </span>
  );
}

export function SaveTotal({ sitting }: { sitting: Sitting }) {
  const { recorded, waiting, typed, refused } = sitting.journal!.counts();
  const parts = [`${recorded} recorded`, `${waiting} on this device`];
  if (typed) parts.push(`${typed} typed`);
  if (refused) parts.push(`${refused} not accepted`);
  return (
    <p class={waiting || typed || refused ? "save-total save-total-open" : "save-total"} data-testid="save-total">
      {parts.join(", ")}
    </p>
  );
}

export function NetworkBanner({ sitting }: { sitting: Sitting }) {
  const since = sitting.uploader?.state.lost_since ?? null;
  const shown = useRef(false);
  useEffect(() => {
    if ((since !== null) === shown.current) return;
    shown.current = since !== null;
    announce(since !== null ? "The connection to the hall is lost. Your answers are kept on this device." : "Connected to the hall again.");
  });
  const keeps = sitting.journal?.device_keeps ?? true;
  if (since === null && keeps) return null;
  if (since === null)
    return (
      <div class="banner banner-warn">
        <strong>This browser keeps no copy of your answers.</strong> They are safe once they are recorded by the hall: wait
        for that before you close this window, and tell an invigilator.
      </div>
    );
  const waiting = sitting.journal?.counts().waiting ?? 0;
  if (sitting.view === "time-over")
    return (
      <div class="banner banner-warn" data-testid="network-banner">
        <strong>No connection to the hall since {local_time(since, true)}.</strong> This page goes on trying. Tell an invigilator, and
        do not close it: {waiting ? "what is still on this device may come too late to count." : "your answers are recorded."}
      </div>
    );
  const why = sitting.uploader?.state.lost_why;
  if (sitting.view === "submitting")
    return (
      <div class="banner banner-warn" data-testid="network-banner">
        <strong>{why ?? `No connection to the hall since ${local_time(since, true)}.`}</strong> Your paper is not submitted yet; this
        page goes on trying. Please do not close it, and tell an invigilator. The time goes on by the hall's clock.
      </div>
    );
  return (
    <div class="banner banner-warn" data-testid="network-banner">
      <strong>
        {why ? `The hall cannot record answers since ${local_time(since, true)}: ${why}` : `No connection to the hall since ${local_time(since, true)}.`}
      </strong>{" "}
      {keeps
        ? `Go on working: your answers are kept on this device${waiting ? ` (${waiting} waiting)` : ""} and are sent as soon as ${why ? "it can" : "the connection is back"}.`
        : "This browser cannot keep a copy: do not close this window, and call an invigilator."}{" "}
      The time goes on by the hall's clock.
    </div>
  );
}

// --- the five states of a question ---------------------------------------------------------------------------------

/** Shape, line and sign tell the state; colour only repeats it. */
export function StatusShape({ status }: { status: Status }) {
  const round = status === "marked" || status === "answered-marked";
  return (
    <svg class={`shape shape-${status}`} viewBox="0 0 40 40" aria-hidden="true">
      {round ? (
        <circle cx="20" cy="20" r="17.5" />
      ) : status === "answered" ? (
        <path d="M2.5 14 L20 2.5 L37.5 14 V37.5 H2.5 Z" />
      ) : status === "unanswered" ? (
        <path d="M2.5 2.5 H37.5 V26 L20 37.5 L2.5 26 Z" />
      ) : (
        <rect x="2.5" y="2.5" width="35" height="35" rx="5" />
      )}
      {status === "answered-marked" && (
        <g class="shape-tick">
          <circle cx="32" cy="32" r="7.5" />
          <path d="M28.5 32 L31 34.5 L35.5 29.5" />
        </g>
      )}
    </svg>
  );
}

export function Legend({ counts }: { counts?: Record<Status, number> }) {
  return (
    <ul class="legend">
      {STATUSES.map(({ status, name }) => (
        <li key={status}>
          <span class="legend-shape">
            <StatusShape status={status} />
            <b>{counts ? counts[status] : ""}</b>
          </span>
          <span>{name}</span>
        </li>
      ))}
    </ul>
  );
}

// --- dialog --------------------------------------------------------------------------------------------------------

/** `asks`: its own buttons answer it, so it has none in its head (Escape still takes it away). */
export function Dialog(props: { title: string; close: () => void; children: ComponentChildren; wide?: boolean; asks?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current!.showModal();
    return () => (before as HTMLElement | null)?.focus?.();
  }, []);
  return (
    <dialog ref={dialog} class={props.wide ? "dialog dialog-wide" : "dialog"} aria-labelledby="dialog-title" onClose={props.close}>
      <header class="dialog-head">
        <h2 id="dialog-title">{props.title}</h2>
        {!props.asks && (
          <button type="button" class="button-quiet" onClick={() => dialog.current!.close()}>
            Close
          </button>
        )}
      </header>
      <div class="dialog-body">{props.children}</div>
    </dialog>
  );
}
