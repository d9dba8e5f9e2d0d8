// Somebody who never saw the command line runs a mail server: told in the words that she reads.
import { done, expect, noFaults, person, picture, settled, tabTo, test, world } from "./browser.mjs";

const mia = await person();
const { page } = mia;
const open = async (name) => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
  await settled(page);
};

await test("she opens the address that she was given", async () => {
  await page.goto(world.link);
  await page.getByRole("button", { name: "Open the console" }).click();
  await page.getByRole("heading", { level: 1, name: "Today" }).waitFor();
  await settled(page);
  noFaults(mia);
});

await test("she adds her bakery's domain, and is shown what goes into the DNS", async () => {
  await open("Domains");
  await page.getByLabel("Name").fill("bakery.test");
  await page.getByRole("button", { name: "Add it" }).click();
  await page.getByRole("heading", { level: 1, name: /bakery\.test/ }).waitFor();
  await settled(page);
  await page.getByText("v=DMARC1").first().waitFor();
  await page.getByText("v=spf1").first().waitFor();
  expect((await page.getByRole("button", { name: /^Copy/ }).count()) > 0, "no record can be copied");
  await picture(page, "story-records");
  noFaults(mia);
});

await test("a name that is none is refused beside the field, and stays typed", async () => {
  await open("Domains");
  await page.getByLabel("Name").fill("not a domain");
  await page.getByRole("button", { name: "Add it" }).click();
  const field = page.getByLabel("Name");
  await page.waitForFunction(() => document.querySelector("[aria-invalid=true]") !== null);
  expect((await field.inputValue()) === "not a domain", "what was typed is gone");
  expect(await field.evaluate((e) => e === document.activeElement), "the focus is elsewhere");
  noFaults(mia);
});

await test("she makes an account for herself", async () => {
  await open("Accounts");
  const form = page.getByRole("region", { name: "Make an account" });
  await form.getByLabel("Login").fill("mia@bakery.test");
  await form.getByLabel("Password").fill("flour, water and salt");
  await form.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("heading", { level: 1, name: /mia@bakery\.test/ }).waitFor();
  await settled(page);
  noFaults(mia);
});

await test("she finds why Ann's message did not arrive", async () => {
  await open("Trail");
  await page.getByRole("searchbox").fill("nobody@far.test");
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByRole("table").first().waitFor();
  await page.locator("main table a").first().click();
  await page.getByText(world.said).first().waitFor();
  await picture(page, "story-trail");
  noFaults(mia);
});

await test("her mouse is flat: by keyboard alone she lets go what is held, and it arrives", async () => {
  await page.reload();
  await settled(page);
  const press = async (element) => {
    await element.waitFor();
    await tabTo(page, element);
    await page.keyboard.press("Enter");
  };
  await press(page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Accounts", exact: true }));
  await page.getByRole("heading", { level: 1, name: "Accounts" }).waitFor();
  await settled(page);
  expect(await page.evaluate(() => document.activeElement.id === "main"), "the new page does not have the focus");
  await press(page.getByRole("region", { name: "Accounts in one sentence" }).getByRole("link", { name: world.suspect }));
  await page.getByRole("heading", { level: 1, name: world.suspect }).waitFor();
  await press(page.getByRole("button", { name: "Let it go" }));
  await page.getByText(/^Released: \d+ recipients? of/).waitFor();
  await page.goto(`/console/trail/${world.later}`);
  await settled(page);
  await page.getByText(/taken in here|in mailbox/).first().waitFor();
  noFaults(mia);
});

await test("she asks that night how it went, on her phone", async () => {
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto("/console/");
  await settled(page);
  await page.getByRole("button", { name: "Menu" }).click();
  await open("Queue");
  expect((await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth)) <= 0, "the page has to be moved sideways");
  noFaults(mia);
});

await done();
