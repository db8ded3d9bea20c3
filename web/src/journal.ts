// journal.ts - what the candidate entered, on this device, until the hall has it. Pure logic over a store.
//
// The promises, in the order an answer lives through them:
//   typed      in this page's memory; the store has not confirmed yet
//   device     in the store (IndexedDB, durability strict): survives a crash of the browser
//   recorded   the hall has acknowledged this very value, and its receipt is in the store
//   refused    the hall said no to this value; `why` says it in a sentence
// Sequence numbers grow by store transactions, so neither a reload nor a second tab repeats one. Answers are ordered
// by (epoch, seq), never by time. Nothing is ever shown better than it is.
//
// The device may be shared: after the end it forgets what the hall has, and keeps what the hall has not (docs/adr/0021).

import type { HallAnswer, HallAnswers, SaveReply } from "./core/types";

export type Stage = "typed" | "device" | "recorded" | "refused";

/** Names one attempt for ever: numbers alone begin anew with every hall, and the next may be on this same address. */
export function sitting_of(attempt: { exam: string; roll: string; started_at: number | null }): string {
  return `${attempt.exam}/${attempt.roll}/${attempt.started_at ?? 0}`;
}

/** One item's newest value as the store keeps it. */
export interface Entry {
  sitting: string;
  item: number;
  value: string | null;
  marked: boolean;
  epoch: number;
  seq: number;
  stage: "device" | "recorded" | "refused";
  recorded_at: number | null;
  receipt: string | null;
  why: string | null;
}

export interface Meta {
  sitting: string;
  epoch: number; // of the sign-in under which this device last wrote
  seq: number; // the highest used so far
  place: number | null;
  visited: number[];
}

export interface KeptReceipt {
  sitting: string;
  epoch: number;
  seq: number;
  item: number;
  value: string | null;
  recorded_at: number;
  receipt: string;
}

export type Change = Pick<Entry, "sitting" | "item" | "value" | "marked" | "epoch">;

/** Where a journal is kept. Each call is one transaction; a promise that resolves means it is on the disk. */
export interface JournalStore {
  read(sitting: string): Promise<{ meta: Meta | null; entries: Entry[] }>;
  /** Takes the next number above both the store's and `seq_floor`, writes the entry with it, gives it back. */
  append(change: Change, seq_floor: number): Promise<number>;
  /** Replaces the entry if it still has the same epoch and seq, and keeps the receipt; of what was forgotten, nothing. */
  settle(entry: Entry, receipt: KeptReceipt | null): Promise<void>;
  /** Everything of meta but seq and epoch, which only append() moves. */
  remember(sitting: string, place: number | null, visited: number[]): Promise<void>;
  receipts(sitting: string): Promise<KeptReceipt[]>;
  /** Every sitting of which something is kept. */
  sittings(): Promise<string[]>;
  /** Deletes all of a sitting but the entries of the items in `but`. */
  forget(sitting: string, but: number[]): Promise<void>;
}

/** An item as the page shows it. */
export interface Answer {
  value: string | null;
  marked: boolean;
  stage: Stage;
  why: string | null;
}

interface Held extends Entry {
  typed: boolean; // newer than what the store confirmed
  kept: boolean; // the store has it; false where it refused
  version: number;
  sent: boolean; // on its way to the hall
}

function entry_of(held: Held): Entry {
  const { typed: _typed, kept: _kept, version: _version, sent: _sent, ...entry } = held;
  return entry;
}

export interface Counts {
  recorded: number; // items whose newest value the hall has
  waiting: number; // on this device, not yet at the hall
  typed: number; // not yet on this device
  refused: number;
}

const older = (a: { epoch: number; seq: number }, b: { epoch: number; seq: number }) =>
  a.epoch < b.epoch || (a.epoch === b.epoch && a.seq < b.seq);

/** The items of those entries whose value is newer here than at the hall. A mark alone is no answer. */
export function not_at_hall(entries: Entry[], answers: HallAnswer[]): number[] {
  const at_hall = new Map(answers.map((answer) => [answer.item, answer]));
  const newer = entries.filter((entry) => {
    const answer = at_hall.get(entry.item);
    return (!answer || older(answer, entry)) && entry.value !== (answer?.value ?? null);
  });
  return newer.map((entry) => entry.item);
}

const unacknowledged = (entries: Entry[]) => entries.filter((entry) => entry.stage !== "recorded");

/** What of a sitting the hall never acknowledged, as far as the store knows. */
export async function kept_unacknowledged(store: JournalStore, sitting: string): Promise<Entry[]> {
  return unacknowledged((await store.read(sitting)).entries);
}

/** Forgets what the hall acknowledged, of every sitting but `mine`. */
export async function forget_acknowledged(store: JournalStore, mine: string | null): Promise<void> {
  for (const sitting of await store.sittings()) {
    if (sitting === mine) continue;
    const kept = await kept_unacknowledged(store, sitting);
    await store.forget(sitting, kept.map((entry) => entry.item));
  }
}

export class Journal {
  readonly visited = new Set<number>();
  place: number | null = null;
  /** False when the store refused the newest read or write: then only the hall keeps answers, and the page says so. */
  device_keeps = true;
  private epoch = 0;
  private seq = 0;
  private readonly held = new Map<number, Held>();
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly store: JournalStore,
    readonly sitting: string,
  ) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** Reads what this device has and joins it with what the hall has. After it, saves go out under the hall's epoch. */
  async open(hall: HallAnswers): Promise<void> {
    const { meta, entries } = await this.store.read(this.sitting).catch(() => {
      this.device_keeps = false;
      return { meta: null, entries: [] as Entry[] };
    });
    const same_device = meta !== null && meta.epoch >= hall.epoch - 1;
    this.place = (same_device ? meta.place : null) ?? hall.place ?? meta?.place ?? null;
    for (const item of meta?.visited ?? []) this.visited.add(item);
    this.epoch = hall.epoch;
    this.seq = Math.max(meta?.seq ?? 0, hall.seq);
    const again = this.join(entries, hall.answers);
    this.changed();
    await Promise.all(again.map((entry) => this.save(entry.item, entry.value, entry.marked)));
  }

  /** Fills `held`; gives back the entries that the hall must get (again). */
  private join(entries: Entry[], answers: HallAnswer[]): Entry[] {
    const again: Entry[] = [];
    const at_hall = new Map(answers.map((answer) => [answer.item, answer]));
    for (const answer of answers) this.hold_hall(answer);
    for (const entry of entries) {
      const answer = at_hall.get(entry.item);
      // The hall's record is as new or newer: it wins. (Equal: the acknowledgement was lost on its way to us.)
      if (answer && !older(answer, entry)) {
        if (!older(entry, answer)) this.held.get(entry.item)!.receipt = entry.receipt;
        continue;
      }
      this.hold(entry);
      again.push(entry);
    }
    return again;
  }

  private hold(entry: Entry): Held {
    const held = { ...entry, typed: false, kept: true, version: 0, sent: false };
    this.held.set(entry.item, held);
    return held;
  }

  private hold_hall(answer: HallAnswer): void {
    const { item, value, marked, epoch, seq, recorded_at } = answer;
    const sitting = this.sitting;
    this.hold({ sitting, item, value, marked, epoch, seq, recorded_at, stage: "recorded", receipt: null, why: null });
    this.visited.add(item);
  }

  /** The candidate changed an item. Resolves when the store has it (or refused: then device_keeps is false). */
  async save(item: number, value: string | null, marked: boolean): Promise<void> {
    const { sitting, epoch } = this;
    const held =
      this.held.get(item) ??
      this.hold({ sitting, item, value, marked, epoch, seq: 0, stage: "device", recorded_at: null, receipt: null, why: null });
    Object.assign(held, { value, marked, epoch, stage: "device", recorded_at: null, receipt: null, why: null });
    held.typed = true;
    const version = ++held.version;
    this.changed();
    const { seq, kept } = await this.append({ sitting, item, value, marked, epoch });
    if (held.version !== version) return; // a newer value follows, with a higher number
    Object.assign(held, { seq, kept, typed: false });
    this.changed();
  }

  private async append(change: Change): Promise<{ seq: number; kept: boolean }> {
    try {
      const seq = await this.store.append(change, this.seq);
      this.seq = Math.max(this.seq, seq);
      this.device_keeps = true;
      return { seq, kept: true };
    } catch {
      this.device_keeps = false;
      return { seq: ++this.seq, kept: false };
    }
  }

  get(item: number): Answer | null {
    const held = this.held.get(item);
    if (!held) return null;
    const unsafe = held.typed || (!held.kept && held.stage === "device");
    return { value: held.value, marked: held.marked, stage: unsafe ? "typed" : held.stage, why: held.why };
  }

  counts(): Counts {
    const counts = { recorded: 0, waiting: 0, typed: 0, refused: 0 };
    for (const item of this.held.keys()) {
      const { stage } = this.get(item)!;
      if (stage === "device") counts.waiting++;
      else counts[stage]++;
    }
    return counts;
  }

  /** What was not acknowledged; the number of what is only typed is above all that the hall can know. */
  not_recorded(): Entry[] {
    const open = [...this.held.values()].filter((held) => held.typed || held.stage !== "recorded");
    return open.map((held) => ({ ...entry_of(held), seq: held.typed ? Infinity : held.seq }));
  }

  /** The oldest entry that should be on its way and is not; it counts as sent until one of the three below. */
  take(): Entry | null {
    let first: Held | null = null;
    for (const held of this.held.values()) {
      if (held.typed || held.sent || held.stage !== "device") continue;
      if (!first || held.seq < first.seq) first = held;
    }
    if (!first) return null;
    first.sent = true;
    return entry_of(first);
  }

  /** True while something has not found its answer; a refused value has. */
  pending(): boolean {
    for (const held of this.held.values()) if (held.typed || held.sent || held.stage === "device") return true;
    return false;
  }

  async recorded(entry: Entry, reply: SaveReply): Promise<void> {
    if (reply.superseded && reply.seq !== entry.seq)
      return this.refused(entry, "A newer answer to this question, from another window, is recorded.");
    const { sitting, epoch, seq, item, value } = entry;
    const { recorded_at, receipt } = reply;
    const kept = { sitting, epoch, seq, item, value, recorded_at, receipt };
    await this.settle({ ...entry, stage: "recorded", recorded_at, receipt }, kept);
  }

  async refused(entry: Entry, why: string): Promise<void> {
    await this.settle({ ...entry, stage: "refused", why }, null);
  }

  /** Its number was used before (by a browser that kept no journal): the same value goes out with a higher one. */
  async renumber(entry: Entry): Promise<void> {
    this.returned(entry);
    const held = this.held.get(entry.item);
    if (held && held.seq === entry.seq) await this.save(entry.item, held.value, held.marked);
  }

  /** The request failed; the entry waits again. */
  returned(entry: Entry): void {
    const held = this.held.get(entry.item);
    if (held) held.sent = false;
  }

  private async settle(entry: Entry, receipt: KeptReceipt | null): Promise<void> {
    const held = this.held.get(entry.item);
    if (held) {
      held.sent = false;
      if (!held.typed && held.epoch === entry.epoch && held.seq === entry.seq) Object.assign(held, entry);
    }
    this.changed();
    // Losing this write costs one repeat of a save after a crash, no more.
    await this.store.settle(entry, receipt).catch(() => undefined);
  }

  visit(item: number): void {
    this.visited.add(item);
    this.place = item;
    this.changed();
    void this.store.remember(this.sitting, item, [...this.visited]).catch(() => undefined);
  }

  receipts(): Promise<KeptReceipt[]> {
    return this.store.receipts(this.sitting).catch(() => []);
  }
}

/** A store that forgets with the page: for browsers that refuse IndexedDB, and for tests. */
export class MemoryStore implements JournalStore {
  private readonly metas = new Map<string, Meta>();
  private readonly entries = new Map<string, Entry>();
  private kept: KeptReceipt[] = [];

  async read(sitting: string) {
    const entries = [...this.entries.values()].filter((entry) => entry.sitting === sitting);
    return structuredClone({ meta: this.metas.get(sitting) ?? null, entries });
  }

  async append(change: Change, seq_floor: number) {
    const meta = this.metas.get(change.sitting) ?? meta_new(change.sitting);
    const { entry, next } = appended(change, meta, seq_floor);
    this.metas.set(change.sitting, next);
    this.entries.set(`${entry.sitting}/${entry.item}`, entry);
    return entry.seq;
  }

  async settle(entry: Entry, receipt: KeptReceipt | null) {
    const key = `${entry.sitting}/${entry.item}`;
    const stored = this.entries.get(key);
    if (!stored) return;
    if (stored.epoch === entry.epoch && stored.seq === entry.seq) this.entries.set(key, entry);
    if (receipt) this.kept.push(receipt);
  }

  async remember(sitting: string, place: number | null, visited: number[]) {
    this.metas.set(sitting, { ...(this.metas.get(sitting) ?? meta_new(sitting)), place, visited });
  }

  async receipts(sitting: string) {
    return this.kept.filter((receipt) => receipt.sitting === sitting);
  }

  async sittings() {
    return [...this.metas.keys()];
  }

  async forget(sitting: string, but: number[]) {
    if (but.length === 0) this.metas.delete(sitting);
    for (const [key, entry] of this.entries)
      if (entry.sitting === sitting && !but.includes(entry.item)) this.entries.delete(key);
    this.kept = this.kept.filter((receipt) => receipt.sitting !== sitting);
  }
}

export function meta_new(sitting: string): Meta {
  return { sitting, epoch: 0, seq: 0, place: null, visited: [] };
}

/** What one append writes; the same for every store. */
export function appended(change: Change, meta: Meta, seq_floor: number): { entry: Entry; next: Meta } {
  const seq = Math.max(meta.seq, seq_floor) + 1;
  const entry: Entry = { ...change, seq, stage: "device", recorded_at: null, receipt: null, why: null };
  return { entry, next: { ...meta, seq, epoch: change.epoch } };
}
