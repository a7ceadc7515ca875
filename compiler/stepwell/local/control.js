// The control Worker: the one door of the runtime, for stepwell alone. Every request is a POST of JSON (or a
// request to hand on to a Worker), carries the token, and is answered {"result": ...} or {"error": ...}.
const QUIET_TURNS = 3;

const stringify = (value) =>
  JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? String(item) : item));

// A result of user code as JSON can hold it: one with a cycle, which the engine keeps, is a remark.
function plain(value) {
  try {
    return JSON.parse(stringify(value) ?? "null");
  } catch {
    return "[a value that JSON cannot hold]";
  }
}

const answer = (value, status = 200) =>
  new Response(stringify(value), { status, headers: { "content-type": "application/json" } });

const binding = (env, { worker, workflow }) => {
  const found = env[`workflow:${worker}/${workflow}`];
  if (!found) throw new Error(`the Worker ${worker} has no workflow ${workflow}`);
  return found;
};

const observer = (env, { worker }) => env[`engine:${worker}`];
const registry = (env, { key }) => env.REGISTRY?.getByName(key);
const engine = (env, where) => env[`direct:${where.worker}/${where.workflow}`] ?? binding(env, where);

const defined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

const LOOK_AT_ONCE = 200;

// Brings the rows of a workflow's unfinished instances up to date.
async function look(env, where) {
  const ids = await registry(env, where).open();
  for (let at = 0; at < ids.length; at += LOOK_AT_ONCE) {
    const some = ids.slice(at, at + LOOK_AT_ONCE);
    await actions.refresh(env, { ...where, ids: some });
  }
}

async function rows(statement) {
  const [columns = [], ...values] = await statement.raw({ columnNames: true });
  return { columns, rows: values };
}

const instance = async (env, where) => (await binding(env, where)).get(where.id);

const actions = {
  ping: async () => "pong",

  // `origin` holds what else is known of the start: a cron's `schedule`. `retention` is as the engine takes it.
  async create(env, { id, params, origin, retention, ...where }) {
    const made = await engine(env, where).create(defined({ id, params, origin, retention }));
    return { id: made.id };
  },

  async status(env, where) {
    const { output, ...rest } = await (await instance(env, where)).status();
    return { ...rest, output: plain(output) };
  },

  async event(env, { type, payload, ...where }) {
    await (await instance(env, where)).sendEvent({ type, payload });
    return null;
  },

  async act(env, { action, options, ...where }) {
    const target = await instance(env, where);
    await target[action](options);
    return actions.status(env, where);
  },

  async remove(env, { ids, ...where }) {
    const answered = await binding(env, where).deleteBatch(ids);
    await registry(env, where)?.remove(ids);
    return answered;
  },

  // All about one instance, or null.
  async describe(env, { id, ...where }) {
    const found = await observer(env, where).describe(where.key, id);
    if (found === null) return null;
    const events = found.events.map(({ output, ...event }) => ({ ...event, output: plain(output) }));
    const { waits, params, output } = found;
    for (const wait of Object.values(waits)) wait.value = plain(wait.value);
    return { ...found, params: plain(params), output: plain(output), events };
  },

  // What one step has come to, or null; a stream is given as {stream: true}.
  async record(env, { id, type, step, ...where }) {
    const found = await observer(env, where).record(where.key, id, type, step);
    if (found === null) return null;
    const { value, ...rest } = found;
    return { ...rest, value: plain(value) };
  },

  // The instances of a workflow as its registry has them, after a look at those that have not ended.
  async list(env, { query, ...where }) {
    await look(env, where);
    return registry(env, where).page(query);
  },

  async counts(env, where) {
    await look(env, where);
    return registry(env, where).counts();
  },

  async ids(env, { status, ...where }) {
    await look(env, where);
    return registry(env, where).ids({ status });
  },

  // After a restart: the row says nothing final any more.
  async refresh(env, { ids, ...where }) {
    const seen = await observer(env, where).summaries(where.key, ids);
    await registry(env, where).note(ids, seen);
    return seen;
  },

  async kv(env, { namespace, method, args }) {
    const result = await env[`kv:${namespace}`][method](...args);
    return result ?? null;
  },

  // Values go to and fro as base64: they need not be text.
  async kv_put(env, { namespace, key, value, options }) {
    await env[`kv:${namespace}`].put(key, Uint8Array.fromBase64(value), options);
    return null;
  },

  async kv_get(env, { namespace, key }) {
    const value = await env[`kv:${namespace}`].get(key, "arrayBuffer");
    return value && new Uint8Array(value).toBase64();
  },

  async d1(env, { database, queries, raw }) {
    const db = env[`d1:${database}`];
    const results = [];
    for (const { sql, params } of queries) {
      const statement = db.prepare(sql).bind(...(params ?? []));
      const done = raw ? { success: true, meta: {}, results: await rows(statement) } : await statement.all();
      results.push(done);
    }
    return results;
  },

  // Several statements in one text, as a migration has them.
  async d1_script(env, { database, sql }) {
    return env[`d1:${database}`].exec(sql);
  },

  async queue(env, { queue, bodies }) {
    await env[`queue:${queue}`].sendBatch(bodies.map((body) => ({ body, contentType: "json" })));
    return null;
  },

  async now(env, { worker }) {
    return env[`engine:${worker}`].now();
  },

  // Moves the clocks of the services beside the engines; gives the time to the next cron in milliseconds, or null.
  // Its alarm keeps the real clock: it is due in earnest once the moved clock is just before its time.
  async clocks(env, { ms }) {
    const move = (one) => one?.fetch(`http://clock/clock?advance=${ms}`, { method: "POST" });
    const [cron] = await Promise.all([move(env["clock:cron"]), move(env["clock:queues"])]);
    if (!cron) return null;
    const { now, at } = await cron.json();
    const times = Object.values(at).filter(Number.isFinite);
    return times.length === 0 ? null : Math.max(0, Math.min(...times) - now);
  },

  async scheduled(env, { worker, cron, time }) {
    return env[`worker:${worker}`].scheduled({ cron, scheduledTime: new Date(time) });
  },

  // Answers as soon as something happened, when nothing runs any more, or after `patience` milliseconds.
  // Nothing runs when every instance rests over some turns of the event loop: between two steps an instance
  // whose other arm sleeps looks idle for the turns in which its code goes on.
  async settle(env, { workers, cursors, patience }) {
    const until = Date.now() + patience;
    for (let quiet = 0; ; ) {
      const seen = await Promise.all(workers.map((name) => env[`engine:${name}`].observe(cursors[name] ?? {})));
      const instances = seen.flatMap((list, i) => list.map((found) => ({ worker: workers[i], ...found })));
      if (instances.some((found) => found.events.length > 0)) return { idle: false, instances: told(instances) };
      quiet = instances.every((found) => found.idle) ? quiet + 1 : 0;
      if (quiet >= QUIET_TURNS) return { idle: true, instances, next: await next(env, workers) };
      if (Date.now() >= until) return { idle: false, instances };
      await scheduler.wait(1);
    }
  },

  // Waits, at most `patience` milliseconds, until nothing runs over some turns; `next` is the time to the next timer.
  async idle(env, { workers, patience }) {
    const until = Date.now() + patience;
    for (let quiet = 0; quiet < QUIET_TURNS && Date.now() < until; await scheduler.wait(1)) {
      const busy = await Promise.all(workers.map((name) => env[`engine:${name}`].busy()));
      quiet = busy.some(Boolean) ? 0 : quiet + 1;
    }
    return { next: await next(env, workers) };
  },

  // Waits, at most `patience` milliseconds, until no step's code runs.
  async rest(env, { workers, patience }) {
    const until = Date.now() + patience;
    while (Date.now() < until) {
      const busy = await Promise.all(workers.map((name) => env[`engine:${name}`].busy()));
      if (!busy.some(Boolean)) break;
      await scheduler.wait(2);
    }
    return null;
  },

  // Wakes every instance that has not ended: only those awake know what time it is.
  async touch(env, { workers }) {
    await Promise.all(workers.map((name) => env[`engine:${name}`].touch()));
    return null;
  },

  async next(env, { workers }) {
    return next(env, workers);
  },

  async advance(env, { workers, ms }) {
    await Promise.all(workers.map((name) => env[`engine:${name}`].advance(ms)));
    return null;
  },
};

const told = (instances) =>
  instances.map(({ events, ...rest }) => ({
    ...rest,
    events: events.map(({ params, output, ...event }) => ({ ...event, output: plain(output) })),
  }));

async function next(env, workers) {
  const due = await Promise.all(workers.map((name) => env[`engine:${name}`].next()));
  const times = due.filter((ms) => ms !== null);
  return times.length === 0 ? null : Math.min(...times);
}

// Hands a request on to a Worker, as if it came from outside.
function forward(request, env) {
  const headers = new Headers(request.headers);
  const [worker, url, method] = ["worker", "url", "method"].map((name) => headers.get(`x-stepwell-${name}`));
  for (const name of ["worker", "url", "method", "token"]) headers.delete(`x-stepwell-${name}`);
  const body = method === "GET" || method === "HEAD" ? undefined : request.body;
  return env[`worker:${worker}`].fetch(new Request(url, { method, headers, body, redirect: "manual" }));
}

export default {
  async fetch(request, env) {
    if (request.headers.get("x-stepwell-token") !== env.TOKEN) return new Response(null, { status: 403 });
    const action = new URL(request.url).pathname.slice(1);
    try {
      if (action === "fetch") return await forward(request, env);
      return answer({ result: (await actions[action](env, await request.json())) ?? null });
    } catch (error) {
      return answer({ error: { name: error?.name ?? "Error", message: error?.message ?? String(error) } }, 500);
    }
  },
};
