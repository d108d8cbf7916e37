// As much of a browser as a sign-in needs: keeps cookies, goes where it is sent, fills in forms.

export class Browser {
  constructor() {
    this.cookies = new Map();
  }

  /** Asks, without going where the answer sends. */
  async ask(url, fields) {
    const { host, origin } = new URL(url);
    const jar = this.cookies.get(host) ?? new Map();
    const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") };
    const post = fields && { method: "POST", body: new URLSearchParams(fields) };
    if (post) headers.origin = origin;
    const answer = await fetch(url, { ...post, headers, redirect: "manual" });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      const gone = /max-age=0|expires=Thu, 01 Jan 1970/i.test(cookie) || value === "";
      if (gone) jar.delete(name);
      else jar.set(name, value);
    }
    this.cookies.set(host, jar);
    this.url = url;
    this.status = answer.status;
    this.text = await answer.text();
    this.location = answer.headers.get("location");
    return this;
  }

  /** Goes on as long as it is sent on; `until` an address that is not asked for any more. */
  async go(url, fields, until) {
    await this.ask(url, fields);
    while (this.status >= 300 && this.status < 400) {
      const to = new URL(this.location, this.url).href;
      if (until && to.startsWith(until)) return to;
      await this.ask(to);
    }
    return this.url;
  }

  /** The forms of this page: where they go, and what they hold. */
  form(action) {
    const forms = [...this.text.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, head, body]) => {
      const inputs = [...body.matchAll(/<input\b[^>]*>/g)].map(([input]) => [
        input.match(/\bname="([^"]*)"/)?.[1],
        plain(input.match(/\bvalue="([^"]*)"/)?.[1] ?? ""),
      ]);
      const fields = Object.fromEntries(inputs.filter(([name]) => name));
      return { action: new URL(head.match(/action="([^"]*)"/)[1], this.url).href, fields };
    });
    const form = forms.find((form) => form.action.includes(action));
    if (!form) throw new Error(`${this.url} (${this.status}) has no form ${action}:\n${this.text}`);
    return form;
  }

  async submit(action, fields, until) {
    const form = this.form(action);
    return this.go(form.action, { ...form.fields, ...fields }, until);
  }

  says(words) {
    if (!plain(this.text).includes(words)) {
      throw new Error(`${this.url} (${this.status}) does not say “${words}”:\n${this.text}`);
    }
  }
}

function plain(html) {
  return html.replace(/&#(\d+);|&(amp|quot|lt|gt);/g, (_, n, name) =>
    n ? String.fromCharCode(n) : { amp: "&", quot: '"', lt: "<", gt: ">" }[name],
  );
}
