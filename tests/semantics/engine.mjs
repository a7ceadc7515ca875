// A small engine: runs compiled workflows as the real one does, but at once and in memory. Thousands of runs a minute.
// Reads one JSON line per request: {source, className, runs: [params…], replays} and answers one line:
// {runs: [{status, output, error, steps: [[name, output or {failed: message}]…], order: [names in the order of starting]}…]}.
// With `replays`, every run is done again from the top with the stored results (once after all steps, and once after
// each number of finished steps): the result and the names must be the same, and no finished body may run again.
import { createInterface } from "node:readline";

const modules = {
  "cloudflare:workers": "data:text/javascript,export class WorkflowEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }",
  "cloudflare:workflows": "data:text/javascript,export class NonRetryableError extends Error {}",
};

function load(source) {
  let text = source;
  for (const [name, url] of Object.entries(modules)) text = text.split(`from "${name}"`).join(`from "${url}"`);
  return import("data:text/javascript;base64," + Buffer.from(text).toString("base64"));
}

class Stopped extends Error {}

// `stored`: results of finished steps by name. `limit`: how many bodies may run before the instance is stopped.
class Step {
  constructor(stored, limit) {
    this.stored = stored;
    this.limit = limit;
    this.names = [];
    this.bodies = [];
    this.seen = new Set();
  }
  async do(name, config, callback) {
    if (typeof config === "function") callback = config;
    if (this.seen.has(name)) throw new Error(`step name used twice: ${name}`);
    this.seen.add(name);
    this.names.push(name);
    const known = this.stored.get(name);
    if (known) {
      await null;
      if (known.failed) throw new Error(known.failed);
      return structuredClone(known.value);
    }
    if (this.limit-- <= 0) await new Promise(() => {});
    this.bodies.push(name);
    try {
      const value = structuredClone(await callback({ attempt: 1, step: { name, count: 1 } }));
      this.stored.set(name, { value });
      return structuredClone(value);
    } catch (error) {
      this.stored.set(name, { failed: error.message });
      throw new Error(error.message);
    }
  }
  async sleep(name) {
    if (this.seen.has(name)) throw new Error(`step name used twice: ${name}`);
    this.seen.add(name);
    await null;
  }
}

async function once(Class, params, stored, limit) {
  const step = new Step(stored, limit);
  const instance = new Class({}, {});
  const event = { payload: structuredClone(params), timestamp: new Date(0), instanceId: "i" };
  const idle = new Promise((resolve) => setTimeout(resolve, limit === Infinity ? 2000 : 2, { status: "stopped" }));
  const done = instance.run(event, step).then(
    (output) => ({ status: "complete", output: output === undefined ? null : JSON.parse(JSON.stringify(output)) }),
    (error) => ({ status: "errored", error: String(error?.message ?? error) }),
  );
  return { ...(await Promise.race([done, idle])), names: step.names, bodies: step.bodies };
}

async function run(Class, params, replays) {
  const stored = new Map();
  const first = await once(Class, params, stored, Infinity);
  const faults = [];
  for (let k = 0; replays && k <= first.bodies.length; k++) {
    const again = new Map();
    const part = await once(Class, params, again, k);
    const before = new Set([...again.keys()]);
    const rest = await once(Class, params, again, Infinity);
    const twice = rest.bodies.filter((name) => before.has(name));
    if (twice.length) faults.push(`after ${k} steps these ran again: ${twice}`);
    if (JSON.stringify([rest.status, rest.output, rest.error]) !== JSON.stringify([first.status, first.output, first.error])) {
      faults.push(`after ${k} steps: ${JSON.stringify([rest.status, rest.output, rest.error])}`);
    }
    void part;
  }
  return { status: first.status, output: first.output, error: first.error, order: first.names, faults,
    steps: [...stored].map(([name, result]) => [name, result.failed ? "failed" : result.value]) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    const module = await load(request.source);
    const runs = [];
    for (const params of request.runs) runs.push(await run(module[request.className], params, request.replays));
    answer = { runs };
  } catch (error) {
    answer = { fault: String(error?.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
