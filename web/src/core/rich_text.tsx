// rich_text.tsx - plain text with formulas, as paragraphs. Nothing in a paper is ever read as HTML.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Piece, paragraphs } from "./formula";

type Engine = typeof import("./math_engine");

let engine: Engine | null = null;
let loading: Promise<Engine> | null = null;

/** Starts loading the formula chunk; called while the candidate reads the instructions. A failed load is tried again. */
export function load_formulas(): Promise<Engine> {
  loading ??= import("./math_engine").then(
    (loaded) => (engine = loaded),
    (error: unknown) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

function Formula({ tex, display }: { tex: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  const [ready, set_ready] = useState(engine);
  useEffect(() => {
    if (ready) return;
    let gone = false;
    const again = () =>
      load_formulas().then(
        (loaded) => !gone && set_ready(loaded),
        () => !gone && setTimeout(again, 2000),
      );
    void again();
    return () => void (gone = true);
  }, [ready]);
  useEffect(() => {
    const span = place.current!;
    try {
      span.replaceChildren(ready ? ready.render(tex, display) : tex);
      span.classList.toggle("tex-source", !ready);
    } catch {
      span.replaceChildren(tex); // a candidate can still read the source
      span.classList.add("tex-source");
    }
  }, [ready, tex, display]);
  return <span ref={place} class={display ? "formula formula-display" : "formula"} />;
}

function Pieces({ of }: { of: Piece[] }) {
  return (
    <>
      {of.map((piece, i) =>
        piece.kind === "text" ? piece.text : <Formula key={i} tex={piece.tex} display={piece.display} />,
      )}
    </>
  );
}

/** Chinese gets its own voice and glyphs, whatever the language of the page. */
const language = (of: Piece[]) => (of.some((piece) => piece.kind === "text" && /[\u3400-\u9fff]/.test(piece.text)) ? "zh" : undefined);

export function RichText({ text }: { text: string }) {
  return (
    <>
      {paragraphs(text).map((paragraph, i) => (
        <p key={i} lang={language(paragraph)}>
          <Pieces of={paragraph} />
        </p>
      ))}
    </>
  );
}

/** For a label or a table cell: no paragraphs. */
export function RichLine({ text }: { text: string }) {
  return (
    <>
      {paragraphs(text).map((paragraph, i) => (
        <span key={i} class="line" lang={language(paragraph)}>
          <Pieces of={paragraph} />
        </span>
      ))}
    </>
  );
}
