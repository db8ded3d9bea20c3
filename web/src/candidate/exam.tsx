// exam.tsx - the question screen: header, section tabs, question, palette, and the bar to move with.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { countdown_words } from "../core/clock";
import { Help } from "./help";
import { Item } from "./item";
import { type Status, status_of, status_name, tally, toggled } from "./paper";
import { Dialog, Legend, NetworkBanner, SaveTotal, StatusShape, Timer, announce } from "./parts";
import { settings_read } from "./settings";
import type { Sitting } from "./sitting";

export function statuses(sitting: Sitting): Status[] {
  const journal = sitting.journal!;
  return sitting.questions.map(({ paper }) => status_of(journal.get(paper.item), journal.visited.has(paper.item)));
}

export function Exam({ sitting }: { sitting: Sitting }) {
  const [help, set_help] = useState(false);
  const [list, set_list] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  const all = statuses(sitting);
  useEffect(() => {
    // Moving to a question moves the focus to its heading, so that a listener hears it and Tab goes on from there.
    if (!first.current) heading.current?.focus({ preventScroll: true });
    first.current = false;
    document.querySelector(".exam-side [aria-current]")?.scrollIntoView({ block: "nearest" });
    window.scrollTo(0, 0);
  }, [sitting.at]);
  use_shortcuts(sitting, help || list, () => set_help(true), () => set_list(true));
  return (
    <div class="exam">
      <ExamHeader sitting={sitting} help={() => set_help(true)} />
      <NetworkBanner sitting={sitting} />
      {sitting.notice && <div class="banner banner-info">{sitting.notice}</div>}
      <SectionTabs sitting={sitting} all={all} />
      <div class="exam-body">
        <main class="exam-main">
          <Item key={sitting.question.paper.item} sitting={sitting} heading={heading} />
          <MoveBar sitting={sitting} list={() => set_list(true)} />
        </main>
        <aside class="exam-side" aria-label="All questions">
          <Palette sitting={sitting} all={all} done={() => undefined} />
        </aside>
      </div>
      {help && <Help close={() => set_help(false)} />}
      {list && (
        <Dialog title="Questions" close={() => set_list(false)}>
          <Palette sitting={sitting} all={all} done={() => set_list(false)} />
        </Dialog>
      )}
    </div>
  );
}

function ExamHeader({ sitting, help }: { sitting: Sitting; help: () => void }) {
  const { title, name, roll } = sitting.attempt!;
  return (
    <header class="exam-head">
      <div class="exam-title">
        <h1>{title}</h1>
        <p>
          {name} · <span class="roll">{roll}</span>
        </p>
      </div>
      <button type="button" class="button-quiet head-help" onClick={help}>
        Help
      </button>
      <Timer sitting={sitting} />
    </header>
  );
}

function SectionTabs({ sitting, all }: { sitting: Sitting; all: Status[] }) {
  if (sitting.sections.length < 2) return null;
  const here = sitting.question.paper.section;
  return (
    <nav class="tabs" aria-label="Sections">
      {sitting.sections.map((name, section) => {
        const of = sitting.questions.flatMap((question, i) => (question.paper.section === section ? [i] : []));
        if (of.length === 0) return null;
        const answered = of.filter((i) => all[i] === "answered" || all[i] === "answered-marked").length;
        return (
          <button
            key={section}
            type="button"
            class="tab"
            aria-current={section === here ? "true" : undefined}
            onClick={() => section !== here && void sitting.go(of[0]!)}
          >
            {name}{" "}
            <span class="tab-count">
              {answered}/{of.length}
              <span class="for-listeners"> answered</span>
            </span>
          </button>
        );
      })}
    </nav>
  );
}

function Palette({ sitting, all, done }: { sitting: Sitting; all: Status[]; done: () => void }) {
  const go = (i: number) => {
    done();
    void sitting.go(i);
  };
  return (
    <div class="palette">
      <SaveTotal sitting={sitting} />
      <Legend counts={tally(all)} />
      <div class="palette-sections">
        {sitting.sections.map((name, section) => (
          <PaletteSection key={section} sitting={sitting} all={all} section={section} name={name} go={go} />
        ))}
      </div>
      <button type="button" class="button button-wide" onClick={() => (done(), void sitting.summary())}>
        Finish and submit…
      </button>
    </div>
  );
}

function PaletteSection(props: { sitting: Sitting; all: Status[]; section: number; name: string; go: (i: number) => void }) {
  const { sitting, all, section, name, go } = props;
  const shown = sitting.questions.map((question, i) => ({ question, i })).filter(({ question }) => question.paper.section === section);
  if (shown.length === 0) return null;
  return (
    <section>
      {sitting.sections.length > 1 && <h3 class="palette-name">{name}</h3>}
      <ol class="palette-grid">
        {shown.map(({ question, i }) => (
          <li key={i}>
            <button
              type="button"
              class="palette-item"
              data-status={all[i]}
              aria-current={i === sitting.at ? "true" : undefined}
              aria-label={`Question ${question.number}: ${status_name(all[i]!)}`}
              onClick={() => go(i)}
            >
              <StatusShape status={all[i]!} />
              <span>{question.number}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Before the palette, so that Tab goes from an answer to "Next" and not through every question of the paper. */
function MoveBar({ sitting, list }: { sitting: Sitting; list: () => void }) {
  const answer = sitting.journal!.get(sitting.question.paper.item);
  const last = sitting.at === sitting.questions.length - 1;
  return (
    <nav class="move-bar" aria-label="Move and mark">
      <button type="button" class="button" disabled={sitting.at === 0} onClick={() => void sitting.go(sitting.at - 1)}>
        <span aria-hidden="true">‹ </span>Previous
      </button>
      <button type="button" class="button move-mark" aria-pressed={answer?.marked ?? false} onClick={() => void sitting.toggle_mark()}>
        <span aria-hidden="true">{answer?.marked ? "⚑ " : "⚐ "}</span>
        {answer?.marked ? "Marked" : "Mark"}
        <span class="wide-only"> for review</span>
      </button>
      <button type="button" class="button" disabled={answer?.value == null} onClick={() => clear(sitting)}>
        Clear<span class="wide-only"> answer</span>
      </button>
      <button type="button" class="button move-list" onClick={list}>
        Questions
      </button>
      {last ? (
        <button type="button" class="button button-main" onClick={() => void sitting.summary()}>
          Finish…
        </button>
      ) : (
        <button type="button" class="button button-main" onClick={() => void sitting.go(sitting.at + 1)}>
          Next<span aria-hidden="true"> ›</span>
        </button>
      )}
    </nav>
  );
}

function clear(sitting: Sitting): void {
  const answer = sitting.journal!.get(sitting.question.paper.item);
  if (answer?.value == null) return;
  void sitting.save(null, answer.marked);
  announce("Answer cleared.");
}

function choose(sitting: Sitting, index: number): void {
  const { paper, choices } = sitting.question;
  const choice = choices[index];
  if (!choice) return;
  const answer = sitting.journal!.get(paper.item);
  const value = paper.kind === "several" ? toggled(answer?.value ?? null, choice.letter) : choice.letter;
  void sitting.save(value, answer?.marked ?? false);
  announce(`${choice.shown} ${value?.includes(choice.letter) ? "chosen" : "taken away"}.`);
}

function read_time(sitting: Sitting): void {
  const left_ms = sitting.left_ms();
  if (left_ms !== null) announce(`${countdown_words(left_ms)} left.`);
}

/** Single keys, for the page as a whole: never while typing, never with a modifier, and only if they are wanted. */
function use_shortcuts(sitting: Sitting, paused: boolean, help: () => void, list: () => void): void {
  const acts = useMemo<Record<string, () => void>>(
    () => ({
      n: () => void sitting.go(sitting.at + 1),
      ArrowRight: () => void sitting.go(sitting.at + 1),
      p: () => void sitting.go(sitting.at - 1),
      ArrowLeft: () => void sitting.go(sitting.at - 1),
      m: () => void sitting.toggle_mark(),
      c: () => clear(sitting),
      t: () => read_time(sitting),
      q: list,
      "?": help,
    }),
    [sitting],
  );
  useEffect(() => {
    if (paused) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || !settings_read().shortcuts) return;
      const target = event.target as HTMLElement;
      if (target.matches("textarea, select, input:not([type=radio]):not([type=checkbox])")) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const act = /^[1-9]$/.test(key) ? () => choose(sitting, Number(key) - 1) : acts[key];
      if (!act) return;
      event.preventDefault();
      if (!event.repeat) act(); // a key that a slow hand holds means one press
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [paused, sitting, acts]);
}
