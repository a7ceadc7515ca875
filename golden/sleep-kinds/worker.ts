import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

interface Env {
  WORKFLOW: Workflow<any>;
  TRIGGER_TOKEN?: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class SleepKinds extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    await step.sleep("Text", "90 minutes");
    await step.sleep("Number", 1500);
    await step.sleep("Whole", durationOf("Whole", event.payload.ms));
    await step.sleep("Part", durationOf("Part", `${event.payload.days} days`));
    await step.sleep("Inside", durationOf("Inside", `${event.payload.days * 2} hours`));
    const End = await step.do<any>("End", DEFAULTS, async () => {
      return "awake";
    });
    return End;
  }
}

/** The milliseconds of a duration that is known only now. The engine would wait for ever for one that is none. */
function durationOf(name: string, duration: any) {
  const day = 24 * 60 * 60;
  const seconds: Record<string, number> = {
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

/** Whether a request carries the token. Digests are compared, which have one length, in a time that tells nothing. */
async function authorized(request: Request, token: string) {
  const given = /^bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (!given) return false;
  const digest = (text: string) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(token));
}

function messageOf(error: any): string {
  return error?.message ?? String(error);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      if (env.TRIGGER_TOKEN !== undefined && !(await authorized(request, env.TRIGGER_TOKEN))) {
        return Response.json({ message: "A bearer token is needed" }, { status: 401 });
      }
      const url = new URL(request.url);
      if (request.method === "POST") {
        const body: any = await request.json().catch(() => undefined);
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
} satisfies ExportedHandler<Env>;
