import { WorkflowEntrypoint } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class SubWorkflowFailing extends WorkflowEntrypoint {
  async run(event, step) {
    const env = this.env;
    const Twice_results = [];
    for (let i = 0; i < 2; i++) {
      let Guard;
      try {
        const Child = await runChild(step, "Child", env.CHECK_CHILD, { id: event.payload }, 300000, ` [${i}]`);
        Guard = await step.do(`Ok [${i}]`, DEFAULTS, async () => {
          return Child.output;
        });
      } catch (err) {
        Guard = await step.do(`Failed [${i}]`, DEFAULTS, async () => {
          return err.message;
        });
      }
      Twice_results.push(Guard);
    }
    const Twice = { results: Twice_results };
    const Out = await step.do("Out", DEFAULTS, async () => {
      return Twice.results;
    });
    return Out;
  }
}

/** Starts an instance of another workflow and polls it to its end; `timeout` counts the sleeps between. */
async function runChild(
  step,
  name,
  workflow,
  params,
  timeout,
  turn = "",
) {
  const { instanceId } = await startChild(step, name, workflow, params, turn);
  for (let k = 1, pause = 1000, waited = 0; ; k++, pause = Math.min(pause * 2, 5 * 60 * 1000)) {
    const child = await step.do(`${name}: status${turn || " "}[${k}]`, DEFAULTS, async () => {
      const instance = await workflow.get(instanceId);
      const { status, output, error } = await instance.status();
      return { status, output, error };
    });
    if (child.status === "complete") return { instanceId, output: child.output };
    if (child.status === "errored" || child.status === "terminated") {
      throw new Error(`${name}: ${instanceId} ${child.status}: ${child.error?.message ?? "no message"}`);
    }
    if (waited >= timeout) throw new Error(`${name}: ${instanceId} did not end in ${timeout / 1000} s`);
    const nap = Math.min(pause, timeout - waited);
    await step.sleep(`${name}: part ${k}${turn}`, nap);
    waited += nap;
  }
}

/** Starts an instance of another workflow. A step draws the id, so that a retry starts no second one. */
async function startChild(
  step,
  name,
  workflow,
  params,
  turn = "",
) {
  const instanceId = await step.do(`${name}: id${turn}`, DEFAULTS, async () =>
    crypto.randomUUID(),
  );
  await step.do(`${name}: create${turn}`, DEFAULTS, async () => {
    try {
      await workflow.create({ id: instanceId, params });
    } catch (error) {
      if (!/\binstance\.already_exists\b/.test(messageOf(error))) throw error;
    }
  });
  return { instanceId };
}

/** Whether a request carries the token. Digests are compared, which have one length, in a time that tells nothing. */
async function authorized(request, token) {
  const given = /^bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (!given) return false;
  const digest = (text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(token));
}

function messageOf(error) {
  return error?.message ?? String(error);
}

export default {
  async fetch(request, env) {
    try {
      if (env.TRIGGER_TOKEN !== undefined && !(await authorized(request, env.TRIGGER_TOKEN))) {
        return Response.json({ message: "A bearer token is needed" }, { status: 401 });
      }
      const url = new URL(request.url);
      if (request.method === "POST") {
        const body = await request.json().catch(() => undefined);
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
};
//# sourceMappingURL=worker.js.map
