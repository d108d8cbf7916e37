// The release program on a zone of its own, under a clock that the story moves.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SIJI = process.env.SIJI ?? "../../target/release/siji";
const START_MS_MAX = 15_000;

// Ends the server when the pipe on its standard input ends, however this process ends.
const WATCHDOG = `"$@" </dev/null & server=$!; cat >/dev/null; kill $server 2>/dev/null; wait $server`;

export class Server {
  /** `day` is the business day on which the story opens, at nine in the morning in China. */
  constructor(day) {
    this.folder = mkdtempSync(join(tmpdir(), "siji-screens-"));
    this.data = join(this.folder, "zone");
    this.clock = join(this.folder, "clock");
    this.log = "";
    this.setClock(day);
  }

  /** Moves the clock to nine in the morning of a day, in China. */
  setClock(day) {
    this.day = day;
    writeFileSync(this.clock, `@${day} 01:00:00\n`);
  }

  environment() {
    const faked = {
      LD_PRELOAD: process.env.LIBFAKETIME,
      FAKETIME_TIMESTAMP_FILE: this.clock,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      TZ: "UTC",
    };
    return { ...process.env, ...(process.env.LIBFAKETIME ? faked : {}) };
  }

  /** Runs a command of the program to its end and gives what it printed. */
  command(...words) {
    const done = spawnSync(SIJI, [...words, "--data", this.data], {
      env: this.environment(),
      encoding: "utf8",
    });
    if (done.status !== 0) {
      throw new Error(`siji ${words.join(" ")} ended with ${done.status}:\n${done.stderr}`);
    }
    return done.stdout;
  }

  /** Serves; `more` are further words of the command line. */
  async start(...more) {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    const words = ["serve", "--data", this.data, "--listen", `127.0.0.1:${port}`, ...more];
    this.process = spawn("sh", ["-c", WATCHDOG, "watchdog", SIJI, ...words], {
      env: this.environment(),
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on("data", (text) => (this.log += text));
    }
    const deadline = Date.now() + START_MS_MAX;
    while (Date.now() < deadline) {
      if (await answers(this.url)) return this;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`the server did not answer in ${START_MS_MAX} ms:\n${this.log}`);
  }

  async stop() {
    if (this.process && this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((done) => this.process.once("exit", done));
      this.process.stdin.end();
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function answers(url) {
  try {
    await fetch(url, { redirect: "manual" });
    return true;
  } catch {
    return false;
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
