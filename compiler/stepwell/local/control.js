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

const instance = async (env, where) => (await binding(env, where)).get(where.id);

const actions = {
  ping: async () => "pong",

  async create(env, { id, params, ...where }) {
    const made = await binding(env, where).create(id === undefined ? { params } : { id, params });
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
    return binding(env, where).deleteBatch({ instances: ids });
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
