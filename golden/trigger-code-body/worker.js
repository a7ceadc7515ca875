import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class TriggerCodeBody extends WorkflowEntrypoint {
  async run(event, step) {
    const A = await step.do("A", DEFAULTS, async () => {
      return event.payload;
    });
    return A;
  }
}

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (request.method === "POST") {
      const instance = await env.WORKFLOW.create({ params: { n: Number(url.searchParams.get("n")) } });
      return Response.json({ instanceId: instance.id });
    }
    return new Response(`${env.GREETING} \`there\``, { status: 202 });
  },
};
//# sourceMappingURL=worker.js.map
