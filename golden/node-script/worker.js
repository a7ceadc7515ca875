var __defProp = Object.defineProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });

// worker.js
import { NonRetryableError } from "cloudflare:workflows";

// nodes/report@1.0.0.ts
var report_1_0_0_default = /* @__PURE__ */ __name(async (ctx) => {
  ctx.config.list.push(ctx.attempt);
  return { ...ctx.config, workflow: { ...ctx.workflow, instanceId: typeof ctx.workflow.instanceId }, inputs: ctx.inputs };
}, "default");

// worker.js
async function runGraph(env, event) {
  const workflow = { id: "node-script", name: "Node script", instanceId: crypto.randomUUID() };
  const List = await (async () => {
    return [1];
  })();
  const a = await report_1_0_0_default({
    config: { list: structuredClone(List), count: 3, quiet: true },
    inputs: {},
    env,
    workflow,
    attempt: 1
  });
  const b = await retry("EXPORT_b", { limit: 1, delay: 1 }, async (ctx) => report_1_0_0_default({
    config: { list: structuredClone([...List, 2]), count: 3, quiet: false },
    inputs: {},
    env,
    workflow,
    attempt: ctx.attempt
  }));
  const list = await (async () => {
    return List;
  })();
  return { a, b, list };
}
__name(runGraph, "runGraph");
async function retry(name, options, body) {
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
__name(retry, "retry");
function messageOf(error) {
  return error?.message ?? String(error);
}
__name(messageOf, "messageOf");
var worker_default = {
  async fetch(request, env) {
    try {
      if (request.method !== "POST") return new Response();
      const payload = await request.json().catch(() => void 0);
      return Response.json(await runGraph(env, { payload }));
    } catch (error) {
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  }
};
export {
  worker_default as default
};
//# sourceMappingURL=worker.js.map
