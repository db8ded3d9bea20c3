// candidates.tsx - the list of candidates: search, filter, pages, and more time for one of them.

import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, sentence } from "../core/api";
import { local_time } from "../core/clock";
import type { CandidateRow } from "../core/types";
import { Dialog } from "../candidate/parts";
import { type Desk, PAGE_ROWS } from "./desk";

const STATES: [string, string][] = [
  ["", "All states"],
  ["waiting", "Waiting"],
  ["ready", "Ready"],
  ["running", "Running"],
  ["submitted", "Submitted"],
  ["closed", "Not started"],
  ["published", "Published"],
];

const SEARCH_PAUSE_MS = 300;

export function Candidates({ desk }: { desk: Desk }) {
  const [adding, set_adding] = useState<CandidateRow | null>(null);
  const [said, set_said] = useState<string | null>(null);
  return (
    <section class="card" aria-labelledby="candidates-title">
      <h2 id="candidates-title">Candidates</h2>
      <Search desk={desk} />
      <div class="table-wrap">
        <table class="table candidates">
          <thead>
            <tr>
              {["Roll number", "Name", "Centre", "Exam, shift", "State", "Answered", "Ends", "Seen", "More time"].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {desk.rows.map((row) => (
              <Row key={`${row.exam}/${row.attempt}`} row={row} now={desk.now()} add={() => set_adding(row)} />
            ))}
          </tbody>
        </table>
      </div>
      {desk.rows.length === 0 && <p class="hint">No candidate matches.</p>}
      <Pages desk={desk} />
      <p role="status" class="said">
        {said}
      </p>
      {adding && <AddTime desk={desk} row={adding} close={() => set_adding(null)} said={set_said} />}
    </section>
  );
}

function Search({ desk }: { desk: Desk }) {
  const [q, set_q] = useState(desk.filter.q);
  const pause = useRef<ReturnType<typeof setTimeout>>();
  useEffect(() => () => clearTimeout(pause.current), []);
  const typed = (text: string) => {
    set_q(text);
    clearTimeout(pause.current);
    pause.current = setTimeout(() => desk.search({ ...desk.filter, q: text.trim() }), SEARCH_PAUSE_MS);
  };
  return (
    <div class="search" role="search">
      <label class="field">
        <span>Roll number or name</span>
        <input type="search" value={q} onInput={(event) => typed(event.currentTarget.value)} />
      </label>
      <label class="field">
        <span>State</span>
        <select value={desk.filter.state} onChange={(event) => desk.search({ ...desk.filter, state: event.currentTarget.value })}>
          {STATES.map(([state, name]) => (
            <option key={state} value={state}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

const state_name = (state: string) => STATES.find(([known]) => known === state)?.[1] ?? state;

function ago(at: number | null, now: number): string {
  if (at === null) return "–";
  const s = Math.max(0, Math.round((now - at) / 1000));
  if (s < 60) return `${s} s ago`;
  return s < 3600 ? `${Math.round(s / 60)} min ago` : local_time(at);
}

function Row({ row, now, add }: { row: CandidateRow; now: number; add: () => void }) {
  const open = row.state === "waiting" || row.state === "ready" || row.state === "running";
  return (
    <tr data-roll={row.roll}>
      <th scope="row">{row.roll}</th>
      <td data-label="Name">{row.name}</td>
      <td data-label="Centre">{row.centre}</td>
      <td data-label="Exam, shift">
        {row.exam}
        {row.shift ? `, ${row.shift}` : ""}
      </td>
      <td data-label="State">
        <span class={`pill pill-${row.state}`}>{state_name(row.state)}</span>
      </td>
      <td data-label="Answered">{row.answered}</td>
      <td data-label="Ends">
        {row.ends_at === null ? "–" : local_time(row.ends_at)}
        {row.extra_minutes ? <span class="muted"> +{row.extra_minutes} min</span> : null}
      </td>
      <td data-label="Seen">{ago(row.seen_at, now)}</td>
      <td>
        <button type="button" class="button button-small" disabled={!open} aria-label={`Add time for ${row.name}, ${row.roll}`} onClick={add}>
          Add time…
        </button>
      </td>
    </tr>
  );
}

function Pages({ desk }: { desk: Desk }) {
  if (desk.pages.length === 1 && desk.next == null) return null;
  return (
    <nav class="pages" aria-label="Pages of candidates">
      <button type="button" class="button button-small" disabled={desk.pages.length === 1} onClick={() => desk.page_back()}>
        ‹ Back
      </button>
      <span>
        Page {desk.pages.length}, {PAGE_ROWS} a page
      </span>
      <button type="button" class="button button-small" disabled={desk.next == null} onClick={() => desk.page_next()}>
        More ›
      </button>
    </nav>
  );
}

function AddTime(props: { desk: Desk; row: CandidateRow; close: () => void; said: (text: string) => void }) {
  const { desk, row, close, said } = props;
  const [minutes, set_minutes] = useState("5");
  const [reason, set_reason] = useState("");
  const [busy, set_busy] = useState(false);
  const [fault, set_fault] = useState<string | null>(null);
  const [unsure, set_unsure] = useState(false); // sent, and no answer came: the hall may have done it
  const key = useRef(crypto.randomUUID()); // one order, however often it is sent; so it must stay the same one
  const submit = async (event: Event) => {
    event.preventDefault();
    const n = Number(minutes);
    if (!Number.isInteger(n) || n < 1) return set_fault("Please give whole minutes, at least 1.");
    if (!reason.trim()) return set_fault("Please write down why: the reason is kept with the order.");
    set_busy(true);
    set_fault(null);
    try {
      await desk.add_time(row.attempt, n, reason.trim(), key.current);
      said(`${row.name} has ${n} more ${n === 1 ? "minute" : "minutes"}.`);
      close();
    } catch (error) {
      if (!(error instanceof Problem) || error.passing) set_unsure(true);
      set_fault(sentence(error));
      set_busy(false);
    }
  };
  return (
    <Dialog title={`More time for ${row.name}`} close={close} asks>
      <form class="form" onSubmit={(event) => void submit(event)} noValidate>
        <p>
          {row.roll}, {row.exam}. The candidate's clock shows the new end with the next saved answer, at most after 90 seconds.
        </p>
        <label class="field">
          <span>Minutes</span>
          <input name="minutes" inputMode="numeric" readOnly={unsure} value={minutes} onInput={(event) => set_minutes(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>Reason</span>
          <input name="reason" readOnly={unsure} value={reason} onInput={(event) => set_reason(event.currentTarget.value)} />
        </label>
        {fault && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        {unsure && <p class="hint">The time may have been added already. Send it again to be sure: it is added only once.</p>}
        <div class="actions">
          <button type="button" class="button" onClick={close}>
            {unsure ? "Close" : "Cancel"}
          </button>
          <button class="button button-main" disabled={busy}>
            {unsure ? "Send again" : "Add time"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
