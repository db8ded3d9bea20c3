// leaving.ts - what a computer keeps of a candidate who has finished there: nothing that the hall has, for the next one may
// be anybody. Only an answer that the hall does not have stays, and the candidate is told so. docs/adr/0021 says why.

import { type Entry, type JournalStore, type KeptReceipt, forget_acknowledged, kept_unacknowledged, not_at_hall } from "../journal";
import type { HallAnswer } from "../core/types";

export const IDLE_MS = 10 * 60_000; // a finished page that nobody touches for so long signs out by itself

/** What is left of a sitting that is over. */
export interface Rest {
  lost: Entry[]; // what the hall does not have; it stays on this device
  saves: KeptReceipt[]; // the receipts of all saves, which were on this device until now
}

/** Forgets what the hall has. `unsure` was not acknowledged here; `ask` says what the hall has of it after all. */
export async function clear_sitting(
  store: JournalStore,
  sitting: string,
  unsure: Entry[],
  ask: () => Promise<HallAnswer[]>,
): Promise<Rest> {
  const items = unsure.length === 0 ? [] : not_at_hall(unsure, await ask());
  const saves = await store.receipts(sitting).catch(() => []);
  await store.forget(sitting, items).catch(() => undefined); // signing out tries again, and says when it cannot
  return { lost: unsure.filter((entry) => items.includes(entry.item)), saves };
}

/** The exam goes on elsewhere: what the hall has leaves this device now, if that is all; else everything waits here. */
export async function moved_away(store: JournalStore, sitting: string): Promise<void> {
  const open = await kept_unacknowledged(store, sitting);
  if (open.length === 0) await store.forget(sitting, []);
}

/** True when this device now holds nothing of anybody that the hall has. */
export function swept(store: JournalStore): Promise<boolean> {
  return forget_acknowledged(store, null).then(
    () => true,
    () => false,
  );
}

/** For the candidate's own keeping: receipts of every save, and what the hall does not have. */
export function saves_file(roll: string, rest: Rest): string {
  const not_recorded = rest.lost.map(({ item, value, marked }) => ({ item, value, marked }));
  return JSON.stringify({ roll, saves: rest.saves, not_recorded }, null, 1);
}
