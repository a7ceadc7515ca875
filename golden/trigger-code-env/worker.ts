import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { env as shared } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<any>;
  PREFIX: string;
  REGION: string;
  SESSIONS_KV: KVNamespace;
  STAGE: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class TriggerCodeEnv extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const A = await step.do<any>("A", DEFAULTS, async () => {
      return event.payload;
    });
    return A;
  }
}

const region = () => shared.REGION;

async function seen(store, id) {
  const known = await store.get(id);
  await store.put(id, "yes");
  return known ?? "no";
}

const remember = (request, { SESSIONS_KV, PREFIX = "s" }) => seen(SESSIONS_KV, `${PREFIX}:${new URL(request.url).pathname}`);

function answer(environment, known) {
  return Response.json({ region: region(), stage: environment.STAGE, known });
}

export default {
  async fetch(request: Request, env: Env) {
    return answer(env, await remember(request, env));
  },
};
