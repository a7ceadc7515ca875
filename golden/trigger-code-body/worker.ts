import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<any>;
  GREETING: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class TriggerCodeBody extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const A = await step.do<any>("A", DEFAULTS, async () => {
      return event.payload;
    });
    return A;
  }
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext) {
    const url = new URL(request.url);
    if (request.method === "POST") {
      const instance = await env.WORKFLOW.create({ params: { n: Number(url.searchParams.get("n")) } });
      return Response.json({ instanceId: instance.id });
    }
    return new Response(`${env.GREETING} \`there\``, { status: 202 });
  },
};
