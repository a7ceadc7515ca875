var __defProp = Object.defineProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });

// worker.js
import { WorkflowEntrypoint } from "cloudflare:workers";

// nodes/old@1.0.0.ts
var old_1_0_0_default = /* @__PURE__ */ __name(async (ctx) => 1, "default");

// nodes/older@1.0.0.ts
var older_1_0_0_default = /* @__PURE__ */ __name(async (ctx) => 2, "default");

// worker.js
var DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes"
};
var FindingNodeDeprecated = class extends WorkflowEntrypoint {
  static {
    __name(this, "FindingNodeDeprecated");
  }
  async run(event, step) {
    const env = this.env;
    const workflow = {
      id: "Finding-Node-Deprecated",
      name: "Finding node deprecated",
      instanceId: event.instanceId
    };
    await step.do("A", DEFAULTS, async (ctx) => old_1_0_0_default({
      config: {},
      inputs: {},
      env,
      workflow,
      attempt: ctx.attempt
    }));
    const B = await step.do("B", DEFAULTS, async (ctx) => older_1_0_0_default({
      config: {},
      inputs: {},
      env,
      workflow,
      attempt: ctx.attempt
    }));
    return B;
  }
};
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
  FindingNodeDeprecated,
  worker_default as default
};
//# sourceMappingURL=worker.js.map
