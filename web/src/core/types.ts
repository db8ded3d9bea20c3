// The contract of ARCHITECTURE.md as types. Instants are milliseconds since 1970 UTC.

export type AttemptState = "waiting" | "ready" | "running" | "submitted" | "closed" | "published";

export interface Attempt {
  attempt: number;
  roll: string;
  name: string;
  exam: string;
  title: string;
  state: AttemptState;
  items: number;
  sections: string[];
  minutes: number;
  extra_minutes: number;
  opens_at: number | null;
  starts_at: number | null;
  started_at: number | null;
  ends_at: number | null;
  submitted_at: number | null;
  instructions: string[] | null;
  place: number | null;
  now: number;
}

export type ItemKind = "single" | "several" | "number" | "text";

export interface PaperItem {
  item: number;
  section: number;
  kind: ItemKind;
  blanks: number;
  passage: string | null;
  text: string;
  options: string[] | null;
  image: { alt: string; src: string } | null;
  right: string;
  wrong: string;
}

export interface Paper {
  digest: string;
  title: string;
  sections: { name: string }[];
  items: PaperItem[];
}

export interface Form {
  exam: string;
  paper: string;
  items: { item: number; options?: number[] | null }[];
}

/** The reply to a start that began the attempt; a repeated one has no more, and the page asks as after a reload. */
export interface Started extends Attempt {
  epoch?: number;
  form?: Form;
  packed_paper?: string; // the form's paper, where it is not large: packed.ts
}

export interface HallAnswer {
  item: number;
  value: string | null;
  marked: boolean;
  seq: number;
  epoch: number;
  recorded_at: number;
}

export interface HallAnswers {
  epoch: number;
  seq: number;
  place: number | null;
  answers: HallAnswer[];
  now: number;
}

export interface SaveReply {
  item: number;
  seq: number;
  recorded_at: number;
  receipt: string;
  superseded?: boolean;
  ends_at: number;
  now: number;
}

export interface Receipt {
  hall: string;
  exam: string;
  roll: string;
  attempt: number;
  answered: number;
  saves: number;
  submitted_at: number;
  by: "candidate" | "time" | "officer";
  digest: string;
  key: string;
  signature: string;
}

export interface ScoreCard {
  roll: string;
  name: string;
  exam: string;
  title: string;
  total: string;
  out_of: string;
  rank: number;
  of: number;
  sections: {
    name: string;
    marks: string;
    out_of: string;
    right: number;
    partly?: number;
    wrong: number;
    blank: number;
  }[];
}

export interface ResponseSheet {
  items: { item: number; value: string | null; marks: string; outcome: "right" | "partly" | "wrong" | "blank" }[];
}

export type ExamState = "draft" | "open" | "closed" | "scored" | "published";

export interface ExamRow {
  exam: string;
  title: string;
  state: ExamState;
  items: number;
  minutes: number;
  candidates: number;
}

export interface Overview {
  candidates: number;
  signed_in: number;
  started: number;
  submitted: number;
  saves: number;
  saves_per_s: number;
  latency_ms: { p50: number | null; p99: number | null };
  connections: number;
  exams: ExamRow[];
  now: number;
}

export interface CandidateRow {
  attempt: number;
  roll: string;
  name: string;
  centre: string;
  exam: string;
  shift: string;
  state: string;
  answered: number;
  started_at: number | null;
  ends_at: number | null;
  seen_at: number | null;
  extra_minutes: number;
}
