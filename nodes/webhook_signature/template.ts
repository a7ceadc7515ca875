import { NonRetryableError } from "cloudflare:workflows";

interface Signed {
  text: string;
  digests: string[];
  encoding: string;
  time?: number;
}

export default async function (ctx) {
  const { payload, algorithm, tolerance, throwOnInvalid } = ctx.config;
  if (typeof payload !== "string") throw new NonRetryableError("The payload must be the text that was signed");
  const reason = await fault(signed(ctx.config), ctx.env.WEBHOOK_SECRET, algorithm, tolerance);
  if (reason !== null && throwOnInvalid) throw new NonRetryableError(`The webhook is not authentic: ${reason}`);
  return { valid: reason === null, reason };
}

/** What was signed, and the digests that were sent, by the sender's scheme. */
function signed(config: { payload: string; signature: string; scheme: string; encoding: string }): Signed {
  const { payload, scheme, encoding } = config;
  const signature = config.signature.trim();
  if (scheme === "plain") return { text: payload, digests: [signature], encoding };
  if (scheme === "prefixed") return { text: payload, digests: [signature.replace(/^[^=]*=/, "")], encoding: "hex" };
  const parts = signature.split(",").map((part) => part.trim().split("=", 2));
  const time = parts.find(([key]) => key === "t")?.[1] ?? "";
  const digests = parts.filter(([key]) => key === "v1").map(([, value]) => value);
  return { text: `${time}.${payload}`, digests, encoding: "hex", time: Number(time) };
}

async function fault({ text, digests, encoding, time }: Signed, secret: string, hash: string, tolerance: number) {
  const encode = (value: string) => new TextEncoder().encode(value);
  const key = await crypto.subtle.importKey("raw", encode(secret), { name: "HMAC", hash }, false, ["verify"]);
  const sent = digests.map((digest) => bytes(digest, encoding)).filter((one) => one !== null);
  if (sent.length === 0) return "the signature cannot be read";
  // `verify` compares in constant time.
  const checks = await Promise.all(sent.map((one) => crypto.subtle.verify("HMAC", key, one, encode(text))));
  if (!checks.includes(true)) return "the signature is another one";
  const age = time === undefined ? 0 : Math.abs(Date.now() / 1000 - time);
  return tolerance > 0 && age > tolerance ? `it was signed ${Math.round(age)} seconds ago` : null;
}

function bytes(digest: string, encoding: string): Uint8Array<ArrayBuffer> | null {
  if (encoding === "base64") {
    try {
      return Uint8Array.from(atob(digest), (ch) => ch.charCodeAt(0));
    } catch {
      return null;
    }
  }
  const pairs = /^([0-9a-f]{2})+$/i.test(digest) ? (digest.match(/../g) ?? []) : null;
  return pairs === null ? null : Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}
