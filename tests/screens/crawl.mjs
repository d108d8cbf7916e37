// Every page of the demo zone that each account can reach by links, one of each kind.

import { DESK, PHONE, Person } from "./browser.mjs";
import { Server } from "./server.mjs";

export const titles = ["every page that each account can reach"];

const PASSWORD = "siji-demo";
const ACCOUNTS = [
  { login: "office", window: DESK },
  { login: "office", window: PHONE, language: "en" },
  { login: "township", window: DESK },
  { login: "village", window: PHONE },
  { login: "officer", window: PHONE },
  { login: "cadre", window: PHONE },
  { login: "store", window: PHONE },
  { login: "auditor", window: DESK },
  { login: "admin", window: DESK },
  { login: "security", window: PHONE },
  { login: null, window: PHONE },
];
const PAGES_MAX = 80;

export async function tell(browser, check) {
  const server = new Server("2026-06-10");
  try {
    server.command("demo", "--no-serve", "--json", "--households", "60", "--months", "2");
    await server.start();
    for (const account of ACCOUNTS) {
      const name = account.login ?? "a stranger";
      const title = account.language ? `${name}, in English` : name;
      // One account's fault is no reason to leave the others' pages unseen.
      await check(title, () => crawl(browser, server, { ...account, name })).catch(() => {});
    }
  } finally {
    await server.stop();
  }
}

async function crawl(browser, server, { name, login, window, language }) {
  const person = await Person.at(browser, server, { name, window });
  try {
    if (login) await person.signIn(login, PASSWORD);
    if (language) await person.go(`/language?to=${language}&back=/`);
    const waiting = [login ? "/" : "/p"];
    const met = new Set(waiting.map(kind));
    for (let count = 0; waiting.length > 0 && count < PAGES_MAX; count++) {
      const path = waiting.shift();
      try {
        await person.go(path);
      } catch (error) {
        person.faults.push(error.message);
        continue;
      }
      await person.look(`all-${language ?? "zh"}-${name}-${kind(path).replace(/[^a-z0-9]+/gi, "-")}`);
      for (const link of await links(person.page)) {
        if (!met.has(kind(link))) {
          met.add(kind(link));
          waiting.push(link);
        }
      }
    }
    console.log(`  ${met.size} kinds of pages`);
    if (person.faults.length > 0) throw new Error([...new Set(person.faults)].join("\n"));
  } finally {
    await person.close();
  }
}

/** Pages that differ only in the record they show, or in what they list, are of one kind. */
export function kind(path) {
  const url = new URL(path, "http://siji.test");
  const place = url.pathname.replace(/[0-9a-f-]{36}/g, "…");
  return [place, ...[...url.searchParams.keys()].sort()].join(" ");
}

/** Where the page leads, downloads and leaving aside. */
export async function links(page) {
  const found = await page.locator("a[href]").evaluateAll((all) =>
    all
      .filter((link) => link.origin === location.origin && !link.hasAttribute("download"))
      .map((link) => link.pathname + link.search),
  );
  const isPage = (path) => !/(export|format=|\.pdf|\.json|\/log\/|\.txt|\.xlsx|\.csv|\/file|\/language|openapi)/.test(path);
  return found.filter(isPage);
}
