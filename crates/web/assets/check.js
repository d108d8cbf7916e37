// Checks the proof file of a posting in the browser, from its bytes to the signature, and whether this
// site's log has grown honestly since; or the latter alone of a saved checkpoint. All as
// docs/posting-log.md says. Nothing leaves the browser; no word of the page stands here.
"use strict";

(() => {
  const form = document.getElementById("check");
  const steps = document.getElementById("check-steps");
  const result = document.getElementById("check-result");
  const facts = document.getElementById("check-facts");
  if (!form) return;
  form.hidden = false;
  const words = form.dataset;
  const utf8 = new TextEncoder();

  const join = (...parts) => {
    const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of parts) { out.set(part, at); at += part.length; }
    return out;
  };
  const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
  const fail = (why) => { throw new Error(why); };
  const fromHex = (text) => {
    if (!/^([0-9a-f]{2})*$/.test(text)) fail("hex");
    return Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
  };
  const fromBase64 = (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    // One way to write it and no other.
    if (btoa(String.fromCharCode(...bytes)) !== text) fail("base64");
    return bytes;
  };
  const sha256 = async (...parts) =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
  const leaf = (bytes) => sha256([0], bytes);
  const node = (left, right) => sha256([1], left, right);

  const readEntry = (text) => {
    const form = new RegExp("^siji-posting-entry 1\nposting ([0-9a-f-]{36})\narea [0-9.]+\n"
      + "kind (list|correction)\ncorrects (-|0|[1-9][0-9]*)\nfrom ([0-9-]{10})\nto ([0-9-]{10})\n"
      + "commitment ([0-9a-f]{64})\n$");
    const found = form.exec(text) || fail("entry");
    if ((found[2] === "list") !== (found[3] === "-")) fail("entry");
    return { posting: found[1], isCorrection: found[2] === "correction", from: found[4], to: found[5],
      commitment: fromHex(found[6]) };
  };

  const readProof = (text) => {
    const end = text.indexOf("\n\n");
    if (end < 0) fail("proof");
    const [head, index, ...path] = text.slice(0, end).split("\n");
    if (head !== "c2sp.org/tlog-proof@v1" || !/^index (0|[1-9][0-9]{0,14})$/.test(index)) fail("proof");
    return { index: Number(index.slice(6)), path: path.map(fromBase64), note: text.slice(end + 2) };
  };

  const readNote = (note) => {
    const end = note.lastIndexOf("\n\n");
    if (end < 0 || !note.endsWith("\n")) fail("note");
    const text = note.slice(0, end + 1);
    const signatures = note.slice(end + 2, -1).split("\n").map((line) => {
      const found = /^\u2014 ([^ +]+) ([A-Za-z0-9+/]+=*)$/.exec(line) || fail("note");
      const bytes = fromBase64(found[2]);
      return { name: found[1], id: bytes.slice(0, 4), bytes: bytes.slice(4) };
    });
    const [origin, size, root] = text.split("\n");
    if (!/^(0|[1-9][0-9]{0,14})$/.test(size)) fail("note");
    const read = { text, signatures, origin, size: Number(size), root: fromBase64(root) };
    if (read.root.length !== 32) fail("note");
    return read;
  };

  const rootBy = async (hash, index, size, path) => {
    if (index >= size) fail("index");
    let place = index, last = size - 1;
    const up = () => { place = Math.floor(place / 2); last = Math.floor(last / 2); };
    for (const beside of path) {
      if (last === 0 || beside.length !== 32) fail("path");
      if (place % 2 === 1 || place === last) {
        hash = await node(beside, hash);
        while (place % 2 === 0 && place !== 0) up();
      } else {
        hash = await node(hash, beside);
      }
      up();
    }
    if (last !== 0) fail("path");
    return hash;
  };

  const ask = async (path) => {
    const answer = await fetch(path);
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : fail("away");
  };
  /** Below or at `n`. */
  const powerOfTwo = (n) => {
    let power = 1;
    while (power * 2 <= n) power *= 2;
    return power;
  };

  /** The roots of spans of this site's log, out of its tiles. */
  const tilesOf = (size) => {
    const kept = new Map();
    const tile = (level, number) => {
      const width = Math.min(256, Math.floor(size / 256 ** level) - 256 * number);
      const parts = [String(number % 1000).padStart(3, "0")];
      for (let n = Math.floor(number / 1000); n > 0; n = Math.floor(n / 1000)) {
        parts.unshift("x" + String(n % 1000).padStart(3, "0"));
      }
      const path = `/log/tile/${level}/${parts.join("/")}${width === 256 ? "" : `.p/${width}`}`;
      if (!kept.has(path)) kept.set(path, ask(path));
      return kept.get(path);
    };
    /** Of `power` leaves from `begin` on, a multiple of it. */
    const full = async (begin, power) => {
      let level = 0, unit = 1;
      while (unit * 256 <= power) { level += 1; unit *= 256; }
      const first = begin / unit;
      const data = await tile(level, Math.floor(first / 256));
      const from = first % 256;
      let row = Array.from({ length: power / unit }, (_, i) => data.slice(32 * (from + i), 32 * (from + i + 1)));
      while (row.length > 1) {
        row = await Promise.all(row.filter((_, i) => i % 2 === 0).map((left, i) => node(left, row[2 * i + 1])));
      }
      return row[0];
    };
    return async (begin, end) => {
      const parts = [];
      while (begin < end) {
        const power = powerOfTwo(end - begin);
        parts.push(await full(begin, power));
        begin += power;
      }
      let up = parts.pop();
      while (parts.length > 0) up = await node(parts.pop(), up);
      return up;
    };
  };

  /** Does the newer log begin with the older one? */
  const growsOutOf = async (old, newer, span) => {
    let begin = 0, end = newer.size;
    const beside = [];
    while (end !== old.size) {
      const middle = begin + powerOfTwo(end - begin - 1);
      if (old.size <= middle) { beside.unshift([middle, end]); end = middle; }
      else { beside.unshift([begin, middle]); begin = middle; }
    }
    if (begin !== 0) beside.unshift([begin, end]);
    const steps = await Promise.all(beside.map(([from, to]) => span(from, to)));
    if (old.size === powerOfTwo(old.size)) steps.unshift(old.root);
    let place = old.size - 1, last = newer.size - 1;
    const up = () => { place = Math.floor(place / 2); last = Math.floor(last / 2); };
    while (place % 2 === 1) up();
    let before = steps[0], after = steps[0];
    for (const step of steps.slice(1)) {
      if (last === 0) return false;
      if (place % 2 === 1 || place === last) {
        before = await node(step, before);
        after = await node(step, after);
        while (place % 2 === 0 && place !== 0) up();
      } else {
        after = await node(after, step);
      }
      up();
    }
    return last === 0 && same(before, old.root) && same(after, newer.root);
  };

  /** What became of the log since this checkpoint: `grew`, `rewritten`, `back`, or `unknown`. */
  const since = async (old, verifier) => {
    let newer;
    try {
      newer = readNote(new TextDecoder("utf-8", { fatal: true }).decode(await ask("/log/checkpoint")));
      // Of another zone's log this site can tell nothing; nor where nobody checks the signature.
      if (newer.origin !== old.origin || await signed(newer, verifier) !== true) return { what: "unknown" };
      if (old.size > newer.size) return { what: "back", newer };
      const empty = await sha256();
      if (old.size === newer.size || old.size === 0) {
        const root = old.size === 0 ? empty : newer.root;
        return { what: same(old.root, root) ? "grew" : "rewritten", newer };
      }
      const span = tilesOf(newer.size);
      // Tiles that are not the newer checkpoint's accuse nobody.
      if (!same(await span(0, newer.size), newer.root)) return { what: "unknown" };
      return { what: await growsOutOf(old, newer, span) ? "grew" : "rewritten", newer };
    } catch { return { what: "unknown" }; }
  };

  // true, false, or null where this browser does not know the curve.
  const signed = async (note, verifier) => {
    const found = /^([^ +]+)\+([0-9a-f]{8})\+(.+)$/.exec(verifier) || fail("key");
    const key = fromBase64(found[3]);
    if (key.length !== 33 || key[0] !== 1 || found[1] !== note.origin) return false;
    const id = (await sha256(utf8.encode(found[1] + "\n"), key)).slice(0, 4);
    if (hex(id) !== found[2]) return false;
    const line = note.signatures.find((s) => s.name === found[1] && same(s.id, id));
    if (!line) return false;
    let imported;
    try {
      imported = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
    } catch { return null; }
    return crypto.subtle.verify({ name: "Ed25519" }, imported, line.bytes, utf8.encode(note.text));
  };

  const mark = (step, held, unknown = words.unknown) => {
    const state = steps.querySelector(`[data-step="${step}"] .state`);
    state.textContent = held === null ? unknown : held ? words.yes : words.no;
    state.className = "state " + (held === null ? "wait" : held ? "done" : "stop");
    return held;
  };
  const tell = (text, isGood) => {
    result.hidden = false;
    result.textContent = text;
    result.className = isGood ? "notice" : "warning";
  };
  /** Steps and facts that this file has nothing to say of are not shown. */
  const show = (isPosting) => {
    steps.hidden = false;
    for (const part of document.querySelectorAll("[data-of=posting]")) part.hidden = !isPosting;
  };
  const put = (name, value) => { facts.querySelector(`[data-fact="${name}"]`).textContent = value; };
  const isChinese = document.documentElement.lang.startsWith("zh");
  const days = new Intl.DateTimeFormat(isChinese ? "zh-CN" : "en-GB",
    { dateStyle: isChinese ? "long" : "medium", timeZone: "UTC" });
  const day = (text) => days.format(new Date(`${text}T00:00:00Z`));
  const held = async (work) => { try { return await work(); } catch { return false; } };

  const posting = async (file) => {
    if (file.format !== "siji-posting-proof/1") fail("format");
    const entry = readEntry(file.entry), proof = readProof(file.proof), note = readNote(proof.note);
    show(true);
    const all = [
      mark("content", await held(async () => {
        const salt = fromHex(file.salt);
        return salt.length === 16
          && same(await sha256(salt, utf8.encode(file.content)), entry.commitment);
      })),
      mark("says", await held(async () => {
        const head = new Map(file.content.split("\n").map((line) => line.split("\t")).map((f) => [f[0], f[1]]));
        return head.get("format") === "siji-posting" && head.get("from") === entry.from
          && head.get("to") === entry.to && (head.get("corrects") !== "-") === entry.isCorrection;
      })),
      mark("tree", await held(async () =>
        same(await rootBy(await leaf(utf8.encode(file.entry)), proof.index, note.size, proof.path), note.root))),
    ];
    put("period", [entry.from, entry.to].map(day).join(" \u2013 "));
    put("number", String(proof.index));
    return { note, all };
  };

  const check = async (text) => {
    for (const part of [steps, facts, result]) part.hidden = true;
    if (!globalThis.crypto || !crypto.subtle) return tell(words.insecure, false);
    const verifier = form.elements.verifier.value.trim();
    const isPosting = text.trimStart().startsWith("{");
    let note, all;
    try {
      ({ note, all } = isPosting ? await posting(JSON.parse(text)) : { note: readNote(text), all: [] });
    } catch { return tell(words.unread, false); }
    if (!isPosting) show(false);
    all.push(mark("signature", await held(() => signed(note, verifier))));
    const { what, newer } = all.includes(false) ? { what: "unknown" } : await since(note, verifier);
    mark("grown", what === "unknown" ? null : what === "grew", words.later);
    if (all.includes(false)) return tell(isPosting ? result.dataset.bad : result.dataset.badCheckpoint, false);
    if (what === "rewritten" || what === "back") return tell(result.dataset[what], false);
    const good = isPosting ? result.dataset.good : what === "grew" ? result.dataset.grew : result.dataset.apart;
    tell(all.includes(null) ? result.dataset.half : good, true);
    facts.hidden = false;
    put("short", `${note.size} ${hex(note.root.slice(0, 20)).match(/.{4}/g).join(" ")}`);
    put("grown", newer ? `${note.size} \u2192 ${newer.size}` : "\u2013");
  };

  let last = null;
  const again = () => { if (last !== null) check(last); };
  form.addEventListener("submit", (event) => { event.preventDefault(); again(); });
  form.elements.verifier.addEventListener("change", again);
  form.elements.file.addEventListener("change", async () => {
    const [chosen] = form.elements.file.files;
    if (!chosen) return;
    last = await chosen.text();
    again();
  });
  if (words.proof) {
    fetch(words.proof, { headers: { accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.text() : fail("gone")))
      .then((text) => { last = text; again(); })
      .catch(() => tell(words.gone, false));
  }
})();
