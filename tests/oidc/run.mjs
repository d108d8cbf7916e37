// Signing in at a real OpenID provider, and every way in which that must fail.

import { Browser } from "./browser.mjs";
import { AGAIN, ANEW, Issuer, LIES } from "./provider.mjs";
import { Server, freePort, totp } from "./server.mjs";

const PASSWORD = "plum-kettle-orbit-9";
const BACK = "/login/oidc/back";

let passed = 0;
let failed = 0;
const server = new Server();
let issuer;
try {
  const [port, its] = [await freePort(), await freePort()];
  await server.start(port, `http://127.0.0.1:${its}`);
  await tell(its);
} catch (error) {
  failed += 1;
  console.log(`  FAILED as a whole\n${error.stack}\n${server.log}`);
}
issuer?.stop();
await server.stop();
server.remove();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function check(name, step) {
  const since = Date.now();
  try {
    const result = await step();
    passed += 1;
    console.log(`  ok ${name} (${Date.now() - since} ms)`);
    return result;
  } catch (error) {
    failed += 1;
    console.log(`  FAILED ${name}\n${error.message}`);
  }
}

async function tell(port) {
  const { url } = server;
  await check("a provider that does not answer stops nobody", async () => {
    const browser = await new Browser().ask(`${url}/login/oidc`);
    expect(browser.status, 503);
    browser.says("统一登录服务没有回应");
    browser.form("/login");
  });
  issuer = await Issuer.start(port, `${url}${BACK}`);

  const admin = new Browser();
  const alice = await check("the administrator adds a person", () => addPerson(admin));
  const subject = `${issuer.url}#alice`;

  await check("the login page leads to the provider", async () => {
    const browser = await new Browser().ask(`${url}/login?next=/account`);
    browser.says("用City Login登录");
    await browser.ask(`${url}/login/oidc?next=/account`);
    expect(browser.status, 303);
    const asked = new URL(browser.location).searchParams;
    expect(asked.get("code_challenge_method"), "S256");
    expect(asked.get("response_type"), "code");
    expect(asked.get("redirect_uri"), `${url}${BACK}`);
    for (const name of ["state", "nonce", "code_challenge"]) expect(asked.get(name).length > 40, true);
  });
  await check("whom nobody is linked to is refused, and told what to say", async () => {
    const browser = await comeBack("alice");
    await browser.submit("/login/oidc/finish");
    refused(browser, 409, subject);
  });
  await check("the administrator links the person", () => link(admin, alice, subject));
  await check("nobody else can be linked to the same account", async () => {
    const other = await add(admin, "Other");
    await link(admin, other, subject, 409);
    admin.says("这个统一登录账号已经对应别人");
  });

  await check("signing in works from end to end", async () => {
    const browser = new Browser();
    const back = await comeTo(browser, "alice", "/account");
    await browser.ask(back);
    expect(browser.status, 200);
    expect(isIn(browser), false, "looking opened a session");
    await browser.submit("/login/oidc/finish");
    expect(browser.url, `${url}/account`);
    browser.says("Alice");
    expect(isIn(browser), true);
    // The same address, a second time: in the browser that is in, and in a fresh one.
    await browser.ask(back);
    await browser.submit("/login/oidc/finish");
    expect(browser.status, 409);
    browser.says("这次登录不是在本浏览器开始的");
    const thief = await new Browser().ask(back);
    await thief.submit("/login/oidc/finish");
    refused(thief, 409, "这次登录不是在本浏览器开始的");
  });
  await check("My account shows the link, and how each session began", async () => {
    const browser = await comeBack("alice");
    await browser.submit("/finish");
    await browser.go(`${url}/account`);
    for (const words of ["统一登录", issuer.url, "<dd>alice</dd>", "对应时间", "由统一登录进入"]) {
      browser.says(words);
    }
    await admin.go(`${url}/account`);
    if (admin.text.includes("对应时间")) throw new Error("a link that nobody made");
  });
  await check("an address brought back twice is refused even where its cookie was kept", async () => {
    const browser = await comeBack("alice");
    const [form, kept] = [browser.form("/finish"), new Map(browser.cookies.get(host()))];
    await browser.ask(form.action, form.fields);
    expect(isIn(browser), true);
    const again = new Browser();
    again.cookies.set(host(), kept);
    await again.ask(form.action, form.fields);
    refused(again, 409, "统一登录服务不再接受这次登录");
  });
  await check("another browser's state is refused", async () => {
    const mine = await new Browser().ask(`${url}/login/oidc`);
    const theirs = await comeBack("alice");
    const { action, fields } = theirs.form("/finish");
    await mine.ask(action, fields);
    refused(mine, 409, "这次登录不是在本浏览器开始的");
    const wrong = await comeBack("alice");
    await wrong.submit("/finish", { state: "0".repeat(64) });
    refused(wrong, 409, "这次登录不是在本浏览器开始的");
  });
  await check("a made-up code is refused", async () => {
    const browser = await comeBack("alice");
    await browser.submit("/finish", { code: "made-up" });
    refused(browser, 409, "统一登录服务不再接受这次登录");
  });
  await check("a form from elsewhere is refused", async () => {
    const browser = await comeBack("alice");
    const { action, fields } = browser.form("/finish");
    const cookie = [...browser.cookies.get(host())].map((pair) => pair.join("=")).join("; ");
    const headers = { cookie, origin: "http://elsewhere.test" };
    const body = new URLSearchParams(fields);
    const answer = await fetch(action, { method: "POST", headers, body, redirect: "manual" });
    expect(answer.status, 403);
  });
  await check("a nonce changed on the way out is refused", async () => {
    const browser = await new Browser().ask(`${url}/login/oidc`);
    const away = new URL(browser.location);
    away.searchParams.set("nonce", "another");
    await browser.ask(await visit(browser, away.href, "alice"));
    await browser.submit("/finish");
    refused(browser, 409, "统一登录服务的答复不可信");
  });
  for (const [what, lie] of Object.entries(LIES)) {
    await check(`a token ${what} is refused`, async () => {
      issuer.lie = lie;
      const browser = await comeBack("alice");
      await browser.submit("/finish");
      issuer.lie = null;
      refused(browser, 409, "统一登录服务的答复不可信");
    });
  }
  await check("the same token, signed once more, is good", async () => {
    issuer.lie = AGAIN;
    const browser = await comeBack("alice");
    await browser.submit("/finish");
    expect(isIn(browser), true);
    issuer.lie = null;
  });
  await check("a provider may change its keys, and only it", async () => {
    issuer.lie = ANEW;
    const early = await comeBack("alice");
    await early.submit("/finish");
    refused(early, 409, "统一登录服务的答复不可信");
    issuer.hasNewKeys = true;
    const browser = await comeBack("alice");
    await browser.submit("/finish");
    expect(isIn(browser), true);
  });
  await check("whoever says no at the provider is told so", async () => {
    const browser = await new Browser().ask(`${url}/login/oidc`);
    const state = new URL(browser.location).searchParams.get("state");
    const iss = encodeURIComponent(issuer.url);
    await browser.ask(`${url}${BACK}?error=access_denied&state=${state}&iss=${iss}`);
    refused(browser, 409, "统一登录服务没有为您登录");
  });
  await check("the way on is ours", async () => {
    const browser = new Browser();
    await browser.ask(await comeTo(browser, "alice", "//elsewhere.test"));
    const { action, fields } = browser.form("/finish");
    await browser.ask(action, fields);
    expect(browser.location, "/");
  });
  await check("a session that came by a link ends with it, at once", async () => {
    const browser = await comeBack("alice");
    await browser.submit("/finish");
    await browser.ask(`${url}/account`);
    expect(browser.status, 200);
    await link(admin, alice, "");
    await browser.ask(`${url}/account`);
    expect(browser.status, 303, "the session went on without its link");
    await link(admin, alice, subject);
    await browser.ask(`${url}/account`);
    expect(browser.status, 303, "the session came back with the link");
  });
  await check("whoever has a second factor is asked for it after the provider too", async () => {
    const secret = await setUpFactor(admin, alice);
    const browser = await comeBack("alice");
    await browser.submit("/finish");
    expect(new URL(browser.url).pathname, "/login/code");
    await browser.ask(`${url}/account`);
    expect(browser.status, 303, "the account was open before the code");
    await browser.go(`${url}/login/code?next=/account`);
    await browser.submit("/login/code", { code: totp(secret, 1) });
    expect(browser.url, `${url}/account`);
    browser.says("Alice");
  });
  await check("a disabled person is refused", async () => {
    await admin.go(`${url}/people?person=${alice}`);
    await admin.submit(`/people/${alice}/disable`);
    const browser = await comeBack("alice");
    await browser.submit("/finish");
    refused(browser, 409, "这个账号已停用");
    await admin.go(`${url}/people?person=${alice}`);
    await admin.submit(`/people/${alice}/disable`);
  });
  await check("whose link was taken away is refused", async () => {
    await link(admin, alice, "");
    const browser = await comeBack("alice");
    await browser.submit("/finish");
    refused(browser, 409, subject);
  });
  await check("the program says nothing of codes and tokens, and its books are whole", async () => {
    await server.stop();
    const verified = server.verify();
    expect(verified.status, 0, verified.stderr);
    if (/panicked|code=|eyJ|plum-kettle/.test(server.log)) throw new Error(server.log);
  });
}

function host() {
  return new URL(server.url).host;
}

function isIn(browser) {
  return browser.cookies.get(host())?.has("siji") ?? false;
}

function refused(browser, status, words) {
  expect(browser.status, status);
  browser.says(words);
  expect(isIn(browser), false, "a session was opened");
}

function expect(is, should, why = "") {
  if (is !== should) throw new Error(`${why} ${is} is not ${should}`);
}

/** Signs in at the provider; the page that the way back leads to. */
async function comeBack(login) {
  const browser = new Browser();
  return browser.ask(await comeTo(browser, login, "/"));
}

async function comeTo(browser, login, next) {
  await browser.ask(`${server.url}/login/oidc?next=${encodeURIComponent(next)}`);
  return visit(browser, browser.location, login);
}

/** Through the provider's own pages; where it sends back to. */
async function visit(browser, away, login) {
  const back = `${server.url}${BACK}`;
  let at = await browser.go(away, undefined, back);
  for (let page = 0; page < 3 && !at.startsWith(back); page += 1) {
    at = await browser.submit("/interaction/", { login, password: "anything" }, back);
  }
  if (!at.startsWith(back)) throw new Error(`the provider kept ${login} at ${at}:\n${browser.text}`);
  return at;
}

/** The first security administrator, who adds a person while there is no system administrator. */
async function addPerson(admin) {
  const { url } = server;
  const login = "security";
  await admin.go(`${url}/welcome?first=yes`);
  const words = { code: server.code, name: "Security", login, password: PASSWORD, again: PASSWORD };
  await admin.submit("/welcome", words);
  await admin.submit("/login", { login, password: PASSWORD, next: "/people" });
  await admin.submit("/account/factor", { password: PASSWORD });
  const secret = admin.text.match(/<code id="secret">([^<]+)</)[1];
  await admin.submit("/account/factor/confirm", { code: totp(secret) });
  return add(admin, "Alice");
}

/** The person gets a password by a one-time code, and a second factor; its secret. */
async function setUpFactor(admin, person) {
  const { url } = server;
  const login = "alice";
  await admin.go(`${url}/people?person=${person}`);
  await admin.submit(`/people/${person}/invite`, { login });
  const code = admin.text.match(/>([a-z2-9]{4}(?:-[a-z2-9]{4}){3})</)[1];
  const browser = new Browser();
  await browser.go(`${url}/welcome`);
  await browser.submit("/welcome", { code, password: PASSWORD, again: PASSWORD });
  await browser.submit("/login", { login, password: PASSWORD, next: "/account/factor" });
  await browser.submit("/account/factor", { password: PASSWORD });
  const secret = browser.text.match(/<code id="secret">([^<]+)</)[1];
  await browser.submit("/account/factor/confirm", { code: totp(secret) });
  return secret;
}

async function add(admin, name) {
  await admin.go(`${server.url}/people`);
  const form = admin.form("/people");
  const key = admin.text.match(/action="\/people" class="fields inline">.*?name="key" value="([^"]+)"/s)[1];
  const csrf = admin.text.match(/name="csrf" value="([^"]+)"/)[1];
  await admin.go(`${server.url}/people`, { csrf, key, name, unit: "" });
  expect(admin.status, 200, `adding ${name} (${form.action})`);
  return new URL(admin.url).searchParams.get("person");
}

async function link(admin, person, subject, status = 200) {
  await admin.go(`${server.url}/people?person=${person}`);
  await admin.submit(`/people/${person}/subject`, { subject });
  expect(admin.status, status);
}
