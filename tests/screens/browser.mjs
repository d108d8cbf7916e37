// A Chromium whose every page is watched: errors on the console, refusals by the content policy,
// the weight of a first visit, and what axe finds wrong for people who see or move otherwise.

import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const OUT = process.env.OUT ?? "../../out/screens";
const PAGE_BYTES_MAX = 100 * 1024;

export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 800 };

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

/** One person at one window. Faults of any page they see are collected in `faults`. */
export class Person {
  static async at(browser, server, { name, window = DESK, script = true, language = "zh-CN" }) {
    const context = await browser.newContext({
      viewport: window,
      baseURL: server.url,
      javaScriptEnabled: script,
      locale: language,
      timezoneId: "Asia/Shanghai",
      isMobile: window === PHONE,
      hasTouch: window === PHONE,
    });
    context.setDefaultTimeout(10_000);
    const person = new Person();
    Object.assign(person, { name, server, context, script, window, faults: [], seen: new Map() });
    person.page = await context.newPage();
    await person.watch(person.page);
    return person;
  }

  async watch(page) {
    const devtools = await this.context.newCDPSession(page);
    await devtools.send("Network.enable");
    // Every visit is a first visit.
    await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
    this.bytes = 0;
    page.on("request", (request) => {
      if (request.isNavigationRequest() && request.frame() === page.mainFrame()) this.bytes = 0;
    });
    devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
      this.bytes += encodedDataLength;
    });
    page.on("pageerror", (error) => this.fault(`script error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !this.isExpected(message.text())) {
        this.fault(`console: ${message.text()}`);
      }
    });
  }

  /** The browser itself reports each refused form as a failed load; that is not a fault. */
  isExpected(text) {
    return /the server responded with a status of (404|409|413|422)/.test(text);
  }

  fault(what) {
    this.faults.push(`${this.name} at ${this.page.url()}: ${what}`);
  }

  async go(path) {
    const response = await this.page.goto(path);
    if (!response || response.status() >= 400) {
      throw new Error(`${this.name}: ${path} answered ${response?.status()}`);
    }
  }

  /** Follows the first link that fits; without one, an optional step is left out. */
  async follow(link, necessity = "necessary") {
    const found = this.page.locator(link).first();
    if (necessity === "optional" && (await found.count()) === 0) return;
    await Promise.all([this.page.waitForNavigation({ waitUntil: "load" }), found.click()]);
  }

  /** Fills in the named fields of a form and sends it with its (first, or named) button. */
  async submit(form, values = {}, button = "button:not([type=button])") {
    const fields = this.page.locator(form).first();
    for (const [name, value] of Object.entries(values)) {
      await this.fill(fields.locator(`[name="${name}"]`), value);
    }
    await Promise.all([
      this.page.waitForNavigation({ waitUntil: "load" }),
      fields.locator(button).first().click(),
    ]);
    return this.page;
  }

  async fill(field, value) {
    const kind = await field.first().evaluate((element) => element.type ?? element.tagName);
    if (kind === "select-one") await field.selectOption(value);
    else if (kind === "file") await field.setInputFiles(value);
    else if (kind === "radio") await field.and(this.page.locator(`[value="${value}"]`)).check();
    else if (kind === "checkbox") await field.first().setChecked(Boolean(value));
    else await field.first().fill(String(value));
  }

  async signIn(login, password) {
    await this.go("/login");
    await this.submit("main form", { login, password });
    if (this.at("/login/code")) await this.submit("main form", { code: await this.code() });
    if (this.at("/login") || this.at("/login/code")) {
      throw new Error(`${this.name} could not sign in: ${await this.text()}`);
    }
  }

  at(path) {
    return new URL(this.page.url()).pathname === path;
  }

  /** Sets a password by a code that is good once; the first of a zone gives their name too. */
  async welcome(code, password, first) {
    await this.go(first ? "/welcome?first=yes" : "/welcome");
    await this.submit("main form", { code, password, again: password, ...first });
    if (!this.at("/login")) throw new Error(`${this.name}: ${await this.text()}`);
  }

  /** Sets a second factor up where one was asked for, and goes on to what was wanted. */
  async setUpFactor(password, look = () => {}) {
    await look("factor");
    await this.submit("main form", { password });
    this.secret = (await this.page.locator("#secret").innerText()).replaceAll(" ", "");
    await look("factor-scan");
    await this.submit("main form", { code: await this.code() });
    await look("factor-codes");
    await this.follow("main a.primary");
  }

  /** What the authenticator shows now, by the server's clock; never the same digits twice. */
  async code() {
    const answer = await this.page.request.get("/login");
    const now = Math.floor(Date.parse(answer.headers().date) / 30000);
    this.step = Math.max(now, (this.step ?? 0) + 1);
    return totp(this.secret, this.step);
  }

  /** The page's main text, for a look at what it says. */
  async text() {
    return this.page.locator("main").innerText();
  }

  async says(words) {
    const text = await this.text();
    if (!text.includes(words)) throw new Error(`${this.page.url()} does not say “${words}”:\n${text}`);
  }

  /** Looks at the page as it stands: weight, axe, and a picture under `out/screens/`. */
  async look(picture) {
    await this.page.waitForLoadState("networkidle");
    await this.weigh();
    if (this.script) await this.examine();
    mkdirSync(OUT, { recursive: true });
    if (picture) {
      await this.page.screenshot({ path: join(OUT, `${picture}.png`), fullPage: true });
    }
  }

  async weigh() {
    if (this.bytes > PAGE_BYTES_MAX) this.fault(`weighs ${Math.round(this.bytes / 1024)} KiB`);
    const path = new URL(this.page.url()).pathname.replace(/[0-9a-f-]{36}/g, "…");
    this.seen.set(path, Math.max(this.bytes, this.seen.get(path) ?? 0));
  }

  async examine() {
    const wide = await this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (wide > 1) this.fault(`is ${wide} px wider than the window`);
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate(() => window.axe.run());
    for (const { id, impact, nodes } of violations) {
      if (impact === "serious" || impact === "critical") {
        this.fault(`axe ${impact} ${id}: ${nodes.slice(0, 3).map((node) => node.target).join(" · ")}`);
      }
    }
  }

  async close() {
    await this.context.close();
  }
}

/** RFC 6238 with SHA-1 and six digits, of a base 32 secret. */
function totp(secret, step) {
  const bits = [...secret]
    .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac("sha1", key).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
