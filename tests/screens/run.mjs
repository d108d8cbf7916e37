// Runs the screen stories one after another and closes with their count.

import { launch } from "./browser.mjs";
import * as genuine from "./check.mjs";
import * as crawl from "./crawl.mjs";
import * as month from "./month.mjs";
import * as planted from "./planted.mjs";

const chosen = process.argv.slice(2);
const stories = Object.entries({ month, crawl, planted, check: genuine })
  .filter(([name]) => chosen.length === 0 || chosen.includes(name))
  .map(([, story]) => story);

/** The slowest step, on a busy machine, takes a tenth of this. */
const STEP_MS_MAX = 300_000;

/** A failure that has been reported already. */
class Told extends Error {}

let passed = 0;
let failed = 0;
const browser = await launch();
const tellings = stories.flatMap(({ titles, tell }) => titles.map((title) => ({ title, tell })));
for (const { title, tell } of tellings) {
  console.log(title);
  try {
    await tell(browser, check, title);
  } catch (error) {
    report(`${title}, as a whole`, error);
  }
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** One step of a story; a failure is reported and ends the story, unless the story catches it. */
async function check(name, step) {
  const since = Date.now();
  try {
    const result = await Promise.race([step(), tooLong()]);
    passed += 1;
    console.log(`  ok ${name} (${Date.now() - since} ms)`);
    return result;
  } catch (error) {
    report(name, error);
    throw new Told();
  }
}

function tooLong() {
  return new Promise((_, reject) => {
    const words = `not done in ${STEP_MS_MAX / 1000} s`;
    setTimeout(() => reject(new Error(words)), STEP_MS_MAX).unref();
  });
}

function report(name, error) {
  if (error instanceof Told) return;
  failed += 1;
  const words = error.name === "Error" ? error.message : (error.stack ?? error);
  console.log(`  FAILED ${name}\n${words}`);
}
