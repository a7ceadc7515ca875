import { NonRetryableError } from "cloudflare:workflows";

const MOST = 25 * 1024 * 1024;

export default async function (ctx) {
  const { key, value, expirationTtl, metadata } = ctx.config;
  if (value === undefined) throw new NonRetryableError(`There is nothing to store under the key ${key}`);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const size = new TextEncoder().encode(text).length;
  if (size > MOST) throw new NonRetryableError(`The value under ${key} has ${size} bytes; KV takes 25 MiB`);
  await ctx.config.namespace.put(key, text, { expirationTtl, metadata });
  return { key, size };
}
