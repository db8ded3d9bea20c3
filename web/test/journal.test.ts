// The journal's promises, on both stores: the one in memory and the one in IndexedDB.

import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it } from "vitest";
import { type Entry, Journal, type JournalStore, MemoryStore, forget_acknowledged, not_at_hall, sitting_of } from "../src/journal";
import { clear_sitting, moved_away, saves_file, swept } from "../src/candidate/leaving";
import { DatabaseStore } from "../src/journal_db";
import type { HallAnswer, HallAnswers } from "../src/core/types";

const hall = (epoch: number, seq = 0, answers: HallAnswer[] = [], place: number | null = null): HallAnswers => ({
  epoch,
  seq,
  place,
  answers,
  now: 1000,
});
const at_hall = (item: number, value: string | null, epoch: number, seq: number): HallAnswer => ({
  item,
  value,
  marked: false,
  epoch,
  seq,
  recorded_at: 500,
});
const reply = (entry: Entry) => ({ item: entry.item, seq: entry.seq, recorded_at: 900, receipt: `r${entry.seq}`, ends_at: 5000, now: 901 });

async function opened(store: JournalStore, from: HallAnswers): Promise<Journal> {
  const journal = new Journal(store, "sample/R1/1000");
  await journal.open(from);
  return journal;
}

/** Sends everything that waits, and says what went. */
async function sent(journal: Journal): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let entry = journal.take(); entry; entry = journal.take()) {
    all.push(entry);
    await journal.recorded(entry, reply(entry));
  }
  return all;
}

const stores: [string, () => JournalStore][] = [
  ["memory", () => new MemoryStore()],
  ["IndexedDB", () => new DatabaseStore()],
];

describe.each(stores)("journal in %s", (_, make) => {
  let store: JournalStore;
  beforeEach(() => {
    globalThis.indexedDB = new IDBFactory();
    store = make();
  });

  it("says 'typed' until the store has it, then 'device', then 'recorded'", async () => {
    const journal = await opened(store, hall(1));
    const saving = journal.save(3, "B", false);
    expect(journal.get(3)?.stage).toBe("typed");
    expect(journal.take()).toBeNull(); // nothing leaves before it is on the device
    await saving;
    expect(journal.get(3)?.stage).toBe("device");
    await sent(journal);
    expect(journal.get(3)).toEqual({ value: "B", marked: false, stage: "recorded", why: null });
    expect(journal.pending()).toBe(false);
    expect(await journal.receipts()).toMatchObject([{ item: 3, value: "B", receipt: "r1", seq: 1 }]);
  });

  it("sends only the newest value of an item, with a higher number", async () => {
    const journal = await opened(store, hall(1));
    await Promise.all([journal.save(1, "A", false), journal.save(1, "B", false), journal.save(1, "C", true)]);
    expect(await sent(journal)).toMatchObject([{ value: "C", marked: true, seq: 3 }]);
  });

  it("an acknowledgement of an older value does not make the newer one recorded", async () => {
    const journal = await opened(store, hall(1));
    await journal.save(1, "A", false);
    const first = journal.take()!;
    await journal.save(1, "B", false);
    expect(journal.take()).toBeNull(); // never two values of one item under way
    await journal.recorded(first, reply(first));
    expect(journal.get(1)?.stage).toBe("device");
    expect(await sent(journal)).toMatchObject([{ value: "B" }]);
    expect(journal.get(1)?.stage).toBe("recorded");
  });

  it("numbers grow across reloads, and stay above the hall's", async () => {
    const first = await opened(store, hall(1));
    await first.save(1, "A", false);
    await first.save(2, "B", false);
    const again = await opened(store, hall(1));
    await again.save(3, "C", false);
    const numbers = (await sent(again)).map((entry) => entry.seq);
    expect(Math.min(...numbers)).toBeGreaterThan(2);
    const other = await opened(store, hall(2, 40));
    await other.save(4, "D", false);
    expect((await sent(other)).at(-1)?.seq).toBeGreaterThan(40);
  });

  it("two windows on one store never take the same number", async () => {
    const one = await opened(store, hall(1));
    const two = await opened(store, hall(1));
    for (let item = 1; item <= 5; item++) await Promise.all([one.save(item, "A", false), two.save(item + 10, "B", false)]);
    const numbers = [...(await sent(one)), ...(await sent(two))].map((entry) => entry.seq);
    expect(new Set(numbers).size).toBe(10);
  });

  it("after a crash, what was not acknowledged goes out again under the new epoch", async () => {
    const before = await opened(store, hall(1));
    await before.save(1, "A", false);
    await before.save(2, "B", true);
    const after = await opened(store, hall(2));
    const again = await sent(after);
    expect(again).toMatchObject([
      { item: 1, value: "A", epoch: 2 },
      { item: 2, value: "B", marked: true, epoch: 2 },
    ]);
    expect(again.every((entry) => entry.seq > 2)).toBe(true);
  });

  it("an unacknowledged entry loses against a record of a newer epoch", async () => {
    const before = await opened(store, hall(1));
    await before.save(1, "A", false);
    await before.save(2, "B", false);
    const after = await opened(store, hall(3, 9, [at_hall(1, "D", 2, 9)]));
    expect(after.get(1)).toMatchObject({ value: "D", stage: "recorded" });
    expect(await sent(after)).toMatchObject([{ item: 2, value: "B", epoch: 3 }]);
  });

  it("a lost acknowledgement is found: the hall has that very save", async () => {
    const before = await opened(store, hall(1));
    await before.save(1, "A", false);
    const after = await opened(store, hall(1, 1, [at_hall(1, "A", 1, 1)]));
    expect(after.get(1)?.stage).toBe("recorded");
    expect(after.take()).toBeNull();
  });

  it("what the hall acknowledged and no longer shows is sent again", async () => {
    const before = await opened(store, hall(1));
    await before.save(1, "A", false);
    await sent(before);
    const after = await opened(store, hall(1, 0, []));
    expect(await sent(after)).toMatchObject([{ item: 1, value: "A" }]);
  });

  it("a refused value says why, and is no longer pending; a new value is sent", async () => {
    const journal = await opened(store, hall(1));
    await journal.save(1, "x", false);
    await journal.refused(journal.take()!, "It is too long.");
    expect(journal.get(1)).toMatchObject({ stage: "refused", why: "It is too long." });
    expect(journal.pending()).toBe(false);
    expect(journal.counts()).toEqual({ recorded: 0, waiting: 0, typed: 0, refused: 1 });
    await journal.save(1, "y", false);
    expect(await sent(journal)).toMatchObject([{ value: "y" }]);
  });

  it("a superseded save is not shown as recorded", async () => {
    const journal = await opened(store, hall(1));
    await journal.save(1, "A", false);
    const entry = journal.take()!;
    await journal.recorded(entry, { ...reply(entry), seq: 9, superseded: true });
    expect(journal.get(1)?.stage).toBe("refused");
  });

  it("knows nothing of another hall's attempt on the same address", async () => {
    const before = await opened(store, hall(1));
    await before.save(1, "A", false);
    const other = new Journal(store, sitting_of({ exam: "sample", roll: "R1", started_at: 2000 }));
    await other.open(hall(1));
    expect(other.get(1)).toBeNull();
    expect(other.take()).toBeNull();
  });

  it("comes back to the place: this device's after a reload, the hall's after another device", async () => {
    const before = await opened(store, hall(1));
    await before.save(4, "A", false);
    before.visit(5);
    before.visit(6);
    await new Promise((resolve) => setTimeout(resolve, 20)); // the store's write is not awaited by the page either
    const reload = await opened(store, hall(2, 1, [], 4));
    expect(reload.place).toBe(6);
    expect([...reload.visited].sort()).toEqual([5, 6]);
    const other = await opened(store, hall(9, 1, [], 17));
    expect(other.place).toBe(17);
  });
});

describe.each(stores)("a shared computer with %s", (_, make) => {
  let store: JournalStore;
  beforeEach(() => {
    globalThis.indexedDB = new IDBFactory();
    store = make();
  });
  const sitting = "sample/R1/1000";
  /** Every sitting of which the store has anything at all, with the items of its entries and receipts. */
  const kept = async () => {
    const all: Record<string, { entries: number[]; receipts: number[] }> = {};
    for (const name of new Set([...(await store.sittings()), sitting, "sample/R2/1500"])) {
      const entries = (await store.read(name)).entries.map((entry) => entry.item);
      const receipts = (await store.receipts(name)).map((receipt) => receipt.item);
      if (entries.length || receipts.length || (await store.sittings()).includes(name)) all[name] = { entries, receipts };
    }
    return all;
  };
  const ask = (answers: HallAnswer[]) => () => Promise.resolve(answers);

  it("holds nothing after the end when the hall has every answer", async () => {
    const journal = await opened(store, hall(1));
    await journal.save(1, "A", false);
    await journal.save(2, "B", true);
    await sent(journal);
    journal.visit(3);
    const rest = await clear_sitting(store, sitting, journal.not_recorded(), () => Promise.reject(new Error("need not be asked")));
    expect(rest).toMatchObject({ lost: [], saves: [{ item: 1, receipt: "r1" }, { item: 2, receipt: "r2" }] });
    expect(await kept()).toEqual({});
  });

  it("asks the hall about what it never heard of, and keeps only what the hall does not have", async () => {
    const journal = await opened(store, hall(1));
    for (const item of [1, 2, 3]) await journal.save(item, "A", false);
    const first = journal.take()!;
    await journal.recorded(first, reply(first)); // 2: acknowledged, but the page never heard it; 3: never arrived
    const rest = await clear_sitting(store, sitting, journal.not_recorded(), ask([at_hall(1, "A", 1, 1), at_hall(2, "A", 1, 2)]));
    expect(rest.lost).toMatchObject([{ item: 3, value: "A" }]);
    expect(await kept()).toEqual({ [sitting]: { entries: [3], receipts: [] } });
    expect(JSON.parse(saves_file("R1", rest))).toMatchObject({
      roll: "R1",
      saves: [{ item: 1, receipt: "r1" }],
      not_recorded: [{ item: 3, value: "A", marked: false }],
    });
  });

  it("keeps everything while the hall cannot be asked", async () => {
    const journal = await opened(store, hall(1));
    await journal.save(1, "A", false);
    const away = () => Promise.reject(new Error("away"));
    await expect(clear_sitting(store, sitting, journal.not_recorded(), away)).rejects.toThrow("away");
    expect(await kept()).toEqual({ [sitting]: { entries: [1], receipts: [] } });
  });

  it("what is still being typed at the end is not taken for recorded", async () => {
    const journal = await opened(store, hall(1, 8, [at_hall(1, "A", 1, 8)]));
    const saving = journal.save(1, "B", false);
    const rest = await clear_sitting(store, sitting, journal.not_recorded(), ask([at_hall(1, "A", 1, 8)]));
    await saving;
    expect(rest.lost).toMatchObject([{ item: 1, value: "B" }]);
    expect((await kept())[sitting]?.entries).toEqual([1]);
  });

  it("an acknowledgement that comes after all was forgotten brings nothing back", async () => {
    const journal = await opened(store, hall(1));
    await journal.save(1, "A", false);
    const entry = journal.take()!;
    await store.forget(sitting, []);
    await journal.recorded(entry, reply(entry));
    expect(await kept()).toEqual({});
  });

  it("the next candidate's sign-in removes what the hall has of others, and no unsent answer", async () => {
    const before = await opened(store, hall(1));
    await before.save(1, "A", false);
    await sent(before);
    await before.save(2, "B", false); // the browser died before this one was sent
    const mine = new Journal(store, "sample/R2/1500");
    await mine.open(hall(1));
    await mine.save(7, "C", false);
    await sent(mine);
    await forget_acknowledged(store, "sample/R2/1500");
    expect(await kept()).toEqual({
      [sitting]: { entries: [2], receipts: [] },
      "sample/R2/1500": { entries: [7], receipts: [7] },
    });
    const again = await opened(store, hall(2, 1, [at_hall(1, "A", 1, 1)])); // comes back to this computer
    expect(await sent(again)).toMatchObject([{ item: 2, value: "B", epoch: 2 }]);
    expect(await swept(store)).toBe(true);
    expect(await kept()).toEqual({});
  });

  it("forgets a sitting that went on elsewhere only if the hall has all of it", async () => {
    const journal = await opened(store, hall(1));
    await journal.save(1, "A", false);
    await sent(journal);
    await journal.save(2, "B", false);
    await moved_away(store, sitting);
    expect((await kept())[sitting]?.entries).toEqual([1, 2]);
    await sent(journal);
    await moved_away(store, sitting);
    expect(await kept()).toEqual({});
  });
});

describe("journal without a device", () => {
  const broken: JournalStore = {
    read: () => Promise.reject(new Error("no")),
    append: () => Promise.reject(new Error("quota")),
    settle: () => Promise.reject(new Error("no")),
    remember: () => Promise.reject(new Error("no")),
    receipts: () => Promise.reject(new Error("no")),
    sittings: () => Promise.reject(new Error("no")),
    forget: () => Promise.reject(new Error("no")),
  };

  it("never says 'on this device', and still sends", async () => {
    const journal = await opened(broken, hall(1, 12));
    await journal.save(1, "A", false);
    expect(await swept(broken)).toBe(false);
    expect(journal.device_keeps).toBe(false);
    expect(journal.get(1)?.stage).toBe("typed");
    expect(await sent(journal)).toMatchObject([{ value: "A", seq: 13 }]);
    expect(journal.get(1)?.stage).toBe("recorded");
  });
});

it("names what is newer here than at the hall, but not a question that was only marked or looked at", () => {
  const entry = (item: number, value: string | null, seq: number) => ({ item, value, epoch: 1, seq }) as Entry;
  const here = [entry(1, "A", 5), entry(2, "C", 6), entry(3, "D", 7), entry(4, "B", 8), entry(5, null, 9), entry(6, null, 10)];
  const there = [at_hall(1, "A", 1, 5), at_hall(2, "B", 1, 2), at_hall(4, "B", 1, 3), at_hall(6, "A", 1, 4)];
  expect(not_at_hall(here, there)).toEqual([2, 3, 6]);
});
