// What all browser tests share: Debian's chromium by playwright-core, pages that tell everything that goes wrong in them, checks of
// accessibility and width, and pictures. No test of its own.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the test's world tells: on standard input, as one object. */
export const world = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(join(world.modules, "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** The most that anything on a page is waited for. */
export const patience = 15_000;

export const browser = await chromium.launch({
  executablePath: world.chromium,
  args: ["--no-sandbox", "--host-resolver-rules=MAP * 127.0.0.1", "--disable-background-networking"],
});

/** A person's browser: cookies of its own, a width and a scheme; `faults` fills with what went wrong in it. */
export async function person({ width = 1280, scheme = "light", base = world.base } = {}) {
  const context = await browser.newContext({
    baseURL: base, viewport: { width, height: 900 }, colorScheme: scheme, ignoreHTTPSErrors: true, reducedMotion: "reduce",
    timezoneId: "UTC", locale: "en-GB",
  });
  context.setDefaultTimeout(patience);
  const faults = [];
  await context.exposeBinding("tellViolation", (_, words) => void faults.push(`content security policy: ${words}`));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      window.tellViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`));
  });
  if (world.files) await context.route("**/console/assets/console.*", (route) => route.fulfill({ path: join(world.files, new URL(route.request().url()).pathname.split("/").pop()) }));
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`an error in the page: ${error.message}`));
  page.on("console", (message) => {
    // A request that answers 401, 403 or 404 is told by the browser, too; pages put that into words.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(`the browser says: ${message.text()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 500) faults.push(`${response.status()} for ${response.request().method()} ${response.url()}`);
  });
  page.on("dialog", (dialog) => {
    faults.push(`a script asked: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { context, page, faults };
}

let failed = 0;
/** Runs one test and tells how it ended, in a line that console_test.py reads. */
export async function test(name, body) {
  const began = Date.now();
  try {
    await body();
    console.log(JSON.stringify({ name, seconds: (Date.now() - began) / 1000 }));
  } catch (error) {
    failed += 1;
    console.log(JSON.stringify({ name, seconds: (Date.now() - began) / 1000, failed: String(error.stack ?? error) }));
  }
}

export async function done() {
  await browser.close();
  process.exitCode = failed > 0 ? 1 : 0;
}

export function expect(truth, words) {
  if (!truth) throw new Error(words);
}

/** What a browser says when hostile HTML tries itself in a frame that may do nothing. */
export const refusedInFrame = /frame is sandboxed|Loading the image 'http:\/\/(tracker\.test|[^']*\/console\/message\/)/;

/** `wanted`: what the browser says of things that it has to refuse. */
export function noFaults(who, wanted = undefined) {
  const told = who.faults.splice(0).filter((words) => !wanted?.test(words));
  expect(told.length === 0, told.join("\n"));
}

/** Logs in as a person does. */
export async function logIn(who, login, password) {
  await who.page.goto("/console/");
  await who.page.getByLabel("Address").fill(login);
  await who.page.getByLabel("Password").fill(password);
  await who.page.getByRole("button", { name: "Log in" }).click();
  await who.page.getByRole("button", { name: "Log out", includeHidden: true }).waitFor({ state: "attached" });
}

/** The page has what it asked for: nothing says that it still loads, and no request is under way. */
export async function settled(page) {
  await page.locator("main h1").first().waitFor();
  await page.waitForFunction(() => !/^(Asking|Loading)/m.test(document.querySelector("main")?.innerText ?? ""));
}

/** The names in the rail, and where they lead. */
export function rail(page) {
  return page.locator("nav[aria-label=Pages] a").evaluateAll((all) => all.map((a) => ({ name: a.textContent, href: a.getAttribute("href") })));
}

/** Nothing that axe-core finds, in the whole page. */
export async function accessible(page) {
  // By the protocol, past the page's policy: the page itself may load no script but its own.
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const words = found.violations.flatMap((one) => one.nodes.slice(0, 3).map((node) => `${one.id}: ${one.help}: ${node.html.slice(0, 160)}; ${node.failureSummary ?? ""}`));
  expect(words.length === 0, words.join("\n"));
}

/** What readers of screens go by: a way past the rail, one heading of the page, tables with a caption and heads, nothing that interrupts. */
export async function structured(page) {
  const missing = await page.evaluate(() => {
    const all = (what, root = document) => [...root.querySelectorAll(what)];
    const named = (e) => e.getAttribute("aria-label") || all(`#${CSS.escape(e.getAttribute("aria-labelledby") ?? "none")}`).length > 0;
    return [
      ...(all("main h1").length === 1 ? [] : [`${all("main h1").length} headings of the page`]),
      ...(all("a.skip").length === 1 && document.querySelector("a, button, input, select, summary, [tabindex='0']") === document.querySelector("a.skip")
        ? [] : ["the first stop is not the way past the rail"]),
      ...all("table").filter((e) => !e.caption?.textContent).map((e) => `a table without a caption: ${e.outerHTML.slice(0, 120)}`),
      ...all("table").filter((e) => all("th[scope=col]", e).length === 0 || all("tbody tr", e).some((row) => all("th[scope=row]", row).length !== 1))
        .map((e) => `a table without heads: ${e.caption?.textContent}`),
      ...all("nav, section, dialog").filter((e) => !named(e)).map((e) => `without a name: ${e.outerHTML.slice(0, 120)}`),
      ...all("[aria-live=assertive]").map((e) => `it interrupts: ${e.outerHTML.slice(0, 120)}`),
    ];
  });
  expect(missing.length === 0, missing.join("\n"));
}

/** Goes on with the Tab key alone until the element has the focus. */
export async function tabTo(page, element) {
  for (let n = 0; n < 200; n++) {
    await page.keyboard.press("Tab");
    if (await element.evaluate((e) => e === document.activeElement)) return;
  }
  throw new Error(`the Tab key does not come to ${element}`);
}

/** Nobody has to move the page sideways. */
export async function fits(page) {
  const over = await page.evaluate(() => {
    const wide = document.scrollingElement.scrollWidth - innerWidth;
    if (wide <= 0) return "";
    const guilty = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3);
    return `${wide} px too wide: ${guilty.map((e) => e.outerHTML.slice(0, 120)).join(" | ")}`;
  });
  expect(over === "", over);
}

/** What strangers wrote stays text: nothing of it became an element or ran. */
export async function inert(page) {
  const alive = await page.evaluate(() => [
    ...(window.pwned ? ["a stranger's script ran"] : []),
    ...[...document.querySelectorAll("img[src=x], script:not([src]), svg[onload], a[href^='javascript:'], iframe:not([sandbox]), [onerror], [onload], [onclick]")]
      .map((e) => e.outerHTML.slice(0, 200)),
  ]);
  expect(alive.length === 0, alive.join("\n"));
}

export async function picture(page, name, whole = true) {
  mkdirSync(world.pictures, { recursive: true });
  await page.screenshot({ path: join(world.pictures, `${name}.png`), fullPage: whole, animations: "disabled" });
}
