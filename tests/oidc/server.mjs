// The program on a small zone of its own.

import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CLIENT, SECRET } from "./provider.mjs";

const SIJI = process.env.SIJI ?? "../../target/release/siji";
const START_MS_MAX = 15_000;

// Ends the server when the pipe on its standard input ends, however this process ends.
const WATCHDOG = `"$@" </dev/null & server=$!; cat >/dev/null; kill $server 2>/dev/null; wait $server`;

export class Server {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "siji-oidc-"));
    this.data = join(this.folder, "zone");
    const found = ["init", "--name", "Zone", "--json", "--data", this.data];
    const done = spawnSync(SIJI, found, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`siji init ended with ${done.status}:\n${done.stderr}`);
    this.code = JSON.parse(done.stdout).code;
    this.log = "";
  }

  async start(port, issuer) {
    this.url = `http://127.0.0.1:${port}`;
    const secret = join(this.folder, "secret");
    writeFileSync(secret, `${SECRET}\n`);
    const oidc = ["--oidc-issuer", issuer, "--oidc-client-id", CLIENT];
    const words = [...oidc, "--oidc-client-secret-file", secret, "--oidc-name", "City Login"];
    const serve = ["serve", "--data", this.data, "--listen", `127.0.0.1:${port}`];
    const all = [SIJI, ...serve, "--public-url", this.url, ...words];
    this.process = spawn("sh", ["-c", WATCHDOG, "watchdog", ...all], { stdio: "pipe" });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on("data", (text) => (this.log += text));
    }
    const deadline = Date.now() + START_MS_MAX;
    while (Date.now() < deadline) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.ok) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`the server did not answer in ${START_MS_MAX} ms:\n${this.log}`);
  }

  /** The log of who did what, as the auditor would take it out. */
  verify() {
    return spawnSync(SIJI, ["verify", "--data", this.data], { encoding: "utf8" });
  }

  async stop() {
    if (this.process && this.process.exitCode === null) {
      const ended = new Promise((done) => this.process.once("exit", done));
      this.process.stdin.end();
      await ended;
    }
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** The digits of an authenticator, `ahead` half-minutes from now. */
export function totp(secret, ahead = 0) {
  const bits = [...secret.replaceAll(" ", "")]
    .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const hash = createHmac("sha1", key).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
