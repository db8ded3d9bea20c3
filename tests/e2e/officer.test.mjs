// An officer's day: sign in, see the numbers, give time, close, score, publish; and the candidate sees each of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { all_recorded, choose, hall_and_browsers, sign_in, start, totp, until, why_not } from "./support.mjs";

const [hall, candidate, officer] = hall_and_browsers(2);

const QUIET = "01:30"; // a page that nothing happens on asks the hall every 60 to 90 s

const tile = (page, name) => page.textContent(`[data-tile="${name}"] b`);

async function order(page, name, confirm) {
  await page.click(`tr[data-exam=sample] button:has-text("${name}"):not([disabled])`);
  await page.click(`dialog button:has-text("${confirm}")`);
  await page.waitForSelector("dialog", { state: "detached", timeout: 30_000 });
}

test("an officer's day", { skip: why_not, timeout: 120_000 }, async (t) => {
  const who = hall.sample_candidate();
  const desk = officer.page;
  const page = candidate.page;

  await t.test("a wrong one-time code does not get in, a right one does", async () => {
    const { name, password, totp_secret } = hall.made.officer;
    const right = totp(totp_secret);
    await desk.goto(`${hall.url}/staff`);
    await desk.fill("input[name=name]", name);
    await desk.fill("input[name=password]", password);
    await desk.fill("input[name=totp]", String((Number(right) + 1) % 1_000_000).padStart(6, "0"));
    await desk.click("button:has-text('Sign in')");
    await desk.waitForSelector(".fault");
    await desk.fill("input[name=totp]", totp(totp_secret));
    await desk.click("button:has-text('Sign in')");
    await desk.waitForSelector(".tiles");
    assert.equal(await tile(desk, "Candidates"), "200");
  });

  await t.test("the numbers follow what candidates do", async () => {
    await sign_in(page, hall.url, who.roll, who.code);
    await start(page);
    await page.waitForSelector(".choice, .blank");
    while (!(await page.$(".choice"))) await page.click(".move-bar .button-main");
    await choose(page, "A");
    await all_recorded(page, 1);
    await until("the desk shows it", async () => (await tile(desk, "Signed in")) === "1" && (await tile(desk, "Started")) === "1");
    await desk.fill("input[type=search]", who.roll);
    await desk.waitForSelector(`tr[data-roll="${who.roll}"] .pill-running`);
    await until("one row is left", async () => (await desk.$$(".candidates tbody tr")).length === 1);
    await desk.selectOption("select", "submitted");
    await desk.waitForSelector("text=No candidate matches.");
    await desk.selectOption("select", "");
    await desk.waitForSelector(`tr[data-roll="${who.roll}"]`);
  });

  await t.test("added time reaches the candidate's clock", async () => {
    const minutes = async () => {
      const parts = (await page.textContent(".timer-digits")).split(":").map(Number);
      return (parts.length === 3 ? parts[0] * 60 : 0) + parts.at(-2);
    };
    const row = `tr[data-roll="${who.roll}"]`;
    const extra = async () => Number((await desk.textContent(row)).match(/\+(\d+) min/)?.[1] ?? 0);
    await page.clock.install();
    await page.reload();
    await page.waitForSelector(".item");
    const before = await minutes();
    const had = await extra();
    await desk.click(`${row} button`);
    await desk.fill("input[name=minutes]", "15");
    await desk.fill("input[name=reason]", "Power failure in the room");
    await desk.route("**/time", async (route) => {
      await route.fetch(); // the hall adds it, and its answer is lost
      await route.abort();
    });
    await desk.click("dialog button:has-text('Add time')");
    await desk.waitForSelector("dialog >> text=may have been added already");
    assert.equal(await desk.getAttribute("input[name=minutes]", "readonly"), "", "another number would be another order");
    await desk.unroute("**/time");
    await desk.click("dialog button:has-text('Send again')");
    await desk.waitForSelector("dialog", { state: "detached" });
    await until("the list has it, once", async () => (await extra()) === had + 15);
    await page.clock.fastForward(QUIET);
    await until("the candidate's timer has it", async () => (await minutes()) >= before + 14);
  });

  await t.test("closing submits what is recorded", async () => {
    await order(desk, "Close", "Close the exam");
    // The hall hands in for everybody a moment later; a page that asks in that moment hears "running", and asks again by and by.
    await desk.waitForSelector(`tr[data-roll="${who.roll}"] .pill-submitted`, { timeout: 30_000 }); // it is read every 10 s
    await page.clock.fastForward(QUIET);
    await page.waitForSelector(".receipt");
    assert.match(await page.textContent(".receipt"), /by an officer/);
    assert.match(await page.textContent(".receipt"), /1 of 50/);
  });

  await t.test("scored and published: the score card and the response sheet", async () => {
    await order(desk, "Score", "Score the papers");
    await desk.waitForSelector("tr[data-exam=sample] .pill-scored");
    await order(desk, "Publish", "Publish the results");
    await desk.waitForSelector("tr[data-exam=sample] .pill-published");
    await page.reload();
    await page.waitForSelector(".score");
    assert.equal((await page.$$(".sheet tbody tr")).length, 50);
    assert.equal((await page.$$(".sheet tbody tr:not([data-outcome=blank])")).length, 1);
  });

  await t.test("signing out without the hall fails, and says so; with it, the next officer begins afresh", async () => {
    await officer.context.setOffline(true);
    await desk.click("text=Sign out");
    await desk.waitForSelector("text=You are still signed in.");
    await officer.context.setOffline(false);
    await desk.click("text=Sign out");
    await desk.waitForSelector("input[name=totp]");
    await desk.reload();
    await desk.waitForSelector("input[name=totp]");
  });

  assert.deepEqual([...candidate.complaints, ...officer.complaints], []);
});
