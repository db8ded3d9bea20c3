// Without a mouse: sign in, start, answer, mark, clear, move, submit. And two windows, another device, the wall clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser, all_recorded, choose, go_to, hall_and_browsers, shown, sign_in, sleep, start, submit, total, until, why_not } from "./support.mjs";

const [hall, browser] = hall_and_browsers(1);

const chosen = (page) => page.$$eval(".choice", (all) => all.findIndex((choice) => choice.querySelector("input").checked));
const status = (page, number) => page.getAttribute(`.exam-side .palette-item[aria-label^="Question ${number}:"]`, "data-status");

async function key(page, name, number) {
  await page.keyboard.press(name);
  if (number) await page.waitForSelector(`.item[data-number="${number}"]`);
}

test("a sitting by keyboard alone", { skip: why_not, timeout: 90_000 }, async (t) => {
  const page = browser.page;
  const { roll, code } = hall.sample_candidate(1);

  await t.test("signs in and starts", async () => {
    await page.goto(hall.url);
    await page.waitForSelector("input[name=roll]");
    await page.keyboard.press("Tab");
    await page.keyboard.type(roll);
    await page.keyboard.press("Tab");
    await page.keyboard.type(code);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".start-card button:not([disabled])");
    for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement?.textContent)) !== "Start the exam"; i++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".item");
  });

  await t.test("numbers choose, letters act", async () => {
    while (!(await page.$(".choice input[type=radio]"))) await key(page, "n");
    const { number } = await shown(page);
    await key(page, "2");
    await until("the second is chosen", async () => (await chosen(page)) === 1);
    await key(page, "m");
    await until("answered and marked", async () => (await status(page, number)) === "answered-marked");
    await key(page, "c");
    await until("marked only", async () => (await status(page, number)) === "marked");
    await key(page, "m");
    await until("not answered", async () => (await status(page, number)) === "unanswered");
    await key(page, "3");
    await key(page, "n", number + 1);
    assert.equal(await status(page, number), "answered");
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H2"); // a listener hears the new question
    await key(page, "ArrowLeft", number);
    assert.equal(await chosen(page), 2);
  });

  await t.test("arrows move inside the list of answers", async () => {
    while (!(await page.evaluate(() => document.activeElement?.matches(".choice input")))) await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowUp");
    await until("the one above is chosen", async () => (await chosen(page)) === 1);
    assert.equal(await page.evaluate(() => getComputedStyle(document.activeElement.closest(".choice")).outlineStyle), "solid");
  });

  await t.test("Tab goes from the answers to Next, not through the list of all questions", async () => {
    const at = () => page.evaluate(() => document.activeElement?.textContent.trim());
    for (let i = 0; i < 6 && !/^Next/.test(await at()); i++) await page.keyboard.press("Tab");
    assert.match(await at(), /^Next/);
  });

  await t.test("a key that is held long is one press", async () => {
    const { number } = await shown(page);
    for (let i = 0; i < 4; i++) await page.keyboard.down("m"); // all but the first are repeats
    await page.keyboard.up("m");
    await until("marked", async () => /marked/.test(await status(page, number)));
    for (let i = 0; i < 2; i++) await page.keyboard.down("m");
    await page.keyboard.up("m");
    await until("not marked", async () => !/marked/.test(await status(page, number)));
  });

  await t.test("the keys can be turned off", async () => {
    const { number } = await shown(page);
    await key(page, "?");
    await page.waitForSelector("dialog");
    const turn = async () => {
      await page.click("text=Use these keys");
      await page.keyboard.press("Escape");
      await page.waitForSelector("dialog", { state: "detached" });
    };
    await turn();
    await page.keyboard.press("n");
    assert.equal((await shown(page)).number, number);
    await page.click(".head-help");
    await turn();
    await key(page, "n", number + 1);
  });

  assert.deepEqual(browser.complaints, []);
});

test("a typed answer goes through typed, device, recorded", { skip: why_not, timeout: 60_000 }, async () => {
  const page = browser.page;
  const count = (await page.$$(".exam-side .palette-item")).length;
  for (let number = 1; number <= count && !(await page.$(".blank input")); number++) await go_to(page, number);
  assert.ok(await page.$(".blank input"), "the sample exam has a question with a typed answer");
  await browser.context.setOffline(true);
  await page.fill(".blank input >> nth=0", "12.5");
  await page.waitForSelector(".item-stage [data-stage=device]");
  await browser.context.setOffline(false);
  await page.waitForSelector(".item-stage [data-stage=recorded]", { timeout: 20_000 });
  await page.reload();
  await page.waitForSelector(".blank input");
  assert.equal(await page.inputValue(".blank input >> nth=0"), "12.5");
});

test("a second window takes over, and the first says so", { skip: why_not, timeout: 60_000 }, async () => {
  const first = browser.page;
  await first.clock.install();
  await first.route("**/answers/*", async (route) => {
    await sleep(1500);
    await route.continue();
  });
  await first.fill(".blank input >> nth=0", "13.5"); // still being typed when the second window comes
  const second = await browser.context.newPage();
  await second.goto(hall.url);
  await second.waitForSelector(".item");
  await first.waitForSelector("text=Open in another window");
  await first.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))); // it is looked at again
  await sleep(2500); // the reply to what it still sent is here
  await first.unroute("**/answers/*");
  await first.clock.fastForward("01:40"); // a window that sits would ask the hall by now
  await sleep(1000);
  assert.ok(await first.$("text=Open in another window"), "it does not take the exam back by itself");
  assert.equal(await second.inputValue(".blank input >> nth=0"), "13.5");
  await first.click("text=Go on in this window");
  await first.waitForSelector(".item");
  await second.waitForSelector("text=Open in another window");
  await second.close();
});

test("another device takes over with everything; the first is told", { skip: why_not, timeout: 60_000 }, async () => {
  const here = browser.page;
  const { roll, code } = hall.sample_candidate(1);
  const before = await total(here);
  const other = await Browser.start();
  try {
    await sign_in(other.page, hall.url, roll, code);
    await other.page.waitForSelector(".item");
    await until("the same answers", async () => (await total(other.page)) === before);
    await here.click(".move-mark");
    await here.waitForSelector("text=Signed in on another device");
    await submit(other.page);
    assert.deepEqual(other.complaints, []);
  } finally {
    await other.stop();
  }
});

test("the device's wall clock does not move the timer", { skip: why_not, timeout: 60_000 }, async () => {
  const { roll, code } = hall.sample_candidate(2);
  const other = await Browser.start();
  try {
    const page = other.page;
    await page.addInitScript(() => {
      const real = Date.now.bind(Date);
      Date.now = () => real() + 86_400_000; // a clock that is a day ahead
    });
    await sign_in(page, hall.url, roll, code);
    await start(page);
    const [hours, minutes] = (await page.textContent(".timer-digits")).split(":").map(Number);
    assert.ok(hours === 1 || hours >= 59 || minutes >= 59, "60 minutes are shown");
    while (!(await page.$(".choice"))) await page.click(".move-bar .button-main");
    await choose(page, "A");
    await all_recorded(page, 1);
  } finally {
    await other.stop();
  }
});
