var __defProp = Object.defineProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });

// worker.js
import { WorkflowEntrypoint } from "cloudflare:workers";

// nodes/keyed@1.0.0.ts
async function keyed_1_0_0_default(ctx) {
  return { key: ctx.idempotencyKey.length, item: ctx.config.item };
}
__name(keyed_1_0_0_default, "default");

// worker.js
var DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes"
};
var NodeInLoop = class extends WorkflowEntrypoint {
  static {
    __name(this, "NodeInLoop");
  }
  async run(event, step) {
    const env = this.env;
    const workflow_2 = { id: "Node-In-Loop", name: "Node in loop", instanceId: event.instanceId };
    const workflow = await step.do("workflow", DEFAULTS, async () => {
      return "w";
    });
    const Each_results = await concurrently(2, [1, 2], async (item, i) => step.do(
      `keyed [${i}]`,
      {
        retries: { limit: 0, delay: "10 seconds", backoff: "exponential" },
        timeout: "10 minutes"
      },
      async (ctx) => keyed_1_0_0_default({
        config: { item },
        inputs: {},
        env,
        workflow: workflow_2,
        attempt: ctx.attempt,
        idempotencyKey: await keyOf(event, ctx)
      })
    ));
    const Each = { results: Each_results };
    const Par = valuesOf(await Promise.allSettled([
      step.do(
        "L",
        {
          retries: { limit: 0, delay: "10 seconds", backoff: "exponential" },
          timeout: "10 minutes"
        },
        async (ctx) => keyed_1_0_0_default({
          config: { item: 1 },
          inputs: {},
          env,
          workflow: workflow_2,
          attempt: ctx.attempt,
          idempotencyKey: await keyOf(event, ctx)
        })
      ),
      step.do(
        "R",
        {
          retries: { limit: 1, delay: "1 second", backoff: "exponential" },
          timeout: "10 minutes"
        },
        async (ctx) => keyed_1_0_0_default({
          config: { item: workflow },
          inputs: {},
          env,
          workflow: workflow_2,
          attempt: ctx.attempt,
          idempotencyKey: await keyOf(event, ctx)
        })
      )
    ]));
    const Out = await step.do("Out", DEFAULTS, async () => {
      return { each: Each.results, par: Par };
    });
    return Out;
  }
};
async function concurrently(limit, items, turn) {
  const list = [...items];
  const results = [];
  const failures = /* @__PURE__ */ new Map();
  let next = 0;
  const work = /* @__PURE__ */ __name(async () => {
    while (next < list.length && failures.size === 0) {
      const index = next++;
      try {
        results[index] = await turn(list[index], index);
      } catch (error) {
        failures.set(index, error);
      }
    }
  }, "work");
  await Promise.all(Array.from({ length: Math.min(limit, list.length) }, work));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
  return results;
}
__name(concurrently, "concurrently");
function valuesOf(outcomes) {
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}
__name(valuesOf, "valuesOf");
async function keyOf(event, ctx) {
  const text = new TextEncoder().encode(`${event.instanceId}
${ctx.step.name}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return hash.toHex();
}
__name(keyOf, "keyOf");
async function authorized(request, token) {
  const given = /^bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (!given) return false;
  const digest = /* @__PURE__ */ __name((text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)), "digest");
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(token));
}
__name(authorized, "authorized");
function messageOf(error) {
  return error?.message ?? String(error);
}
__name(messageOf, "messageOf");
var worker_default = {
  async fetch(request, env) {
    try {
      if (env.TRIGGER_TOKEN !== void 0 && !await authorized(request, env.TRIGGER_TOKEN)) {
        return Response.json({ message: "A bearer token is needed" }, { status: 401 });
      }
      const url = new URL(request.url);
      if (request.method === "POST") {
        const body = await request.json().catch(() => void 0);
        if (typeof body?.instanceId === "string" && typeof body.eventType === "string") {
          const instance2 = await env.WORKFLOW.get(body.instanceId);
          await instance2.sendEvent({ type: body.eventType, payload: body.payload });
          return Response.json({ instanceId: instance2.id, delivered: true });
        }
        const instance = await env.WORKFLOW.create({ params: body });
        return Response.json({ instanceId: instance.id });
      }
      const id = url.searchParams.get("instanceId");
      if (request.method === "GET" && id) {
        const instance = await env.WORKFLOW.get(id);
        return Response.json(await instance.status());
      }
      return new Response();
    } catch (error) {
      if (/\binstance\.not_found\b/.test(messageOf(error))) {
        return Response.json({ message: "Instance not found" }, { status: 404 });
      }
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  }
};
export {
  NodeInLoop,
  worker_default as default
};
//# sourceMappingURL=worker.js.map
