// One candidate sits a whole paper in a real browser, and everything goes wrong that can: a reload, kill -9 of the browser,
// no network, kill -9 of the hall, a gateway that stands still. At the end every answer is there and the score is the key's.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, all_recorded, choose, go_to, hall_and_browsers, next, shown, sign_in, sleep, start, submit, total, until, why_not } from "./support.mjs";

const BESIDE = ["../shared/data/papers", "../../shared/data/papers"].map((folder) => join(ROOT, folder));
const PAPERS = process.env.EXAMHALL_PAPERS ? [process.env.EXAMHALL_PAPERS] : BESIDE; // EXAMHALL_PAPERS=none: the sample exam
const PAPER = PAPERS.map((folder) => join(folder, "sat-math.jsonl")).find((file) => existsSync(file)) ?? null;
const SAT = `  - name: sat
    title: SAT mathematics
    minutes: 120
    marks: {right: 4, wrong: -1}
    shifts:
      - {name: day}
`;

/** The right letter by item; undefined where the answer is no single letter: this candidate leaves those out. */
function read_key() {
  const file = PAPER ?? join(ROOT, "data/sample/exam.jsonl");
  const lines = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const letter = (line) => line.label ?? line.key;
  return new Map(lines.map((line, i) => [i + 1, /^[A-H]$/.test(letter(line)) ? letter(line) : undefined]));
}

/** What this candidate does with an item, by its number: two right, one wrong, one left out, and again. */
function plan(item, right) {
  if (!right || item % 4 === 0) return null;
  if (item % 4 !== 3) return right;
  return right === "A" ? "B" : "A";
}

const [hall, browser] = hall_and_browsers(1, PAPER ? SAT : "");

async function candidate() {
  if (!PAPER) return { exam: "sample", ...hall.sample_candidate() };
  const report = await hall.json("exam", "import", "sat", PAPER);
  assert.deepEqual([report.imported, report.refused.length], [220, 0], JSON.stringify(report.refused));
  const code = await hall.add_candidate("S0001", "Ada Lovelace", "sat");
  await hall.cli("exam", "open", "sat");
  return { exam: "sat", roll: "S0001", code };
}

/** Comes back after a crash: by its cookie, or by roll number and code when the browser had not kept the cookie yet. */
async function come_back(page, who) {
  await page.goto(hall.url);
  await page.waitForSelector(".item, input[name=roll]", { timeout: 30_000 });
  if (await page.$("input[name=roll]")) await sign_in(page, hall.url, who.roll, who.code);
  await page.waitForSelector(".item", { timeout: 30_000 });
}

test("a whole paper through every accident", { skip: why_not, timeout: 300_000 }, async (t) => {
  const key = read_key();
  const who = await candidate();
  const done = new Map(); // item -> letter as entered
  let page = browser.page;
  let place;

  /** Answers the question on screen by plan and goes on, until `number` is on screen. */
  async function work_to(number) {
    for (let at = await shown(page); at.number < number; at = await shown(page)) {
      const letter = plan(at.item, key.get(at.item));
      if (letter) {
        await choose(page, letter);
        done.set(at.item, letter);
      }
      await next(page);
    }
  }

  /** What the page shows as chosen, for every item that was answered; asked of the questions before `number`. */
  async function check_shown(numbers) {
    for (const number of numbers) {
      await go_to(page, number);
      const { item } = await shown(page);
      const letters = await page.$$eval(".choice:has(:checked)", (all) => all.map((choice) => choice.dataset.letter).join(""));
      assert.equal(letters, done.get(item) ?? "", `question ${number}, item ${item}`);
    }
  }

  const asked = []; // for what the reply to the start has with it
  page.on("request", (request) => request.method() === "GET" && /\/(form|answers|papers\/\w+)$/.test(request.url()) && asked.push(request.url()));
  await sign_in(page, hall.url, who.roll, who.code);
  await start(page);
  assert.deepEqual(asked, []);
  const questions = Number((await page.textContent(".item-of")).match(/\d+/)[0]);
  const part = Math.floor(questions / 6);

  await t.test("a reload: the same place, every answer", async () => {
    await work_to(part);
    await all_recorded(page, done.size);
    place = await shown(page);
    await page.reload();
    await page.waitForSelector(".item");
    assert.equal(asked.length, 3, "after a reload it asks for form, answers and paper");
    assert.deepEqual(await shown(page), place);
    await all_recorded(page, done.size);
    await check_shown([1, 2, 3, part - 1]);
    await go_to(page, part);
  });

  await t.test("kill -9 of the browser with answers still on their way", async () => {
    await work_to(2 * part);
    while (!(await page.$(".choice input[type=radio]"))) await next(page);
    const letter = await page.$eval(".choice:nth-of-type(2)", (choice) => choice.dataset.letter);
    place = await shown(page);
    await choose(page, letter);
    done.set(place.item, letter);
    await page.waitForSelector("[data-stage=device], [data-stage=recorded]"); // promised: it is on this device
    await browser.kill();
    await browser.open();
    page = browser.page;
    await come_back(page, who);
    assert.deepEqual(await shown(page), place);
    await all_recorded(page, done.size);
    await check_shown([2, part + 1, 2 * part - 1, place.number]);
    await next(page);
  });

  await t.test("no network: the page says so, keeps everything, and sends it afterwards", async () => {
    const before = done.size;
    await browser.context.setOffline(true);
    await work_to(3 * part);
    await page.waitForSelector("[data-testid=network-banner]");
    const waiting = done.size - before;
    await until("the total tells the truth", async () => (await total(page)).endsWith(`${waiting} on this device`));
    await browser.context.setOffline(false);
    await all_recorded(page, done.size);
    await until("the banner goes", async () => !(await page.$("[data-testid=network-banner]")));
  });

  await t.test("kill -9 of the hall in the middle of it", async () => {
    await work_to(Math.floor(3.5 * part));
    const back = await hall.kill_hall();
    await work_to(4 * part);
    await back();
    await all_recorded(page, done.size);
  });

  await t.test("a gateway that stands still for three seconds", async () => {
    const gateway = await hall.pid_of("gateway");
    process.kill(gateway, "SIGSTOP");
    try {
      await work_to(4 * part + 6);
      await sleep(3000);
    } finally {
      process.kill(gateway, "SIGCONT");
    }
    await all_recorded(page, done.size);
  });

  await t.test("submitted: the receipt counts every answer", async () => {
    await work_to(questions);
    await all_recorded(page, done.size);
    await submit(page);
    const download = page.waitForEvent("download");
    await page.click("text=Download the receipt");
    const file = join(hall.folder, "receipt.json");
    await (await download).saveAs(file);
    const receipt = JSON.parse(readFileSync(file, "utf8"));
    assert.equal(receipt.answered, done.size);
    assert.equal(receipt.by, "candidate");
    await hall.cli("verify", "receipt", file).catch((error) => assert.fail(`the receipt does not verify: ${error.stderr}`));
  });

  await t.test("the score is what the key says", async () => {
    let expected = 0;
    for (const [item, letter] of done) expected += letter === key.get(item) ? 4 : -1;
    await hall.cli("exam", "close", who.exam);
    await hall.cli("exam", "score", who.exam);
    await hall.cli("exam", "publish", who.exam);
    await page.reload();
    await page.waitForSelector(".score");
    assert.equal(Number(await page.textContent(".score-figure b")), expected);
    const outcomes = await page.$$eval(".sheet tbody tr", (rows) => rows.map((row) => [Number(row.dataset.item), row.dataset.outcome]));
    assert.equal(outcomes.length, questions);
    for (const [item, outcome] of outcomes) {
      const letter = done.get(item);
      assert.equal(outcome, letter === undefined ? "blank" : letter === key.get(item) ? "right" : "wrong", `item ${item}`);
    }
  });

  assert.deepEqual(browser.complaints, []);
});
