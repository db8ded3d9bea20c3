// ending.tsx - the summary, the end of time, the receipt; and the pages of a sitting that goes on elsewhere.

import { useEffect } from "preact/hooks";
import { local_date_time } from "../core/clock";
import { use_here } from "./coming_in";
import { statuses } from "./exam";
import { submit } from "./handing_in";
import { saves_file } from "./leaving";
import { Page, Tools, question_list, save_file } from "./page";
import { STATUSES, status_name, tally } from "./paper";
import { NetworkBanner, SaveTotal, StatusShape, Timer } from "./parts";
import type { Sitting } from "./sitting";

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
            {sitting.handing_in
              ? "Submitting… This can no longer be taken back."
              : `Sending ${waiting} more ${waiting === 1 ? "answer" : "answers"} first…`}
          </p>
        )}
        <div class="actions">
          <button type="button" class="button" disabled={sitting.handing_in} onClick={() => sitting.back_to_exam()}>
            Back to the questions
          </button>
          <button type="button" class="button button-main" disabled={busy} onClick={() => void submit(sitting)}>
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
  const all = counts?.refused ? "The hall is closing your paper." : "All your answers are recorded. The hall is closing your paper.";
  return (
    <Page title={sitting.attempt!.title} sub="The time is over" narrow>
      <NetworkBanner sitting={sitting} />
      <section class="card">
        <p class="wait" role="status">
          <span class="wait-dot" aria-hidden="true" />
          {open ? `Sending the last ${open} ${open === 1 ? "answer" : "answers"} of this device…` : all}
        </p>
        <p>The paper is submitted by itself. Please stay on this page until you see your receipt.</p>
        {counts && <SaveTotal sitting={sitting} />}
      </section>
    </Page>
  );
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
    <Page title="Your paper is submitted" sub={sitting.attempt!.title} narrow tools={<Tools sitting={sitting} />}>
      <NotRecorded sitting={sitting} />
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
          {sitting.rest && sitting.rest.saves.length + sitting.rest.lost.length > 0 && (
            <button type="button" class="button-quiet" onClick={() => save_file(`saves-${object.roll}-${object.exam}.json`, saves_file(object.roll, sitting.rest!))}>
              Download receipts of every save
            </button>
          )}
        </div>
      </section>
      <p class="hint page-foot no-print">
        When the results are published, this page shows your score card. Please sign out before you leave this computer.
      </p>
    </Page>
  );
}

/** ADR 10: what comes too late is refused, and people decide. So the candidate has to know, and the answers have to stay. */
export function NotRecorded({ sitting }: { sitting: Sitting }) {
  const lost = sitting.rest?.lost.length ?? 0;
  if (lost === 0) return null;
  return (
    <div class="banner banner-warn" role="alert">
      <strong>
        {lost === 1 ? "One answer" : `${lost} answers`} of this device did not reach the hall before the end{question_list(sitting)}.
      </strong>{" "}
      {lost === 1 ? "It is" : "They are"} not part of your paper as it stands; whether {lost === 1 ? "it counts" : "they count"} is for
      the exam authority to decide. {lost === 1 ? "It is" : "They are"} kept on this device. Tell an invigilator now, before you leave.
    </div>
  );
}

export function Closed({ sitting }: { sitting: Sitting }) {
  return (
    <Page title={sitting.attempt!.title} narrow tools={<Tools sitting={sitting} />}>
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
        <button type="button" class="button button-main" onClick={() => void use_here(sitting)}>
          Go on in this window
        </button>
      </section>
    </Page>
  );
}
