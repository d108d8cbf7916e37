// A month from the register to the receipt, as three people live it in three browsers.

import { PHONE, Person } from "./browser.mjs";
import { Server } from "./server.mjs";

export const title = "a month in the browser";

const PASSWORD = "spring-summer-9";

export async function tell(browser, check) {
  const server = new Server("2026-06-29");
  const people = [];
  const meet = async (options) => {
    const person = await Person.at(browser, server, options);
    people.push(person);
    return person;
  };
  try {
    const founded = JSON.parse(server.command("init", "--name", "聊城经济技术开发区", "--json"));
    await server.start();
    const admin = await meet({ name: "administrator" });

    await check("a wrong password is refused in words", async () => {
      await admin.go("/login");
      await admin.look("login");
      await admin.submit("main form", { login: founded.login, password: "not-this-one" });
      await admin.page.locator(".problem").waitFor();
      await admin.look("login-refused");
    });
    await check("the administrator signs in and adds people", async () => {
      await admin.signIn(founded.login, founded.password);
      await addPerson(admin, "王主任", "officer", "zone_officer");
      await admin.look("people");
    });
    await check("no page had a fault", () => {
      const faults = people.flatMap((person) => person.faults);
      if (faults.length > 0) throw new Error(faults.join("\n"));
    });
  } finally {
    for (const person of people) await person.close();
    await server.stop();
  }
}

/** Adds a person with a login and a post at the first area whose name holds `area`. */
async function addPerson(admin, name, login, role, area) {
  await admin.go("/people");
  await admin.submit('form[action="/people"][method=post]', { name });
  await admin.page.locator("details.row summary").first().click();
  await admin.submit('form[action$="/login"]', { login, password: PASSWORD });
  await admin.go(`/people?q=${encodeURIComponent(name)}`);
  await admin.page.locator("details.row summary").first().click();
  const areas = admin.page.locator('form[action$="/posts"] [name=area] option');
  const values = await areas.evaluateAll((options) => options.map((o) => [o.textContent, o.value]));
  const at = values.find(([text]) => text !== "" && (!area || text.includes(area)));
  await admin.submit('form[action$="/posts"]', { role, area: at[1] });
}
