// paper.ts - the paper as this candidate sees it, and what an answer is. Pure functions.
//
// The paper has its own order of items and options; the form says in which order this candidate sees them. Answers
// are always written in the paper's letters: only the page knows the letters that it shows.

import type { Answer } from "../journal";
import type { Form, Paper, PaperItem } from "../core/types";

export interface Choice {
  shown: string; // the letter on this page
  letter: string; // the paper's own, which the answer is made of
  text: string;
}

export interface Question {
  number: number; // on this page, from 1
  paper: PaperItem;
  choices: Choice[];
}

export const VALUE_BYTES_MAX = 200;

export const letter = (index: number) => String.fromCharCode(65 + index);

/** Sections in the paper's order; inside, the form's order. Items the paper does not know are left out. */
export function questions_of(paper: Paper, form: Form): Question[] {
  const by_number = new Map(paper.items.map((item) => [item.item, item]));
  const found = form.items.flatMap(({ item, options }) => {
    const known = by_number.get(item);
    return known ? [{ known, order: options ?? known.options?.map((_, i) => i) ?? [] }] : [];
  });
  found.sort((a, b) => a.known.section - b.known.section); // stable: keeps the form's order inside
  return found.map(({ known, order }, i) => ({
    number: i + 1,
    paper: known,
    choices: order.map((index, at) => ({ shown: letter(at), letter: letter(index), text: known.options?.[index] ?? "" })),
  }));
}

export type Status = "unseen" | "unanswered" | "answered" | "marked" | "answered-marked";

export const STATUSES: { status: Status; name: string; plural: string }[] = [
  { status: "unseen", name: "Not visited", plural: "not visited" },
  { status: "unanswered", name: "Not answered", plural: "not answered" },
  { status: "answered", name: "Answered", plural: "answered" },
  { status: "marked", name: "Marked for review", plural: "marked for review" },
  { status: "answered-marked", name: "Answered and marked", plural: "answered and marked" },
];

export const status_name = (status: Status) => STATUSES.find((row) => row.status === status)!.name;

export function status_of(answer: Answer | null, visited: boolean): Status {
  const answered = answer?.value != null;
  if (answer?.marked) return answered ? "answered-marked" : "marked";
  if (answered) return "answered";
  return visited ? "unanswered" : "unseen";
}

export function tally(statuses: Status[]): Record<Status, number> {
  const counts: Record<Status, number> = { unseen: 0, unanswered: 0, answered: 0, marked: 0, "answered-marked": 0 };
  for (const status of statuses) counts[status]++;
  return counts;
}

/** Several choices: the letter in or out, ascending; null when none is left. */
export function toggled(value: string | null, which: string): string | null {
  const letters = new Set(value ?? "");
  if (!letters.delete(which)) letters.add(which);
  return [...letters].sort().join("") || null;
}

/** The fields of a typed answer. */
export function blanks_of(value: string | null, blanks: number): string[] {
  const parts = blanks > 1 ? (value ?? "").split(";") : [value ?? ""];
  return Array.from({ length: Math.max(1, blanks) }, (_, i) => parts[i] ?? "");
}

/** Back to one value; `;` parts the blanks, so inside one it becomes a comma. All empty is no answer. */
export function value_of(fields: string[]): string | null {
  const cleaned = fields.length > 1 ? fields.map((field) => field.replace(/;/g, ",")) : fields;
  const value = cleaned.map((field) => field.trim()).join(";");
  return value.replace(/;/g, "") ? value : null;
}

export const bytes_of = (value: string) => new TextEncoder().encode(value).length;

/** How an answer is told to the candidate: the letters of this page. */
export function shown_value(question: Question | undefined, value: string | null): string {
  if (value === null) return "";
  if (!question || question.choices.length === 0) return value.split(";").join("; ");
  const shown = [...value].map((l) => question.choices.find((choice) => choice.letter === l)?.shown ?? l);
  return shown.sort().join(", ");
}

/** "+4", "−1": marks as decimal text, with a real minus sign. */
export function marks(text: string): string {
  if (text.startsWith("-")) return `−${text.slice(1)}`;
  return /^\+?0*(\.0*)?$/.test(text) ? "0" : `+${text.replace(/^\+/, "")}`;
}
