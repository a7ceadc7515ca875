import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import keyed_2 from "./nodes/keyed@1.0.0.ts";

interface Env {
  WORKFLOW: Workflow<any>;
  TRIGGER_TOKEN?: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class NodeInLoop extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const env = this.env;
    const workflow_2 = { id: "Node-In-Loop", name: "Node in loop", instanceId: event.instanceId };
    const workflow = await step.do<any>("workflow", DEFAULTS, async () => {
      return 'w';
    });
    const Each_results = await concurrently(2, [1, 2], async (item, i) => step.do<any>(
      `keyed [${i}]`,
      {
        retries: { limit: 0, delay: "10 seconds", backoff: "exponential" },
        timeout: "10 minutes",
      },
      async (ctx) => keyed_2({
        config: { item },
        inputs: {},
        env,
        workflow: workflow_2,
        attempt: ctx.attempt,
        idempotencyKey: await keyOf(event, ctx),
      }),
    ));
    const Each = { results: Each_results };
    const Par = valuesOf(await Promise.allSettled([
      step.do<any>(
        "L",
        {
          retries: { limit: 0, delay: "10 seconds", backoff: "exponential" },
          timeout: "10 minutes",
        },
        async (ctx) => keyed_2({
          config: { item: 1 },
          inputs: {},
          env,
          workflow: workflow_2,
          attempt: ctx.attempt,
          idempotencyKey: await keyOf(event, ctx),
        }),
      ),
      step.do<any>(
        "R",
        {
          retries: { limit: 1, delay: "1 second", backoff: "exponential" },
          timeout: "10 minutes",
        },
        async (ctx) => keyed_2({
          config: { item: workflow },
          inputs: {},
          env,
          workflow: workflow_2,
          attempt: ctx.attempt,
          idempotencyKey: await keyOf(event, ctx),
        }),
      ),
    ]));
    const Out = await step.do<any>("Out", DEFAULTS, async () => {
      return { each: Each.results, par: Par };
    });
    return Out;
  }
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

/** The values of arms that all succeeded; else the first error, in the order of the arms. */
function valuesOf(outcomes: PromiseSettledResult<any>[]): any {
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}

/** A key that is the same on every attempt of a step. It does not tell the instance's id. */
async function keyOf(event: { instanceId: string }, ctx: any): Promise<string> {
  const text = new TextEncoder().encode(`${event.instanceId}\n${ctx.step.name}`);
  const hash: any = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return hash.toHex();
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
