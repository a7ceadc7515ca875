import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx) {
  const { key, type, required } = ctx.config;
  const { value, metadata } = await ctx.config.namespace.getWithMetadata(key, "text");
  if (value === null && required) throw new NonRetryableError(`There is no value under the key ${key}`);
  return { found: value !== null, value: value === null || type === "text" ? value : parsed(key, value), metadata };
}

function parsed(key: string, text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    throw new NonRetryableError(`The value under the key ${key} is no JSON; read it as text`);
  }
}
