// formula.ts - finds the TeX in plain text. What stands between dollar signs is a formula, unless it is money.
//
// Papers write "costs $5 and $x$ tickets". A pair is taken as a formula only if it can be one: nothing but a digit-free
// neighbour after it, no blanks at its edges (or real TeX inside), and no sentence inside. `\$` is always a dollar.

export type Piece = { kind: "text"; text: string } | { kind: "tex"; tex: string; display: boolean };

const COMMAND = /\\[a-zA-Z]+|[\^_{}]/;
const SENTENCE = /[A-Za-z]{2,}[,.;:]?\s+[A-Za-z]{2,}[,.;:]?\s+[A-Za-z]{2,}/;
const WORDS_IN_TEX = /\\(?:text|textit|textbf|mathrm|mathbf|operatorname|mbox)\s*\{[^{}]*\}|\\[a-zA-Z]+/g;

function closing(text: string, from: number, mark: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text.startsWith(mark, at)) return at;
  }
  return -1;
}

function is_formula(tex: string, next: string): boolean {
  if (!tex.trim()) return false;
  if (SENTENCE.test(tex.replace(WORDS_IN_TEX, " "))) return false;
  if (COMMAND.test(tex)) return true;
  return tex === tex.trim() && !/[0-9]/.test(next);
}

/** The pieces in order; texts hold no `\$` any more. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let plain = "";
  const flush = () => {
    if (plain) found.push({ kind: "text", text: plain });
    plain = "";
  };
  for (let at = 0; at < text.length; ) {
    if (text[at] === "\\" && text[at + 1] === "$") {
      plain += "$";
      at += 2;
      continue;
    }
    const mark = text.startsWith("$$", at) ? "$$" : text[at] === "$" ? "$" : null;
    const start = at + (mark?.length ?? 0);
    const end = mark ? closing(text, start, mark) : -1;
    if (mark && end >= 0 && is_formula(text.slice(start, end), text[end + mark.length] ?? "")) {
      flush();
      found.push({ kind: "tex", tex: text.slice(start, end).trim(), display: mark === "$$" });
      at = end + mark.length;
    } else {
      plain += text[at]!;
      at++;
    }
  }
  flush();
  return found;
}

/** Paragraphs of pieces: a newline in text (never one inside a formula) ends a paragraph. */
export function paragraphs(text: string): Piece[][] {
  const all: Piece[][] = [[]];
  for (const piece of pieces(text)) {
    if (piece.kind === "tex") {
      all.at(-1)!.push(piece);
      continue;
    }
    piece.text.split("\n").forEach((line, i) => {
      if (i > 0) all.push([]);
      if (line.trim()) all.at(-1)!.push({ kind: "text", text: line });
    });
  }
  return all.filter((paragraph) => paragraph.length > 0);
}

export function has_formula(text: string): boolean {
  return pieces(text).some((piece) => piece.kind === "tex");
}
