// result.tsx - after publication: the score card, and the response sheet in the letters that the candidate saw.

import { NotRecorded } from "./ending";
import { Page, Tools, save_file } from "./page";
import { type Question, marks, shown_value } from "./paper";
import type { Sitting } from "./sitting";

const OUTCOMES = {
  right: { mark: "✓", text: "Right" },
  partly: { mark: "◐", text: "Partly right" },
  wrong: { mark: "✗", text: "Wrong" },
  blank: { mark: "–", text: "Not answered" },
};

export function ResultPage({ sitting }: { sitting: Sitting }) {
  const { card, sheet } = sitting.result!;
  return (
    <Page title="Score card" sub={card.title} tools={<Tools sitting={sitting} />}>
      <NotRecorded sitting={sitting} />
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
