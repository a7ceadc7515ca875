import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<any>;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class Finding extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const A = await step.do<any>("A", DEFAULTS, async () => {
      return event.payload;
    });
    return A;
  }
}

const routes = { "/": (request, { GREETING }) => new Response(GREETING) };

export default {
  async fetch(request: Request, env: Env) {
    return routes[new URL(request.url).pathname](request, env);
  },
};
