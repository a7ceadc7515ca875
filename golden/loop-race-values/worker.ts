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

export class LoopRaceValues extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    let Quick: any;
    let Slow: any;
    let Inner: any;
    for (let i = 0; i < 2; i++) {
      const First_won = await race(step, "First", [
        async () => {
          const Quick_value = await step.do<any>(`Quick [${i}]`, DEFAULTS, async () => {
            if (i === 1) throw new NonRetryableError("too late");
            return `quick ${i}`;
          });
          const Quick = { value: Quick_value };
          return { Quick };
        },
        async () => {
          const Slow_value = await step.do<any>(`Slow [${i}]`, DEFAULTS, async () => {
            await scheduler.wait(100);
            if (i === 0) return "lost";
          });
          const Slow = { value: Slow_value };
          return { Slow };
        },
      ], ` [${i}]`);
      const Quick_found = First_won.Quick;
      if (Quick_found) {
        Quick = Quick_found.value;
      }
      const Slow_found = First_won.Slow;
      if (Slow_found) {
        Slow = Slow_found.value;
      }
      if (i === 0) {
        const Turns_turns = await concurrently(2, [1, 2].slice(i), async (item_2, j) => {
          const Inner_value = await step.do<any>(`Inner [${i}][${j}]`, DEFAULTS, async () => {
            return item_2;
          });
          const Inner = { value: Inner_value };
          return { Inner };
        });
        const Inner_found = Turns_turns.findLast((turn) => turn.Inner !== undefined)?.Inner;
        if (Inner_found) {
          Inner = Inner_found.value;
        }
      }
    }
    const Out = await step.do<any>("Out", DEFAULTS, async () => {
      return { quick: (Quick ?? "none"), slow: (Slow ?? "none"), inner: (Inner ?? "none") };
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

/** Calls `turn` for each item, at most `limit` at once. After a failure no more start; the first one is thrown. */
async function concurrently(
  limit: number,
  items: Iterable<any>,
  turn: (item: any, index: number) => Promise<any>,
): Promise<any[]> {
  const list = [...items];
  const results: any[] = [];
  const failures = new Map<number, unknown>();
  let next = 0;
  const work = async () => {
    while (next < list.length && failures.size === 0) {
      const index = next++;
      try {
        results[index] = await turn(list[index], index);
      } catch (error) {
        failures.set(index, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, list.length) }, work));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
  return results;
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
