// A month from the register to the receipt, as the officer, the scorers, the village and the store
// keeper live it, each in a browser of their own. Told with script, and once more without.

import { join } from "node:path";

import { DESK, PHONE, Person } from "./browser.mjs";
import { CADRE, HEADS, OFFICER, VILLAGE, faultyRegister, register } from "./register.mjs";
import { Server } from "./server.mjs";
import { writeBomb, writeWorkbook } from "./workbook.mjs";

const AREAS = "../../data/divisions/liaocheng_edz_units_2023.csv";
const PASSWORD = "spring-summer-9";
const ADMIN_PASSWORD = "plum-kettle-orbit-9";
const MONTH = "2026-06";
/** The list hangs for five days, so that on the sixteenth it may be certified. */
const SCORED_ON = "2026-06-10";
const CERTIFIED_ON = "2026-06-16";

export const titles = ["a month in the browser", "the same month without script"];

export async function tell(browser, check, title) {
  const script = title === titles[0];
  const story = new Story(browser, script);
  try {
    await story.tell(check);
    await check("no page had a fault", () => {
      const faults = story.people.flatMap((person) => person.faults);
      if (faults.length > 0) throw new Error(faults.join("\n"));
    });
    if (script) story.listPages();
  } finally {
    for (const person of story.people) await person.close();
    await story.server.stop();
  }
}

class Story {
  constructor(browser, script) {
    this.browser = browser;
    this.script = script;
    this.server = new Server(SCORED_ON);
    this.people = [];
  }

  async meet(name, window) {
    const person = await Person.at(this.browser, this.server, { name, window, script: this.script });
    this.people.push(person);
    return person;
  }

  /** A picture of the page, in the telling with script. */
  async look(person, picture) {
    await person.look(this.script ? picture : null);
  }

  async tell(check) {
    const { server } = this;
    const founded = JSON.parse(server.command("init", "--name", "聊城经济技术开发区", "--json"));
    server.command("import", "areas", AREAS);
    await server.start();

    const security = await this.meet("security administrator", DESK);
    const admin = await this.meet("system administrator", DESK);
    const officer = await this.meet("officer", DESK);
    const village = await this.meet("village", DESK);
    const keeper = await this.meet("keeper", PHONE);
    const first = await this.meet("assistance officer", PHONE);
    const second = await this.meet("assigned cadre", PHONE);

    await check("a wrong password is refused in words", () => this.wrongPassword(admin));
    await check("the one-time code makes the security administrator", async () => {
      await security.go("/welcome?first=yes");
      await this.look(security, "welcome");
      const me = { name: "何静", login: "security" };
      await security.welcome(founded.code, ADMIN_PASSWORD, me);
      await security.signIn(me.login, ADMIN_PASSWORD);
    });
    await check("whoever administers sets up a second factor first", async () => {
      await security.go("/people");
      await security.setUpFactor(ADMIN_PASSWORD, (picture) => this.look(security, picture));
      await this.look(security, "people-security");
    });
    await check("the security administrator makes the system administrator", async () => {
      await add(security, "冯涛");
      await post(security, "冯涛", { role: "system_admin" });
      const code = await invite(security, "冯涛", "admin");
      await this.look(security, "invited");
      await admin.welcome(code, ADMIN_PASSWORD);
      await admin.signIn("admin", ADMIN_PASSWORD);
      await admin.go("/people");
      await admin.setUpFactor(ADMIN_PASSWORD);
    });
    this.admins = { admin, security };
    await check("a code is asked for at the next sign-in", async () => {
      await admin.submit(".me form");
      await admin.signIn("admin", ADMIN_PASSWORD);
      await admin.go("/account");
      await this.look(admin, "account");
    });
    await check("accounts are one's work, posts the other's", async () => {
      await this.hire(officer, "王主任", "officer", { role: "zone_officer" });
      await this.look(admin, "people");
    });
    await check("a workbook of two cells gives an error, and the server lives", () => this.bomb(officer));
    await check("a wrong row is named, and nothing is imported", () => this.faulty(officer));
    await check("the officer imports the register", () => this.import(officer));
    await check("the officer adopts the scheme", () => this.adopt(officer));
    await check("the officer opens the month", () => this.open(officer));
    await check("the officer opens a store and receives a donation", () => this.donation(officer));
    await check("the administrators let everybody in", async () => {
      await first.welcome(await invite(admin, OFFICER, "officer1"), PASSWORD);
      await second.welcome(await invite(admin, CADRE, "cadre1"), PASSWORD);
      await this.hire(village, "李书记", "village", { role: "village_committee", area: VILLAGE });
      await this.hire(keeper, "赵店长", "keeper", { role: "store_keeper", place: "流动超市" });
    });
    await check("the assistance officer scores every household", async () => {
      await first.signIn("officer1", PASSWORD);
      await this.score(first, 0);
    });
    await check("the assigned cadre scores every household, one otherwise", async () => {
      await second.signIn("cadre1", PASSWORD);
      await this.score(second, 1);
    });
    await check("the village reviews: agrees where equal, settles the rest", () => this.review(village));
    await check("the village hangs the list", () => this.hang(village));
    await check("a villager objects, and the officer answers", () => this.objection(officer));
    await check("nobody certifies before the days are over", () => this.tooEarly(village));

    server.setClock(CERTIFIED_ON);
    await check("after six days the village certifies", () => this.certify(village));
    await check("the village issues a card", () => this.card(village));
    await check("the officer announces a market day", () => this.marketDay(officer));
    await check("the keeper hands over goods and prints a receipt", () => this.redeem(keeper));
    await check("every number explains itself", () => this.explain(village));
    await check("English is one tap away", () => this.english(officer));
    await check("what is written down verifies", () => server.command("verify"));
  }

  // ---- signing in ----

  /** Added and invited by one administrator, given a post by the other; sets a password. */
  async hire(person, name, login, what) {
    const { admin, security } = this.admins;
    await add(admin, name);
    const code = await invite(admin, name, login);
    await post(security, name, what);
    await person.welcome(code, PASSWORD);
  }

  async wrongPassword(admin) {
    await admin.go("/login");
    await this.look(admin, "login");
    await admin.submit("main form", { login: "admin", password: "not-this-one" });
    await admin.page.locator(".problem").waitFor();
    await this.look(admin, "login-refused");
  }

  // ---- the register ----

  async upload(officer, name, write) {
    const file = join(this.server.folder, name);
    write(file);
    await officer.go("/import");
    await officer.submit("main form[enctype]", { file });
    // Reading happens beside the server; the page is asked again until it is done.
    for (let tries = 0; (await officer.page.locator("[data-refresh]").count()) > 0; tries++) {
      if (tries > 100) throw new Error("the file is still being read");
      await new Promise((done) => setTimeout(done, 200));
      await officer.page.reload();
    }
  }

  async bomb(officer) {
    await officer.signIn("officer", PASSWORD);
    await this.look(officer, "today-empty");
    await this.upload(officer, "bomb.xlsx", writeBomb);
    await officer.page.locator(".problem").first().waitFor();
    await this.look(officer, "import-bomb");
    await officer.go("/");
  }

  async faulty(officer) {
    await this.upload(officer, "faulty.xlsx", (file) => writeWorkbook(file, faultyRegister()));
    await this.look(officer, "import-faulty");
    if ((await officer.page.locator('form[action$="/apply"]').count()) > 0) {
      throw new Error("a register with a wrong row can be applied");
    }
  }

  async import(officer) {
    await this.upload(officer, "register.xlsx", (file) => writeWorkbook(file, register()));
    await this.look(officer, "import-preview");
    await officer.submit('form[action$="/apply"]');
    for (let tries = 0; (await officer.page.locator("[data-refresh]").count()) > 0; tries++) {
      if (tries > 100) throw new Error("the register is still being applied");
      await new Promise((done) => setTimeout(done, 200));
      await officer.page.reload();
    }
    await this.look(officer, "import-done");
    await officer.go("/households");
    for (const head of HEADS) await officer.says(head);
    await this.look(officer, "households");
  }

  // ---- the scheme and the month ----

  async adopt(officer) {
    await officer.go("/scheme");
    await this.look(officer, "schemes");
    await officer.follow('main a[href^="/scheme/"]');
    await this.look(officer, "scheme");
    await officer.submit('form[action$="/adopt"]', {
      from_month: MONTH,
      resolved_on: "2026-05-20",
      number: "2026年第5号",
      text: "经村民代表会议讨论，同意采用。",
    });
    await officer.page.locator(".notice").waitFor();
  }

  async open(officer) {
    await officer.go("/rounds");
    await officer.submit('form[action="/rounds"]', {
      month: MONTH,
      visits_from: "2026-06-01",
      visits_to: "2026-06-20",
    });
    await this.look(officer, "round");
    await officer.go("/rounds");
    await this.look(officer, "rounds");
  }

  // ---- goods ----

  async donation(officer) {
    await officer.go("/goods");
    await officer.page.locator('details:has(form[action="/places"]) summary').click();
    await officer.submit('form[action="/places"]', { name: "流动超市", kind: "store" });
    await officer.go("/donations/new");
    const goods = officer.page.locator('[name="goods-1"] option');
    await officer.submit('form[action="/donations"]', {
      donor: "鲁西食品公司",
      "goods-1": await goods.nth(1).getAttribute("value"),
      "quantity-1": 20,
      "goods-2": await goods.nth(2).getAttribute("value"),
      "quantity-2": 20,
    });
    await this.look(officer, "donation");
    await officer.go("/goods");
    await this.look(officer, "goods");
  }

  // ---- scoring ----

  /** Gives every household the highest band, and the first one `less` bands less on one item. */
  async score(scorer, less) {
    await this.look(scorer, `today-${less ? "cadre" : "officer"}`);
    for (let at = 0; at < HEADS.length; at++) {
      await scorer.go("/score?todo=1");
      if (at === 0) await this.look(scorer, "visits");
      await scorer.follow('.todo a[href^="/score/"]');
      if (at === 0 && less === 0) await this.look(scorer, "score");
      await this.choose(scorer, (item) => (at === 0 && item === 3 ? less : 0));
      await scorer.submit("form.score", { visited_on: SCORED_ON });
    }
    await scorer.go("/score");
    await this.look(scorer, `visits-done-${less ? "cadre" : "officer"}`);
  }

  /** Chooses in each item the band that many below the highest. */
  async choose(scorer, below) {
    const items = scorer.page.locator("form.score fieldset");
    for (let item = 0; item < (await items.count()); item++) {
      const bands = items.nth(item).locator("label:has(b)");
      const points = await bands.locator("b").allInnerTexts();
      const falling = points.map((text, at) => [Number(text), at]).sort((a, b) => b[0] - a[0]);
      await bands.nth(falling[below(item)][1]).locator("input").press("Space");
    }
  }

  async review(village) {
    await village.signIn("village", PASSWORD);
    await this.look(village, "today-village");
    await village.go("/batches");
    await this.look(village, "batches");
    await village.follow('main a[href^="/batches/"]');
    this.batch = new URL(village.page.url()).pathname;
    await this.look(village, "batch-draft");
    await village.submit('form[action$="/close"]');
    await village.go(`${this.batch}/review`);
    await this.look(village, "review");
    await village.submit('form[action$="/agree"]');
    await village.go(`${this.batch}/review?show=open`);
    await village.follow('main a[href*="/review/"]');
    await this.look(village, "settle");
    await village.submit('form:has([name=take][value="officer"])');
    await village.go(this.batch);
    await village.submit('form[action$="/finish"]');
    await village.go(this.batch);
    await this.look(village, "batch-reviewed");
  }

  // ---- the list on the wall ----

  async hang(village) {
    await village.go(`${this.batch}/posting`);
    await this.look(village, "posting-form");
    await village.submit('form[action$="/posting"]', { place: "村务公开栏", contact: "0635-1234567" });
    await this.look(village, "posting-hangs");
    await village.follow('main a[href^="/p/"]');
    this.posting = new URL(village.page.url()).pathname;
    await this.look(village, "posting-wall");
    const text = await village.text();
    for (const secret of [...HEADS, "371599"]) {
      if (text.includes(secret)) throw new Error(`the list shows ${secret}`);
    }
    await village.go(`${this.posting}/print`);
    await this.look(village, "posting-print");
  }

  async objection(officer) {
    const villager = await this.meet("villager", PHONE);
    await villager.go("/p");
    await this.look(villager, "postings-public");
    await villager.go(this.posting);
    await this.look(villager, "posting-public");
    await villager.submit('form[action$="/objections"]', { serial: 1, text: "我家卫生分偏低，请再看看。" });
    await this.look(villager, "objection-filed");
    await officer.go("/objections");
    await this.look(officer, "objections");
    await officer.follow('main a[href^="/objections/"]:not([download])');
    await this.look(officer, "objection");
    await officer.submit('form[action$="/answer"]', { verdict: "rejected", text: "已上门复核，分数无误，谢谢监督。" });
    await this.look(officer, "objection-answered");
  }

  async tooEarly(village) {
    await village.go(`${this.batch}/posting`);
    if ((await village.page.locator('form[action$="/certification"]').count()) > 0) {
      throw new Error("the list can be certified on its first day");
    }
  }

  async certify(village) {
    await village.signIn("village", PASSWORD);
    await village.go(`${this.batch}/posting`);
    await this.look(village, "posting-ripe");
    await village.submit('form[action$="/certification"]');
    // Certifying asks for a second factor, and leads back to the list.
    await village.setUpFactor(PASSWORD);
    await village.submit('form[action$="/certification"]');
    await this.look(village, "certified");
    await village.go(this.batch);
    await this.look(village, "batch-credited");
  }

  // ---- the counter ----

  async card(village) {
    await village.go("/households");
    await village.follow('main a[href^="/households/"]');
    this.household = new URL(village.page.url()).pathname;
    await this.look(village, "household");
    await village.go(`${this.household}/cards`);
    await village.submit('form[action$="/cards"]');
    await this.look(village, "card");
    this.cardCode = (await village.page.locator(".card code").innerText()).trim();
    await village.go(`${this.household}/cards`);
    await this.look(village, "cards");
  }

  async marketDay(officer) {
    await officer.signIn("officer", PASSWORD);
    await officer.go("/market-days");
    const villages = officer.page.locator("[name=village] option");
    const options = await villages.evaluateAll((all) => all.map((o) => [o.textContent, o.value]));
    await officer.submit('form[action="/market-days"][method=post]', {
      village: options.find(([text]) => text.includes(VILLAGE))[1],
      on_date: CERTIFIED_ON,
      spot: "村委会门口",
    });
    await this.look(officer, "market-days");
  }

  async redeem(keeper) {
    await keeper.signIn("keeper", PASSWORD);
    await this.look(keeper, "today-keeper");
    await keeper.go("/counter");
    await keeper.follow('main a[href^="/counter?day="]', "optional");
    await this.look(keeper, "counter");
    await keeper.submit("form:has([name=card])", { card: this.cardCode });
    await this.look(keeper, "counter-goods");
    const first = keeper.page.locator(".offers input[type=number]:not([disabled])").first();
    await keeper.submit('form[action="/counter"][method=post]', { [await first.getAttribute("name")]: 1 });
    if (!new URL(keeper.page.url()).pathname.startsWith("/receipts/")) {
      throw new Error(`no receipt: ${await keeper.text()}`);
    }
    await this.look(keeper, "receipt");
  }

  async explain(village) {
    await village.go(`${this.household}/explain`);
    await this.look(village, "explain");
    await village.go("/");
    await this.look(village, "today-village-after");
  }

  async english(officer) {
    await officer.go("/");
    await officer.follow('header a[href^="/language"]');
    await this.look(officer, "today-english");
    await officer.go("/batches");
    await this.look(officer, "batches-english");
  }

  /** The weight of each page's first visit, for whoever reads the log. */
  listPages() {
    const pages = new Map(this.people.flatMap((person) => [...person.seen]));
    const widest = [...pages].sort((a, b) => b[1] - a[1]).slice(0, 5);
    const words = widest.map(([path, bytes]) => `${path} ${Math.round(bytes / 1024)} KiB`);
    console.log(`  ${pages.size} pages; the heaviest: ${words.join(", ")}`);
  }
}

async function add(admin, name) {
  await admin.go("/people");
  await admin.submit('form[action="/people"][method=post]', { name });
}

/** The code that lets this person set a password. */
async function invite(admin, name, login) {
  await openRow(admin, name);
  await admin.submit('form[action$="/invite"]', { login });
  return admin.page.locator("#code").innerText();
}

async function post(admin, name, { role, area, place }) {
  await openRow(admin, name);
  const what = { role, area: await optionOf(admin, "area", area) };
  if (place) what.place = await optionOf(admin, "place", place);
  await admin.submit('form[action$="/posts"]', what);
}

async function openRow(admin, name) {
  await admin.go(`/people?q=${encodeURIComponent(name)}`);
  await admin.follow(".person > p a");
}

/** The value of the first option that is not empty and holds the words. */
async function optionOf(admin, name, words = "") {
  const options = admin.page.locator(`form[action$="/posts"] [name=${name}] option`);
  const all = await options.evaluateAll((each) => each.map((o) => [o.textContent, o.value]));
  const found = all.find(([text, value]) => value !== "" && text.includes(words));
  if (!found) throw new Error(`no ${name} called ${words} among ${all.map(([text]) => text)}`);
  return found[1];
}
