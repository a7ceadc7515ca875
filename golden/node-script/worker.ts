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
  const b = await retry("EXPORT_b", { limit: 1, delay: 1 }, async (ctx) => report({
    config: { list: structuredClone([...List, 2]), count: 3, quiet: false },
    inputs: {},
    env,
    workflow,
    attempt: ctx.attempt,
  }));
  const list = await (async () => {
    return List;
  })();
  return { a, b, list };
}

/** Runs `body` until it succeeds, at most `limit` more times. */
async function retry(
  name: string,
  options: { limit?: number; delay?: number; backoff?: string; timeout?: number },
  body: (ctx: any) => Promise<any>,
): Promise<any> {
  const { limit = 0, delay = 0 } = options;
  const ctx = { step: { name, count: 1 }, idempotencyKey: crypto.randomUUID() };
  for (let attempt = 1; ; attempt++) {
    try {
      return await body({ ...ctx, attempt });
    } catch (error) {
      if (attempt > limit || error instanceof NonRetryableError) throw error;
    }
    await scheduler.wait(delay * 2 ** (attempt - 1));
  }
}

function messageOf(error: any): string {
  return error?.message ?? String(error);
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
