import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class GuardNested extends WorkflowEntrypoint {
  async run(event, step) {
    let Outer;
    let Shared_due = false;
    if (event.payload.outer === "a") {
      let Inner;
      let Xy_due = false;
      if (event.payload.inner === "x") {
        Inner = await step.do("X", DEFAULTS, async () => {
          return "x";
        });
        Xy_due = true;
      } else if (event.payload.inner === "y") {
        Inner = await step.do("Y", DEFAULTS, async () => {
          return "y";
        });
        Xy_due = true;
      } else {
        Inner = await step.do("Z", DEFAULTS, async () => {
          return "z";
        });
      }
      let Xy;
      if (Xy_due) {
        Xy = await step.do("Xy", DEFAULTS, async () => {
          return "xy";
        });
        Shared_due = true;
      }
      Outer = Xy_due ? Xy : Inner;
    } else if (event.payload.outer === "b") {
      Outer = await step.do("B", DEFAULTS, async () => {
        return "b";
      });
      Shared_due = true;
    } else {
      Outer = await step.do("C", DEFAULTS, async () => {
        return "c";
      });
    }
    let Shared;
    if (Shared_due) {
      Shared = await step.do("Shared", DEFAULTS, async () => {
        return "shared";
      });
    }
    return Shared_due ? Shared : Outer;
  }
}

/** Whether a request carries the token. Digests are compared, which have one length, in a time that tells nothing. */
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
      if (env.TRIGGER_TOKEN !== undefined && !(await authorized(request, env.TRIGGER_TOKEN))) {
        return Response.json({ message: "A bearer token is needed" }, { status: 401 });
      }
      const url = new URL(request.url);
      if (request.method === "POST") {
        const body = await request.json().catch(() => undefined);
        if (typeof body?.instanceId === "string" && typeof body.eventType === "string") {
          const instance = await env.WORKFLOW.get(body.instanceId);
          await instance.sendEvent({ type: body.eventType, payload: body.payload });
          return Response.json({ instanceId: instance.id, delivered: true });
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
  },
};
//# sourceMappingURL=worker.js.map
