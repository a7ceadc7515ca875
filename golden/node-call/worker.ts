import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import chat_post from "./nodes/chat_post@1.0.0.ts";

interface Env {
  WORKFLOW: Workflow<any>;
  CHAT_TOKEN: string;
  TRIGGER_TOKEN?: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class NodeCall extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const env = this.env;
    const workflow = { id: "Node-Call", name: "Node call", instanceId: event.instanceId };
    const Order = await step.do<any>("Order", DEFAULTS, async () => {
      return { id: event.payload.id, lines: [{ sku: "a" }] };
    });
    const Post = await step.do<any>(
      "Post",
      {
        retries: { limit: 2, delay: "10 seconds", backoff: "exponential" },
        timeout: "30 seconds",
      },
      async (ctx) => chat_post({
        config: {
          token: env.CHAT_TOKEN,
          channel: "#orders",
          text: `Order ${Order.id}: ${Order.lines.length} lines`,
          level: "alarm",
          tags: ["a"],
          extra: { lines: Order.lines, first: [Order.lines[0].sku] },
        },
        inputs: { by: event.payload.by },
        env,
        workflow,
        attempt: ctx.attempt,
        idempotencyKey: await keyOf(event, ctx),
      }),
    );
    const Out = await step.do<any>("Out", DEFAULTS, async () => {
      return { id: Post.id, whole: Post };
    });
    return Out;
  }
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
