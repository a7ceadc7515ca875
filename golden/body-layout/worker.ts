import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<any>;
  TRIGGER_TOKEN?: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class BodyLayout extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const Text = await step.do<any>("Text", DEFAULTS, async () => {
      const name = "Ada";
        // indented comment
        return `Dear ${name},
  two spaces
	tab

end`; // done

    });
    const Regex = await step.do<any>("Regex", DEFAULTS, async () => {
      const re = /[`'"/]\/\*$|[${}]/g; /* block
         comment */
      const div = 4 / 2 / 1;
      return ["`'".match(re)?.length ?? 0, div, /}/.test("}")];
    });
    if (Text.length > 3 // why not
    ) {
      await step.do<any>("Yes", DEFAULTS, async () => {
        return {
          text: Text,
          regex: Regex,
        }
      });
    } else {
      await step.do<any>("No", DEFAULTS, async () => {
        return "no";
      });
    }
    const Each_results: any[] = [];
    for (const [i, item] of [1, 2] /* all */.entries()) {
      const Inner = await step.do<any>(`Inner [${i}]`, DEFAULTS, async () => {
        return `row
  ${item}`
      });
      Each_results.push(Inner);
    }
    const Each = { results: Each_results };
    const Last = await step.do<any>("Last", DEFAULTS, async () => {
      return Each.results; // the end

    });
    return Last;
  }
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
