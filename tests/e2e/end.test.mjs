// The end of time: an exam of one minute. What was recorded counts, what was typed in the last second is sent, the paper is
// submitted by itself, and the page shows the receipt without being asked.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, Hall, all_recorded, choose, shown, sign_in, start, until, why_not } from "./support.mjs";

const SHORT = `  - name: short
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

let hall;
let browser;

before(async () => {
  if (why_not) return;
  hall = await Hall.start(SHORT);
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await hall?.stop();
});

test("at the end of time the paper is submitted by itself", { skip: why_not, timeout: 150_000 }, async () => {
  const page = browser.page;
  const paper = hall.write("short.jsonl", ITEMS.map((item) => JSON.stringify({ passage: null, ...item })).join("\n") + "\n");
  const report = await hall.json("exam", "import", "short", paper);
  assert.equal(report.imported, ITEMS.length, JSON.stringify(report.refused));
  const code = await hall.add_candidate("T0001", "Grace Hopper", "short");
  await hall.cli("exam", "open", "short");
  await sign_in(page, hall.url, "T0001", code);
  await start(page);

  for (let number = 1; number <= 3; number++) {
    await page.click(`.exam-side .palette-item[aria-label^="Question ${number}:"]`);
    await page.waitForSelector(`.item[data-number="${number}"]`);
    const { item } = await shown(page);
    if (item !== 3) await choose(page, ITEMS[item - 1].label);
  }
  await all_recorded(page, 2);
  while ((await shown(page)).item !== 3) await page.click(".move-bar button:first-child");
  await until("the last seconds", async () => /^00:0[0-2]$/.test(await page.textContent(".timer-digits")), 90_000);
  await page.fill(".blank input", "6"); // typed, and not left: the end writes it down

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
