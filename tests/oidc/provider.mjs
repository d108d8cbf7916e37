// A real OpenID provider on this machine, with one client and one key. It says the truth unless it is
// told to lie.

import { exportJWK, generateKeyPair, importJWK, decodeJwt, SignJWT } from "jose";
import Provider from "oidc-provider";

export const CLIENT = "siji";
export const SECRET = "a secret that only the two of them know";

export class Issuer {
  /** `port` is free; `back` is where the client wants people sent back to. */
  static async start(port, back) {
    const issuer = new Issuer();
    issuer.url = `http://127.0.0.1:${port}`;
    issuer.key = await newKey("first");
    issuer.foreign = await newKey("first");
    issuer.next = await newKey("second");
    issuer.hasNewKeys = false;
    issuer.lie = null;
    const provider = new Provider(issuer.url, {
      clients: [{ client_id: CLIENT, client_secret: SECRET, redirect_uris: [back] }],
      cookies: { keys: ["only for this test"] },
      features: { devInteractions: { enabled: true } },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      jwks: { keys: [issuer.key] },
    });
    provider.use(async (context, next) => {
      await next();
      const token = context.path === "/token" && context.body?.id_token;
      if (token && issuer.lie) context.body.id_token = await issuer.lie(token, issuer);
      if (context.path === "/jwks" && issuer.hasNewKeys) {
        const { kty, n, e, kid, alg, use } = issuer.next;
        context.body = { keys: [{ kty, n, e, kid, alg, use }] };
      }
    });
    await new Promise((ready) => (issuer.server = provider.listen(port, "127.0.0.1", ready)));
    return issuer;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function newKey(kid) {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: "RS256", use: "sig" };
}

/** What a provider could say wrongly, each by itself. */
export const LIES = {
  "for another audience": resigned(() => ({ aud: "another" })),
  "of another issuer": resigned(() => ({ iss: "http://127.0.0.1:1" })),
  "that has expired": resigned(() => ({ exp: Math.floor(Date.now() / 1000) - 60 })),
  "with another nonce": resigned(() => ({ nonce: "another" })),
  "without a nonce": resigned(() => ({ nonce: undefined })),
  "signed with a foreign key": resigned(() => ({}), (issuer) => issuer.foreign),
  "changed after it was signed": (token) => {
    const [head, , signature] = token.split(".");
    return [head, coded({ ...decodeJwt(token), sub: "carol" }), signature].join(".");
  },
  "that nobody signed": (token) => `${coded({ alg: "none" })}.${coded(decodeJwt(token))}.`,
};

/** The same token, signed once more: what is refused above is refused for what was changed. */
export const AGAIN = resigned(() => ({}));

/** Signed with the key that the provider has changed to. */
export const ANEW = resigned(() => ({}), (issuer) => issuer.next);

function resigned(change, key = (issuer) => issuer.key) {
  return async (token, issuer) =>
    new SignJWT({ ...decodeJwt(token), ...change() })
      .setProtectedHeader({ alg: "RS256", kid: key(issuer).kid })
      .sign(await importJWK(key(issuer), "RS256"));
}

function coded(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
