// before.tsx - coming in: sign-in, instructions, and the wait for the start.

import { useEffect, useState } from "preact/hooks";
import { Problem, hall_clock, sentence } from "../core/api";
import { countdown, local_time } from "../core/clock";
import { code_clean, code_fault, code_grouped } from "../core/code";
import { jittered_ms } from "../core/retry";
import { sign_in } from "./coming_in";
import { start } from "./following";
import { ShortcutTable, StagesExplained } from "./help";
import { Page, Tools } from "./page";
import { Legend, use_tick } from "./parts";
import type { Sitting } from "./sitting";

export function SignIn({ sitting }: { sitting: Sitting }) {
  const [roll, set_roll] = useState("");
  const [code, set_code] = useState("");
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const [again_at, set_again_at] = useState(0);
  use_tick(500);
  const wait_s = Math.max(0, Math.ceil((again_at - performance.now()) / 1000));

  const submit = async (event: Event) => {
    event.preventDefault();
    const clean = code_clean(code);
    const wrong = roll.trim() ? code_fault(clean) : "Please type the roll number of your admit card.";
    set_fault(wrong);
    if (wrong || busy) return;
    set_busy(true);
    try {
      await sign_in(sitting, roll.trim(), clean);
    } catch (error) {
      set_fault(sentence(error));
      if (error instanceof Problem && error.retry_after_s) set_again_at(performance.now() + error.retry_after_s * 1000);
    } finally {
      set_busy(false);
    }
  };

  return (
    <Page title="Examination hall" sub="Candidate sign-in" narrow>
      {sitting.notice && <p class="banner banner-info">{sitting.notice}</p>}
      <form class="card form" onSubmit={(event) => void submit(event)} noValidate>
        <label class="field">
          <span>Roll number</span>
          <input
            name="roll"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            value={roll}
            onInput={(event) => set_roll(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Code of the admit card</span>
          <input
            name="code"
            class="code-input"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            placeholder="XXXX-XXXX-XXXX-XXXX"
            aria-describedby="code-hint"
            value={code}
            onInput={(event) => set_code(event.currentTarget.value)}
            onBlur={() => set_code(code_grouped(code_clean(code)))}
          />
        </label>
        <p id="code-hint" class="hint">
          16 characters in groups of four. Capital or small letters, with or without dashes; you may paste it.
        </p>
        {fault && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        {wait_s > 0 && <p class="hint">You can try again in {wait_s} s.</p>}
        <button class="button button-main button-wide" disabled={busy || wait_s > 0}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p class="hint page-foot">Is something wrong with your card? Ask an invigilator.</p>
    </Page>
  );
}

export function Instructions({ sitting }: { sitting: Sitting }) {
  const { title, name, roll, items, minutes, extra_minutes, sections, instructions } = sitting.attempt!;
  const facts: [string, string][] = [
    ["Candidate", name],
    ["Roll number", roll],
    ["Questions", String(items)],
    ["Time", `${minutes} minutes${extra_minutes ? ` and ${extra_minutes} minutes extra time` : ""}`],
  ];
  if (sections.length > 1) facts.push(["Sections", sections.join(", ")]);
  return (
    <Page title={title} sub="Instructions" tools={<Tools sitting={sitting} />}>
      <div class="columns">
        <div>
          <dl class="facts card">
            {facts.map(([term, text]) => (
              <div key={term}>
                <dt>{term}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
          {instructions && instructions.length > 0 && (
            <section class="card">
              <h2>Please read</h2>
              <ol class="instructions">
                {instructions.map((line, i) => (
                  <li key={i}>{line}</li>
                ))}
              </ol>
            </section>
          )}
          <section class="card">
            <h2>Your answers are saved by themselves</h2>
            <StagesExplained />
            <p>
              If the browser closes, the power fails or the network is lost: sign in again, here or on another device. You come
              back to the same question with every answer that the hall has recorded; one that was still on its way waits on the
              device where you entered it. When your paper is submitted, nothing of it stays on this device.
            </p>
          </section>
          <section class="card">
            <h2>The list of questions</h2>
            <Legend />
            <p class="hint">A question that is answered and marked counts as answered.</p>
          </section>
          <details class="card">
            <summary>Keys, for those who prefer the keyboard</summary>
            <ShortcutTable />
          </details>
        </div>
        <StartCard sitting={sitting} />
      </div>
    </Page>
  );
}

function StartCard({ sitting }: { sitting: Sitting }) {
  use_tick(250);
  const [busy, set_busy] = useState(false);
  const [fault, set_fault] = useState<string | null>(null);
  const { state, starts_at, now } = sitting.attempt!;
  const ahead = starts_at !== null && starts_at > now && hall_clock.known(); // when the hall last spoke
  const left_ms = ahead ? starts_at - hall_clock.now() : null;
  const may_start = state === "ready" || (left_ms !== null && left_ms <= 0);
  useEffect(() => {
    // Whether it really opened is the hall's to say; asked spread over three seconds, as everyone waits for this instant.
    if (may_start && state !== "ready") sitting.beat_in(3000 * Math.random());
  }, [may_start]);
  const start_now = async () => {
    set_busy(true);
    set_fault(null);
    try {
      await start(sitting);
    } catch (error) {
      set_fault(sentence(error));
      sitting.beat_in(jittered_ms(1000)); // it may have started, and only the answer was lost: then time runs
    } finally {
      set_busy(false);
    }
  };
  return (
    <section class="card start-card" aria-label="Start">
      {may_start ? (
        <p class="start-note">You may start now.</p>
      ) : left_ms === null ? (
        <p class="start-note">The hall has not opened this exam yet. This page will show it by itself.</p>
      ) : (
        <>
          <p class="start-note">
            Starts at <b>{local_time(starts_at!)}</b>, in
          </p>
          <p class="start-digits" role="timer" aria-live="off">
            {countdown(left_ms)}
          </p>
        </>
      )}
      <button type="button" class="button button-main button-wide" disabled={!may_start || busy} onClick={() => void start_now()}>
        {busy ? "Starting…" : "Start the exam"}
      </button>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <p class="hint">The time counts by the hall's clock: {hall_clock.known() ? local_time(hall_clock.now(), true) : "…"}</p>
    </section>
  );
}
