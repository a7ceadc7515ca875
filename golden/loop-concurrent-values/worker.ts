import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<any>;
  TRIGGER_TOKEN?: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class LoopConcurrentValues extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const Each_turns = await concurrently(2, event.payload, async (item, i) => {
      let Each_output: any;
      const Work = await step.do<any>(`Work [${i}]`, DEFAULTS, async () => {
        await scheduler.wait(10 * (5 - item));
        if (item === 1) return "first";
      });
      let Mark_last: any;
      if (item % 2) {
        const Mark = await step.do<any>(`Mark [${i}]`, DEFAULTS, async () => {
          if (item < 3) return item;
        });
        Mark_last = { value: Mark };
        await step.do<any>(`Seen [${i}]`, DEFAULTS, async () => {
          return Mark;
        });
      }
      const All_result = await step.do<any>(`All [${i}]`, DEFAULTS, async () => {
        let _output: any = Each_output;
        return {
          value: await (async () => {
            _output = item;
          })(),
          output: _output,
        };
      });
      Each_output = All_result.output;
      const Some_result = await step.do<any>(`Some [${i}]`, DEFAULTS, async () => {
        let _output: any = Each_output;
        return {
          value: await (async () => {
            if (item > 1) _output = item * 10;
          })(),
          output: _output,
        };
      });
      Each_output = Some_result.output;
      return { Work, Mark_last, Each_output };
    });
    const Each_output = Each_turns.findLast((turn) => turn.Each_output !== undefined)?.Each_output;
    const Work = Each_turns.at(-1)?.Work;
    const Mark_last = Each_turns.findLast((turn) => turn.Mark_last !== undefined)?.Mark_last?.value;
    const Each = { output: Each_output };
    const Out = await step.do<any>("Out", DEFAULTS, async () => {
      return { work: (Work ?? "none"), mark: (Mark_last ?? "none"), output: Each.output };
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
