// The console in a real browser, for every role. console_test.py makes the world and reads what is told here.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { accessible, done, expect, fits, inert, logIn, noFaults, patience, person, picture, rail, refusedInFrame, settled, structured, test, world } from "./browser.mjs";

/** RFC 6238: what a phone shows now for a secret in base 32. */
const codeOf = (secret) => {
  const bits = [...secret].map((one) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(one).toString(2).padStart(5, "0")).join("");
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac("sha1", Buffer.from(bits.match(/.{8}/g).map((one) => parseInt(one, 2)))).update(counter).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
};

// ---- The door ----

await test("a one-time link is used up by the button, not by looking at it", async () => {
  const who = await person();
  const { page } = who;
  await page.goto(world.link);
  const button = page.getByRole("button", { name: "Open the console" });
  await button.waitFor();
  await page.reload();
  await button.waitFor();
  await accessible(page);
  await button.click();
  await page.getByRole("heading", { level: 1, name: "Today" }).waitFor();
  noFaults(who);
  const other = await person();
  await other.page.goto(world.link);
  await other.page.getByRole("button", { name: "Open the console" }).click();
  await other.page.getByRole("alert").waitFor();
  await who.context.close();
  await other.context.close();
});

await test("a wrong password is told in words, and what was typed stays", async () => {
  const who = await person();
  const { page } = who;
  await page.goto("/console/");
  await page.getByLabel("Address").fill(world.roles.account.login);
  await page.getByLabel("Password").fill("not it");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText("do not belong together").waitFor();
  expect(await page.getByLabel("Address").inputValue() === world.roles.account.login, "the address is gone");
  await accessible(page);
  noFaults(who);
  await who.context.close();
});

await test("after logging out the back button and the old cookie open nothing", async () => {
  const who = await person();
  const { page, context } = who;
  await logIn(who, world.roles.account.login, world.roles.account.password);
  await settled(page);
  const cookies = await context.cookies();
  expect(cookies.length > 0 && cookies.every((one) => one.httpOnly && one.sameSite === "Strict"), JSON.stringify(cookies));
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("button", { name: "Log in" }).waitFor();
  await context.addCookies(cookies);
  const answer = await context.request.get("/v1/me", { headers: { "Sec-Fetch-Site": "same-origin" } });
  expect(answer.status() === 401, `the old cookie gets ${answer.status()}`);
  await page.goto("/console/queue");
  await page.getByRole("button", { name: "Log in" }).waitFor();
  noFaults(who);
  await context.close();
});

// ---- Every page, for every role ----

for (const [role, { login, password }] of Object.entries(world.roles)) {
  const sizes = [["1280-light", 1280, "light"], ["360-dark", 360, "dark"], ["360-light", 360, "light"], ["1280-dark", 1280, "dark"]];
  for (const [form, width, scheme] of role === "operator" || role === "account" ? sizes : sizes.slice(0, 2)) {
    const who = await person({ width, scheme });
    let pages = [];
    await test(`${role} logs in, ${form}`, async () => {
      await logIn(who, login, password);
      await settled(who.page);
      pages = await rail(who.page);
      expect(pages.length >= 3, `the rail has ${pages.length} pages`);
      noFaults(who);
    });
    for (const { name, href } of pages) {
      await test(`${role}, ${name}, ${form}`, async () => {
        await who.page.goto(href);
        await settled(who.page);
        await picture(who.page, `${role}-${name.toLowerCase().replace(/[^a-z]+/g, "-")}-${form}`);
        expect((await who.page.title()).includes("Paquebot"), "the window has no title");
        await inert(who.page);
        await fits(who.page);
        await structured(who.page);
        if (form === "1280-light" || form === "360-dark") await accessible(who.page);
        noFaults(who);
      });
    }
    if (form === "1280-light") {
      await test(`${role} opens no page of others`, async () => {
        for (const path of world.pages.filter((one) => !pages.some(({ href }) => href.endsWith(`/${one}`)))) {
          await who.page.goto(`/console/${path}`);
          await who.page.getByRole("heading", { level: 1, name: "Not here" }).waitFor();
        }
        noFaults(who);
      });
    }
    await who.context.close();
  }
}

// ---- What strangers write ----

await test("hostile subjects, names, replies and reports are text", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  for (const path of world.hostile) {
    await page.goto(path);
    await settled(page);
    await inert(page);
  }
  noFaults(who);
  await who.context.close();
});

await test("a trail shows what the other server said, word by word", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  await page.goto(`/console/trail/${world.bounced}`);
  await settled(page);
  expect((await page.locator("main").innerText()).includes(world.said), "the reply is not on the page");
  await page.getByRole("list").getByText("The mailbox does not exist there.").first().waitFor();
  await page.getByRole("searchbox").fill("<bounced@far.test>");
  await page.keyboard.press("Enter");
  await page.getByRole("table", { name: "Messages with the Message-ID <bounced@far.test>" }).getByRole("link").first().click();
  await page.getByText(world.bounced).first().waitFor();
  await page.getByText(world.said).first().waitFor();
  await accessible(page);
  await picture(page, "trail-of-a-failure-1280-light");
  noFaults(who);
  await who.context.close();
});

await test("a message's HTML runs nothing and fetches nothing", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.account.login, world.roles.account.password);
  await page.goto(`/console/trail/${world.html}`);
  await settled(page);
  const show = page.getByRole("button", { name: /show|read|open/i }).first();
  if (await show.count() > 0) await show.click();
  const frame = page.locator("iframe");
  await frame.first().waitFor();
  expect((await frame.first().getAttribute("sandbox")) !== null, "the frame has no sandbox");
  expect((await frame.first().getAttribute("srcdoc")) === null, "the frame has srcdoc");
  await page.frameLocator("iframe").getByText("Hello from the frame").waitFor();
  // Whether a remote picture is fetched is counted where it would be fetched from.
  await inert(page);
  await who.context.close();
});

await test("an attachment is stored under the name that it has, and opened by nobody", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.account.login, world.roles.account.password);
  await page.goto(`/console/trail/${world.html}`);
  await settled(page);
  await page.getByRole("button", { name: "Read it" }).click();
  const link = page.getByRole("list", { name: "Attachments" }).getByRole("link").first();
  await accessible(page);
  await inert(page);
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  expect(!/[\\/]/.test(download.suggestedFilename()), `it is called ${download.suggestedFilename()}`);
  expect(readFileSync(await download.path(), "latin1").startsWith("x"), "it is not what was sent");
  const stranger = await person();
  await logIn(stranger, world.roles.foreigner.login, world.roles.foreigner.password);
  const answer = await stranger.context.request.get(new URL(await link.getAttribute("href"), world.base).href, { headers: { "Sec-Fetch-Site": "same-origin" } });
  expect(answer.status() === 404, `another gets it, with ${answer.status()}`);
  noFaults(who, refusedInFrame);
  await who.context.close();
  await stranger.context.close();
});

// ---- Where one is logged in ----

await test("she sees where she is logged in, and ends a session that she forgot", async () => {
  const forgotten = await person();
  await logIn(forgotten, world.roles.foreigner.login, world.roles.foreigner.password);
  const another = await person();
  await logIn(another, world.roles.foreigner.login, world.roles.foreigner.password);
  await another.context.close(); // which does not log out
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.foreigner.login, world.roles.foreigner.password);
  await page.goto("/console/me#sessions");
  await settled(page);
  const mine = page.getByRole("region", { name: "Where you are logged in" });
  await mine.getByText("this one").waitFor();
  const dialog = page.getByRole("dialog");
  await mine.getByRole("button", { name: /^End it/ }).first().click();
  await dialog.getByRole("button", { name: "Let it go on" }).click();
  await dialog.waitFor({ state: "hidden" });
  await mine.getByRole("button", { name: /^End it/ }).first().click();
  await dialog.getByRole("button", { name: "End 1 session" }).click();
  await page.getByText(/^Ended: the session from/).waitFor();
  await mine.getByRole("button", { name: /^End all others/ }).click();
  await dialog.getByRole("button", { name: /^End \d+ sessions?$/ }).click();
  await mine.getByText("You are logged in nowhere else.").waitFor();
  await forgotten.page.goto("/console/me");
  await forgotten.page.getByRole("button", { name: "Log in" }).waitFor();
  noFaults(who);
  await forgotten.context.close();
  await who.context.close();
});

// ---- By keyboard ----

await test("the first stop leads past the rail, and the menu of small windows gives the focus back", async () => {
  const who = await person({ width: 360 });
  const { page } = who;
  await logIn(who, world.roles.account.login, world.roles.account.password);
  await settled(page);
  await page.reload();
  await settled(page);
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement.textContent === "Skip to content"), "the first stop is another");
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement.id === "main"), "the page does not have the focus");
  const menu = page.getByRole("button", { name: "Menu" });
  await menu.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Held mail", exact: true }).first().waitFor();
  await page.keyboard.press("Escape");
  expect(await menu.evaluate((e) => e === document.activeElement), "the menu keeps the focus");
  noFaults(who);
  await who.context.close();
});

// ---- Other sites ----

await test("a page of another site can do nothing with the session", async () => {
  const stranger = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>evil</title><p>evil</p>");
  });
  await new Promise((ready) => stranger.listen(0, "127.0.0.1", ready));
  const who = await person();
  const { page, context } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  const evil = `http://evil.test:${stranger.address().port}/`;
  await page.goto(evil);
  const before = await context.request.get("/v1/domains", { headers: { "Sec-Fetch-Site": "same-origin" } });
  const tried = await page.evaluate(async (base) => {
    const results = [];
    for (const [path, options] of [
      ["/v1/domains", { method: "POST", body: '{"name":"forged.test"}', mode: "no-cors", credentials: "include" }],
      ["/v1/domains", { method: "POST", body: '{"name":"forged.test"}', headers: { "Content-Type": "application/json" }, credentials: "include" }],
      ["/v1/me", { credentials: "include" }],
    ]) {
      try {
        const answer = await fetch(base + path, options);
        results.push(answer.type === "opaque" ? "opaque" : `${answer.status}: ${(await answer.text()).slice(0, 80)}`);
      } catch {
        results.push("refused");
      }
    }
    const form = document.createElement("form");
    form.method = "POST";
    form.enctype = "text/plain";
    form.action = `${base}/v1/domains`;
    const field = document.createElement("input");
    field.name = '{"name":"forged.test","x":"';
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    form.submit();
    return results;
  }, world.base);
  expect(tried[1] === "refused" && tried[2] === "refused", JSON.stringify(tried));
  await page.waitForURL(`${world.base}/**`);
  const after = await (await person()).context.request.get("/v1/domains", {
    headers: { Authorization: `Basic ${Buffer.from(`${world.roles.operator.login}:${world.roles.operator.password}`).toString("base64")}` } });
  expect(after.status() === 200 && !(await after.text()).includes("forged.test"), "a forged request was obeyed");
  expect(before.status() === 200, `the session itself gets ${before.status()}`);
  stranger.close();
  await context.close();
});

await test("a name that was made to lead here is not served (DNS rebinding)", async () => {
  const who = await person();
  const answer = await who.page.goto(world.base.replace("127.0.0.1", "rebound.test") + "/console/");
  expect(answer.status() === 421, `it is served with ${answer.status()}`);
  await who.context.close();
});

// ---- Danger ----

await test("dropping begins with the count, asks above twenty for the number, and gives the focus to keeping", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  await page.goto("/console/queue");
  await settled(page);
  await page.getByRole("checkbox", { name: world.stuck.destination }).check();
  await page.getByRole("button", { name: "Drop…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(String(world.stuck.count)).first().waitFor();
  await accessible(page);
  // Nobody leaves the question by the Tab key, in either direction.
  for (const key of ["Tab", "Tab", "Tab", "Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab"]) {
    await page.keyboard.press(key);
    const where = await page.evaluate(() => (document.activeElement === document.body ? "" : document.activeElement.closest("dialog") === null ? document.activeElement.outerHTML : ""));
    expect(where === "", `the focus has left the question: ${where}`);
  }
  const drop = dialog.getByRole("button", { name: `Drop ${world.stuck.count} recipients` });
  await drop.click({ force: true });
  expect(await dialog.isVisible(), "it did not wait for the number");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(await page.getByRole("button", { name: "Drop…" }).evaluate((e) => e === document.activeElement), "the focus was not given back");
  await page.getByRole("button", { name: "Drop…" }).click();
  await dialog.getByLabel(/^Type /).fill(String(world.stuck.count));
  await dialog.getByRole("button", { name: `Drop ${world.stuck.count} recipients` }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByText(`Dropped: ${world.stuck.count} recipients`).waitFor();
  expect(await page.evaluate(() => document.activeElement !== document.body), "the focus is nowhere, since what asked is gone");
  noFaults(who);
  await who.context.close();
});

await test("whatever is dangerous asks first, with the count, and nothing has happened when the question is left", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  let asked = [];
  page.on("request", (request) => {
    if (request.method() !== "GET" && !request.url().endsWith("/v1/queue/count")) asked.push(`${request.method()} ${request.url()}`);
  });
  const buttons = page.locator("main button", { hasText: "…" });
  const dialog = page.getByRole("dialog");
  for (const [path, least, first] of world.dangerous) {
    await page.goto(path);
    await settled(page);
    if (first) await page.getByRole("button", { name: first, exact: true }).click();
    const dangers = (n) => [...document.querySelectorAll("main button")].filter((e) => e.textContent.includes("…")).length >= n;
    const there = await page.waitForFunction(dangers, least).then(() => true, () => false);
    expect(there, `${path}: fewer than ${least} buttons ask: ${await buttons.allTextContents()}`);
    const names = await buttons.allTextContents();
    asked = [];
    for (let at = 0; at < names.length; at++) {
      await buttons.nth(at).click();
      await dialog.waitFor();
      await dialog.locator(".dialog__count").waitFor();
      expect(/^\d[\d,.]*\s+\S/.test(await dialog.getByRole("heading").innerText()), `${path}, ${names[at]}: the question does not begin with the count`);
      const keeps = await page.evaluate(() => document.activeElement.closest("dialog") !== null && document.activeElement.getAttribute("type") !== "submit");
      expect(keeps, `${path}, ${names[at]}: the focus is on the danger`);
      if (at === 0) await accessible(page);
      await inert(page);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
    }
    expect(asked.length === 0, `${path}: ${asked}`);
    expect((await buttons.count()) >= names.length, `${path}: what was asked about is gone`);
  }
  noFaults(who);
  await who.context.close();
});

await test("the second step is set up, and taken away only after the password and a question", async () => {
  const who = await person();
  const { page, context } = who;
  const { login, password } = world.careful;
  await logIn(who, login, password);
  await page.goto("/console/me");
  const step = page.getByRole("region", { name: "Second step" });
  await step.getByLabel("Password now").fill(password);
  await step.getByRole("button", { name: "Set it up" }).click();
  await step.getByLabel("Code", { exact: true }).waitFor();
  const secret = (await step.innerText()).match(/\b[A-Z2-7]{32}\b/)[0];
  await step.getByLabel("Code", { exact: true }).fill(codeOf(secret));
  await step.getByRole("button", { name: "Turn it on" }).click();
  await step.getByText("The second step is on.").waitFor();
  await step.getByRole("button", { name: "They are written down" }).click();
  const asked = [];
  page.on("request", (request) => request.method() !== "GET" && asked.push(`${request.method()} ${request.url()}`));
  const on = async () => (await (await context.request.get("/v1/me", { headers: { "Sec-Fetch-Site": "same-origin" } })).json()).totp;
  const dialog = page.getByRole("dialog");
  await step.getByRole("button", { name: "Do without it…" }).click();
  const wrong = async (typed) => {
    await step.getByLabel("Password now").fill(typed);
    await step.getByRole("button", { name: "Do without it…" }).click();
    await dialog.getByRole("heading", { name: /^1\s+second step is taken away$/ }).waitFor();
    expect(await page.evaluate(() => document.activeElement.closest("dialog") !== null && document.activeElement.getAttribute("type") !== "submit"), "the focus is on the danger");
  };
  await wrong(password);
  await accessible(page);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(asked.length === 0, `something was done without an answer: ${asked}`);
  await wrong("not the password");
  await dialog.getByRole("button", { name: "Take it away" }).click();
  await dialog.getByRole("alert").waitFor();
  expect(await on() === true, "it was taken away without the password");
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await wrong(password);
  await dialog.getByRole("button", { name: "Take it away" }).click();
  await page.getByText("Taken away: the second step.").waitFor();
  expect(await on() !== true, "it is still there");
  noFaults(who);
  await context.close();
});

// ---- Plots ----

/** What a plot draws, and what the table beneath it says. */
const drawn = (figure) => figure.evaluate((e) => ({
  key: [...e.querySelectorAll(".key > span")].map((one) => one.textContent),
  up: [...e.querySelectorAll("rect.in")].map((one) => [Number(one.getAttribute("height")), one.textContent]),
  down: [...e.querySelectorAll("rect.out")].map((one) => [Number(one.getAttribute("height")), one.textContent]),
  curve: e.querySelector("polyline")?.getAttribute("points"),
  under: e.querySelector("polygon")?.getAttribute("points"),
  most: e.querySelector(".plot__y span")?.textContent,
  scale: [...e.querySelectorAll(".plot__y span")].map((one) => one.textContent),
  rows: [...e.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent)),
}));

await test("the plots show what the server counted", async () => {
  const who = await person();
  const { page, context } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  await settled(page);
  const figure = page.locator("figure.plot").first();
  await figure.waitFor();
  const told = await (await context.request.get("/v1/traffic", { headers: { "Sec-Fetch-Site": "same-origin" } })).json();
  const plot = await drawn(figure);
  const accepted = told.hours.map((one) => one.accepted), gone = told.hours.map((one) => one.delivered + one.relayed);
  const sum = (all) => all.reduce((total, one) => total + one, 0);
  expect(sum(accepted) > 5, `only ${sum(accepted)} were accepted`);
  expect(plot.key[0] === `Accepted, ${sum(accepted)}` && plot.key[1] === `Delivered and relayed, ${sum(gone)}`, JSON.stringify(plot.key));
  const most = Number(plot.most);
  for (const [bars, counts] of [[plot.up, accepted], [plot.down, gone]]) {
    expect(bars.length === counts.length, `${bars.length} bars for ${counts.length} hours`);
    bars.forEach(([height, words], at) => {
      expect(Math.abs(height - (counts[at] / most) * 100) < 0.01, `hour ${at}: ${counts[at]} of ${most} is drawn ${height} high`);
      expect(words.includes(`: ${counts[at]} `), `${words} for ${counts[at]}`);
    });
  }
  plot.rows.forEach((row, at) => expect(row[1] === String(accepted[at]) && row[2] === String(gone[at]), JSON.stringify(row)));
  await page.goto("/console/deliverability/example.test");
  await settled(page);
  await page.getByText("Under TLS, a day").first().waitFor();
  const dmarc = await drawn(page.locator("figure.plot", { hasText: "Passed DMARC, a day" }));
  expect(dmarc.curve === "0,100.0 10,100.0" && dmarc.scale.at(-1) === "0 %", `none of 3 passed, and it draws ${JSON.stringify(dmarc)}`);
  expect(dmarc.rows.length === 1 && dmarc.rows[0][1] === "0.0 %", JSON.stringify(dmarc.rows));
  const tls = await drawn(page.locator("figure.plot", { hasText: "Under TLS, a day" }));
  expect(tls.curve === "0,50.0 10,50.0" && tls.under === "0,100 0,50.0 10,50.0 10,100" && tls.scale.join() === "100 %,75 %,50 %", `15 of 20 were, and it draws ${JSON.stringify(tls)}`);
  expect(tls.rows.length === 1 && tls.rows[0][1] === "15" && tls.rows[0][2] === "5", JSON.stringify(tls.rows));
  await inert(page);
  await picture(page, "plots-1280-light");
  noFaults(who);
  await who.context.close();
});

// ---- Certificates ----

await test("certificates say which work and why one does not, and are renewed from there", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  await page.goto("/console/certificates");
  await settled(page);
  await page.getByText(`No certificate could be had for ${world.refused_certificate}`).first().waitFor();
  const good = page.getByRole("region", { name: world.certificate });
  await good.getByText("good", { exact: true }).first().waitFor();
  await accessible(page);
  await good.getByRole("button", { name: /renew/i }).first().click();
  await page.getByRole("status").getByText(world.certificate).first().waitFor();
  noFaults(who);
  await who.context.close();
});

// ---- Suppressed addresses ----

await test("each sees the suppressed addresses that are hers, adds one, and takes it off after a question", async () => {
  const { server, own, domain, foreign } = world.suppressed;
  const seen = { operator: [server, own, domain, foreign], domain: [own, domain], account: [own], foreigner: [foreign] };
  for (const [role, { login, password }] of Object.entries(world.roles)) {
    const who = await person({ width: role === "account" ? 360 : 1280 });
    const { page } = who;
    await logIn(who, login, password);
    await page.goto("/console/suppressions");
    await settled(page);
    const table = page.getByRole("table", { name: "Suppressed addresses" });
    await table.waitFor();
    const shown = await table.getByRole("rowheader").allTextContents();
    expect(shown.sort().join() === [...seen[role]].sort().join(), `${role} sees ${shown}`);
    await inert(page);
    expect((await page.locator("main").innerText()).includes("she asked for it"), "who put it there, and why, is not told");
    const form = page.getByRole("region", { name: "Suppress an address" });
    const scopes = { operator: ["the whole server", "my own account", "a domain or an account"], domain: ["my own account", "a domain or an account"] }[role] ?? [];
    const offered = await form.getByLabel("For").locator("option").allTextContents();
    expect(offered.join() === scopes.join(), `${role} may suppress for ${offered}`);
    await form.getByLabel("Address").fill("no address");
    await form.getByRole("button", { name: "Suppress it" }).click();
    await page.waitForFunction(() => document.querySelector("[aria-invalid=true]") !== null);
    if (scopes.length > 0) {
      await form.getByLabel("Address").fill("x@far.test");
      await form.getByLabel("For").selectOption("a domain or an account");
      await form.getByRole("button", { name: "Suppress it" }).click();
      await form.getByText("Say which domain or account it is for.").waitFor();
      await form.getByLabel("For").selectOption(scopes[0]);
    }
    await form.getByLabel("Address").fill(`${role}-new@far.test`);
    await form.getByLabel("Why").fill("<svg onload=pwned=1>");
    await form.getByRole("button", { name: "Suppress it" }).click();
    const row = table.getByRole("row").filter({ hasText: `${role}-new@far.test` });
    await row.getByText("put here by hand").waitFor();
    await row.getByText(login).first().waitFor();
    const whose = await row.getByRole("cell").nth(2).textContent();
    expect(whose === (role === "operator" ? "everybody here" : login), `what ${role} has added is of ${whose}`);
    await inert(page);
    await accessible(page);
    await row.getByRole("button", { name: /^Remove/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(`${role}-new@far.test`).first().waitFor();
    await dialog.getByRole("button", { name: "Keep it suppressed" }).click();
    await dialog.waitFor({ state: "hidden" });
    await row.getByRole("button", { name: /^Remove/ }).click();
    await dialog.getByRole("button", { name: "Let programs send to it" }).click();
    await dialog.waitFor({ state: "hidden" });
    await row.waitFor({ state: "detached" });
    await page.getByRole("searchbox", { name: "Find an address" }).fill(own);
    await page.keyboard.press("Enter");
    await (role === "foreigner" ? page.getByText("is not suppressed.") : table.getByRole("rowheader", { name: own })).waitFor();
    noFaults(who);
    await who.context.close();
  }
});

// ---- Suspended mail ----

await test("an operator suspends mail to a domain, sees who did and why, and ends it after a question", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  await page.goto("/console/queue?view=suspended");
  const form = page.getByRole("region", { name: "Suspend mail" });
  await form.getByLabel("Whose").fill("no domain");
  await form.getByRole("button", { name: "Suspend it" }).click();
  await form.getByText("neither an account nor a domain").waitFor();
  await form.getByLabel("Whose").fill("pause.test");
  await form.getByLabel("Why").fill("<svg onload=pwned=1>");
  await form.getByRole("button", { name: "Suspend it" }).click();
  const table = page.getByRole("table", { name: "What is suspended" });
  const row = table.getByRole("row").filter({ hasText: "pause.test" });
  await row.getByText("<svg onload=pwned=1>").waitFor();
  await row.getByText(world.roles.operator.login).waitFor();
  await inert(page);
  await accessible(page);
  await row.getByRole("button", { name: /^End it/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("mail to pause.test").waitFor();
  await dialog.getByRole("button", { name: "Let it go" }).click();
  await dialog.waitFor({ state: "hidden" });
  await row.waitFor({ state: "detached" });
  noFaults(who);
  await who.context.close();
});

// ---- Live ----

await test("new mail comes by itself, and neither focus nor scroll move", async () => {
  const who = await person();
  const { page } = who;
  await logIn(who, world.roles.operator.login, world.roles.operator.password);
  await page.goto("/console/queue?view=messages");
  await settled(page);
  const first = page.locator("main table a").first();
  await first.focus();
  const before = await page.evaluate(() => [document.activeElement.textContent, scrollY]);
  console.log(JSON.stringify({ do: "more" })); // the world sends another message for nowhere
  await page.getByRole("button", { name: /^Show \d+ new$/ }).waitFor({ timeout: 2 * patience });
  const after = await page.evaluate(() => [document.activeElement.textContent, scrollY]);
  expect(JSON.stringify(before) === JSON.stringify(after), `${before} became ${after}`);
  noFaults(who);
  await who.context.close();
});

await done();
