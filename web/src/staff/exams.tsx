// exams.tsx - the exams and the orders an officer may give. Each order says what will happen before it happens.

import { useState } from "preact/hooks";
import { sentence } from "../core/api";
import type { ExamRow, ExamState } from "../core/types";
import { Dialog } from "../candidate/parts";
import type { Desk } from "./desk";

type Act = "open" | "close" | "score" | "publish";

const ACTS: { act: Act; from: ExamState[]; name: string; says: string; happens: (exam: ExamRow) => string }[] = [
  {
    act: "open",
    from: ["draft"],
    name: "Open",
    says: "Open the exam",
    happens: (exam) => `${exam.candidates} candidates can start from the time of their shift on. Questions can no longer be changed.`,
  },
  {
    act: "close",
    from: ["open"],
    name: "Close",
    says: "Close the exam",
    happens: () => "Every paper that is still running is submitted now, with the answers recorded so far. Nobody can start or answer any more. This cannot be undone.",
  },
  {
    act: "score",
    from: ["closed", "scored"],
    name: "Score",
    says: "Score the papers",
    happens: (exam) => `All papers are marked by the key and ranked (${exam.candidates} candidates). Nothing is shown to candidates yet; you may score again.`,
  },
  {
    act: "publish",
    from: ["scored"],
    name: "Publish",
    says: "Publish the results",
    happens: () => "Every candidate sees score card and response sheet from now on. This cannot be undone.",
  },
];

export const EXAM_STATES: Record<ExamState, string> = {
  draft: "Draft",
  open: "Open",
  closed: "Closed",
  scored: "Scored",
  published: "Published",
};

export function Exams({ desk }: { desk: Desk }) {
  const [asking, set_asking] = useState<{ exam: ExamRow; act: Act } | null>(null);
  const [said, set_said] = useState<string | null>(null);
  const exams = desk.overview?.exams ?? [];
  return (
    <section class="card" aria-labelledby="exams-title">
      <h2 id="exams-title">Exams</h2>
      <div class="table-wrap">
        <table class="table exams">
          <thead>
            <tr>
              <th scope="col">Exam</th>
              <th scope="col">State</th>
              <th scope="col">Questions</th>
              <th scope="col">Minutes</th>
              <th scope="col">Candidates</th>
              <th scope="col">Orders</th>
            </tr>
          </thead>
          <tbody>
            {exams.map((exam) => (
              <tr key={exam.exam} data-exam={exam.exam}>
                <th scope="row">
                  {exam.title} <span class="muted">{exam.exam}</span>
                </th>
                <td data-label="State">
                  <span class={`pill pill-${exam.state}`}>{EXAM_STATES[exam.state]}</span>
                </td>
                <td data-label="Questions">{exam.items}</td>
                <td data-label="Minutes">{exam.minutes}</td>
                <td data-label="Candidates">{exam.candidates}</td>
                <td class="orders">
                  {ACTS.map(({ act, from, name }) => (
                    <button
                      key={act}
                      type="button"
                      class="button button-small"
                      disabled={!from.includes(exam.state)}
                      aria-label={`${name} ${exam.title}`}
                      onClick={() => set_asking({ exam, act })}
                    >
                      {name}
                    </button>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p role="status" class="said">
        {said}
      </p>
      {asking && <Confirm desk={desk} {...asking} close={() => set_asking(null)} said={set_said} />}
    </section>
  );
}

function Confirm(props: { desk: Desk; exam: ExamRow; act: Act; close: () => void; said: (text: string) => void }) {
  const { desk, exam, act, close, said } = props;
  const [busy, set_busy] = useState(false);
  const [fault, set_fault] = useState<string | null>(null);
  const { name, says, happens } = ACTS.find((row) => row.act === act)!;
  const confirm = async () => {
    set_busy(true);
    set_fault(null);
    try {
      const row = await desk.order(exam.exam, act);
      said(`${exam.title}: ${EXAM_STATES[row.state].toLowerCase()}.`);
      close();
    } catch (error) {
      set_fault(sentence(error));
      set_busy(false);
    }
  };
  return (
    <Dialog title={`${name} “${exam.title}”?`} close={close} asks>
      <p>{happens(exam)}</p>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="actions">
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
        <button type="button" class="button button-main" disabled={busy} onClick={() => void confirm()}>
          {busy ? "One moment…" : says}
        </button>
      </div>
    </Dialog>
  );
}
