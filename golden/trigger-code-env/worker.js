import { WorkflowEntrypoint } from "cloudflare:workers";
import { env as shared } from "cloudflare:workers";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class TriggerCodeEnv extends WorkflowEntrypoint {
  async run(event, step) {
    const A = await step.do("A", DEFAULTS, async () => {
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
  async fetch(request, env) {
    return answer(env, await remember(request, env));
  },
};
//# sourceMappingURL=worker.js.map
