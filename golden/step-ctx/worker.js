import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class StepCtx extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("Once", DEFAULTS, withKey(event, async (ctx) => {
      if (ctx.attempt === 1) throw new Error(`key ${ctx.idempotencyKey}`);
      return { name: ctx.step.name, count: ctx.step.count, attempt: ctx.attempt, key: ctx.idempotencyKey };
    }));
    const Twice_results = [];
    for (let i = 0; i < 2; i++) {
      const Turn = await step.do(`Turn [${i}]`, DEFAULTS, withKey(event, async (ctx) => {
        const { idempotencyKey } = ctx;
        return idempotencyKey;
      }));
      Twice_results.push(Turn);
    }
    const Twice = { results: Twice_results };
    return Twice;
  }
}

/** Gives `body` a key that is the same on every attempt of its step. */
function withKey(event, body) {
  return async (ctx) => body({ ...ctx, idempotencyKey: await keyOf(event, ctx) });
}

/** A key that is the same on every attempt of a step. It does not tell the instance's id. */
async function keyOf(event, ctx) {
  const text = new TextEncoder().encode(`${event.instanceId}\n${ctx.step.name}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return hash.toHex();
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
