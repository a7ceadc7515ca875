import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx) {
  const { key, url, contentType, metadata } = ctx.config;
  const content = url === undefined ? own(ctx.config.body) : await fetched(url);
  const object = await ctx.config.bucket.put(key, content.body, {
    httpMetadata: { contentType: contentType ?? content.type },
    customMetadata: metadata,
  });
  return { key, size: object.size, etag: object.etag };
}

function own(body: unknown): { body: string; type: string } {
  if (body === undefined) throw new NonRetryableError("There is neither a body nor a URL to store");
  return typeof body === "string"
    ? { body, type: "text/plain;charset=UTF-8" }
    : { body: JSON.stringify(body), type: "application/json" };
}

/** What a URL answers, passed on as it comes: R2 must know how long it is, so an answer that does not say so is read. */
async function fetched(url: string): Promise<{ body: ReadableStream | ArrayBuffer | null; type?: string }> {
  const response = await fetch(url);
  if (!response.ok) {
    const message = `${url} answered ${response.status}`;
    const again = response.status === 408 || response.status === 429 || response.status >= 500;
    throw again ? new Error(message) : new NonRetryableError(message);
  }
  const length = response.headers.get("content-length");
  const body = length === null ? await response.arrayBuffer() : response.body;
  return { body, type: response.headers.get("content-type") ?? undefined };
}
