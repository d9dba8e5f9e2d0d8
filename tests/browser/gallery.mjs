// The pictures of README and docs/console.md (docs/pictures/console-*.png): what an operator sees on an ordinary day.
import { done, logIn, noFaults, patience, person, picture, settled, test, world } from "./browser.mjs";

const who = await person({ width: 1100 });
const { page } = who;
await test("an operator logs in", () => logIn(who, world.roles.operator.login, world.roles.operator.password));
for (const [name, path] of [["trail", `/console/trail/${world.bounced}`], ["queue", "/console/queue"], ["deliverability", "/console/deliverability/example.test"]]) {
  await test(`a picture of ${name}`, async () => {
    await page.setViewportSize({ width: 1100, height: 760 });
    await page.goto(path);
    await settled(page);
    if (name === "deliverability") await page.getByText(/^\d+ checks\.$/).waitFor({ timeout: 4 * patience });
    await picture(page, name, false);
    noFaults(who);
  });
}
await done();
