import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<any>;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class TriggerCodeTypescript extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const A = await step.do<any>("A", DEFAULTS, async () => {
      return event.payload;
    });
    return A;
  }
}

interface Order {
  n: number;
}

const isOrder = (value: unknown): value is Order => typeof (value as Order)?.n === "number";

export default {
  async fetch(request: Request, env: Env, limit: number = Math.max(10, (5 + 5))): Promise<Response> {
    const order = (await request.json()) as unknown;
    if (!isOrder(order)) return new Response("bad order" satisfies string, { status: 422 });
    const made = await env.WORKFLOW.create({ params: { n: order.n! } });
    return Response.json({ instanceId: made.id });
  },
  async queue(batch: MessageBatch<Order>): Promise<void> {
    batch.ackAll();
  },
  async scheduled(controller: ScheduledController): Promise<Promise<void> | void> {
    console.log(controller.cron);
  },
};
