// Keeps what was typed on a form marked data-keep in this tab until the server has it, and sends
// it again when the network is back. The same content goes with the same key, so that a reply that
// was lost does no harm; changed content after a try gets a key of its own.
"use strict";

(() => {
  const form = document.querySelector("form[data-keep]");
  if (!form) return;
  const place = "keep:" + form.dataset.keep;
  const offline = document.getElementById("offline");
  let tried = null;
  let waiting = null;

  const content = () => {
    const data = new FormData(form);
    data.delete("key");
    data.delete("csrf");
    data.delete("opened_at");
    return new URLSearchParams(data).toString();
  };

  // A UUIDv7, for pages that are not on a secure origin and so lack crypto.randomUUID.
  const newKey = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    let now = Date.now();
    for (let i = 5; i >= 0; i -= 1) { bytes[i] = now % 256; now = Math.floor(now / 256); }
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };

  const keep = () => {
    // The page's own token goes with the session, not with what was typed.
    const fields = [...new FormData(form)].filter(([name]) => name !== "csrf");
    try { sessionStorage.setItem(place, JSON.stringify({ fields, tried })); } catch { /* full: as without script */ }
  };

  const restore = () => {
    let kept;
    try { kept = JSON.parse(sessionStorage.getItem(place) || "null"); } catch { kept = null; }
    if (!kept) return;
    tried = kept.tried;
    for (const [name, value] of kept.fields) {
      const field = form.elements.namedItem(name);
      if (!field) continue;
      if (field instanceof RadioNodeList) field.value = value;
      else if (field.type === "radio") field.checked = field.value === value;
      else field.value = value;
    }
  };

  const send = async () => {
    clearTimeout(waiting);
    if (tried !== null && tried !== content()) form.elements.namedItem("key").value = newKey();
    tried = content();
    keep();
    let reply;
    try {
      reply = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        credentials: "same-origin",
      });
    } catch {
      offline.hidden = false;
      waiting = setTimeout(send, 8000);
      return;
    }
    offline.hidden = true;
    if (reply.ok && reply.redirected && !new URL(reply.url).pathname.startsWith("/login")) {
      sessionStorage.removeItem(place);
      location.assign(reply.url);
    } else {
      // A refusal, or a sign-in: shown by the server itself. What was typed is still kept.
      form.submit();
    }
  };

  restore();
  form.addEventListener("input", keep);
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  addEventListener("online", () => { if (!offline.hidden) send(); });
})();
