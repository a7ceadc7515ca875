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

export class RaceFailingArmLoses extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const First = await race(step, "First", [
      async () => step.do<any>("Bad", DEFAULTS, async () => {
        throw new NonRetryableError("bad");
      }),
      async () => step.do<any>("Good", DEFAULTS, async () => {
        await scheduler.wait(40);
        return "good";
      }),
    ]);
    const Out = await step.do<any>("Out", DEFAULTS, async () => {
      return First;
    });
    return Out;
  }
}

/** Starts all arms and goes on with the first that succeeds. A step keeps which it was, for every replay. */
async function race(
  step: WorkflowStep,
  name: string,
  arms: (() => Promise<any>)[],
  turn = "",
): Promise<any> {
  const running = arms.map((arm) => arm());
  const first = await Promise.any(running.map((arm, index) => arm.then(() => index))).catch((failed) => {
    throw new Error(`${name}: every arm failed: ${failed.errors.map(messageOf).join("; ")}`);
  });
  return running[await step.do(`${name}: winner${turn}`, DEFAULTS, async () => first)];
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
