import { WorkflowEntrypoint } from "cloudflare:workers";
const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes"
};
export class TriggerCodeTypescript extends WorkflowEntrypoint {
  async run(event, step) {
    const A = await step.do("A", DEFAULTS, async () => {
      return event.payload;
    });
    return A;
  }
}
const isOrder = (value) => typeof value?.n === "number";
export default {
  async fetch(request, env, limit = Math.max(10, 5 + 5)) {
    const order = await request.json();
    if (!isOrder(order)) return new Response("bad order", { status: 422 });
    const made = await env.WORKFLOW.create({ params: { n: order.n } });
    return Response.json({ instanceId: made.id });
  },
  async queue(batch) {
    batch.ackAll();
  },
  async scheduled(controller) {
    console.log(controller.cron);
  }
};
//# sourceMappingURL=worker.js.map
