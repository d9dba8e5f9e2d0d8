// The sink's page: mail comes by itself, is looked for, read without danger, and faults are put in its way. console_test.py sends what is asked for.
import { readFileSync } from "node:fs";
import { accessible, done, expect, fits, inert, noFaults, patience, person, picture, refusedInFrame, settled, structured, test, world } from "./browser.mjs";

const dev = await person();
const { page } = dev;
const tell = (what) => console.log(JSON.stringify({ do: what }));
const list = page.locator("section.pane-list");
const message = page.getByRole("article");
const sound = async (name) => {
  await settled(page);
  await accessible(page);
  await structured(page);
  await fits(page);
  await inert(page);
  await picture(page, name);
  noFaults(dev, refusedInFrame);
};

await test("an empty sink says where mail is to be sent", async () => {
  await page.goto("/");
  await page.getByRole("heading", { level: 1, name: /^Sink/ }).waitFor();
  await page.getByText("No message.", { exact: true }).waitFor();
  await page.getByText(`@127.0.0.1:${world.smtp}`).first().waitFor();
  await sound("sink-empty-1280-light");
});

await test("mail appears by itself, and is counted for its inbox", async () => {
  await page.getByText("live", { exact: true }).waitFor();
  tell("text");
  await list.getByRole("link", { name: /^Welcome/ }).waitFor({ timeout: 2 * patience });
  tell("order");
  await list.getByRole("link", { name: /^Your order/ }).waitFor({ timeout: 2 * patience });
  await page.getByRole("navigation", { name: "Inboxes" }).getByRole("link", { name: /^checkout 1/ }).click();
  await list.getByRole("link", { name: /^Your order/ }).waitFor();
  expect(await list.getByRole("link", { name: /^Welcome/ }).count() === 0, "the inbox shows mail of others");
  await page.getByRole("navigation", { name: "Inboxes" }).getByRole("link", { name: /^all/ }).click();
  await list.getByRole("link", { name: /^Welcome/ }).waitFor();
  await sound("sink-list-1280-light");
});

await test("hostile mail is text, and its HTML runs and fetches nothing", async () => {
  tell("evil");
  await list.getByRole("link", { name: /onerror/ }).waitFor({ timeout: 2 * patience });
  await list.getByRole("link", { name: /onerror/ }).click();
  await message.getByRole("heading", { level: 2, name: world.evil }).waitFor();
  const frame = message.locator("iframe");
  await frame.waitFor();
  expect((await frame.getAttribute("sandbox")) === "", "the frame may do something");
  expect((await frame.getAttribute("srcdoc")) === null, "the frame has srcdoc");
  await page.frameLocator("iframe").getByText("Hello from the frame").waitFor();
  await message.getByText(/1 picture from elsewhere was not fetched/).waitFor();
  await sound("sink-html-1280-light");
});

await test("text, source, headers and attachments are shown as they came", async () => {
  const open = (name) => message.getByRole("button", { name: new RegExp(`^${name}`) }).click();
  await open("Source");
  await message.getByText("Content-Type: multipart/mixed").waitFor();
  await inert(page);
  await open("Headers");
  await message.getByRole("rowheader", { name: "Subject", exact: true }).waitFor();
  await sound("sink-headers-1280-light");
  await open("Attachments");
  const file = message.getByRole("table", { name: "Attachments" }).getByRole("link").first();
  await sound("sink-attachments-1280-light");
  const [download] = await Promise.all([page.waitForEvent("download"), file.click()]);
  expect(!/[\\/]/.test(download.suggestedFilename()), `it is called ${download.suggestedFilename()}`);
  expect(readFileSync(await download.path(), "latin1").startsWith("x"), "it is not what was sent");
});

await test("a message is found by its words, and by an address", async () => {
  const field = page.getByRole("searchbox");
  await field.fill("kettle");
  await field.press("Enter");
  await list.getByRole("link", { name: /^Your order/ }).waitFor();
  expect(await list.getByRole("link", { name: /^Welcome/ }).count() === 0, "others are found");
  await field.fill("to:nobody@example.org");
  await field.press("Enter");
  await list.getByText("Nothing found.").waitFor();
  await accessible(page);
  await field.fill("");
  await field.press("Enter");
  await list.getByRole("link", { name: /^Welcome/ }).waitFor();
  noFaults(dev);
});

await test("links and codes are there to be copied", async () => {
  await list.getByRole("link", { name: /^Your order/ }).click();
  await message.getByText("https://shop.example/orders/7", { exact: true }).first().waitFor();
  await message.getByText("482913", { exact: true }).first().waitFor();
  await sound("sink-order-1280-light");
});

await test("a fault is added, hits, and is taken away", async () => {
  const faults = page.getByRole("region", { name: "Faults" });
  await faults.getByText("It does everything right.").waitFor();
  await faults.getByLabel("To", { exact: true }).fill("full@*");
  await faults.getByLabel("Does").selectOption("full");
  await faults.getByRole("button", { name: "Add a fault" }).click();
  const row = faults.getByRole("row").filter({ hasText: "full@*" });
  await row.waitFor();
  tell("refused"); // the world sends to full@example.org and is told that the mailbox is full
  await row.getByRole("cell", { name: "1", exact: true }).waitFor({ timeout: 2 * patience });
  await sound("sink-faults-1280-light");
  await row.getByRole("button", { name: /^Remove/ }).click();
  await faults.getByText("It does everything right.").waitFor();
  tell("taken");
  await list.getByRole("link", { name: /^Taken again/ }).waitFor({ timeout: 2 * patience });
  noFaults(dev);
});

await test("a fault that can't be is refused beside its field", async () => {
  const faults = page.getByRole("region", { name: "Faults" });
  await faults.getByLabel("Does").selectOption("reply");
  await faults.getByLabel("Reply").fill("hello");
  await faults.getByRole("button", { name: "Add a fault" }).click();
  await page.waitForFunction(() => document.querySelector("[aria-invalid=true]") !== null);
  expect((await faults.getByLabel("Reply").inputValue()) === "hello", "what was typed is gone");
  await accessible(page);
  noFaults(dev);
});

await test("on a phone one pane is seen at a time, with a way back, in the dark", async () => {
  await page.setViewportSize({ width: 360, height: 800 });
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  await page.goto("/console/sink");
  await sound("sink-list-360-dark");
  await list.getByRole("link", { name: /^Your order/ }).click();
  await message.getByRole("heading", { level: 2, name: "Your order" }).waitFor();
  expect(!(await list.isVisible()), "the list is there, too");
  await sound("sink-message-360-dark");
  await message.getByRole("link", { name: "Back to the list" }).click();
  await list.getByRole("link", { name: /^Welcome/ }).waitFor();
  await list.getByRole("link", { name: /onerror/ }).click();
  await page.frameLocator("iframe").getByText("Hello from the frame").waitFor();
  await sound("sink-html-360-dark");
});

await test("all is deleted after a question that has the count", async () => {
  await page.goto("/console/sink");
  await settled(page);
  await page.getByRole("button", { name: "Delete all…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("heading", { name: /^4 messages are deleted, of all inboxes/ }).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(await page.getByRole("button", { name: "Delete all…" }).evaluate((e) => e === document.activeElement), "the focus was not given back");
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Delete 4 messages" }).click();
  await page.getByText("No message.", { exact: true }).waitFor();
  noFaults(dev);
});

await done();
