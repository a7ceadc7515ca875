import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class WaitDynamic extends WorkflowEntrypoint {
  async run(event, step) {
    const Paid = withPayload(await step.waitForEvent("Paid", {
      type: `paid-${event.payload.order}`,
      timeout: durationOf("Paid", event.payload.patience),
    }));
    const Out = await step.do("Out", DEFAULTS, async () => {
      return Paid.amount;
    });
    return Out;
  }
}

/** The milliseconds of a duration that is known only now. The engine would wait for ever for one that is none. */
function durationOf(name, duration) {
  const day = 24 * 60 * 60;
  const seconds = {
    second: 1,
    minute: 60,
    hour: 60 * 60,
    day,
    week: 7 * day,
    month: 30 * day,
    year: 365 * day,
  };
  const text = typeof duration === "string" ? duration : "";
  const [, count, unit] = /^\s*(\d+)\s+(second|minute|hour|day|week|month|year)s?\s*$/.exec(text) ?? [];
  const given = unit ? Number(count) * seconds[unit] * 1000 : Number.isFinite(duration) ? duration : NaN;
  const milliseconds = Math.round(given);
  if (milliseconds > 0 && milliseconds <= 365 * day * 1000) return milliseconds;
  let fault = "a duration is at most 365 days";
  if (milliseconds <= 0) fault = "a duration is longer than 0";
  if (Number.isNaN(milliseconds)) {
    fault = 'write "<n> seconds", minutes, hours, days, weeks, months or years, or a number of milliseconds';
  }
  const shown = text ? JSON.stringify(text) : String(duration);
  throw new NonRetryableError(`${name} has ${shown} as duration; ${fault}`);
}

/** An event, and beside it the fields of a payload that is an object. */
function withPayload(event) {
  return event && { ...fieldsOf(event.payload), ...event };
}

function fieldsOf(value) {
  return typeof value === "object" && !Array.isArray(value) ? value : {};
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
