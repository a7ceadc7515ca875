import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class LoopIterables extends WorkflowEntrypoint {
  async run(event, step) {
    const Chars_results = [];
    for (const [i, char] of [..."añ😀"].entries()) {
      const C = await step.do(`C [${i}]`, DEFAULTS, async () => {
        return char;
      });
      Chars_results.push(C);
    }
    const Chars = { results: Chars_results };
    const Set_2_results = [];
    for (const [i, item] of [...new Set([1, 1, 2])].entries()) {
      const S = await step.do(`S [${i}]`, DEFAULTS, async () => {
        return item;
      });
      Set_2_results.push(S);
    }
    const Set_2 = { results: Set_2_results };
    const Entries_results = [];
    for (const [i, entry] of [...Object.entries(event.payload)].entries()) {
      const E = await step.do(`E [${i}]`, DEFAULTS, async () => {
        return entry.join("=");
      });
      Entries_results.push(E);
    }
    const Entries = { results: Entries_results };
    const Out = await step.do("Out", DEFAULTS, async () => {
      return [Chars.results, Set_2.results, Entries.results];
    });
    return Out;
  }
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
