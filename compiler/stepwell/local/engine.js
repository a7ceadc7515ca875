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
//
// What is added: the REGISTRY, where there is one, hears of every instance before it is created, and instances say
// what happens to them in the log, after the LOG_MARK, where there is one.
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import bundled, { Engine as Bundled, WorkflowBinding as BundledBinding } from "./workflows.js";

const ENDED = new Set(["complete", "errored", "terminated"]);
const IDLE = new Set(["waiting", "paused", ...ENDED]);
// How often a step that runs is looked at for failed attempts, in milliseconds.
const LOOK_MS = 250;
// So much of a stack is kept, in characters.
const STACK_ROOM = 4000;
// Where an instance keeps who started it, beside the engine's own records.
const ORIGIN = "stepwell:origin";
// Params on their way from the binding to the instance, with the origin.
const SENT = "stepwell:sent";

// The instances that live in this process: [the key of the workflow, id] by both.
const known = new Map();

const stringify = (value) =>
  JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? String(item) : item));

// A result as a line can show it.
function brief(value) {
  try {
    const text = stringify(value);
    return text === undefined || text.length > 400 ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

// Where the stack of an attempt's error is kept; of `run()`'s own error without a step.
const stackKey = (stepName = "", attempt = 0) => `stepwell:stack:${attempt}:${stepName}`;

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

// The steps of one `run()`, as the engine has them but for the waits. `look` is told of each beginning and end, `kv`
// keeps the stacks of errors.
class Steps extends RpcTarget {
  #step;
  #waiters;
  #look;
  #kv;
  #open = 0;
  #pin = { at: Infinity, type: Symbol("pin"), wake() {} };

  constructor(step, waiters, look, kv) {
    super();
    this.#step = step;
    this.#waiters = waiters;
    this.#look = look;
    this.#kv = kv;
  }

  // Where an error arose: of an attempt of a step, or between steps.
  stack(stack, message, name, count, attempt) {
    const key = name === undefined ? stackKey() : stackKey(`${name}-${count}`, attempt);
    this.#kv.put(key, { stack: stack.slice(0, STACK_ROOM), message });
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
    this.#look();
    try {
      return await call();
    } finally {
      this.#open--;
      this.#look();
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

// The binding of a workflow; its props may carry the `origin` of what is created through it.
export class WorkflowBinding extends BundledBinding {
  #sent(params, given) {
    const { origin = { source: "binding" } } = this.ctx.props;
    return { [SENT]: true, params: params ?? {}, origin: { ...origin, ...given } };
  }

  async create({ origin, ...options } = {}) {
    return super.create({ ...options, params: this.#sent(options.params, this.ctx.props.origin && origin) });
  }

  async createBatch(options) {
    const sent = (list) => list.map((one) => ({ ...one, params: this.#sent(one?.params) }));
    if (Array.isArray(options)) return super.createBatch(sent(options));
    return super.createBatch(options?.instances ? { ...options, instances: sent(options.instances) } : options);
  }
}

export class Engine extends Bundled {
  #seen = 0;
  #told = 0;
  #pending = new Set();
  #timer = null;

  constructor(ctx, env) {
    const [waiters] = withSets(() => super(ctx, env));
    const { workflowName, workflowClass } = ctx.props;
    const address = [workflowName, ctx.id.name];
    known.set(JSON.stringify(address), address);
    const named = { workflowName: env.NAMES[workflowName] };
    const look = () => this.#look();
    const run = async (event, step) => {
      const { schedule } = ctx.storage.kv.get(ORIGIN) ?? {};
      const more = schedule ? { ...named, schedule } : named;
      const steps = new Steps(step, waiters, look, ctx.storage.kv);
      try {
        return await workflowClass.run({ ...event, ...more }, steps);
      } finally {
        look();
      }
    };
    ctx.props.workflowClass = { run };
    for (const [key] of ctx.storage.kv.list({ prefix: "l:", reverse: true, limit: 1 })) this.#told = Number(key.slice(2));
  }

  // The registry hears of it first: what it knows and the engine does not is nothing, the other way round an
  // instance would run unseen.
  async create(sent, retention) {
    const { params, origin } = sent?.[SENT] ? sent : { params: sent, origin: { source: "binding" } };
    if (this.exists()) return super.create(params, retention);
    const [workflow, id] = [this.ctx.props.workflowName, this.ctx.id.name];
    const { REGISTRY, VERSIONS } = this.env;
    const kept = { ...origin, version: VERSIONS?.[workflow] ?? null };
    await REGISTRY?.getByName(workflow).add(id, kept);
    if (!this.exists()) this.ctx.storage.kv.put(ORIGIN, kept);
    const made = await super.create(params, retention);
    this.#look();
    return made;
  }

  terminate(...args) {
    return this.#looking(super.terminate(...args));
  }

  pause() {
    return this.#looking(super.pause());
  }

  resume() {
    return this.#looking(super.resume());
  }

  restart(...args) {
    return this.#looking(super.restart(...args));
  }

  #looking(done) {
    this.#look();
    return done;
  }

  // Tells what happened soon, and again while something is open.
  #look() {
    if (this.env.LOG_MARK === undefined || this.#timer !== null) return;
    const later = (ms) => {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        if (this.#tell()) later(LOOK_MS);
      }, ms);
    };
    later(1);
  }

  // Writes what happened since the last time into the log; whether a step runs.
  #tell() {
    const { kv } = this.ctx.storage;
    const meta = kv.get("meta");
    if (!meta) return false;
    const [workflow, instance] = [this.ctx.props.workflowName, this.ctx.id.name];
    for (const [, event] of kv.list({ prefix: "l:", start: historyKey(this.#told + 1) })) {
      this.#told = event.eventId;
      const { params, output, ...told } = event;
      const shown = stringify({ workflow, instance, event: { ...told, output: brief(output) } });
      console.log(`${this.env.LOG_MARK}${shown}`);
    }
    return meta.status === "running" || meta.status === "waitingForPause";
  }

  // An entry of the history, its error with its stack where that is known: an attempt may also end by a time-out, and
  // a stack of the same attempt before a restart is another error's.
  #placed(event) {
    const where = { attempt_errored: [event.stepName, event.attempt], workflow_errored: [] }[event.type];
    const kept = where && event.error && this.ctx.storage.kv.get(stackKey(...where));
    if (!kept || !event.error.message.includes(kept.message)) return event;
    return { ...event, error: { ...event.error, stack: kept.stack } };
  }

  // All there is to say about the instance; `null` when there is none.
  describe() {
    if (!this.exists()) return null;
    const { kv } = this.ctx.storage;
    const { status, params, output, error } = kv.get("meta");
    const events = Array.from(kv.list({ prefix: "l:" }), ([, { params, ...event }]) => this.#placed(event));
    const waits = {};
    const records = Array.from(kv.list({ prefix: "s:" }), ([, { type, name, count }]) => [type, `${name}-${count}`]);
    for (const [, { name, count, done, value, deadline }] of kv.list({ prefix: "s:waitForEvent:" }))
      waits[`${name}-${count}`] = { deadline: deadline ?? null, value: done ? value : null };
    const failed = this.#placed({ type: "workflow_errored", error }).error;
    return { status, params, output, error: failed, events, waits, records, origin: kv.get(ORIGIN) ?? { source: "unknown" } };
  }

  // The record of a step by the name of the log ("Charge card-1"), with all of its output; `null` when there is none.
  record(type, stepName) {
    return this.ctx.storage.kv.get(recordKey(type, stepName)) ?? null;
  }

  // A row of the registry: `status` and the times at which it was first started, last changed, and ended.
  summary() {
    if (!this.exists()) return null;
    const { kv } = this.ctx.storage;
    const { status } = kv.get("meta");
    const first = (type) => {
      for (const [, event] of kv.list({ prefix: "l:", limit: 4 })) if (event.type === type) return event.timestamp;
      return null;
    };
    const [[, last] = []] = kv.list({ prefix: "l:", reverse: true, limit: 1 });
    const modified = last?.timestamp ?? null;
    return { status, started: first("workflow_started"), modified, ended: ENDED.has(status) ? modified : null };
  }

  // What happened after the event `cursor`, and whether anything of the instance runs just now.
  observe(cursor) {
    if (!this.exists()) return null; // which also ends the waits that are due
    const { status } = this.ctx.storage.kv.get("meta");
    const history = this.ctx.storage.kv.list({ prefix: "l:", start: historyKey(cursor + 1) });
    return { status, events: Array.from(history, ([, event]) => this.#placed(event)), idle: IDLE.has(status) };
  }

  state() {
    return this.exists() ? this.ctx.storage.kv.get("meta").status : null;
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

  // Whether anything runs of the instances in this process.
  async busy() {
    const entries = [...known];
    const states = await Promise.all(entries.map(([, at]) => this.#instance(at).state()));
    states.forEach((status, i) => ENDED.has(status) && known.delete(entries[i][0]));
    return states.some((status) => status !== null && !IDLE.has(status));
  }

  async touch() {
    for (const workflow of Object.keys(this.env.NAMES)) {
      const ids = await this.env.REGISTRY.getByName(workflow).open();
      await Promise.all(ids.map((id) => this.#instance([workflow, id]).state()));
    }
  }

  async now() {
    return (await this.#clock(0)).now;
  }

  async describe(workflow, id) {
    return this.#instance([workflow, id]).describe();
  }

  async record(workflow, id, type, stepName) {
    return this.#instance([workflow, id]).record(type, stepName);
  }

  async summaries(workflow, ids) {
    return Promise.all(ids.map((id) => this.#instance([workflow, id]).summary()));
  }

  async #clock(ms) {
    const answer = await bundled.fetch(new Request(`http://engine/clock?advance=${ms}`, { method: "POST" }));
    return answer.json();
  }
}

export default bundled;
