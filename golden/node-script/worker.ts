import { NonRetryableError } from "cloudflare:workflows";
import report from "./nodes/report@1.0.0.ts";

interface Env {}

async function runGraph(env: Env, event: { payload: any }): Promise<any> {
  const workflow = { id: "node-script", name: "Node script", instanceId: crypto.randomUUID() };
  const List = await (async () => {
    return [1];
  })();
  const a = await report({
    config: { list: structuredClone(List), count: 3, quiet: true },
    inputs: {},
    env,
    workflow,
    attempt: 1,
  });
  const b = await retry(
    "EXPORT_b",
    { limit: 1, delay: 1, backoff: "exponential" },
    async (ctx) => report({
      config: { list: structuredClone([...List, 2]), count: 3, quiet: false },
      inputs: {},
      env,
      workflow,
      attempt: ctx.attempt,
    }),
  );
  const list = await (async () => {
    return List;
  })();
  return { a, b, list };
}

/** Runs `body` until it succeeds, at most `limit` more times. One that timed out still runs: it is not run again. */
async function retry(
  name: string,
  options: { limit?: number; delay?: number; backoff?: string; timeout?: number },
  body: (ctx: any) => Promise<any>,
): Promise<any> {
  const { limit = 0, delay = 0, backoff, timeout } = options;
  const ctx = { step: { name, count: 1 }, idempotencyKey: crypto.randomUUID() };
  for (let attempt = 1; ; attempt++) {
    try {
      const work = body({ ...ctx, attempt });
      return await (timeout === undefined ? work : within(timeout, name, work));
    } catch (error) {
      if (attempt > limit || error instanceof NonRetryableError) throw error;
    }
    const factor = backoff === "exponential" ? 2 ** (attempt - 1) : backoff === "linear" ? attempt : 1;
    await scheduler.wait(delay * factor);
  }
}

/** What `work` comes to, if it does so in time. */
function within(timeout: number, name: string, work: Promise<any>): Promise<any> {
  let timer: any;
  const late = new Promise((_, reject) => {
    const error = new NonRetryableError(`${name} timed out after ${timeout} ms`);
    timer = setTimeout(() => reject(error), timeout);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function messageOf(error: unknown) {
  return error instanceof Error ? error.message : String(error);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      if (request.method !== "POST") return new Response();
      const payload: any = await request.json().catch(() => undefined);
      return Response.json(await runGraph(env, { payload }));
    } catch (error) {
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
