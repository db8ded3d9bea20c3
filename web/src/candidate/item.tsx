// item.tsx - one question and its answer. What is typed goes to the journal after a short pause, and at once when
// the candidate leaves the field, the question or the page.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { RichLine, RichText } from "../core/rich_text";
import { VALUE_BYTES_MAX, blanks_of, bytes_of, marks, toggled, value_of } from "./paper";
import { StageChip } from "./parts";
import type { Sitting } from "./sitting";

const PAUSE_MS = 400;

const KINDS = {
  single: "One answer",
  several: "One or more answers",
  number: "Type a number",
  text: "Type the answer",
};

export function Item({ sitting, heading }: { sitting: Sitting; heading: RefObject<HTMLHeadingElement> }) {
  const { number, paper } = sitting.question;
  const answer = sitting.journal!.get(paper.item);
  const split = paper.passage ? "item item-split" : "item";
  return (
    <article class={split} data-item={paper.item} data-number={number}>
      <header class="item-head">
        <h2 ref={heading} tabIndex={-1} data-heading>
          Question {number} <span class="item-of">of {sitting.questions.length}</span>
        </h2>
        <span class="chip">{KINDS[paper.kind]}</span>
        <span class="chip chip-marks">
          <span class="for-listeners">Marks: </span>
          {marks(paper.right)}
          {marks(paper.wrong) !== "0" && <span class="chip-wrong"> {marks(paper.wrong)}</span>}
        </span>
        <span class="item-stage">
          <StageChip stage={answer?.stage ?? null} />
        </span>
      </header>
      {answer?.why && (
        <p class="banner banner-warn" role="alert">
          The hall did not accept this answer: {answer.why} Change it, or call an invigilator.
        </p>
      )}
      {paper.passage && (
        <section class="passage" aria-label="Passage" tabIndex={0}>
          <RichText text={paper.passage} />
        </section>
      )}
      <div class="item-work">
        <div class="item-text">
          <RichText text={paper.text} />
          {paper.image && <img class="item-image" src={paper.image.src} alt={paper.image.alt} />}
        </div>
        {paper.kind === "single" || paper.kind === "several" ? (
          <Choices sitting={sitting} />
        ) : (
          <Blanks sitting={sitting} />
        )}
      </div>
    </article>
  );
}

function Choices({ sitting }: { sitting: Sitting }) {
  const { paper, choices } = sitting.question;
  const answer = sitting.journal!.get(paper.item);
  const several = paper.kind === "several";
  const change = (letter: string) => {
    const now = sitting.journal!.get(paper.item);
    void sitting.save(several ? toggled(now?.value ?? null, letter) : letter, now?.marked ?? false);
  };
  return (
    <fieldset class="choices">
      <legend class="for-listeners">{several ? "Choose one or more" : "Choose one"}</legend>
      {choices.map((choice) => {
        const chosen = answer?.value?.includes(choice.letter) ?? false;
        return (
          <label key={choice.letter} class="choice" data-letter={choice.letter}>
            <input
              type={several ? "checkbox" : "radio"}
              name={`item-${paper.item}`}
              checked={chosen}
              onChange={() => change(choice.letter)}
            />
            <span class="choice-letter" aria-hidden="true">
              {choice.shown}
            </span>
            <span class="choice-text">
              <RichLine text={choice.text} />
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}

function Blanks({ sitting }: { sitting: Sitting }) {
  const question = sitting.question;
  const { paper } = question;
  const stored = sitting.journal!.get(paper.item)?.value ?? null;
  const [fields, set_fields] = useState(() => blanks_of(stored, paper.blanks));
  const latest = useRef(fields);
  const pause = useRef<ReturnType<typeof setTimeout>>();
  const value = value_of(fields);
  const too_long = value !== null && bytes_of(value) > VALUE_BYTES_MAX;

  const write = async () => {
    clearTimeout(pause.current);
    const typed = value_of(latest.current);
    const now = sitting.journal?.get(paper.item) ?? null;
    if (!sitting.journal || typed === (now?.value ?? null) || (typed !== null && bytes_of(typed) > VALUE_BYTES_MAX)) return;
    await sitting.save(typed, now?.marked ?? false, question);
  };

  useEffect(() => {
    sitting.flush = write;
    return () => {
      void write();
      sitting.flush = async () => undefined;
    };
  }, []);

  // Cleared from outside (the bar, another window): the fields follow. What is being typed is left alone.
  useEffect(() => {
    if (stored === null && value !== null && document.activeElement?.closest(".blanks") === null) {
      latest.current = blanks_of(null, paper.blanks);
      set_fields(latest.current);
    }
  }, [stored]);

  const typed = (index: number, text: string) => {
    latest.current = latest.current.map((field, i) => (i === index ? text : field));
    set_fields(latest.current);
    clearTimeout(pause.current);
    pause.current = setTimeout(() => void write(), PAUSE_MS);
  };

  return (
    <div class="blanks">
      {fields.map((field, i) => (
        <label key={i} class="blank">
          <span>{fields.length > 1 ? `Answer ${i + 1}` : "Your answer"}</span>
          <input
            type="text"
            inputMode={paper.kind === "number" ? "decimal" : "text"}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={field}
            aria-invalid={too_long}
            onInput={(event) => typed(i, event.currentTarget.value)}
            onBlur={() => void write()}
          />
        </label>
      ))}
      {value !== stored && !too_long && <p class="hint">Typed; it is saved when you pause.</p>}
      {too_long && (
        <p class="fault" role="alert">
          This is too long to be saved: at most {VALUE_BYTES_MAX} bytes ({bytes_of(value)} are typed). The last shorter answer is kept.
        </p>
      )}
    </div>
  );
}
