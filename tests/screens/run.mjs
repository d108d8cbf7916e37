// Runs the screen stories one after another and closes with their count.

import { launch } from "./browser.mjs";
import * as month from "./month.mjs";

const stories = [month];

let passed = 0;
let failed = 0;
const browser = await launch();
for (const { title, tell } of stories) {
  console.log(title);
  try {
    await tell(browser, check);
  } catch (error) {
    report(`${title}, as a whole`, error);
  }
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** One step of a story; the story ends at its first failure. */
async function check(name, step) {
  const since = Date.now();
  try {
    const result = await step();
    passed += 1;
    console.log(`  ok ${name} (${Date.now() - since} ms)`);
    return result;
  } catch (error) {
    report(name, error);
    throw new Told();
  }
}

class Told extends Error {}

function report(name, error) {
  if (error instanceof Told) return;
  failed += 1;
  console.log(`  FAILED ${name}\n${error.stack ?? error}`);
}
