// The console in chromium: how long until one can go on. Reads {base, login, password, modules, chromium, pages} on standard input and prints
// {interactive: {cell: [ms]}, rows, octets, frame}. One can go on when what was asked for is on the page and no task of 50 ms or more runs.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const world = JSON.parse(readFileSync(0, "utf8"));
const { chromium } = createRequire(join(world.modules, "x.js"))("playwright-core");
const patience = 60_000;
const told = { interactive: {}, rows: 0, octets: 0, frame: 0 };

const browser = await chromium.launch({ executablePath: world.chromium, args: ["--no-sandbox", "--disable-background-networking"] });

async function visitor() {
  const context = await browser.newContext({ baseURL: world.base, viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(patience);
  await context.addInitScript(() => {
    window.busyUntil = 0;
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) window.busyUntil = Math.max(window.busyUntil, task.startTime + task.duration);
    }).observe({ type: "longtask", buffered: true });
  });
  return { context, page: await context.newPage() };
}

/** When one can go on, as the page's own clock has it; `there` is asked in the page, with `given`. As text, past the page's policy. */
const when = (page, there, given = null) =>
  page.evaluate(`new Promise((done) => {
    const there = ${there};
    const look = () => {
      if (!there(${JSON.stringify(given)})) return void requestAnimationFrame(look);
      // What runs after the next frame is told of before the one that follows.
      requestAnimationFrame(() => setTimeout(() => done(Math.max(performance.now(), window.busyUntil)), 0));
    };
    look();
  })`);

function note(cell, milliseconds) {
  (told.interactive[cell] ??= []).push(milliseconds);
}

/** Does something on the page, and notes how long it takes. */
async function timed(page, cell, act, there, given) {
  const began = await page.evaluate(() => performance.now());
  await act();
  note(cell, (await when(page, there, given)) - began);
  told.rows = Math.max(told.rows, await page.locator("tbody tr").count());
}

const hasRows = (caption) => document.querySelector("main h1") && [...document.querySelectorAll("main table")].some((t) => t.caption?.textContent === caption && t.tBodies[0].rows.length > 0);
const isPage = (words) => [...document.querySelectorAll(".pager [role=status]")].some((one) => one.textContent.trim() === words) && window.firstRow !== document.querySelector("main tbody tr th")?.textContent;

async function leaf(page, cell) {
  for (let number = 2; number <= world.pages; number++) {
    await page.evaluate(() => void (window.firstRow = document.querySelector("main tbody tr th").textContent));
    await timed(page, cell, () => page.getByRole("button", { name: "Next page" }).click(), isPage, `Page ${number}`);
  }
}

async function logIn(page) {
  await page.goto("/console/");
  note("the page to log in, nothing kept", await when(page, () => document.querySelector("input[name=password]") !== null));
  await page.getByLabel("Address").fill(world.login);
  await page.getByLabel("Password").fill(world.password);
  await timed(page, "from Log in to Today", () => page.getByRole("button", { name: "Log in" }).click(), () => document.querySelector(".sentence") !== null);
}

/** Today, by who is logged in and has nothing kept: what comes over the wire is the first load. */
async function firstLoad(cookies) {
  const { context, page } = await visitor();
  await context.addCookies(cookies);
  await page.goto("/console/today");
  note("Today, nothing kept", await when(page, () => document.querySelector(".sentence") !== null));
  told.octets = await page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource").filter((one) => one.name.includes("/console/"))]
      .reduce((sum, one) => sum + one.encodedBodySize, 0));
  await context.close();
}

/** The longest time between two frames while a full page is scrolled to its end. */
async function longestFrame(page) {
  await page.evaluate(() => {
    window.longest = 0;
    let last = performance.now();
    const look = (now) => {
      window.longest = Math.max(window.longest, now - last);
      last = now;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.mouse.move(600, 500);
  for (let n = 0; n < 40; n++) await page.mouse.wheel(0, 300);
  await when(page, () => true);
  return page.evaluate(() => window.longest);
}

const { context, page } = await visitor();
await logIn(page);
await firstLoad(await context.cookies());
const rail = (name) => page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
await timed(page, "Queue, by destination", () => rail("Queue"), hasRows, "What waits, by destination");
await timed(page, "Queue, message by message", () => page.getByRole("link", { name: "Messages", exact: true }).click(), hasRows, "Messages that wait");
told.frame = await longestFrame(page);
await leaf(page, "Queue, the next page");
await timed(page, "Queue, of one destination", async () => page.evaluate((to) => {
  history.pushState(null, "", to);
  dispatchEvent(new PopStateEvent("popstate"));
}, "/console/queue?view=messages&destination=d7.test"), () => document.querySelector("main")?.innerText.includes("Only what waits for") && document.querySelector("main tbody tr") !== null);
await timed(page, "Accounts", () => rail("Accounts"), hasRows, "Accounts");
await leaf(page, "Accounts, the next page");
await page.getByLabel("Find an account").fill("u7");
await timed(page, "Accounts, found by a beginning", () => page.getByRole("button", { name: "Find" }).click(), () => document.querySelector("main tbody tr th")?.textContent.startsWith("u7"));
await browser.close();
console.log(JSON.stringify(told));
