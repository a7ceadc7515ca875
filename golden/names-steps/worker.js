import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class NamesSteps extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("Work", DEFAULTS, async () => {
      return 1;
    });
    await step.do("Work (b)", DEFAULTS, async () => {
      return 2;
    });
    await step.do("Nap: remaining", DEFAULTS, async () => {
      return 3;
    });
    await sleepUntil(step, "Nap (d)", "2020-01-01T00:00:00Z");
    for (let i = 0; i < 2; i++) {
      await step.do(`Turn [${i}]`, DEFAULTS, async () => {
        return i;
      });
    }
    await step.do("Turn [0] (f)", DEFAULTS, async () => {
      return 4;
    });
    await step.sleep("Work (g)", 10);
    const Work_b_ = await step.do("Work (b) (h)", DEFAULTS, async () => {
      return 5;
    });
    return Work_b_;
  }
}

/** Sleeps until a point in time. What remains is a step's result, so that a replay does not sleep anew. */
async function sleepUntil(step, name, time, turn = "") {
  const remaining = await step.do(`${name}: remaining${turn}`, DEFAULTS, async () =>
    remainingUntil(name, time),
  );
  const longest = 365 * 24 * 60 * 60 * 1000;
  for (let part = 1, left = remaining; left > 0; part++, left -= longest) {
    const whole = remaining <= longest;
    await step.sleep(whole ? `${name}${turn}` : `${name}: part ${part}${turn}`, Math.min(left, longest));
  }
}

/** Milliseconds from now to a Date, to milliseconds since 1970, or to a time as text. */
function remainingUntil(name, time) {
  const known = typeof time === "number" || typeof time === "string" || time instanceof Date;
  const digits = typeof time === "string" && /^\s*\d{9,}\s*$/.test(time);
  const until = known ? new Date(digits ? Number(time) : time).getTime() : NaN;
  if (Number.isNaN(until)) {
    throw new NonRetryableError(`${name}: ${String(time)} is not a point in time`);
  }
  return Math.max(0, Math.ceil(until - Date.now()));
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
