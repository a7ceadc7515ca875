import { WorkflowEntrypoint } from "cloudflare:workers";
const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes"
};
export class BodyTypescript extends WorkflowEntrypoint {
  async run(event, step) {
    const A = await step.do("A", DEFAULTS, async () => {
      let Size;
      ((Size2) => {
        Size2[Size2["Small"] = 1] = "Small";
        Size2[Size2["Large"] = 10] = "Large";
      })(Size || (Size = {}));
      const lines = event.payload.lines;
      const group = (items, key) => {
        const out = {};
        for (const item of items) (out[key(item)] ??= []).push(item);
        return out;
      };
      return { groups: group(lines, (line) => line.sku), size: 10 /* Large */, big: lines.filter((line) => line.n >= 1 /* Small */).length };
    });
    let Way;
    if (A.size > 5) {
      Way = await step.do("M", DEFAULTS, async () => {
        const first = Object.keys(A.groups)[0];
        return first;
      });
    } else {
      Way = await step.do("F", DEFAULTS, async () => {
        return "f";
      });
    }
    return Way;
  }
}
async function authorized(request, token) {
  const given = /^bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (!given) return false;
  const digest = (text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(token));
}
function messageOf(error) {
  return error?.message ?? String(error);
}
export default {
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
//# sourceMappingURL=worker.js.map
