import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class LoopConcurrentValues extends WorkflowEntrypoint {
  async run(event, step) {
    const Each_turns = await concurrently(2, event.payload, async (item, i) => {
      let Each_output;
      const Work = await step.do(`Work [${i}]`, DEFAULTS, async () => {
        await scheduler.wait(10 * (5 - item));
        if (item === 1) return "first";
      });
      let Mark_last;
      if (item % 2) {
        const Mark = await step.do(`Mark [${i}]`, DEFAULTS, async () => {
          if (item < 3) return item;
        });
        Mark_last = { value: Mark };
        await step.do(`Seen [${i}]`, DEFAULTS, async () => {
          return Mark;
        });
      }
      const All_result = await step.do(`All [${i}]`, DEFAULTS, async () => {
        let _output = Each_output;
        return {
          value: await (async () => {
            _output = item;
          })(),
          output: _output,
        };
      });
      Each_output = All_result.output;
      const Some_result = await step.do(`Some [${i}]`, DEFAULTS, async () => {
        let _output = Each_output;
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
    const Out = await step.do("Out", DEFAULTS, async () => {
      return { work: (Work ?? "none"), mark: (Mark_last ?? "none"), output: Each.output };
    });
    return Out;
  }
}

/** Calls `turn` for each item, at most `limit` at once. After a failure no more start; the first one is thrown. */
async function concurrently(
  limit,
  items,
  turn,
) {
  const list = [...items];
  const results = [];
  const failures = new Map();
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
