import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class LoopDeep extends WorkflowEntrypoint {
  async run(event, step) {
    let Outer;
    let Rescue;
    const [, Side] = valuesOf(await Promise.allSettled([
      (async () => {
        try {
          const Outer_results = [];
          for (const [i, letter] of ["x", "y"].entries()) {
            const Inner_results = [];
            for (let n = 0; n < 3; n++) {
              if (n === 2) {
                Inner_results.push(undefined);
                break;
              }
              let Mark;
              let Work;
              if (n === 0) {
                Mark = await step.do(`Mark [${i}][${n}]`, DEFAULTS, async () => {
                  return `first ${letter}`;
                });
              } else {
                Work = await step.do(`Work [${i}][${n}]`, DEFAULTS, async () => {
                  if (event.payload.fail && letter === "y" && n === 1) throw new NonRetryableError("y1");
                  return letter + n;
                });
              }
              const Log = await step.do(`Log [${i}][${n}]`, DEFAULTS, async () => {
                return (Mark ?? "-") + "/" + (Work ?? "-");
              });
              Inner_results.push(Log);
            }
            const Inner = { results: Inner_results };
            Outer_results.push(Inner);
          }
          Outer = { results: Outer_results };
        } catch (err) {
          Rescue = await step.do("Rescue", DEFAULTS, async () => {
            return `caught ${err.message}`;
          });
        }
      })(),
      step.do("Side", DEFAULTS, async () => {
        return "side";
      }),
    ]));
    const Join = await step.do("Join", DEFAULTS, async () => {
      return [(Outer?.results ?? "none"), (Rescue ?? "none"), Side];
    });
    return Join;
  }
}

/** The values of arms that all succeeded; else the first error, in the order of the arms. */
function valuesOf(outcomes) {
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
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
