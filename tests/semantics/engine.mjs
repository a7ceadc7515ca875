// A small engine: runs compiled workflows and scripts as the real one does, but in memory and in virtual time.
// Reads one JSON line per request, {source, className (null for a script), runs: [{scenario, kills}]}, and answers one:
// {runs: [{status, output, error, ended, trace, calls, winners, faults, lives}]} or {fault}.
//
// With `kills` every run is done again many times: killed after each finished step, and after each body before its
// result is kept; then run from the top with what is stored, which answers after other times than before. A finished
// body that runs again is a fault; a life that ends otherwise than the first one is told in `lives`.
import { createInterface } from "node:readline";

const EPOCH = 1767225600000;
const UNDEFINED = "\0undefined";
const DRAWN = ["headers", "timestamp", "instanceId", "reason"];
const MOST_KILLS = 10;
const CHILD_POLLS = 2;

const modules = {
  "cloudflare:workers": "data:text/javascript,export class WorkflowEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }",
  "cloudflare:workflows": "data:text/javascript,export class NonRetryableError extends Error {}",
};

async function load(source) {
  let text = source;
  for (const [name, url] of Object.entries(modules)) text = text.replaceAll(`from "${name}"`, `from "${url}"`);
  return import("data:text/javascript;base64," + Buffer.from(text).toString("base64"));
}

// What a value is, told in JSON: `undefined` is kept apart, what is drawn by lot is left out.
function plain(value) {
  if (value === undefined) return UNDEFINED;
  if (Array.isArray(value)) return Array.from(value, plain);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([key, item]) => item !== undefined && !DRAWN.includes(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, plain(item)]));
}

function hash(text) {
  let code = 2166136261;
  for (const byte of Buffer.from(text)) code = Math.imul(code ^ byte, 16777619) >>> 0;
  return code;
}

// The same as `latency` of the reference: what the compiler adds of its own takes no time.
const latency = (name, attempt) => (name.includes(": ") ? 0 : (hash(`${name}#${attempt}`) % 4000000) / 1000 + 1);

const milliseconds = (duration) => {
  if (typeof duration === "number") return duration;
  const [, count, unit] = /^(\d+) (second|minute|hour|day|week|month|year)s?$/.exec(duration);
  return count * { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800, month: 2592000, year: 31536000 }[unit] * 1000;
};

// -- time: everything that is due at one time happens, then the clock goes to the next timer.

class Clock {
  constructor() {
    this.now = 0;
    this.timers = [];
    this.stopped = false;
  }
  at(time, call) {
    const timer = { time, call };
    let place = this.timers.length;
    while (place > 0 && this.timers[place - 1].time > time) place--;
    this.timers.splice(place, 0, timer);
    return timer;
  }
  cancel(timer) {
    const place = this.timers.indexOf(timer);
    if (place >= 0) this.timers.splice(place, 1);
  }
  wait(time) {
    return new Promise((resolve) => this.at(this.now + time, resolve));
  }
  // Until `done` or until nothing can happen any more.
  async pass(done) {
    for (;;) {
      await quiet();
      if (done() || this.stopped || this.timers.length === 0) return;
      const timer = this.timers.shift();
      this.now = Math.max(this.now, timer.time);
      timer.call();
    }
  }
}

let digesting = 0;
const digest = crypto.subtle.digest.bind(crypto.subtle);
crypto.subtle.digest = async (...given) => {
  digesting++;
  try {
    return await digest(...given);
  } finally {
    digesting--;
  }
};
async function quiet() {
  do await new Promise(setImmediate);
  while (digesting > 0);
}

// -- the world outside

let world; // of the run that is at work
class World {
  constructor(scenario, clock, script) {
    Object.assign(this, { scenario, clock, script, calls: [], asked: new Map(), ran: [], children: new Map() });
  }
  async fetch(request) {
    const url = new URL(request.url);
    const [id, ...at] = url.pathname.slice(1).split("/");
    const path = url.pathname.slice(1);
    const body = request.method === "GET" ? null : JSON.parse(await request.text());
    const r = body ? body.r : Object.fromEntries([...url.searchParams].map(([key, value]) => [key.slice(1), value]));
    const number = (this.asked.get(path) ?? 0) + 1;
    this.asked.set(path, number);
    this.calls.push([this.clock.now, { method: request.method, path, r }]);
    if (this.script) await this.clock.wait(latency(path, number));
    return this.answer(this.scenario.answers[id][at.length ? at.at(-1) % 3 : 0], path, number);
  }
  answer(kind, path, number) {
    const status = { 404: 404, 503: 503, flaky: number === 1 ? 503 : 200 }[kind] ?? 200;
    const odd = { text: `text ${path}`, empty: "", broken: "{oops" }[kind];
    const type = kind === "text" ? "text/plain" : "application/json";
    const text = odd ?? JSON.stringify({ tag: path, status: "own", code: status });
    const headers = new Headers({ "content-type": type });
    return { status, ok: status < 400, headers, text: async () => text };
  }
  create({ id = `drawn ${this.children.size}`, params }) {
    if (this.children.has(id)) throw new Error("(instance.already_exists) there is one");
    this.calls.push([this.clock.now, { method: "CREATE", path: params.from, params: plain(params) }]);
    this.children.set(id, { params, polls: 0 });
    return { id };
  }
  status(id) {
    const child = this.children.get(id);
    const { from, at } = child.params;
    const does = this.scenario.child[from][at.length ? at.at(-1) % 3 : 0];
    if (++child.polls < CHILD_POLLS || does === "never") return { status: "running" };
    if (does === "fail") return { status: "errored", error: { name: "Error", message: `${from} failed` } };
    return { status: "complete", output: { tag: `child ${from}${at.map((index) => `[${index}]`).join("")}` } };
  }
  get env() {
    const binding = {
      fetch: (request) => this.fetch(request),
      create: async (options) => this.create(options),
      get: async (id) => ({ id, status: async () => this.status(id) }),
    };
    return new Proxy({}, { get: (_, name) => (name === "TRIGGER_TOKEN" ? undefined : binding) });
  }
}
globalThis.fetch = (request) => world.fetch(request);
globalThis.scheduler = { wait: (time) => world.clock.wait(time) };
Date.now = () => Math.floor(EPOCH + (world?.clock.now ?? 0));
console.log = (...words) => {
  if (words[0] === "ran") world.ran.push([world.clock.now, ...words.slice(1)]);
};

// -- an instance. `kept` is what outlives a kill; a life ends by itself, or is killed.

class Kept {
  constructor() {
    this.results = new Map(); // step name → {value} or {failed}
    this.attempts = new Map();
    this.due = new Map(); // of sleeps and waits
    this.mail = new Map();
  }
}

const never = () => new Promise(() => {});

class Life {
  constructor(kept, clock, kill, number) {
    Object.assign(this, { kept, clock, kill, number, names: new Set(), trace: [], bodies: [], faults: [], waiting: new Map() });
  }
  begin(name, kind) {
    if (this.names.has(name)) this.faults.push(`step name used twice: ${name}`);
    this.names.add(name);
    const entry = { name, kind, began: this.clock.now, attempts: (this.kept.attempts.get(name) ?? 0) + 1 };
    this.trace.push(entry);
    return entry;
  }
  async stored(name) {
    const known = this.kept.results.get(name);
    if (!known) return undefined;
    await this.clock.wait((hash(`${this.number}${name}`) % 7) * 0.37);
    return known;
  }
  told(known) {
    if (known.failed !== undefined) throw new Error(known.failed);
    return structuredClone(known.value);
  }
  keep(entry, result) {
    this.kept.results.set(entry.name, result);
    entry.ended = this.clock.now;
    Object.assign(entry, result.failed === undefined ? { value: plain(result.value) } : { failed: result.failed });
    if (this.kill?.after === "result" && --this.kill.count <= 0) this.die();
    return this.clock.stopped ? never() : this.told(result);
  }
  die() {
    this.clock.stopped = true;
  }
  async do(name, config, callback) {
    if (this.clock.stopped) return never();
    if (typeof config === "function") [config, callback] = [{}, config];
    const entry = this.begin(name, "do");
    const known = await this.stored(name);
    if (known) return this.told(known);
    return this.keep(entry, await this.attempts(entry, config, callback));
  }
  async attempts(entry, { retries = { limit: 5, delay: 10000, backoff: "exponential" }, timeout = 600000 }, callback) {
    for (;;) {
      try {
        return { value: structuredClone(await this.attempt(entry, callback, milliseconds(timeout))) };
      } catch (error) {
        const { limit, delay, backoff } = retries;
        if (error.constructor.name === "NonRetryableError" || entry.attempts > limit) return { failed: error.message };
        this.kept.attempts.set(entry.name, entry.attempts);
        const factor = { constant: 1, linear: entry.attempts, exponential: 2 ** (entry.attempts - 1) }[backoff ?? "exponential"];
        await this.clock.wait(milliseconds(delay) * factor);
        entry.attempts++;
      }
    }
  }
  async attempt(entry, callback, timeout) {
    this.bodies.push(entry.name);
    const late = new Promise((_, reject) => {
      entry.timer = this.clock.at(this.clock.now + timeout, () => reject(new Error(`Execution timed out after ${timeout}ms`)));
    });
    try {
      return await Promise.race([this.body(entry, callback), late]);
    } finally {
      this.clock.cancel(entry.timer);
      delete entry.timer;
    }
  }
  async body(entry, callback) {
    let value, error;
    try {
      value = await callback({ attempt: entry.attempts, step: { name: entry.name, count: 1 } });
    } catch (thrown) {
      error = thrown;
    }
    if (this.kill?.after === "body" && --this.kill.count <= 0) this.die();
    if (this.clock.stopped) return never();
    await this.clock.wait(latency(entry.name, entry.attempts));
    if (error) throw error;
    return value;
  }
  async sleep(name, duration) {
    if (this.clock.stopped) return never();
    const entry = this.begin(name, "sleep");
    if (await this.stored(name)) return;
    if (!this.kept.due.has(name)) this.kept.due.set(name, this.clock.now + milliseconds(duration));
    await this.clock.wait(Math.max(0, this.kept.due.get(name) - this.clock.now));
    return this.keep(entry, { value: undefined });
  }
  async waitForEvent(name, { type, timeout }) {
    if (this.clock.stopped) return never();
    const entry = this.begin(name, "wait");
    const known = await this.stored(name);
    if (known) return this.told(known);
    const limit = milliseconds(timeout);
    if (!this.kept.due.has(name)) this.kept.due.set(name, this.clock.now + limit);
    return this.keep(entry, await this.event(type, this.kept.due.get(name), limit));
  }
  event(type, due, limit) {
    const mail = this.kept.mail.get(type) ?? [];
    if (mail.length > 0) return { value: mail.shift() };
    return new Promise((resolve) => {
      const waiting = this.waiting.get(type) ?? [];
      this.waiting.set(type, waiting);
      const timer = this.clock.at(due, () => {
        waiting.splice(waiting.indexOf(take), 1);
        resolve({ failed: `WorkflowTimeoutError: Execution timed out after ${limit}ms` });
      });
      const take = (event) => {
        this.clock.cancel(timer);
        resolve({ value: event });
      };
      waiting.push(take);
    });
  }
  deliver(type, payload) {
    const event = { payload, type, timestamp: new Date(Date.now()) };
    const take = this.waiting.get(type)?.shift();
    if (take) take(event);
    else this.kept.mail.set(type, [...(this.kept.mail.get(type) ?? []), event]);
  }
  async run(Class, scenario) {
    const event = { payload: structuredClone(scenario), timestamp: new Date(EPOCH), instanceId: "instance" };
    let end;
    for (const [at, type, payload] of scenario.events) {
      if (at >= this.clock.now) this.clock.at(at, () => this.deliver(type, structuredClone(payload)));
    }
    new Class({}, world.env).run(event, this).then(
      (output) => (end = { status: "complete", output: plain(output), error: null }),
      (error) => (end = { status: "errored", output: null, error: String(error?.message ?? error) }),
    );
    await this.clock.pass(() => end !== undefined);
    return { ...(end ?? { status: this.clock.stopped ? "killed" : "stuck", output: null, error: null }), ended: this.clock.now };
  }
}

const winners = (kept) =>
  Object.fromEntries([...kept.results].filter(([name]) => name.includes(": winner")).map(([name, { value }]) => [name, value]));

// How another life of the instance ended otherwise than the first one, null when it did not.
function otherwise(first, last, kept, done, life, names) {
  const told = new Map([...kept.results].map(([name, { value, failed }]) => [name, failed ?? plain(value)]));
  const changed = first.trace.filter(({ name, ended }) => ended !== undefined && told.has(name) && !name.includes(": "))
    .filter(({ name, value, failed }) => JSON.stringify(failed ?? value) !== JSON.stringify(told.get(name)))
    .map(({ name }) => [name, told.get(name)]);
  const missing = first.trace.map(({ name }) => name).filter((name) => !names.has(name));
  const extra = [...names].filter((name) => !first.names.has(name));
  const same = JSON.stringify([last.status, last.output, last.error]) === JSON.stringify([first.status, first.output, first.error]);
  const unseen = [...done].filter((name) => !life.names.has(name));
  if (same && !changed.length && !missing.length && !extra.length && !unseen.length) return null;
  return { ...last, changed: Object.fromEntries(changed), missing, extra, unseen, winners: winners(kept) };
}

async function again(Class, scenario, kill, first, number) {
  const kept = new Kept();
  const clock = new Clock();
  world = new World(scenario, clock, false);
  const before = new Life(kept, clock, { ...kill }, number);
  await before.run(Class, scenario);
  const done = new Set(kept.results.keys());
  const next = new Clock();
  next.now = clock.now;
  world.clock = next;
  const life = new Life(kept, next, null, number);
  const last = await life.run(Class, scenario);
  const faults = [...before.faults, ...life.faults];
  const twice = life.bodies.filter((name) => done.has(name));
  if (twice.length) faults.push(`these had finished and ran again: ${twice}`);
  const names = new Set([...before.names, ...life.names]);
  return { faults, other: otherwise(first, last, kept, done, life, names) };
}

function kills(count, salt) {
  const numbers = Array.from({ length: count }, (_, number) => number + 1);
  const chosen = numbers.length <= MOST_KILLS ? numbers : numbers.filter((n) => hash(`${salt}${n}`) % count < MOST_KILLS);
  return chosen.flatMap((n) => [{ after: "result", count: n }, { after: "body", count: n }]);
}

async function instance(Class, { scenario, kills: wanted }, number) {
  const clock = new Clock();
  world = new World(scenario, clock, false);
  const { calls } = world;
  const kept = new Kept();
  const life = new Life(kept, clock, null, 0);
  const end = await life.run(Class, scenario);
  const first = { ...end, trace: life.trace, names: life.names };
  const told = { ...end, trace: life.trace, calls, winners: winners(kept), faults: life.faults, kills: 0, lives: [] };
  for (const kill of wanted ? kills(kept.results.size, number) : []) {
    const { faults, other } = await again(Class, scenario, kill, first, ++told.kills);
    told.faults.push(...faults.map((fault) => `killed ${JSON.stringify(kill)}: ${fault}`));
    if (other) told.lives.push({ kill, ...other });
  }
  return told;
}

async function script(handler, { scenario }) {
  const clock = new Clock();
  world = new World(scenario, clock, true);
  const { calls, ran } = world;
  const request = new Request("https://worker.test/", { method: "POST", body: JSON.stringify(scenario) });
  let end;
  handler.fetch(request, world.env, {}).then(async (response) => {
    const ended = clock.now;
    end = { http: response.status, output: plain(await response.json()), ended };
  });
  for (let round = 0; round < 4; round++) await quiet(); // reading a request is no matter of microtasks alone
  await clock.pass(() => end !== undefined);
  return { ...(end ?? { status: "stuck" }), ran, calls, faults: [], lives: [] };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    const module = await load(request.source);
    const runs = [];
    for (const [number, run] of request.runs.entries()) {
      runs.push(request.className ? await instance(module[request.className], run, number) : await script(module.default, run));
    }
    answer = { runs };
  } catch (error) {
    answer = { fault: String(error?.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
