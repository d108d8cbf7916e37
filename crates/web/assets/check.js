// Checks the proof file of a posting in the browser, from its bytes to the signature, as
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
    return { text, signatures, origin, size: Number(size), root: fromBase64(root) };
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

  const mark = (step, held) => {
    const state = steps.querySelector(`[data-step="${step}"] .state`);
    state.textContent = held === null ? words.unknown : held ? words.yes : words.no;
    state.className = "state " + (held === null ? "wait" : held ? "done" : "late");
    return held;
  };
  const tell = (text) => { result.hidden = false; result.textContent = text; };

  const check = async (text) => {
    for (const part of [steps, facts, result]) part.hidden = true;
    if (!globalThis.crypto || !crypto.subtle) return tell(words.insecure);
    let file, entry, proof, note;
    try {
      file = JSON.parse(text);
      if (file.format !== "siji-posting-proof/1") fail("format");
      entry = readEntry(file.entry);
      proof = readProof(file.proof);
      note = readNote(proof.note);
    } catch { return tell(words.unread); }
    steps.hidden = false;
    const held = async (work) => { try { return await work(); } catch { return false; } };
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
      mark("signature", await held(() => signed(note, form.elements.verifier.value.trim()))),
    ];
    tell(all.includes(false) ? result.dataset.bad : all.includes(null) ? result.dataset.half : result.dataset.good);
    result.className = all.includes(false) ? "warning" : "notice";
    if (all.includes(false)) return;
    facts.hidden = false;
    const put = (name, value) => { facts.querySelector(`[data-fact="${name}"]`).textContent = value; };
    put("period", `${entry.from} \u2013 ${entry.to}`);
    put("number", String(proof.index));
    put("short", `${note.size} ${hex(note.root.slice(0, 20)).match(/.{4}/g).join(" ")}`);
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
      .catch(() => tell(words.gone));
  }
})();
