var __defProp = Object.defineProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });

// worker.js
import { WorkflowEntrypoint } from "cloudflare:workers";

// nodes/echo@1.0.0.ts
var version = 1;
async function echo_1_0_0_default(ctx) {
  return { version, text: ctx.config.text };
}
__name(echo_1_0_0_default, "default");

// nodes/echo@2.9.0.ts
var version2 = 3;
async function echo_2_9_0_default(ctx) {
  return { version: version2, text: ctx.config.text };
}
__name(echo_2_9_0_default, "default");

// nodes/echo@2.10.0.ts
var version3 = 2;
async function echo_2_10_0_default(ctx) {
  return { version: version3, text: ctx.config.text };
}
__name(echo_2_10_0_default, "default");

// worker.js
var DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes"
};
var NodeVersions = class extends WorkflowEntrypoint {
  static {
    __name(this, "NodeVersions");
  }
  async run(event, step) {
    const env = this.env;
    const workflow = { id: "Node-Versions", name: "Node versions", instanceId: event.instanceId };
    const One = await step.do("One", DEFAULTS, async (ctx) => echo_1_0_0_default({
      config: { text: "a" },
      inputs: {},
      env,
      workflow,
      attempt: ctx.attempt
    }));
    const Two = await step.do("Two", DEFAULTS, async (ctx) => echo_2_9_0_default({
      config: { text: "b" },
      inputs: {},
      env,
      workflow,
      attempt: ctx.attempt
    }));
    const None = await step.do("None", DEFAULTS, async (ctx) => echo_2_10_0_default({
      config: {},
      inputs: {},
      env,
      workflow,
      attempt: ctx.attempt
    }));
    const Out = await step.do("Out", DEFAULTS, async () => {
      return [One, Two, None];
    });
    return Out;
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
  NodeVersions,
  worker_default as default
};
//# sourceMappingURL=worker.js.map
