// pages.tsx - everything but the question screen: coming in, the end, and what comes after.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem, hall_clock, sentence } from "../core/api";
import { countdown, local_date_time, local_time } from "../core/clock";
import { code_clean, code_fault, code_grouped } from "../core/code";
import { statuses } from "./exam";
import { Help, ShortcutTable, StagesExplained } from "./help";
import { type Question, STATUSES, marks, shown_value, status_name, tally } from "./paper";
import { Legend, NetworkBanner, SaveTotal, StatusShape, Timer, use_tick } from "./parts";
import type { Sitting } from "./sitting";

export function Page(props: { title: string; sub?: string; children: ComponentChildren; narrow?: boolean; tools?: ComponentChildren }) {
  return (
    <div class={props.narrow ? "page page-narrow" : "page"}>
      <header class="page-head">
        <div>
          <h1 tabIndex={-1} data-heading>
            {props.title}
          </h1>
          {props.sub && <p>{props.sub}</p>}
        </div>
        {props.tools && <div class="page-tools">{props.tools}</div>}
      </header>
      <main>{props.children}</main>
    </div>
  );
}

export function Waiting({ title, text }: { title: string; text: string }) {
  return (
    <Page title={title} narrow>
      <p class="wait" role="status">
        <span class="wait-dot" aria-hidden="true" /> {text}
      </p>
    </Page>
  );
}

// --- sign in -------------------------------------------------------------------------------------------------------

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
      await sitting.sign_in(roll.trim(), clean);
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
            autocomplete="username"
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

// --- before the start ----------------------------------------------------------------------------------------------

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
    <Page title={title} sub="Instructions" tools={<SignOut sitting={sitting} />}>
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
              back to the same question with every answer.
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
  const start = async () => {
    set_busy(true);
    set_fault(null);
    try {
      await sitting.start();
    } catch (error) {
      set_fault(sentence(error));
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
      <button type="button" class="button button-main button-wide" disabled={!may_start || busy} onClick={() => void start()}>
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

function SignOut({ sitting }: { sitting: Sitting }) {
  const [help, set_help] = useState(false);
  return (
    <>
      <button type="button" class="button-quiet" onClick={() => set_help(true)}>
        Help
      </button>
      <button type="button" class="button-quiet" onClick={() => void sitting.sign_out()}>
        Sign out
      </button>
      {help && <Help close={() => set_help(false)} />}
    </>
  );
}

// --- submitting ----------------------------------------------------------------------------------------------------

export function Summary({ sitting }: { sitting: Sitting }) {
  const all = statuses(sitting);
  const busy = sitting.view === "submitting";
  const counts = tally(all);
  const answered = counts.answered + counts["answered-marked"];
  const waiting = sitting.journal!.counts().waiting;
  return (
    <Page title={sitting.attempt!.title} sub="Summary before you submit" tools={<Timer sitting={sitting} />}>
      <NetworkBanner sitting={sitting} />
      {sitting.notice && (
        <p class="banner banner-warn" role="alert">
          {sitting.notice}
        </p>
      )}
      <section class="card">
        <p class="summary-line">
          You answered <b>{answered}</b> of <b>{sitting.questions.length}</b> questions.
        </p>
        <SaveTotal sitting={sitting} />
        <SummaryTable sitting={sitting} />
        <p>After submitting you cannot change anything any more.</p>
        {busy && (
          <p class="banner banner-info" role="status">
            {waiting ? `Sending ${waiting} more ${waiting === 1 ? "answer" : "answers"} first…` : "Submitting…"}
          </p>
        )}
        <div class="actions">
          <button type="button" class="button" onClick={() => sitting.back_to_exam()}>
            Back to the questions
          </button>
          <button type="button" class="button button-main" disabled={busy} onClick={() => void sitting.submit()}>
            Submit now
          </button>
        </div>
      </section>
    </Page>
  );
}

function SummaryTable({ sitting }: { sitting: Sitting }) {
  const all = statuses(sitting);
  const rows = sitting.sections.map((name, section) => {
    const of = all.filter((_, i) => sitting.questions[i]!.paper.section === section);
    return { name, of: of.length, counts: tally(of) };
  });
  return (
    <div class="table-wrap">
      <table class="table summary-table">
        <thead>
          <tr>
            <th scope="col">Section</th>
            <th scope="col">Questions</th>
            {STATUSES.map(({ status }) => (
              <th key={status} scope="col">
                <StatusShape status={status} />
                <span>{status_name(status)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td data-label="Questions">{row.of}</td>
              {STATUSES.map(({ status, name }) => (
                <td key={status} data-label={name}>
                  {row.counts[status]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function TimeOver({ sitting }: { sitting: Sitting }) {
  const counts = sitting.journal?.counts();
  const open = (counts?.waiting ?? 0) + (counts?.typed ?? 0);
  return (
    <Page title={sitting.attempt!.title} sub="The time is over" narrow>
      <NetworkBanner sitting={sitting} />
      <section class="card">
        <p class="wait" role="status">
          <span class="wait-dot" aria-hidden="true" />
          {open
            ? `Sending the last ${open} ${open === 1 ? "answer" : "answers"} of this device…`
            : "All your answers are recorded. The hall is closing your paper."}
        </p>
        <p>The paper is submitted by itself. Please stay on this page until you see your receipt.</p>
        {counts && <SaveTotal sitting={sitting} />}
      </section>
    </Page>
  );
}

// --- afterwards ----------------------------------------------------------------------------------------------------

export function save_file(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const BY = { candidate: "you", time: "the end of time", officer: "an officer" };

export function ReceiptPage({ sitting }: { sitting: Sitting }) {
  const { object, text } = sitting.receipt!;
  const facts: [string, string][] = [
    ["Candidate", sitting.attempt!.name],
    ["Roll number", object.roll],
    ["Exam", `${sitting.attempt!.title} (${object.exam})`],
    ["Hall", object.hall],
    ["Submitted", `${local_date_time(object.submitted_at)}, by ${BY[object.by] ?? object.by}`],
    ["Questions answered", `${object.answered} of ${sitting.attempt!.items}`],
    ["Saves recorded", String(object.saves)],
  ];
  return (
    <Page title="Your paper is submitted" sub={sitting.attempt!.title} narrow tools={<SignOut sitting={sitting} />}>
      {sitting.not_recorded.length > 0 && <NotRecorded numbers={sitting.not_recorded} />}
      <section class="card receipt">
        <h2>Receipt</h2>
        <dl class="facts">
          {facts.map(([term, value]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <dl class="seals">
          {(["digest", "key", "signature"] as const).map((member) => (
            <div key={member}>
              <dt>{member === "digest" ? "Digest of your answers" : member === "key" ? "Key of the hall" : "Signature"}</dt>
              <dd>{object[member]}</dd>
            </div>
          ))}
        </dl>
        <p class="hint">
          The signature proves which answers the hall holds from you. Keep the file: anyone can check it with{" "}
          <code>examhall verify receipt</code>.
        </p>
        <div class="actions no-print">
          <button type="button" class="button button-main" onClick={() => save_file(`receipt-${object.roll}-${object.exam}.json`, text)}>
            Download the receipt
          </button>
          <button type="button" class="button" onClick={() => window.print()}>
            Print
          </button>
          <button
            type="button"
            class="button-quiet"
            onClick={() => void sitting.journal_file().then((file) => save_file(`saves-${object.roll}-${object.exam}.json`, file))}
          >
            Download receipts of every save
          </button>
        </div>
      </section>
      <p class="hint page-foot no-print">When the results are published, this page shows your score card.</p>
    </Page>
  );
}

function NotRecorded({ numbers }: { numbers: number[] }) {
  return (
    <div class="banner banner-warn" role="alert">
      <strong>
        {numbers.length === 1 ? "One answer" : `${numbers.length} answers`} of this device did not reach the hall before the end:
      </strong>{" "}
      question {numbers.join(", ")}. They are kept on this device. Tell an invigilator now, before you leave.
    </div>
  );
}

const OUTCOMES = {
  right: { mark: "✓", text: "Right" },
  partly: { mark: "◐", text: "Partly right" },
  wrong: { mark: "✗", text: "Wrong" },
  blank: { mark: "–", text: "Not answered" },
};

export function ResultPage({ sitting }: { sitting: Sitting }) {
  const { card, sheet } = sitting.result!;
  return (
    <Page title="Score card" sub={card.title} tools={<SignOut sitting={sitting} />}>
      <section class="card score">
        <div class="score-total">
          <p class="score-figure">
            <b>{card.total}</b> of {card.out_of}
          </p>
          <p class="score-rank">
            Rank <b>{card.rank}</b> of {card.of}
          </p>
        </div>
        <p>
          {card.name} · <span class="roll">{card.roll}</span>
        </p>
        <div class="table-wrap">
          <table class="table">
            <thead>
              <tr>
                {["Section", "Marks", "Out of", "Right", "Partly right", "Wrong", "Not answered"].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {card.sections.map((row) => (
                <tr key={row.name}>
                  <th scope="row">{row.name}</th>
                  <td data-label="Marks">{row.marks}</td>
                  <td data-label="Out of">{row.out_of}</td>
                  <td data-label="Right">{row.right}</td>
                  <td data-label="Partly right">{row.partly ?? 0}</td>
                  <td data-label="Wrong">{row.wrong}</td>
                  <td data-label="Not answered">{row.blank}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div class="actions no-print">
          <button type="button" class="button" onClick={() => save_file(`score-${card.roll}-${card.exam}.json`, JSON.stringify({ card, sheet }, null, 1))}>
            Download
          </button>
          <button type="button" class="button" onClick={() => window.print()}>
            Print
          </button>
        </div>
      </section>
      {sheet && <SheetTable sitting={sitting} />}
    </Page>
  );
}

function SheetTable({ sitting }: { sitting: Sitting }) {
  const by_item = new Map(sitting.questions.map((question) => [question.paper.item, question]));
  const rows = sitting.result!.sheet!.items.map((row) => ({ ...row, question: by_item.get(row.item) }));
  rows.sort((a, b) => (a.question?.number ?? a.item) - (b.question?.number ?? b.item));
  return (
    <section class="card">
      <h2>Response sheet</h2>
      <div class="table-wrap">
        <table class="table sheet">
          <thead>
            <tr>
              <th scope="col">Question</th>
              <th scope="col">Your answer</th>
              <th scope="col">Outcome</th>
              <th scope="col">Marks</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ item, value, marks: given, outcome, question }) => (
              <tr key={item} data-item={item} data-outcome={outcome}>
                <th scope="row">{question?.number ?? item}</th>
                <td data-label="Your answer">{answer_text(question, value)}</td>
                <td data-label="Outcome" class={`outcome outcome-${outcome}`}>
                  <span aria-hidden="true">{OUTCOMES[outcome].mark}</span> {OUTCOMES[outcome].text}
                </td>
                <td data-label="Marks">{marks(given)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function answer_text(question: Question | undefined, value: string | null): string {
  return value === null ? "–" : shown_value(question, value);
}

export function Closed({ sitting }: { sitting: Sitting }) {
  return (
    <Page title={sitting.attempt!.title} narrow tools={<SignOut sitting={sitting} />}>
      <section class="card">
        <p>This exam is over, and it was not started with this roll number. If that is not right, tell an invigilator.</p>
      </section>
    </Page>
  );
}

export function Elsewhere({ sitting }: { sitting: Sitting }) {
  return (
    <Page title="Signed in on another device" narrow>
      <section class="card">
        <p>
          Your exam goes on there. This page sends nothing any more. What was entered here and not yet recorded is kept on this
          device, and joined when you sign in here again.
        </p>
        <p>If that was not you, call an invigilator at once.</p>
        <button type="button" class="button button-main" onClick={() => ((sitting.view = "sign-in"), sitting.changed())}>
          Sign in here again
        </button>
      </section>
    </Page>
  );
}

export function OtherTab({ sitting }: { sitting: Sitting }) {
  useEffect(() => {
    document.title = "Open in another window";
  }, []);
  return (
    <Page title="Open in another window" narrow>
      <section class="card">
        <p>Your exam goes on in the window that you opened last. Nothing is lost; this one only stopped taking answers.</p>
        <button type="button" class="button button-main" onClick={() => void sitting.use_here()}>
          Go on in this window
        </button>
      </section>
    </Page>
  );
}
