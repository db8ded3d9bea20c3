// tabs.ts - one window at a time. The newest one takes over; the one before writes down what was typed, and says so.

const ANSWER_MS = 5000; // how long a new window waits for the old one to write: a slow disk takes its time, a hung page all of it

/**
 * Becomes the window of this attempt; `lost` is called (once) when another one does. True: no other window had it.
 * Without Web Locks it is always ours, and nobody knows of others.
 */
export async function take_over(attempt: number, before_handing_over: () => Promise<void>, lost: () => void): Promise<boolean> {
  const name = `examhall-attempt-${attempt}`;
  if (!navigator.locks) return false;
  const alone = await ask_for_it(name);
  await new Promise<void>((held) => {
    const channel = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
    if (channel)
      channel.onmessage = (event) => {
        if (event.data !== "hand over") return;
        void before_handing_over().finally(() => channel.postMessage("handed over"));
      };
    navigator.locks
      .request(name, { steal: true }, () => {
        held();
        return new Promise<void>(() => undefined); // kept until the page goes, or another steals it
      })
      .catch(() => {
        channel?.close();
        lost();
      });
  });
  return alone;
}

async function ask_for_it(name: string): Promise<boolean> {
  const { held } = await navigator.locks.query();
  if (!held?.some((lock) => lock.name === name)) return true;
  if (!("BroadcastChannel" in window)) return false;
  const channel = new BroadcastChannel(name);
  await new Promise<void>((resolve) => {
    channel.onmessage = (event) => event.data === "handed over" && resolve();
    channel.postMessage("hand over");
    setTimeout(resolve, ANSWER_MS);
  });
  channel.close();
  return false;
}
