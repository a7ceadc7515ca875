import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { createHash } from "node:crypto";
import { env as globalEnv } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<any>;
  ORDERS_QUEUE: Queue<any>;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class TriggerCodeDeclarations extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const A = await step.do<any>("A", DEFAULTS, async () => {
      return [event.payload.at, createHash("md5").update("x").digest("hex").slice(0, 4)];
    });
    return A;
  }
}

const PATTERN = /^\/orders\/(\d+)[/)}]?$/; // a brace } in a regex
const page = `<p>
    two
  ${PATTERN.source.length > 3 ? `nested ${"}"}` : ""}
</p>`;

function sha(text) {
  return createHash("sha256").update(text).digest("hex").length;
}

export default {
  async fetch(req: Request, { ORDERS_QUEUE, WORKFLOW }: Env, context = {}) {
    const found = PATTERN.exec(new URL(req.url).pathname);
    if (!found) return new Response(page, { headers: { "content-type": "text/html", "x-sha": String(sha("a")) } });
    return ORDERS_QUEUE.send({ order: Number(found[1]) }).then(() => Response.json({ queued: found[1] }));
  },
  async queue(batch: MessageBatch<any>, env: Env) {
    for (const message of batch.messages) {
      await fetch("https://api.test/consumed", { method: "POST", body: JSON.stringify({ queue: batch.queue, ...message.body }) });
      message.ack();
    }
  },
  async scheduled(controller: ScheduledController, env: Env) {
    return env.WORKFLOW.create({ params: { at: controller.cron } });
  },
};
