// The Workflows engine of the runtime, put right in one place, with a view of what its instances do and a hand on
// its clock.
//
// `workflows.js` is workerd's own (its head describes what it keeps for an instance; the version is pinned).
//
// What is put right: a sleep or an event wait of more than a minute ends the `run()` in memory when nothing else
// of it runs at that moment. Where several arms start at once, the first arm's long wait would end it before the
// other arms' steps arrive, and a race of an approval with a day's sleep would never see the sleep. Here a wait
// first lets the other calls arrive, and while there are others `run()` stays in memory, as it does anyway when
// an arm's step happens to come first.
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import bundled, { Engine as Bundled } from "./workflows.js";
export { WorkflowBinding } from "./workflows.js";

const ENDED = new Set(["complete", "errored", "terminated"]);
const IDLE = new Set(["waiting", "paused", ...ENDED]);

// The instances that live in this process: [the key of the workflow, id] by both.
const known = new Map();

const historyKey = (id) => `l:${String(id).padStart(12, "0")}`;

// "Charge card-1" is the first step of the name "Charge card".
function recordKey(type, stepName) {
  const cut = stepName.lastIndexOf("-");
  return `s:${type}:${stepName.slice(cut + 1)}:${stepName.slice(0, cut)}`;
}

// Makes an object, and tells the sets that its constructor makes: the only way to the engine's private waiters.
function withSets(construct) {
  const { Set } = globalThis;
  const sets = [];
  globalThis.Set = class extends Set {
    constructor(...args) {
      super(...args);
      sets.push(this);
    }
  };
  try {
    construct();
  } finally {
    globalThis.Set = Set;
  }
  return sets;
}

// The steps of one `run()`, as the engine has them but for the waits.
class Steps extends RpcTarget {
  #step;
  #waiters;
  #open = 0;
  #pin = { at: Infinity, type: Symbol("pin"), wake() {} };

  constructor(step, waiters) {
    super();
    this.#step = step;
    this.#waiters = waiters;
  }

  do(...args) {
    return this.#counted(() => this.#step.do(...args));
  }

  sleep(...args) {
    return this.#counted(() => this.#wait(() => this.#step.sleep(...args)));
  }

  sleepUntil(...args) {
    return this.#counted(() => this.#wait(() => this.#step.sleepUntil(...args)));
  }

  waitForEvent(...args) {
    return this.#counted(() => this.#wait(() => this.#step.waitForEvent(...args)));
  }

  async #counted(call) {
    this.#open++;
    try {
      return await call();
    } finally {
      this.#open--;
    }
  }

  // The engine looks for other waiters in the turns after the call: the pin is one, for as long as that takes.
  async #wait(call) {
    await scheduler.wait(0);
    if (this.#open === 1) return call();
    this.#waiters.add(this.#pin);
    const waiting = call();
    await scheduler.wait(0);
    this.#waiters.delete(this.#pin);
    return waiting;
  }
}

export class Engine extends Bundled {
  #seen = 0;
  #pending = new Set();

  constructor(ctx, env) {
    const [waiters] = withSets(() => super(ctx, env));
    const { workflowName, workflowClass } = ctx.props;
    const address = [workflowName, ctx.id.name];
    known.set(JSON.stringify(address), address);
    const named = { workflowName: env.NAMES[workflowName] };
    const run = (event, step) => workflowClass.run({ ...event, ...named }, new Steps(step, waiters));
    ctx.props.workflowClass = { run };
  }
  // What happened after the event `cursor`, and whether anything of the instance runs just now.
  observe(cursor) {
    if (!this.exists()) return null; // which also ends the waits that are due
    const { status } = this.ctx.storage.kv.get("meta");
    const history = this.ctx.storage.kv.list({ prefix: "l:", start: historyKey(cursor + 1) });
    return { status, events: Array.from(history, ([, event]) => event), idle: IDLE.has(status) };
  }

  // The times, on the engine's clock, at which something is due.
  timers() {
    const { kv } = this.ctx.storage;
    for (const [, event] of kv.list({ prefix: "l:", start: historyKey(this.#seen + 1) })) this.#follow(event);
    const meta = kv.get("meta");
    if (!meta || meta.status === "paused" || ENDED.has(meta.status)) return [];
    const due = [];
    for (const key of this.#pending) {
      const record = kv.get(key);
      const at = record?.done || record?.error ? undefined : (record?.deadline ?? record?.retryAt);
      if (Number.isFinite(at)) due.push(at);
      else this.#pending.delete(key);
    }
    return due;
  }

  #follow({ type, stepName, eventId, retryDelayMs }) {
    this.#seen = eventId;
    if (type === "sleep_started") this.#pending.add(recordKey("sleep", stepName));
    if (type === "wait_started") this.#pending.add(recordKey("waitForEvent", stepName));
    if (type === "attempt_errored" && retryDelayMs !== undefined) this.#pending.add(recordKey("do", stepName));
    if (type === "attempt_started") this.#pending.delete(recordKey("do", stepName));
  }
}

// What the control Worker asks of this engine.
export class Observer extends WorkerEntrypoint {
  #instance([workflow, id]) {
    return this.env[`workflow:${workflow}`].getByName(id);
  }

  async observe(cursors) {
    const addresses = [...known];
    const seen = await Promise.all(addresses.map(([key, at]) => this.#instance(at).observe(cursors[key] ?? 0)));
    const { NAMES } = this.env;
    return addresses.flatMap(([key, [workflow, id]], i) =>
      seen[i] ? [{ key, workflow: NAMES[workflow], id, ...seen[i] }] : [],
    );
  }

  // Milliseconds until the next thing is due, or null.
  async next() {
    const due = await Promise.all([...known.values()].map((at) => this.#instance(at).timers()));
    const { now } = await this.#clock(0);
    const times = due.flat();
    return times.length === 0 ? null : Math.max(0, Math.min(...times) - now);
  }

  async advance(ms) {
    return this.#clock(ms);
  }

  async #clock(ms) {
    const answer = await bundled.fetch(new Request(`http://engine/clock?advance=${ms}`, { method: "POST" }));
    return answer.json();
  }
}

export default bundled;
