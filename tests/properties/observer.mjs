// Runs compiled Workers and tells what arrived at the runtime's doors: step names, durations, event types, requests, results.
// Reads one JSON line per request and answers one. `{source, run: {className, payload, answer}}` runs a workflow, `{source, script: payload}`
// a script, `{source, fetch: {method, path, body}}` its trigger; `{bodies, expressions}` says what V8 reads alone, without a module around it.
// A global `evil()` tells where it was called from: the steps around the call.
import { AsyncLocalStorage } from "node:async_hooks";
import { createInterface } from "node:readline";
import { SourceTextModule } from "node:vm";

const lines = createInterface({ input: process.stdin });
const within = new AsyncLocalStorage();
const AsyncFunction = (async () => {}).constructor;
let seen;

globalThis.observed = {
  WorkflowEntrypoint: class { constructor(ctx, env) { this.env = env; } },
  NonRetryableError: class extends Error {},
};
const module = (names) => "data:text/javascript," + encodeURIComponent(names.map((n) => `export const ${n} = globalThis.observed.${n};`).join(""));
const modules = {
  "cloudflare:workers": module(["WorkflowEntrypoint"]),
  "cloudflare:workflows": module(["NonRetryableError"]),
};

// The web's classes change what they are given (escapes, USVString); these keep it.
globalThis.URL = class { constructor(text) { this.text = String(text); this.origin = "o"; this.pathname = text?.text ?? text; this.search = ""; this.searchParams = new Map(); } };
globalThis.URLSearchParams = class { constructor() { this.pairs = []; } get size() { return this.pairs.length; } append(...pair) { this.pairs.push(pair); seen.query.push(pair); } };
globalThis.Headers = class { constructor(given = []) { this.pairs = Array.isArray(given) ? given : Object.entries(given); } has(name) { return this.pairs.some(([key]) => key.toLowerCase?.() === name.toLowerCase()); } set(...pair) { this.pairs = [...this.pairs, pair]; } };
globalThis.Request = class { constructor(address, options) { this.url = address instanceof URL ? address : new URL(address); Object.assign(this, options); } };
globalThis.Response = class { static json(body, more) { return { body, ...more }; } };
globalThis.evil = () => { seen.evil.push(within.getStore() ?? []); return true; };

const answered = (text) => ({ ok: true, status: 200, headers: Object.assign([], { get: () => "application/json", getSetCookie: () => [] }), text: async () => text });
const fetched = (sent) => {
  const { method, url, headers, body } = sent;
  seen.requests.push({ method, url: url.text, headers: headers.pairs, body: body ?? null });
  return answered("{}");
};
globalThis.fetch = fetched;

const bindings = (options) => new Proxy({}, {
  has: () => true,
  get: (_, name) => {
    if (typeof name !== "string" || name === "TRIGGER_TOKEN") return undefined;
    if (options?.[name] !== undefined) return options[name];
    return {
      fetch: (sent) => { seen.bindings.push(name); return fetched(sent); },
      create: async (given) => { seen.bindings.push(name); seen.created.push(given?.params ?? null); return { id: "child" }; },
      get: async () => ({ id: "child", status: async () => ({ status: "complete", output: 1 }), sendEvent: async () => {} }),
    };
  },
});

const note = (kind, name, more) => {
  if (seen.names.includes(name)) throw new Error(`step name used twice: ${name}`);
  seen.names.push(name);
  seen.calls.push([kind, name, more ?? null]);
};
const step = {
  async do(name, config, callback) {
    note("do", name);
    if (seen.names.length > 1000) await new Promise(() => {});
    const value = await within.run([...(within.getStore() ?? []), name], () => (callback ?? config)({ attempt: 1, step: { name, count: 1 } }));
    seen.steps.push([name, plain(value)]);
    return value === undefined ? undefined : structuredClone(value);
  },
  async sleep(name, duration) { note("sleep", name, duration); },
  async waitForEvent(name, options) { note("wait", name, options); return { payload: null, type: options.type, timestamp: 0 }; },
};

const plain = (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value)) ?? null);

async function load(source) {
  let text = source;
  for (const [name, url] of Object.entries(modules)) text = text.split(`from "${name}"`).join(`from "${url}"`);
  return import("data:text/javascript;base64," + Buffer.from(text).toString("base64"));
}

async function answer(request) {
  seen = { calls: [], names: [], steps: [], query: [], requests: [], created: [], bindings: [], evil: [], result: null, error: null };
  if (request.parse !== undefined) return parsed(request.parse);
  if (request.bodies) return { bodies: request.bodies.map((body) => reads(body)), expressions: request.expressions.map((text) => reads(`return (\n${text}\n)`) && reads(`return [\n${text}\n]`)) };
  const loaded = await load(request.source);
  try {
    const env = bindings(request.env);
    if (request.run) {
      const event = { payload: request.run.payload, timestamp: 0, instanceId: "i" };
      const ended = new loaded[request.run.className]({}, env).run(event, step);
      ended.catch(() => {});
      // What never ends, or goes on for ever, is told as it is after a while.
      seen.result = plain(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, request.patience ?? 2000))]));
    } else {
      const { method, path, body } = request.fetch;
      const answer = await loaded.default.fetch({ method, url: path, json: async () => body, headers: { get: () => null } }, env, {});
      seen.result = plain(answer.body);
    }
  } catch (error) {
    seen.error = String(error?.message ?? error);
  }
  return seen;
}

function parsed(source) {
  try {
    new SourceTextModule(source);
    return { parses: true };
  } catch (error) {
    return { parses: false, message: String(error.message) };
  }
}

function reads(body) {
  try {
    new AsyncFunction("ctx", `"use strict";${body}`);
    return true;
  } catch {
    return false;
  }
}

const stringify = JSON.stringify;
for await (const line of lines) {
  let said;
  try {
    said = await answer(JSON.parse(line));
  } catch (error) {
    said = { fault: String(error?.stack ?? error) };
  }
  process.stdout.write(stringify(said) + "\n");
}
