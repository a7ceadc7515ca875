import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class StepRetries extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do(
      "Linear",
      {
        retries: { limit: 2, delay: "5 seconds", backoff: "linear" },
        timeout: "1 minute",
      },
      async (ctx) => {
        if (ctx.attempt < 3) throw new Error("not yet");
        return ctx.attempt;
      },
    );
    await step.do(
      "Config wins",
      {
        retries: { limit: 1, delay: 250, backoff: "constant" },
        timeout: "30 seconds",
      },
      async (ctx) => {
        if (ctx.attempt < 2) throw new Error("not yet");
        return ctx.attempt;
      },
    );
    await step.do(
      "Only the limit",
      {
        retries: { limit: 1, delay: "10 seconds", backoff: "exponential" },
        timeout: "10 minutes",
      },
      async (ctx) => {
        return ctx.attempt;
      },
    );
    await step.do("All defaults", DEFAULTS, async (ctx) => {
      if (ctx.attempt < 6) throw new TypeError("try again");
      return ctx.attempt;
    });
    const No_retry = await step.do(
      "No retry",
      {
        retries: { limit: 0, delay: 0, backoff: "exponential" },
        timeout: "10 minutes",
      },
      async () => {
        throw new Error("first and last");
      },
    );
    return No_retry;
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
