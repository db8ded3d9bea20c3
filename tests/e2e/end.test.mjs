// The end of time, in two exams of one minute that are sat at once. What was recorded counts, what was typed in the last
// second is sent, the paper is submitted by itself, and the page shows the receipt without being asked. What comes too late
// is said, and not lost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Browser, all_recorded, choose, go_to, hall_and_browsers, kept, shown, sign_in, sleep, start, until, why_not } from "./support.mjs";

const short = (name) => `  - name: ${name}
    title: One minute
    minutes: 1
    marks: {right: 4, wrong: -1}
    shifts:
      - {name: day}
`;
const ITEMS = [
  { question: "What is $1+1$?", options: ["(A)1", "(B)2"], label: "B" },
  { question: "What is $2+2$?", options: ["(A)4", "(B)5"], label: "A" },
  { question: "What is $3+3$? Type it.", options: null, label: null, answer: "6" },
];

const [hall, browser] = hall_and_browsers(1, short("outage") + short("short"));

async function open_exam(exam) {
  const paper = hall.write(`${exam}.jsonl`, ITEMS.map((item) => JSON.stringify({ passage: null, ...item })).join("\n") + "\n");
  const report = await hall.json("exam", "import", exam, paper);
  assert.equal(report.imported, ITEMS.length, JSON.stringify(report.refused));
  await hall.cli("exam", "open", exam);
}

async function sit(page, exam, roll, name) {
  await open_exam(exam);
  await sign_in(page, hall.url, roll, await hall.add_candidate(roll, name, exam));
  await start(page);
}

async function go_to_item(page, item) {
  for (let number = 1; (await shown(page)).item !== item; number++) await go_to(page, number);
}

const at_most = (page, seconds) => until("the last seconds", async () => {
  const [minutes, left] = (await page.textContent(".timer-digits")).split(":").map(Number);
  return minutes === 0 && left <= seconds;
}, 90_000);

describe("the end of time", { skip: why_not, concurrency: true }, () => {
  test("an outage over the end: what came too late stays on the computer, and the candidate is told", { timeout: 150_000 }, async () => {
    const late = await Browser.start();
    try {
      const page = late.page;
      await sit(page, "outage", "T0002", "Alan Turing");
      await go_to_item(page, 1);
      await choose(page, "B");
      await all_recorded(page, 1);
      await late.context.setOffline(true);
      await go_to_item(page, 2);
      const { number } = await shown(page);
      await choose(page, "A");
      await at_most(page, 2);
      await page.waitForSelector("text=may come too late to count");
      await sleep(8000); // past the grace of 5 s
      await late.context.setOffline(false);
      await page.waitForSelector(".receipt", { timeout: 40_000 });
      const said = await page.textContent(".banner-warn");
      assert.match(said, new RegExp(`did not reach the hall before the end: question ${number}\\.`));
      assert.match(said, /for the exam authority to decide/);
      const { entries, receipts } = await kept(page);
      assert.deepEqual([entries.map(({ item, value }) => [item, value]), receipts], [[[2, "A"]], []], "the one the hall has is gone");
      await page.reload();
      await page.waitForSelector(`text=before the end: question ${number}.`);
      await page.click("text=Sign out");
      await page.waitForSelector("dialog :text('Show this to an invigilator before you sign out.')");
      await page.click("dialog button:has-text('Sign out')");
      await page.waitForSelector("input[name=roll]");
      assert.equal((await kept(page)).entries.length, 1, "signing out loses it neither");
      assert.deepEqual(late.complaints, []);
    } finally {
      await late.stop();
    }
  });

  test("at the end of time the paper is submitted by itself", { timeout: 150_000 }, async () => {
    const page = browser.page;
    await sit(page, "short", "T0001", "Grace Hopper");
    for (const item of [1, 2]) {
      await go_to_item(page, item);
      await choose(page, ITEMS[item - 1].label);
    }
    await all_recorded(page, 2);
    await go_to_item(page, 3);
    await at_most(page, 5);
    // Typed on to the end, with no pause in which it would be written: the end writes down what stands there.
    for (let i = 0; i < 200 && !(await page.$(".receipt")); i++) {
      await page.fill(".blank input", i % 2 ? "6 " : "6", { timeout: 300 }).catch(() => undefined);
      await sleep(100);
    }
    await page.waitForSelector(".receipt", { timeout: 40_000 });
    assert.match(await page.textContent(".receipt"), /by the end of time/);
    assert.match(await page.textContent(".receipt"), /3 of 3/);
    assert.equal(await page.$(".banner-warn"), null, "nothing was lost");
    await hall.cli("exam", "close", "short");
    await hall.cli("exam", "score", "short");
    await hall.cli("exam", "publish", "short");
    await page.reload();
    await page.waitForSelector(".score");
    assert.equal(await page.textContent(".score-figure b"), "12");
    assert.deepEqual(browser.complaints, []);
  });
});
