// journal_db.ts - the journal's store in IndexedDB. Every write waits for the disk ("strict"), so what the page calls
// "on this device" survives kill -9 of the browser. Sequence numbers are taken inside the transaction that writes the
// entry: two tabs cannot take the same one.

import { type Change, type Entry, type JournalStore, type KeptReceipt, type Meta, appended, meta_new } from "./journal";

const VERSION = 1;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("meta", { keyPath: "sitting" });
    request.result.createObjectStore("entries", { keyPath: ["sitting", "item"] });
    request.result.createObjectStore("receipts", { keyPath: ["sitting", "epoch", "seq"] });
  };
  return done(request);
}

const of_sitting = (sitting: string, parts: number) =>
  IDBKeyRange.bound([sitting, ...Array<number>(parts).fill(0)], [sitting, ...Array<number>(parts).fill(Infinity)]);

export class DatabaseStore implements JournalStore {
  private database: Promise<IDBDatabase> | null = null;

  constructor(private readonly name = "examhall") {}

  private async run<T>(stores: string[], mode: IDBTransactionMode, work: (t: IDBTransaction) => Promise<T>): Promise<T> {
    this.database ??= open(this.name).then((database) => {
      database.onclose = () => (this.database = null); // the browser closed it: open it again next time
      return database;
    });
    const database = await this.database.catch((error: unknown) => {
      this.database = null;
      throw error;
    });
    const transaction = database.transaction(stores, mode, { durability: "strict" });
    const complete = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("The browser gave up a transaction."));
    });
    const [result] = await Promise.all([work(transaction), complete]);
    return result;
  }

  read(sitting: string) {
    return this.run(["meta", "entries"], "readonly", async (t) => {
      const entries = done<Entry[]>(t.objectStore("entries").getAll(of_sitting(sitting, 1)));
      const meta = await done<Meta | undefined>(t.objectStore("meta").get(sitting));
      return { meta: meta ?? null, entries: await entries };
    });
  }

  append(change: Change, seq_floor: number) {
    return this.run(["meta", "entries"], "readwrite", async (t) => {
      const stored = await done<Meta | undefined>(t.objectStore("meta").get(change.sitting));
      const { entry, next } = appended(change, stored ?? meta_new(change.sitting), seq_floor);
      t.objectStore("entries").put(entry);
      t.objectStore("meta").put(next);
      return entry.seq;
    });
  }

  settle(entry: Entry, receipt: KeptReceipt | null) {
    return this.run(["entries", "receipts"], "readwrite", async (t) => {
      const entries = t.objectStore("entries");
      const stored = await done<Entry | undefined>(entries.get([entry.sitting, entry.item]));
      if (!stored) return;
      if (stored.epoch === entry.epoch && stored.seq === entry.seq) entries.put(entry);
      if (receipt) t.objectStore("receipts").put(receipt);
    });
  }

  remember(sitting: string, place: number | null, visited: number[]) {
    return this.run(["meta"], "readwrite", async (t) => {
      const metas = t.objectStore("meta");
      const stored = await done<Meta | undefined>(metas.get(sitting));
      metas.put({ ...(stored ?? meta_new(sitting)), place, visited });
    });
  }

  receipts(sitting: string) {
    return this.run(["receipts"], "readonly", (t) =>
      done<KeptReceipt[]>(t.objectStore("receipts").getAll(of_sitting(sitting, 2))),
    );
  }

  sittings() {
    return this.run(["meta"], "readonly", (t) => done(t.objectStore("meta").getAllKeys()) as Promise<string[]>);
  }

  forget(sitting: string, but: number[]) {
    return this.run(["meta", "entries", "receipts"], "readwrite", async (t) => {
      if (but.length === 0) t.objectStore("meta").delete(sitting);
      t.objectStore("receipts").delete(of_sitting(sitting, 2));
      const entries = t.objectStore("entries");
      const keys = await done(entries.getAllKeys(of_sitting(sitting, 1)));
      for (const key of keys as [string, number][]) if (!but.includes(key[1])) entries.delete(key);
    });
  }
}
