import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<any>;
  TRIGGER_TOKEN?: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class NamesReserved extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const class_2 = await step.do<any>("class", DEFAULTS, async () => {
      return 1;
    });
    const await_2 = await step.do<any>("await", DEFAULTS, async () => {
      return 2;
    });
    const fetch_2 = await step.do<any>("fetch", DEFAULTS, async () => {
      return typeof fetch;
    });
    const Promise_2 = await step.do<any>("Promise", DEFAULTS, async () => {
      return Promise.resolve(4);
    });
    const step_2 = await step.do<any>("step", DEFAULTS, async () => {
      return 5;
    });
    const event_2 = await step.do<any>("event", DEFAULTS, async () => {
      return 6;
    });
    const env_2 = await step.do<any>("env", DEFAULTS, async () => {
      return 7;
    });
    const run = await step.do<any>("run", DEFAULTS, async () => {
      return 8;
    });
    const err_2 = await step.do<any>("err", DEFAULTS, async () => {
      return 9;
    });
    const _output_2 = await step.do<any>("_output", DEFAULTS, async () => {
      return 10;
    });
    const k = await step.do<any>("!!!", DEFAULTS, async () => {
      return 11;
    });
    const l = await step.do<any>("???", DEFAULTS, async () => {
      return 12;
    });
    const class_3 = await step.do<any>("class (m)", DEFAULTS, async () => {
      return 13;
    });
    const DEFAULTS_2 = await step.do<any>("DEFAULTS", DEFAULTS, async () => {
      return 14;
    });
    const request_2 = await step.do<any>("request", DEFAULTS, async () => {
      return 15;
    });
    const _1_two_three = await step.do<any>("1 two  three", DEFAULTS, async () => {
      return 16;
    });
    const Größe_価格 = await step.do<any>("Größe × 価格", DEFAULTS, async () => {
      return 17;
    });
    const undefined_2 = await step.do<any>("undefined", DEFAULTS, async () => {
      return 18;
    });
    const arguments_2 = await step.do<any>("arguments", DEFAULTS, async () => {
      return 19;
    });
    const out = await step.do<any>("out", DEFAULTS, async () => {
      return [class_2, await_2, fetch_2, Promise_2, step_2, event_2, env_2, run, err_2, _output_2, k, l, class_3, DEFAULTS_2, request_2, _1_two_three, Größe_価格, undefined_2, arguments_2, Größe_価格, _1_two_three];
    });
    return out;
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
