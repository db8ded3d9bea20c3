// One computer, one candidate after another, as in an exam centre: who has gone leaves nothing of paper and answers behind,
// and an answer that the hall does not have is not lost with them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Browser, all_recorded, choose, hall_and_browsers, kept, next, sign_in, sign_out, start, submit, total, until, why_not } from "./support.mjs";

const [hall, browser] = hall_and_browsers(1);

/** Chooses the first answer of the next `count` questions that have a list of them. */
async function answer(page, count) {
  for (let done = 0; done < count; await next(page)) {
    if (!(await page.$(".choice input[type=radio]"))) continue;
    await choose(page, await page.getAttribute(".choice", "data-letter"));
    done++;
  }
}

const settings = (page) => page.evaluate(() => ({ ...localStorage }));

test("who has submitted leaves nothing on the computer", { skip: why_not, timeout: 120_000 }, async (t) => {
  const page = browser.page;
  const first = hall.sample_candidate(10);
  const papers = []; // a browser caches nothing over a certificate that it does not know, so the header is what can be seen
  page.on("response", (reply) => /\/start$|\/v1\/papers\//.test(reply.url()) && papers.push(reply.headers()["cache-control"]));

  await t.test("while sitting, every answer is on the device", async () => {
    await sign_in(page, hall.url, first.roll, first.code);
    await start(page);
    await answer(page, 3);
    await all_recorded(page, 3);
    assert.equal((await kept(page)).entries.length, 3);
    await page.click(".head-help");
    await page.click("text=High contrast");
    await page.keyboard.press("Escape");
  });

  await t.test("after submitting, none; the receipts are still on the page", async () => {
    await submit(page);
    await until("nothing is kept", async () => Object.values(await kept(page)).every((rows) => rows.length === 0));
    assert.deepEqual(papers, ["no-store"], "the paper came once, with the start, and not to be kept");
    const download = page.waitForEvent("download");
    await page.click("text=Download receipts of every save");
    const file = join(hall.folder, "saves.json");
    await (await download).saveAs(file);
    const { saves, not_recorded } = JSON.parse(readFileSync(file, "utf8"));
    assert.deepEqual([saves.length, not_recorded.length], [3, 0]);
  });

  await t.test("signing out without the hall fails, and says so", async () => {
    await browser.context.setOffline(true);
    await page.click("text=Sign out");
    await page.click("dialog button:has-text('Sign out')");
    await page.waitForSelector("dialog :text('You are still signed in.')");
    await browser.context.setOffline(false);
    await page.click("dialog button:has-text('Stay')");
    assert.ok(await page.$(".receipt"));
  });

  await t.test("signing out in one window is signing out in all of them", async () => {
    const other = await browser.context.newPage();
    await other.goto(hall.url);
    await other.waitForSelector(".receipt");
    await sign_out(page);
    await other.waitForSelector("text=You signed out in another window.");
    assert.ok(await other.$("input[name=roll]"));
    await other.close();
    assert.deepEqual(await settings(page), {}, "not even the colours stay");
    assert.equal(await page.getAttribute("html", "data-theme"), null);
    await page.reload();
    await page.waitForSelector("input[name=roll]");
    assert.equal(await page.inputValue("input[name=roll]"), "");
  });
});

test("an answer that never left the computer waits for its candidate, not for the next one", { skip: why_not, timeout: 120_000 }, async () => {
  let page = browser.page;
  const second = hall.sample_candidate(11);
  const third = hall.sample_candidate(12);
  await sign_in(page, hall.url, second.roll, second.code);
  await start(page);
  await answer(page, 2);
  await all_recorded(page, 2);
  await browser.context.setOffline(true);
  await answer(page, 1);
  await until("one answer waits", async () => (await total(page)) === "2 recorded, 1 on this device");
  await browser.kill();
  await browser.open();
  page = browser.page;
  await browser.context.clearCookies(); // as if the computer had been started again for the next one

  await sign_in(page, hall.url, third.roll, third.code);
  await start(page);
  assert.equal(await total(page), "0 recorded, 0 on this device");
  await until("only the unsent answer stays", async () => {
    const { entries, receipts } = await kept(page);
    return receipts.length === 0 && entries.length === 1 && entries[0].stage === "device";
  });
  assert.match((await kept(page)).entries[0].sitting, new RegExp(`/${second.roll}/`));
  await submit(page);
  await until("the third one's are gone", async () => (await kept(page)).meta.length === 1);
  await sign_out(page);

  await sign_in(page, hall.url, second.roll, second.code);
  await page.waitForSelector(".item");
  await all_recorded(page, 3);
  await submit(page);
  assert.equal(await page.$(".banner-warn"), null);
  await until("nothing is kept", async () => (await kept(page)).meta.length === 0);
});

test("a finished page that nobody touches signs out by itself", { skip: why_not, timeout: 60_000 }, async () => {
  const page = browser.page; // the second candidate's receipt
  await page.clock.install();
  await page.reload();
  await page.waitForSelector(".receipt");
  await page.clock.runFor("09:30");
  assert.ok(await page.$(".receipt"));
  await page.keyboard.press("Shift");
  await page.clock.runFor("09:30");
  assert.ok(await page.$(".receipt"), "somebody is there");
  await page.clock.runFor("01:00");
  await page.waitForSelector("text=You were signed out");
  assert.ok(await page.$("input[name=roll]"));
  assert.deepEqual(browser.complaints, []);
});

test("a start whose answer is lost is noticed a second later, and the paper is asked for", { skip: why_not, timeout: 60_000 }, async () => {
  const other = await Browser.start();
  try {
    const page = other.page;
    const { roll, code } = hall.sample_candidate(15);
    const asked = [];
    page.on("request", (request) => /\/(form|answers|papers\/\w+)$/.test(request.url()) && asked.push(request.url()));
    await page.route("**/start", async (route) => {
      await route.fetch(); // the hall has it
      await route.abort();
    });
    await sign_in(page, hall.url, roll, code);
    await page.click("button:has-text('Start the exam'):not([disabled])");
    await page.waitForSelector(".item", { timeout: 15_000 }); // what it would ask by itself comes after 60 s
    assert.equal(asked.length, 3);
  } finally {
    await other.stop();
  }
});

test("once the submission is on its way there is no way back, and the page says that it is not done", { skip: why_not, timeout: 60_000 }, async () => {
  const other = await Browser.start();
  try {
    const page = other.page;
    const { roll, code } = hall.sample_candidate(13);
    await sign_in(page, hall.url, roll, code);
    await start(page);
    await page.route("**/submit", (route) => route.abort());
    await page.click(".exam-side >> text=Finish and submit");
    await page.click("button:has-text('Submit now')");
    await page.waitForSelector("text=Your paper is not submitted yet");
    assert.ok(await page.isDisabled("button:has-text('Back to the questions')"));
    await page.unroute("**/submit");
    await page.waitForSelector(".receipt", { timeout: 20_000 });
    assert.deepEqual(other.complaints, []);
  } finally {
    await other.stop();
  }
});

test("a network that is away until the results are out: the score card, and what did not arrive", { skip: why_not, timeout: 90_000 }, async () => {
  const other = await Browser.start();
  try {
    const page = other.page;
    const { roll, code } = hall.sample_candidate(14);
    await sign_in(page, hall.url, roll, code);
    await start(page);
    await answer(page, 1);
    await all_recorded(page, 1);
    await other.context.setOffline(true);
    await answer(page, 1);
    for (const order of ["close", "score", "publish"]) await hall.cli("exam", order, "sample");
    await other.context.setOffline(false);
    await page.waitForSelector(".score", { timeout: 40_000 });
    await page.waitForSelector("text=One answer of this device did not reach the hall before the end");
    assert.equal((await kept(page)).entries.length, 1);
    assert.equal((await page.$$(".sheet tbody tr:not([data-outcome=blank])")).length, 1);
    assert.deepEqual(other.complaints, []);
  } finally {
    await other.stop();
  }
});
