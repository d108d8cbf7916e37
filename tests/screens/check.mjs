// The page that checks a list in the browser: a genuine file, one turned bit in each part of it, and
// a log that grew, was rewritten or went back since the file was saved.

import { copyFileSync } from "node:fs";
import { join } from "node:path";

import { DESK, PHONE, Person } from "./browser.mjs";
import { Server } from "./server.mjs";

export const titles = ["whether a list is genuine, checked in the browser"];

/** Each step, in Chinese as it stands on the page. */
const STEPS = {
  content: "名单原文与日志条目一致。",
  says: "日志条目写的公示期与原文一致。",
  tree: "这个条目在日志的这个位置上。",
  signature: "日志由这把密钥签名。",
  grown: "从那以后，本网站的日志只增不改。",
};
const [HOLDS, FAILS, LATER] = ["相符", "不相符", "现在无法核对"];
const GENUINE = "核验通过：这张名单一字不差地记在公示日志里。";

export async function tell(browser, check) {
  const servers = [];
  try {
    const honest = await served(servers, "--months", "2");
    // The same keys sign other lists: what a zone would have that rewrote its log.
    const rewritten = await served(servers, "--months", "2", "--seed", "2", "--keys", honest.keys);
    const shorter = await served(servers, "--months", "1", "--keys", honest.keys);
    const files = await check("lists hang, the first of them before the log had its last entry", () =>
      proofs(honest));
    const [first] = files;
    for (const window of [PHONE, DESK]) {
      const size = window === PHONE ? "phone" : "desk";
      await check(`a genuine list, on a ${size}`, () => genuine(browser, honest, first, window));
    }
    for (const [part, turned, failing] of bits(first.file)) {
      await check(`one bit of ${part} is found`, () => spoilt(browser, honest, part, turned, failing));
    }
    await check("a saved checkpoint: the log grew", () => checkpoint(browser, honest, first));
    await check("a log that was rewritten", () =>
      later(browser, rewritten, first, "日志被改写", "rewritten"));
    const newest = files.at(-1);
    await check("a log that went back", () => later(browser, shorter, newest, "日志少了", "back"));
    await check("another zone's log: nothing can be told", () => elsewhere(browser, servers, first));
    await check("what is no proof, and no script", () => neither(browser, honest));
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** A demo zone of its own. */
async function served(servers, ...words) {
  const server = new Server("2026-06-10");
  servers.push(server);
  server.keys = join(server.data, "siji.keys");
  const at = words.indexOf("--keys");
  if (at >= 0) {
    // A copy: each zone's keys are its own file.
    const keys = join(server.folder, "keys");
    copyFileSync(words[at + 1], keys);
    words[at + 1] = keys;
    server.keys = keys;
  }
  server.command("demo", "--no-serve", "--json", "--households", "60", ...words);
  await server.start(...(at >= 0 ? ["--keys", server.keys] : []));
  return server;
}

/** The proof of every list that hangs, in the order of the log. */
async function proofs(server) {
  const page = await (await fetch(`${server.url}/p`)).text();
  const ids = new Set([...page.matchAll(/href="\/p\/([0-9a-f-]{36})"/g)].map((found) => found[1]));
  const files = await Promise.all([...ids].map(async (id) => {
    const file = await (await fetch(`${server.url}/p/${id}/proof.json`)).json();
    return { id, file, number: Number(/^index (\d+)$/m.exec(file.proof)[1]) };
  }));
  files.sort((a, b) => a.number - b.number);
  if (files.length < 2) throw new Error(`${files.length} lists hang`);
  return files;
}

/** The lowest bit of the first digit from there on: another digit, in any kind of text. */
function changed(file, member, place) {
  const text = file[member];
  const from = place(text);
  const at = from + text.slice(from).search(/[0-9]/);
  const other = String.fromCharCode(text.charCodeAt(at) ^ 1);
  return { ...file, [member]: text.slice(0, at) + other + text.slice(at + 1) };
}

/** (part, the file with one bit of it turned, which steps fail) */
function bits(file) {
  const behind = (words) => (text) => {
    const at = text.indexOf(words);
    if (at < 0) throw new Error(`no ${words} in ${text}`);
    return at + words.length;
  };
  const total = (text) => text.lastIndexOf("\tassessed") - 1;
  return [
    ["the list", changed(file, "content", total), ["content"]],
    ["the salt", changed(file, "salt", () => 0), ["content"]],
    ["the entry's last day", changed(file, "entry", (text) => text.indexOf("\nto ") + 13), ["says", "tree"]],
    ["the entry's commitment", changed(file, "entry", behind("commitment ")), ["content", "tree"]],
    ["the way up", changed(file, "proof", (text) => text.indexOf("\n", text.indexOf("index "))), ["tree"]],
    ["the signature", changed(file, "proof", (text) => text.length - 60), ["signature"]],
  ];
}

async function at(browser, server, path, window = PHONE) {
  const person = await Person.at(browser, server, { name: "a villager", window });
  await person.go(path);
  return person;
}

const choose = (person, text) =>
  person.page.locator("#check [name=file]").setInputFiles({
    name: "proof.json",
    mimeType: "application/json",
    buffer: Buffer.from(typeof text === "string" ? text : JSON.stringify(text)),
  });

/** Waits for the words, then holds every step that is shown against what it must say. */
async function says(person, words, steps) {
  const result = person.page.locator("#check-result");
  await result.filter({ hasText: words }).waitFor({ timeout: 10_000 }).catch(async () => {
    throw new Error(`it does not say “${words}”:\n${await person.text()}`);
  });
  const shown = await person.page.locator("#check-steps li:visible").allInnerTexts();
  const wanted = Object.entries(steps).map(([step, state]) => `${STEPS[step]} ${state}`);
  if (shown.join("\n") !== wanted.join("\n")) throw new Error(`${shown}\nis not\n${wanted}`);
  const isGood = !Object.values(steps).includes(FAILS) && wanted.length > 0;
  if ((await hasFacts(person)) !== isGood) throw new Error(`facts are told where ${words}`);
}

const hasFacts = (person) => person.page.locator("#check-facts").isVisible();

async function close(person) {
  await person.close();
  if (person.faults.length > 0) throw new Error(person.faults.join("\n"));
}

const all = (state) => Object.fromEntries(Object.keys(STEPS).map((step) => [step, state]));

async function genuine(browser, server, { id, number }, window) {
  const size = window === PHONE ? "phone" : "desk";
  const person = await at(browser, server, `/p/${id}`, window);
  const [download] = await Promise.all([
    person.page.waitForEvent("download"),
    person.page.locator("a[href$='/proof.json']").click(),
  ]);
  await person.go("/check");
  if (await hasFacts(person)) throw new Error("facts before there is a file");
  await person.look(`check-before-${size}`);
  await person.page.locator("#check [name=file]").setInputFiles(await download.path());
  await says(person, GENUINE, all(HOLDS));
  await person.says(`${number + 1} → `);
  await person.says("2026年6月");
  await person.look(`check-genuine-${size}`);
  // From the list's own page there is nothing to choose.
  await person.go(`/check?p=${id}`);
  await says(person, GENUINE, all(HOLDS));
  await close(person);
}

async function spoilt(browser, server, part, file, failing) {
  const person = await at(browser, server, "/check");
  await choose(person, file);
  const steps = { ...all(HOLDS), grown: LATER };
  for (const step of failing) steps[step] = FAILS;
  await says(person, "核验未通过", steps);
  await person.look(`check-${part.replaceAll(/[^a-z]+/g, "-")}`);
  await close(person);
}

const noteOf = (file) => file.proof.slice(file.proof.indexOf("\n\n") + 2);

async function checkpoint(browser, server, { file }) {
  const person = await at(browser, server, "/check");
  const note = noteOf(file);
  await choose(person, note);
  await says(person, "从这个检查点起，日志只增不改", { signature: HOLDS, grown: HOLDS });
  await person.look("check-checkpoint");
  const size = note.split("\n")[1];
  await choose(person, note.replace(`\n${size}\n`, `\n${Number(size) ^ 1}\n`));
  await says(person, "这个检查点不是用这把密钥签名的", { signature: FAILS, grown: LATER });
  await close(person);
}

/** The file is genuine in itself; this server's log is another. */
async function later(browser, server, { file }, words, picture) {
  const person = await at(browser, server, "/check");
  await choose(person, file);
  await says(person, words, { ...all(HOLDS), grown: FAILS });
  await person.look(`check-${picture}`);
  await choose(person, noteOf(file));
  await says(person, words, { signature: HOLDS, grown: FAILS });
  await close(person);
}

async function elsewhere(browser, servers, { file }) {
  const other = await served(servers, "--months", "2", "--seed", "3");
  const person = await at(browser, other, "/check");
  await choose(person, file);
  await says(person, "核验未通过", { ...all(HOLDS), signature: FAILS, grown: LATER });
  // With the other zone's key the file holds; of its log this site knows nothing.
  await person.page.locator("#check [name=verifier]").fill(file.keys[0]);
  await person.page.locator("#check [name=verifier]").blur();
  await says(person, GENUINE, { ...all(HOLDS), grown: LATER });
  await close(person);
}

async function neither(browser, server) {
  const person = await at(browser, server, "/check");
  for (const text of ["{}", "[1]", "not a checkpoint\n", ""]) {
    await choose(person, text);
    await says(person, "这不是证明文件", {});
  }
  await close(person);
  const plain = await Person.at(browser, server, { name: "no script", window: PHONE, script: false });
  await plain.go("/check");
  await plain.says("浏览器不运行脚本时");
  await close(plain);
}
