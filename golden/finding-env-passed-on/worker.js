import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class Finding extends WorkflowEntrypoint {
  async run(event, step) {
    const A = await step.do("A", DEFAULTS, async () => {
      return event.payload;
    });
    return A;
  }
}

const routes = { "/": (request, { GREETING }) => new Response(GREETING) };

export default {
  async fetch(request, env) {
    return routes[new URL(request.url).pathname](request, env);
  },
};
//# sourceMappingURL=worker.js.map
