var __defProp = Object.defineProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });

// worker.js
import { WorkflowEntrypoint } from "cloudflare:workers";

// nodes/chat_post@1.0.0.ts
var API = "https://chat.test/messages";
function words(level, text) {
  return level === "alarm" ? `!!! ${text}` : text;
}
__name(words, "words");
async function post(ctx) {
  const { channel, text, level, tags, extra } = ctx.config;
  const response = await fetch(API, {
    method: "POST",
    headers: { Authorization: `Bearer ${ctx.env.CHAT_TOKEN}`, "Idempotency-Key": ctx.idempotencyKey },
    body: JSON.stringify({ channel, text: words(level, text), tags, extra, by: ctx.inputs.by, run: ctx.workflow.name })
  });
  if (!response.ok) throw new Error(`The chat answered ${response.status} at attempt ${ctx.attempt}`);
  return response.json();
}
__name(post, "post");

// worker.js
var DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes"
};
var NodeCall = class extends WorkflowEntrypoint {
  static {
    __name(this, "NodeCall");
  }
  async run(event, step) {
    const env = this.env;
    const workflow = { id: "Node-Call", name: "Node call", instanceId: event.instanceId };
    const Order = await step.do("Order", DEFAULTS, async () => {
      return { id: event.payload.id, lines: [{ sku: "a" }] };
    });
    const Post = await step.do(
      "Post",
      {
        retries: { limit: 2, delay: "10 seconds", backoff: "exponential" },
        timeout: "30 seconds"
      },
      async (ctx) => post({
        config: {
          token: env.CHAT_TOKEN,
          channel: "#orders",
          text: `Order ${Order.id}: ${Order.lines.length} lines`,
          level: "alarm",
          tags: ["a"],
          extra: { lines: Order.lines, first: [Order.lines[0].sku] }
        },
        inputs: { by: event.payload.by },
        env,
        workflow,
        attempt: ctx.attempt,
        idempotencyKey: await keyOf(event, ctx)
      })
    );
    const Out = await step.do("Out", DEFAULTS, async () => {
      return { id: Post.id, whole: Post };
    });
    return Out;
  }
};
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
  NodeCall,
  worker_default as default
};
//# sourceMappingURL=worker.js.map
