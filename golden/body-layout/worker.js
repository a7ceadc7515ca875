import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class BodyLayout extends WorkflowEntrypoint {
  async run(event, step) {
    const Text = await step.do("Text", DEFAULTS, async () => {
      const name = "Ada";
        // indented comment
        return `Dear ${name},
  two spaces
	tab

end`; // done

    });
    const Regex = await step.do("Regex", DEFAULTS, async () => {
      const re = /[`'"/]\/\*$|[${}]/g; /* block
         comment */
      const div = 4 / 2 / 1;
      return ["`'".match(re)?.length ?? 0, div, /}/.test("}")];
    });
    if (Text.length > 3 // why not
    ) {
      await step.do("Yes", DEFAULTS, async () => {
        return {
          text: Text,
          regex: Regex,
        }
      });
    } else {
      await step.do("No", DEFAULTS, async () => {
        return "no";
      });
    }
    const Each_results = [];
    for (const [i, item] of [1, 2] /* all */.entries()) {
      const Inner = await step.do(`Inner [${i}]`, DEFAULTS, async () => {
        return `row
  ${item}`
      });
      Each_results.push(Inner);
    }
    const Each = { results: Each_results };
    const Last = await step.do("Last", DEFAULTS, async () => {
      return Each.results; // the end

    });
    return Last;
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
